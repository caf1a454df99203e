"""Who would be a student and grader at once is asked about, or loses the role of before."""

from __future__ import annotations

import pytest

from e2xhub.course_desk.doubts import NameDoubt
from e2xhub.course_desk.other_roles import OtherRoles, SeveralRoles
from e2xhub.course_desk.refusals import OtherRolesError
from e2xhub.domain.roles import Role
from tests.course_desk.school import MATHS, School, run

ALICE = SeveralRoles(
    username="alice", before=(Role.STUDENT,), added=Role.GRADER, is_replaceable=True
)
TUTORS = b"username,role\nalice,grader\nemma,grader\n"


def add(school: School, name: str, role: str, wish: OtherRoles) -> None:
    run(school.desk.change("ivo", (), *MATHS, add=[(name, role)], other_roles=wish))


def roles_of(school: School, name: str) -> set[str]:
    return {role for username, role in school.people() if username == name}


def test_second_role_is_asked_about_and_nothing_is_changed(school: School) -> None:
    with pytest.raises(OtherRolesError) as asked:
        add(school, "ALICE", "grader", OtherRoles.ASK)
    assert asked.value.several == (ALICE,)
    assert roles_of(school, "alice") == {"student"}


@pytest.mark.parametrize(
    ("wish", "roles"),
    [(OtherRoles.REPLACE, {"grader"}), (OtherRoles.KEEP, {"student", "grader"})],
)
def test_role_of_before_is_replaced_or_kept(
    any_school: School, wish: OtherRoles, roles: set[str]
) -> None:
    add(any_school, "alice", "grader", wish)
    assert roles_of(any_school, "alice") == roles


@pytest.mark.parametrize("name", ["emma", "alice"])
def test_nobody_is_asked_about_without_another_role(school: School, name: str) -> None:
    add(school, name, "student", OtherRoles.ASK)
    assert roles_of(school, name) == {"student"}


@pytest.mark.parametrize(("name", "role"), [("carl", Role.GRADER), ("ida", Role.INSTRUCTOR)])
def test_role_that_cannot_be_taken_away_stays(school: School, name: str, role: Role) -> None:
    with pytest.raises(OtherRolesError) as asked:
        add(school, name, "student", OtherRoles.ASK)
    (several,) = asked.value.several
    assert (several.before, several.is_replaceable) == ((role,), False)
    add(school, name, "student", OtherRoles.REPLACE)
    listed = run(school.desk.members("ivo", (), *MATHS))
    assert {it.role for it in listed.members if it.username == name} == {role, Role.STUDENT}


def test_list_tells_who_would_have_two_roles(school: School) -> None:
    assert school.preview(TUTORS).several == (ALICE,)


def test_list_that_names_both_roles_means_both(school: School) -> None:
    upload = b"username,role\nalice,grader\nalice,student\n"
    assert school.preview(upload).several == ()
    seen = run(school.desk.preview("ivo", (), *MATHS, upload, replace_roles=True))
    assert not seen.removed


def test_list_replaces_roles_where_that_is_wished(school: School) -> None:
    seen = run(school.desk.preview("ivo", (), *MATHS, TUTORS, replace_roles=True))
    assert [(it.username, it.before, it.after) for it in seen.changed] == [
        ("alice", Role.STUDENT, Role.GRADER)
    ]
    assert seen.several == ()
    run(
        school.desk.apply(
            *("ivo", (), *MATHS, TUTORS), expected_digest=seen.digest, replace_roles=True
        )
    )
    assert roles_of(school, "alice") == {"grader"}
    assert roles_of(school, "ben") == {"student"}


@pytest.mark.parametrize(
    ("upload", "doubt"),
    [
        (b"username\na@example.org\nb@example.org\n", NameDoubt.ADDRESSES),
        (b"username\n0012345\n1234567\n", NameDoubt.NUMBERS),
        (b"username\n0012345\nemma\n", None),
        (b"username\nalice\n", None),
    ],
)
def test_names_that_nobody_here_has_the_like_of_are_doubted(
    school: School, upload: bytes, doubt: NameDoubt | None
) -> None:
    assert school.preview(upload).doubt is doubt


def test_addresses_are_no_doubt_where_a_member_has_one(school: School) -> None:
    school.change("ivo", add=[("carla@example.org", "student")])
    assert school.preview(b"username\na@example.org\n").doubt is None
