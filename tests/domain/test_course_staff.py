"""Who sees and changes the members of a term: a table, and what is never possible."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.course_staff import (
    Management,
    ReadOnlyReason,
    courses_of_staff,
    decide_management,
)
from e2xhub.domain.offers import Registry, ServedPart
from e2xhub.domain.roles import COURSE_ROLES, HubKind, Role
from e2xhub.domain.roster import Roster
from e2xhub.domain.roster_rows import parse_membership
from e2xhub.domain.staff import memberships_of_staff
from e2xhub.storage.registry import ALL

NOW = datetime(2026, 11, 2, 10, tzinfo=timezone.utc)
MATHS: dict[str, Any] = {
    "title": "Maths",
    "staff": {"instructor": ["ida"]},
    "terms": {
        "WS26": {"start": "2026-10-01", "end": "2027-03-31"},
        "WS25": {"start": "2025-10-01", "end": "2026-03-31"},
        "SS26": {"start": "2026-04-01", "end": "2026-09-30", "archive_days": 60},
    },
}


def school(
    *rows: str,
    served: ServedPart = ALL,
    hub: HubKind = HubKind.ASSIGNMENT,
    defaults: dict[str, Any] | None = None,
    **keys: Any,
) -> Registry:
    """Maths in three terms; `rows` are `name term role`, `keys` belong to the course."""
    catalog = Catalog.model_validate(
        {
            "university": "Small School",
            "images": {"notebook": {"name": "registry.example.org/notebook:1"}},
            "sizes": {"small": {"title": "Small", "memory": "1G", "cpu": 1}},
            "groups": [{"pattern": "teachers-{term}", "course": "maths", "role": "instructor"}],
            "defaults": {"image": "notebook", "sizes": ["small"], **(defaults or {})},
            "courses": {
                "maths": {**MATHS, **keys},
                "physics": {"title": "Physics", "terms": MATHS["terms"]},
            },
        }
    )
    cells = (dict(zip(("username", "term", "role"), row.split(), strict=True)) for row in rows)
    listed = Roster(parse_membership({"course": "maths", **row}, catalog) for row in cells)
    return Registry(
        catalog=catalog,
        roster=listed.including(memberships_of_staff(catalog)),
        hub=hub,
        served=served,
    )


def decide(registry: Registry, username: str, term: str = "WS26", **groups: Any) -> Management:
    asked = groups.get("groups", ())
    return decide_management(registry, username, asked, "maths", term, NOW)


ALL_BUT_INSTRUCTORS = {Role.STUDENT, Role.GRADER, Role.OBSERVER}


@pytest.mark.parametrize("hub", [HubKind.ASSIGNMENT, HubKind.GRADING])
@pytest.mark.parametrize(
    ("row", "may_change", "reason"),
    [
        ("ivo WS26 instructor", ALL_BUT_INSTRUCTORS, None),
        ("ivo WS26 grader", set(), ReadOnlyReason.NOT_INSTRUCTOR),
        ("ivo WS26 observer", set(), ReadOnlyReason.NOT_INSTRUCTOR),
    ],
)
def test_staff_sees_members_and_instructors_change_them(
    row: str, may_change: set[Role], reason: ReadOnlyReason | None, hub: HubKind
) -> None:
    found = decide(school(row, hub=hub), "ivo")
    assert found.is_visible
    assert (found.may_change, found.read_only_reason) == (may_change, reason)
    assert found.withheld.keys() == COURSE_ROLES - may_change


@pytest.mark.parametrize(
    ("row", "term"),
    [
        ("ivo WS26 student", "WS26"),
        ("ivo WS25 instructor", "WS26"),
        ("eve WS26 instructor", "WS26"),
        ("ivo WS26 instructor", "WS99"),
    ],
)
def test_for_all_others_the_term_does_not_exist(row: str, term: str) -> None:
    assert decide(school(row), "ivo", term) == Management(is_visible=False)


def test_course_that_does_not_exist_is_visible_to_nobody() -> None:
    found = decide_management(school("ivo WS26 instructor"), "ivo", (), "../maths", "WS26", NOW)
    assert found == Management(is_visible=False)


@pytest.mark.parametrize(
    "served",
    [ServedPart(courses=frozenset({"physics"})), ServedPart(terms=frozenset({"SS26"}))],
)
def test_what_the_hub_does_not_serve_does_not_exist(served: ServedPart) -> None:
    registry = school("ivo WS26 instructor", served=served)
    assert decide(registry, "ivo") == Management(is_visible=False)
    assert not [it for it in courses_of_staff(registry, "ivo", ()) if it.term == "WS26"]


def test_catalog_and_groups_name_instructors() -> None:
    registry = school()
    assert decide(registry, "ida").may_change == ALL_BUT_INSTRUCTORS
    assert decide(registry, "greta", groups=["teachers-WS26"]).may_change == ALL_BUT_INSTRUCTORS
    assert not decide(registry, "greta", "WS25", groups=["teachers-WS26"]).is_visible
    assert not decide(registry, "greta", groups=["Teachers-WS26", "teachers-WS26 "]).is_visible


FILED = {"members_managed_in": "files"}


@pytest.mark.parametrize(
    "levels",
    [
        {"defaults": FILED},
        FILED,
        {"terms": {"WS26": {**MATHS["terms"]["WS26"], **FILED}}},
    ],
    ids=["defaults", "course", "term"],
)
def test_members_in_files_are_read_only(levels: dict[str, Any]) -> None:
    registry = school("ivo WS26 instructor", **levels)
    found = decide(registry, "ivo")
    assert found.is_visible
    assert found.read_only_reason is ReadOnlyReason.IN_FILES
    assert decide(registry, "gina") == Management(is_visible=False)


def test_term_takes_back_what_its_course_says() -> None:
    terms = {"WS26": {**MATHS["terms"]["WS26"], "members_managed_in": "pages"}}
    registry = school("ivo WS26 instructor", members_managed_in="files", terms=terms)
    assert decide(registry, "ivo").may_change == ALL_BUT_INSTRUCTORS


@pytest.mark.parametrize(
    ("term", "may_change"),
    [
        ("WS25", {Role.GRADER, Role.OBSERVER}),
        ("SS26", ALL_BUT_INSTRUCTORS),  # its archive lasts until 29 November
        ("WS26", ALL_BUT_INSTRUCTORS),
    ],
)
def test_students_of_a_term_are_fixed_when_its_archive_is_over(
    term: str, may_change: set[Role]
) -> None:
    found = decide(school(f"ivo {term} instructor"), "ivo", term)
    assert (found.may_change, found.read_only_reason) == (may_change, None)
    if Role.STUDENT not in may_change:
        assert found.withheld[Role.STUDENT] is ReadOnlyReason.TERM_OVER


@pytest.mark.parametrize(
    ("moment", "is_fixed"),
    [("2026-11-29T22:59:59+00:00", False), ("2026-11-29T23:00:00+00:00", True)],
)
def test_archive_ends_at_midnight_of_the_university(moment: str, is_fixed: bool) -> None:
    registry = school("ivo SS26 instructor")
    at = datetime.fromisoformat(moment)
    found = decide_management(registry, "ivo", (), "maths", "SS26", at)
    assert (Role.STUDENT not in found.may_change) is is_fixed


def test_closed_hub_keeps_the_reason_that_counts_for_the_person() -> None:
    registry = school("ivo WS26 instructor", "gina WS26 grader")
    closed = ReadOnlyReason.SETTINGS_MISSING
    found = decide(registry, "ivo").without_changes(closed)
    assert (found.may_change, found.read_only_reason) == (frozenset(), closed)
    assert found.withheld[Role.INSTRUCTOR] is ReadOnlyReason.INSTRUCTOR
    grader = decide(registry, "gina").without_changes(closed)
    assert grader.read_only_reason is ReadOnlyReason.NOT_INSTRUCTOR


def test_terms_of_staff_are_listed_with_their_roles() -> None:
    registry = school("ivo WS26 grader", "ivo WS26 instructor", "ivo SS26 student")
    found = courses_of_staff(registry, "ivo", ["teachers-WS25"])
    assert [(it.course, it.term, it.roles) for it in found] == [
        ("maths", "WS25", (Role.INSTRUCTOR,)),
        ("maths", "WS26", (Role.INSTRUCTOR, Role.GRADER)),
    ]
    assert courses_of_staff(registry, "nobody", ()) == ()


def test_exam_has_no_place_for_its_members() -> None:
    exam = {
        **{"title": "E", "course": "maths", "term": "WS26", "rooms": ["lab"]},
        **{"start": "2027-02-15T09:00:00+01:00", "duration_minutes": 60},
    }
    with pytest.raises(ValueError, match="no page changes the roster of an exam; expected"):
        Catalog.model_validate(
            {
                "university": "U",
                "images": {},
                "sizes": {},
                "rooms": {"lab": ["10.0.0.0/8"]},
                "courses": {"maths": MATHS},
                "exams": {"e1": {**exam, "members_managed_in": "pages"}},
            }
        )
