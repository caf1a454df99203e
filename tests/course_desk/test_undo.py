"""A change is taken back as the log has it: a change like any other, decided and noted anew."""

from __future__ import annotations

import asyncio
from datetime import datetime, timezone

import pytest

from e2xhub.course_desk.desk import Applied
from e2xhub.course_desk.previews import Preview
from e2xhub.course_desk.refusals import (
    BUSY,
    CHANGED_SINCE,
    MANY_LOST_BY_UNDO,
    NO_SUCH_CHANGE,
    LossNotConfirmedError,
    NotAllowedError,
    PreviewChangedError,
    UnusableRequestError,
)
from e2xhub.domain.course_staff import ReadOnlyReason
from e2xhub.domain.identifiers import CourseId, TermId, Username
from e2xhub.domain.roles import Role
from e2xhub.domain.roster import CourseMembership
from e2xhub.domain.roster_changes import RosterChange
from e2xhub.domain.roster_log import ChangeWay, NotedChange
from e2xhub.storage.members_log import MembersLog
from tests.course_desk.school import MATHS, PEPPERS, School, run

NOW = datetime(2027, 2, 5, 9, 0, tzinfo=timezone.utc)

LIST = b"username,role\nemma,student\nfritz,student\n"


def undo(
    school: School,
    change_id: str,
    *,
    actor: str = "ivo",
    expected_digest: str = "",
    confirm_loss: bool = False,
) -> Applied:
    return run(
        school.desk.undo(
            *(actor, (), *MATHS, change_id),
            expected_digest=expected_digest,
            confirm_loss=confirm_loss,
        )
    )


def preview_undo(school: School, change_id: str, *, actor: str = "ivo") -> Preview:
    return run(school.desk.preview_undo(actor, (), *MATHS, change_id))


def apply_list(school: School) -> Applied:
    """Replaces all students."""
    seen = school.preview(LIST, missing=True)
    return school.apply(LIST, seen, missing=True, confirm_loss=True)


def test_list_is_taken_back_and_that_is_noted(any_school: School) -> None:
    before = any_school.people()
    made = apply_list(any_school)
    assert (made.added, made.removed) == (2, 4)
    undone = undo(any_school, made.change_id, confirm_loss=True)
    assert (undone.added, undone.removed, undone.is_live) == (4, 2, True)
    assert any_school.people() == before
    newest, _ = run(any_school.desk.history("ivo", (), *MATHS))
    assert (newest.way, newest.actor, newest.change_id) == ("undo", "ivo", undone.change_id)
    assert dict(newest.removed) == {"student": ("emma", "fritz")}
    assert any_school.audit_fault() is None


def test_taking_back_can_be_taken_back(school: School) -> None:
    after = apply_list(school)
    wanted = school.people()
    undone = undo(school, after.change_id, confirm_loss=True)
    undo(school, undone.change_id, confirm_loss=True)
    assert school.people() == wanted


def test_change_in_several_entries_is_taken_back_as_a_whole(school: School) -> None:
    before = school.people()
    upload = "username\n" + "".join(f"s{number}\n" for number in range(1100))
    made = school.apply(upload.encode(), school.preview(upload.encode()))
    assert made.added == 1100
    found = run(school.desk.find_change("ivo", (), *MATHS, made.change_id))
    assert (len(found.added), len(found.removed)) == (1100, 0)
    undo(school, made.change_id, confirm_loss=True)
    assert school.people() == before


def test_what_others_have_done_since_stays(school: School) -> None:
    made = apply_list(school)
    school.change("ida", add=[("greta", "student")])
    undone = undo(school, made.change_id, confirm_loss=True)
    assert (undone.added, undone.removed) == (4, 2)
    assert ("greta", "student") in school.people()


def test_change_is_not_undone_where_a_later_one_is_about_the_same_member(
    any_school: School,
) -> None:
    first = any_school.change("ivo", add=[("emma", "student"), ("fritz", "student")])
    any_school.change("ida", remove=[("emma", "student")])
    any_school.change("ida", add=[("emma", "student")])
    before = any_school.people()
    for attempt in (undo, preview_undo):
        with pytest.raises(UnusableRequestError, match=CHANGED_SINCE):
            attempt(any_school, first.change_id)
    assert any_school.people() == before


def test_change_in_another_role_or_that_was_not_made_keeps_nothing_from_being_undone(
    school: School,
) -> None:
    made = school.change("ivo", add=[("emma", "student")])
    school.change("ivo", add=[("emma", "grader")])
    noted = NotedChange(
        actor="ivo", course="maths", term="NOW", change_id="abcdefabcdef", way=ChangeWay.SINGLE
    )
    emma = CourseMembership(
        username=Username("emma"), course=CourseId("maths"), term=TermId("NOW"), role=Role.STUDENT
    )
    log = MembersLog(school.database_url, PEPPERS)
    log.note([*noted.events(RosterChange(removed=(emma,))), noted.failure("locked")], NOW)
    assert undo(school, made.change_id).removed == 1
    assert ("emma", "grader") in school.people()


