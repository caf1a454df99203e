"""What is used in a catalog is declared in it, and what levels make together can be started."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.catalog.model import CatalogFault
from e2xhub.domain.offers import Registry
from e2xhub.domain.roles import HubKind
from tests.domain.catalog.small_catalog import TERM, WRITTEN, faults_with, mount
from tests.domain.universities import catalogs, moments, rosters


def test_catalog_whose_names_are_declared_has_no_faults() -> None:
    assert faults_with() == []


@pytest.mark.parametrize(
    ("key", "value", "place", "message"),
    [
        (
            "defaults.image",
            "two",
            ("defaults", "image"),
            "image 'two' is not declared; expected one of: one",
        ),
        (
            "courses.ml.sizes",
            ["small", "big"],
            ("courses", "ml", "sizes", "1"),
            "size 'big' is not declared; expected one of: small",
        ),
        (
            "courses.ml.terms.WS26.sizes",
            [],
            (*TERM, "sizes"),
            "sizes is empty; expected at least one, or no key",
        ),
        (
            "courses.ml.mounts",
            {"home": mount(volume="nfs")},
            ("courses", "ml", "mounts", "home", "volume"),
            "volume 'nfs' is not declared; expected one of: files",
        ),
        (
            "exams.pz.course",
            "db",
            ("exams", "pz", "course"),
            "course 'db' is not declared; expected one of: ml",
        ),
        (
            "exams.pz.term",
            "SS27",
            ("exams", "pz", "term"),
            "term 'SS27' is not declared; expected one of: WS26",
        ),
        (
            "exams.pz.rooms",
            ["lab", "hall"],
            ("exams", "pz", "rooms", "1"),
            "room 'hall' is not declared; expected one of: lab",
        ),
        (
            "courses.exams",
            {"title": "x"},
            ("courses", "exams"),
            "the course id 'exams' stands for the exams themselves; choose another id",
        ),
    ],
)
def test_value_that_fits_nothing_is_a_fault_at_its_place(
    key: str, value: Any, place: tuple[str, ...], message: str
) -> None:
    assert faults_with((key, value)) == [CatalogFault(place=place, message=message)]


@pytest.mark.parametrize("key", ["image", "sizes"])
def test_essential_that_no_level_sets_is_a_fault_of_each_innermost_level(key: str) -> None:
    message = f"no level sets {key!r}; set it here or in 'defaults'"
    assert faults_with((f"defaults.{key}", None)) == [
        CatalogFault(place=TERM, message=message),
        CatalogFault(place=("exams", "pz"), message=message),
    ]


@pytest.mark.parametrize("level", ["defaults", "courses.ml", "courses.ml.terms.WS26"])
def test_field_exam_in_the_home_of_a_course_is_a_fault(level: str) -> None:
    assert faults_with((f"{level}.home", "/home/{exam}")) == [
        CatalogFault(
            place=(*level.split("."), "home"),
            message="'/home/{exam}' uses {exam}, which a course has not; "
            "expected it at the exam only",
        )
    ]


def test_field_exam_in_the_home_of_an_exam_is_no_fault() -> None:
    assert faults_with(("exams.pz.home", "/home/{exam}")) == []


@pytest.mark.parametrize("hubs", [["assignment", "grading"], ["exam", "grading"], []])
def test_field_exam_in_a_mount_of_a_course_is_a_fault(hubs: list[str]) -> None:
    mounts = {"home": mount(path="{exam}", hubs=hubs)}
    assert faults_with(("courses.ml.mounts", mounts)) == [
        CatalogFault(
            place=("courses", "ml", "mounts", "home", "path"),
            message="'{exam}' uses {exam}, which a course has not; "
            "expected 'hubs: [exam]' beside it",
        )
    ]


@pytest.mark.parametrize("key", ["defaults.mounts.home", "exams.pz.mounts.home"])
def test_field_exam_may_be_used_where_there_is_always_an_exam(key: str) -> None:
    assert faults_with((key, mount(path="tasks/{exam}", hubs=["exam"]))) == []


def test_mounts_that_want_the_same_place_are_a_fault() -> None:
    changes = (
        ("defaults.mounts.home", mount(mount_at="/srv/{course}")),
        ("courses.ml.mounts", {"data": mount(mount_at="/srv/ml/")}),
    )
    message = "mounts 'home' and 'data' both want /srv/ml; expected different places"
    assert faults_with(*changes) == [CatalogFault(place=TERM, message=message)]


def test_mounts_of_different_roles_or_hubs_may_want_the_same_place() -> None:
    changes = (
        ("defaults.mounts.home", mount()),
        ("defaults.mounts.graders", mount(access={"read_write": ["grader"]})),
        ("defaults.mounts.exam", mount(hubs=["exam"])),
    )
    assert faults_with(*changes) == []


@pytest.mark.parametrize(
    "work",
    [
        None,
        mount(hubs=["exam"]),
        mount(access={"read_write": ["student"]}),
        mount(access={"read_write": ["grader"]}, hubs=["exam"]),
    ],
    ids=["no mount", "read only", "on other hubs only", "written by others only"],
)
def test_exam_that_would_lose_the_work_of_its_examinees_is_a_fault(
    work: dict[str, Any] | None,
) -> None:
    message = (
        "examinees have no directory that lasts, so their work would end with their server; "
        "add a mount with 'hubs: [exam]' and 'access: {read_write: [student]}', "
        "here or in 'defaults'"
    )
    assert faults_with(("defaults.mounts.work", work)) == [
        CatalogFault(place=("exams", "pz"), message=message)
    ]


@pytest.mark.parametrize("level", ["courses.ml", "courses.ml.terms.WS26", "exams.pz"])
def test_directory_that_lasts_may_be_set_at_any_level(level: str) -> None:
    work = mount(path="x/{username}", access={"read_write": ["student"]}, hubs=["exam"])
    changes = (("defaults.mounts.work", None), (f"{level}.mounts", {"work": work}))
    assert faults_with(*changes) == []


@pytest.mark.parametrize(
    ("key", "value", "place", "names"),
    [
        ("courses.ML", {"title": "x", "terms": {}}, ("courses", "ML"), ("ML", "ml")),
        (
            "courses.ml.terms.ws26",
            {"start": "2026-10-01", "end": "2027-03-31"},
            ("courses", "ml", "terms", "ws26"),
            ("ws26", "WS26"),
        ),
        ("exams.PZ", WRITTEN["exams"]["pz"], ("exams", "PZ"), ("PZ", "pz")),
    ],
)
def test_ids_that_differ_in_case_alone_are_a_fault(
    key: str, value: object, place: tuple[str, ...], names: tuple[str, str]
) -> None:
    assert faults_with((key, value)) == [
        CatalogFault(
            place=place,
            message=f"{names[0]!r} and {names[1]!r} would share directories where file systems "
            "ignore case; expected ids that differ in more",
        )
    ]


def test_exam_in_which_all_write_to_one_directory_is_a_fault() -> None:
    work = mount(access={"read_write": ["student"]}, hubs=["exam"])
    (fault,) = faults_with(("defaults.mounts.work", work))
    assert fault.message == (
        "all examinees would write to one directory (mount 'work', 'x'); expected {username} in "
        "its path"
    )


@settings(max_examples=60)
@given(catalogs, rosters, st.sampled_from(HubKind), moments)
def test_catalog_without_faults_offers_something_or_refuses_it(
    catalog: Catalog, roster: Any, hub: HubKind, now: Any
) -> None:
    registry = Registry(catalog=catalog, roster=roster, hub=hub)
    for username in roster.usernames:
        listed = registry.offers_for(username, now)
        assert all(offer.server.sizes and offer.server.image for offer in listed.offers)
