"""A roster is an index of memberships."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.identifiers import CourseId, ExamId, TermId, Username
from e2xhub.domain.roles import Role
from e2xhub.domain.roster import CourseMembership, ExamMembership, Membership, Roster
from e2xhub.domain.roster_rows import parse_membership
from tests.domain.universities import memberships


def exam_membership(role: Role = Role.STUDENT, **attributes: str) -> ExamMembership:
    return ExamMembership(
        username=Username.parse("alice"),
        exam=ExamId.parse("ml-pz1"),
        role=role,
        attributes=attributes,
    )


def test_stranger_has_no_memberships(small_roster: Roster) -> None:
    assert small_roster.memberships_of("mallory") == ()


def test_memberships_keep_the_order_of_the_roster(small_roster: Roster) -> None:
    assert [membership.role for membership in small_roster.memberships_of("gina")] == [
        Role.GRADER,
        Role.STUDENT,
        Role.GRADER,
    ]


def test_same_membership_twice_is_one_and_the_first_one_counts() -> None:
    roster = Roster([exam_membership(seat="1"), exam_membership(seat="2")])
    assert len(roster) == 1
    (membership,) = roster.exam_memberships_of("alice", Role.STUDENT)
    assert membership.attributes == {"seat": "1"}


def test_one_person_may_have_two_roles_in_one_exam() -> None:
    assert len(Roster([exam_membership(), exam_membership(Role.GRADER)])) == 2


def test_exam_memberships_are_those_of_the_role(small_roster: Roster) -> None:
    exams = [item.exam for item in small_roster.exam_memberships_of("alice", Role.STUDENT)]
    assert exams == ["ml-pz1", "ml-pz2"]
    assert small_roster.exam_memberships_of("alice", Role.PROCTOR) == ()


def test_course_membership_is_no_exam_membership() -> None:
    membership = CourseMembership(
        username=Username.parse("alice"),
        course=CourseId.parse("ml"),
        term=TermId.parse("WS26"),
        role=Role.STUDENT,
    )
    assert Roster([membership]).exam_memberships_of("alice", Role.STUDENT) == ()


@pytest.mark.parametrize(
    ("username", "exam", "expected"),
    [
        ("alice", None, True),
        ("alice", "ml-pz2", True),
        ("ben", "ml-pz2", False),
        ("petra", None, False),
        ("petra", "ml-pz1", False),
        ("gina", "ml-pz1", False),
        ("mallory", None, False),
    ],
)
def test_examinee_is_who_sits_the_exam_or_any_exam(
    small_roster: Roster, username: str, exam: str | None, expected: bool
) -> None:
    exam_id = ExamId.parse(exam) if exam else None
    assert small_roster.is_examinee(username, exam_id) is expected


def test_roles_are_counted_where_somebody_has_them(small_roster: Roster) -> None:
    assert small_roster.count_roles() == {
        Role.STUDENT: 7,
        Role.GRADER: 2,
        Role.INSTRUCTOR: 1,
        Role.OBSERVER: 2,
        Role.PROCTOR: 1,
    }
    assert Roster([exam_membership()]).count_roles() == {Role.STUDENT: 1}


@given(st.lists(memberships, max_size=20))
def test_roster_loses_and_invents_nobody(written: list[Membership]) -> None:
    roster = Roster(written)
    found = [item for name in roster.usernames for item in roster.memberships_of(name)]
    assert set(found) == set(written)
    assert len(roster) == len(set(written))
    assert roster.usernames == {membership.username for membership in written}


def test_members_of_a_term_are_found_by_role(small_roster: Roster) -> None:
    place = CourseId("machine-learning"), TermId("WS26")
    found = small_roster.members_of(*place)
    expected = [m for m in small_roster if isinstance(m, CourseMembership)]
    here = {m for m in expected if (m.course, m.term) == place}
    assert set(found) == here
    assert len(found) == len(here) == small_roster.count_members(*place)
    assert [m.role for m in found] == sorted((m.role for m in found), key=list(Role).index)
    assert small_roster.members_of(CourseId("nothing"), TermId("WS26")) == ()


def test_members_that_were_included_are_not_the_rosters_own(small_catalog: Catalog) -> None:
    def student(name: str) -> CourseMembership:
        cells = {"username": name, "course": "databases", "term": "WS26"}
        found = parse_membership(cells, small_catalog)
        assert isinstance(found, CourseMembership)
        return found

    alice, ben, clara = map(student, ("alice", "ben", "clara"))
    own = Roster([alice, ben])
    enlarged = own.including([ben, clara])
    assert [enlarged.is_own(item) for item in (alice, ben, clara)] == [True, True, False]
    assert enlarged.members_of(CourseId("databases"), TermId("WS26")) == (alice, ben, clara)
    assert not own.is_own(clara)


def test_threads_that_ask_at_once_get_the_same_members(small_roster: Roster) -> None:
    fresh = Roster(small_roster)
    place = CourseId("machine-learning"), TermId("WS26")
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: fresh.members_of(*place), range(64)))
    assert set(found) == {small_roster.members_of(*place)}
