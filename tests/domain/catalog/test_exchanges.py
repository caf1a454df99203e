"""nbgrader's directories among the others of a catalog: nobody shares, nobody reaches solutions."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.catalog.references import check_references
from tests.domain.catalog.small_catalog import WRITTEN

EXCHANGE: dict[str, Any] = {"volume": "files", "exchange": "exchanges/{course}/{term}"}


def faults(written: dict[str, Any]) -> list[tuple[str, str]]:
    """Place and message of each fault."""
    found = check_references(Catalog.model_validate(written))
    return [(".".join(fault.place), fault.message) for fault in found]


def university(**changes: Any) -> dict[str, Any]:
    """Two terms of one course, and two exams; nbgrader in all courses."""
    written = deepcopy(WRITTEN)
    terms = written["courses"]["ml"]["terms"]
    terms["SS27"] = {"start": "2027-04-01", "end": "2027-09-30"}
    written["exams"]["pz2"] = deepcopy(written["exams"]["pz"])
    written["defaults"]["nbgrader"] = {**EXCHANGE, **changes}
    return written


def test_exchange_for_each_term_is_no_fault() -> None:
    assert faults(university(course_directory="courses/{course}")) == []


def test_two_terms_share_no_exchange() -> None:
    assert faults(university(exchange="exchanges/{course}")) == [
        (
            "defaults.nbgrader.exchange",
            "'exchanges/ml', the exchange of courses.ml.terms.WS26, is, or lies in, that of "
            "courses.ml.terms.SS27; expected one for each: {course} and {term} in the path, for "
            "an exam {exam}",
        )
    ]


@pytest.mark.parametrize(
    ("first", "second", "faulty"),
    [
        ("nbgrader/{course}/{term}", "nbgrader/{course}/{term}", ["exams.pz2.nbgrader.exchange"]),
        ("nbgrader/all", "nbgrader/all/pz2", ["exams.pz2.nbgrader.exchange"]),
        ("nbgrader/{exam}", "nbgrader/{exam}", []),
        ("nbgrader/one", "nbgrader/other", []),
    ],
)
def test_two_exam_periods_share_no_exchange(first: str, second: str, faulty: list[str]) -> None:
    written = university()
    for exam, path in (("pz", first), ("pz2", second)):
        written["exams"][exam]["nbgrader"] = {
            "volume": "files",
            "exchange": path,
            "hubs": ["exam"],
        }
    assert [place for place, _ in faults(written)] == faulty


def test_exam_does_not_share_the_exchange_of_its_course() -> None:
    written = university()
    written["exams"]["pz"]["nbgrader"] = {**EXCHANGE, "hubs": ["exam"]}
    assert [place for place, _ in faults(written)] == ["exams.pz.nbgrader.exchange"]


def test_students_reach_no_solutions() -> None:
    written = university(course_directory="courses/{course}/{term}")
    written["courses"]["ml"]["mounts"] = {
        "share": {
            "volume": "files",
            "path": "courses/{course}",
            "mount_at": "/srv/share",
            "access": {"read_only": ["student"]},
        }
    }
    assert faults(written) == [
        (
            "courses.ml.mounts.share.path",
            "students would reach what graders keep: 'courses/{course}' and "
            "'courses/{course}/{term}' may lie in each other; expected paths that begin "
            "differently, such as 'shares/…' and 'homes/…'",
        )
    ]


@pytest.mark.parametrize("path", ["exchanges", "exchanges/ml/WS26/personalized-inbound"])
def test_students_reach_no_others_submissions_by_another_mount(path: str) -> None:
    written = university()
    written["courses"]["ml"]["data_sets"] = {"all": {"volume": "files", "path": path}}
    assert [place for place, _ in faults(written)] == ["courses.ml.data_sets.all.path"]


def test_mount_and_exchange_want_different_places() -> None:
    written = university()
    written["courses"]["ml"]["data_sets"] = {
        "old": {
            "volume": "files",
            "path": "old",
            "mount_at": "/srv/nbgrader/exchange/{course}-{term}/outbound",
        }
    }
    place, message = faults(written)[0]
    assert place == "courses.ml.terms.WS26"
    assert message == (
        "mounts 'data_sets/old' and 'nbgrader/outbound' both want "
        "/srv/nbgrader/exchange/ml-WS26/outbound; expected different places"
    )


@pytest.mark.parametrize(
    ("changes", "place", "message"),
    [
        (
            {"volume": "nowhere"},
            "defaults.nbgrader.volume",
            "volume 'nowhere' is not declared; expected one of: files",
        ),
        (
            {"course_volume": "nowhere"},
            "defaults.nbgrader.course_volume",
            "volume 'nowhere' is not declared; expected one of: files",
        ),
        (
            {"exchange": "exchanges/{exam}"},
            "defaults.nbgrader.exchange",
            "'exchanges/{exam}' uses {exam}, which a course has not; expected 'hubs: [exam]' "
            "beside it",
        ),
    ],
)
def test_name_that_is_missing_is_a_fault(changes: dict[str, str], place: str, message: str) -> None:
    assert faults(university(**changes)) == [(place, message)]
