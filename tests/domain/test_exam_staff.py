"""Who watches which exam of a hub: the table of docs/how-to/staff-on-the-exam-hub.md."""

from __future__ import annotations

import pytest

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.exam_staff import decide_staff_entry
from e2xhub.domain.identifiers import CourseId, ExamId, TermId, Username
from e2xhub.domain.offers import Registry, ServedPart
from e2xhub.domain.roles import HubKind, Role
from e2xhub.domain.roster import CourseMembership, ExamMembership, Membership, Roster

FIRST, SECOND = ExamId.parse("ml-pz1"), ExamId.parse("ml-pz2")
PETRA = Username.parse("petra")
NEITHER = (
    "is neither proctor nor instructor of an exam that this hub serves; name the person under "
    "the exam's 'proctors' in the catalog, or put them on its roster as proctor"
)


def in_exam(exam: ExamId, role: Role) -> ExamMembership:
    return ExamMembership(username=PETRA, exam=exam, role=role)


def in_course(role: Role) -> CourseMembership:
    course, term = CourseId.parse("machine-learning"), TermId.parse("WS26")
    return CourseMembership(username=PETRA, course=course, term=term, role=role)


def make_hub(catalog: Catalog, *memberships: Membership, courses: str = "") -> Registry:
    served = ServedPart(courses=frozenset({courses} if courses else ()))
    roster = Roster(memberships)
    return Registry(catalog=catalog, roster=roster, hub=HubKind.EXAM, served=served)


@pytest.mark.parametrize("role", [Role.PROCTOR, Role.INSTRUCTOR])
def test_proctors_and_instructors_of_an_exam_watch_it(small_catalog: Catalog, role: Role) -> None:
    entry = decide_staff_entry(make_hub(small_catalog, in_exam(FIRST, role)), "petra")
    assert entry.exams == (FIRST,)
    assert entry.reason == ""


@pytest.mark.parametrize(
    "membership",
    [
        in_exam(FIRST, Role.GRADER),
        in_exam(FIRST, Role.OBSERVER),
        in_exam(FIRST, Role.STUDENT),
        in_course(Role.INSTRUCTOR),
        in_course(Role.STUDENT),
    ],
    ids=lambda item: f"{type(item).__name__}-{item.role.value}",
)
def test_nobody_else_watches_anything(small_catalog: Catalog, membership: Membership) -> None:
    entry = decide_staff_entry(make_hub(small_catalog, membership), "petra")
    assert entry.exams == ()
    assert entry.reason == NEITHER


def test_exams_come_once_each_in_the_rosters_order(small_catalog: Catalog) -> None:
    roles = [(SECOND, Role.PROCTOR), (FIRST, Role.PROCTOR), (SECOND, Role.INSTRUCTOR)]
    hub = make_hub(small_catalog, *(in_exam(exam, role) for exam, role in roles))
    assert decide_staff_entry(hub, "petra").exams == (SECOND, FIRST)


def test_exam_that_another_hub_serves_is_not_watched_here(small_catalog: Catalog) -> None:
    hub = make_hub(small_catalog, in_exam(FIRST, Role.PROCTOR), courses="databases")
    assert decide_staff_entry(hub, "petra").exams == ()


def test_who_sits_an_exam_of_the_hub_watches_none(small_catalog: Catalog) -> None:
    both = in_exam(FIRST, Role.PROCTOR), in_exam(SECOND, Role.STUDENT)
    entry = decide_staff_entry(make_hub(small_catalog, *both), "petra")
    assert entry.exams == ()
    assert entry.reason == (
        "watches ml-pz1 and sits ml-pz2 on the same hub; nobody may do both: give the person a "
        "second account for one of them, or take them off one roster"
    )


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("../petra", "has a name that no roster can have"),
        ("", "has a name that no roster can have"),
        ("Petra", "is written petra on rosters"),
        (" petra", "is written petra on rosters"),
        ("nobody", NEITHER),
    ],
)
def test_name_has_to_be_the_rosters(small_catalog: Catalog, typed: str, reason: str) -> None:
    hub = make_hub(small_catalog, in_exam(FIRST, Role.PROCTOR))
    entry = decide_staff_entry(hub, typed)
    assert (entry.exams, entry.reason) == ((), reason)