def test_what_is_undone_already_is_not_undone_again(school: School) -> None:
    made = school.change("ivo", add=[("emma", "student")])
    undo(school, made.change_id)
    with pytest.raises(UnusableRequestError, match=CHANGED_SINCE):
        undo(school, made.change_id)


def test_what_others_have_taken_back_without_the_log_is_no_change(school: School) -> None:
    made = school.change("ivo", add=[("emma", "student")])
    emma = CourseMembership(
        username=Username("emma"), course=CourseId("maths"), term=TermId("NOW"), role=Role.STUDENT
    )
    school.store.update(school.live.current.catalog, lambda _: RosterChange(removed=(emma,)))
    assert not preview_undo(school, made.change_id).changes_anything
    assert undo(school, made.change_id).change_id == ""


def test_preview_says_what_is_taken_back_and_holds_it(school: School) -> None:
    made = apply_list(school)
    seen = preview_undo(school, made.change_id)
    assert [person.username for person in seen.removed] == ["emma", "fritz"]
    assert [person.username for person in seen.added] == ["alice", "ben", "clara", "david"]
    with pytest.raises(PreviewChangedError) as refused:
        undo(school, made.change_id, expected_digest="0" * 64, confirm_loss=True)
    assert refused.value.preview == seen
    assert undo(school, made.change_id, expected_digest=seen.digest, confirm_loss=True).change_id


def test_undo_that_removes_many_is_confirmed_as_a_list_that_does(school: School) -> None:
    upload = "username\n" + "".join(f"s{number}\n" for number in range(300))
    made = school.apply(upload.encode(), school.preview(upload.encode()))
    before = school.people()
    with pytest.raises(LossNotConfirmedError, match=MANY_LOST_BY_UNDO) as refused:
        undo(school, made.change_id)
    assert school.people() == before
    assert (len(refused.value.preview.removed), refused.value.preview.size) == (300, 306)
    assert undo(school, made.change_id, confirm_loss=True).removed == 300


def test_undo_of_one_person_is_not_asked_about_however_small_the_course_is(school: School) -> None:
    people = [(name, "student") for name in ("alice", "ben", "clara", "david")]
    school.change("ivo", remove=people)
    school.change("ivo", remove=[("gina", "grader"), ("oscar", "observer")])
    made = school.change("ivo", add=[("emma", "student")])
    assert not preview_undo(school, made.change_id).loses_many
    assert undo(school, made.change_id).removed == 1


def test_undo_that_gives_people_their_roles_back_removes_nobody(school: School) -> None:
    students = [(name, "student") for name in ("alice", "ben", "clara", "david")]
    graders = [(name, "grader") for name, _ in students]
    made = school.change("ivo", add=graders, remove=students)
    seen = preview_undo(school, made.change_id)
    assert (len(seen.changed), seen.removed, seen.loses_many) == (4, (), False)
    assert undo(school, made.change_id).added == 4


def test_one_person_reads_a_change_after_the_other(school: School) -> None:
    made = school.change("ivo", add=[("emma", "student")])

    async def ask() -> list[object]:
        asked = (school.desk.find_change("ivo", (), *MATHS, made.change_id) for _ in range(5))
        return await asyncio.gather(*asked, return_exceptions=True)

    assert [str(it) for it in run(ask()) if isinstance(it, Exception)] == [BUSY, BUSY]


@pytest.mark.parametrize("change_id", ["0" * 12, "", "%", "nonsense"])
def test_change_that_the_log_has_not_is_told(school: School, change_id: str) -> None:
    school.change("ivo", add=[("emma", "student")])
    with pytest.raises(UnusableRequestError, match=NO_SUCH_CHANGE):
        undo(school, change_id)


def test_change_of_another_course_is_not_found(school: School) -> None:
    made = school.change("ivo", add=[("emma", "student")])
    with pytest.raises(UnusableRequestError, match=NO_SUCH_CHANGE):
        run(school.desk.find_change("ivo", (), "maths", "OLD", made.change_id))


@pytest.mark.parametrize("actor", ["gina", "oscar"])
def test_who_may_change_nothing_takes_nothing_back(school: School, actor: str) -> None:
    made = apply_list(school)
    before = school.people()
    for attempt in (undo, preview_undo):
        with pytest.raises(NotAllowedError, match=ReadOnlyReason.NOT_INSTRUCTOR.value):
            attempt(school, made.change_id, actor=actor)
    assert school.people() == before


def test_change_that_was_announced_and_not_made_is_not_taken_back(school: School) -> None:
    noted = NotedChange(
        actor="ivo", course="maths", term="NOW", change_id="abcdefabcdef", way=ChangeWay.SINGLE
    )
    alice = CourseMembership(
        username=Username("alice"), course=CourseId("maths"), term=TermId("NOW"), role=Role.STUDENT
    )
    log = MembersLog(school.database_url, PEPPERS)
    log.note(noted.events(RosterChange(added=(alice,))), NOW)
    log.note([noted.failure("somebody was faster")], NOW)
    with pytest.raises(UnusableRequestError, match=NO_SUCH_CHANGE):
        undo(school, noted.change_id)
    assert ("alice", "student") in school.people()
