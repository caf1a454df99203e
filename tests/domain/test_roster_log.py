"""What the audit log keeps of a change of members, and what can be read from it again."""

from __future__ import annotations

from datetime import datetime, timezone

from e2xhub.domain.audit import Action, AuditEntry, Event
from e2xhub.domain.identifiers import CourseId, TermId, Username
from e2xhub.domain.roles import Role
from e2xhub.domain.roster import CourseMembership
from e2xhub.domain.roster_changes import RosterChange
from e2xhub.domain.roster_log import ChangeWay, NotedChange, is_about, read_history

NOTED = NotedChange(
    actor="ivo",
    course="maths",
    term="WS26",
    change_id="ab12",
    way=ChangeWay.UPLOAD,
    file_digest="f" * 64,
    row_count=3,
)


def member(name: str, role: Role = Role.STUDENT) -> CourseMembership:
    return CourseMembership(
        username=Username(name), course=CourseId("maths"), term=TermId("WS26"), role=role
    )


def entry(event: Event) -> AuditEntry:
    at = datetime(2026, 11, 2, tzinfo=timezone.utc)
    return AuditEntry(number=7, at=at, event=event, key_id="k", seal=b"")


def test_change_is_announced_with_everybody_by_role() -> None:
    change = RosterChange(
        added=(member("emma"), member("ben"), member("carl", Role.GRADER)), removed=(member("dan"),)
    )
    (event,) = NOTED.events(change)
    assert event == Event(
        action=Action.ROSTER_CHANGED,
        actor="ivo",
        details={
            "course": "maths",
            "term": "WS26",
            "change": "ab12",
            "way": "upload",
            "added": {"student": ["ben", "emma"], "grader": ["carl"]},
            "removed": {"student": ["dan"]},
            "file": "f" * 64,
            "rows": 3,
        },
    )
    read = read_history(entry(event))
    assert (read.actor, read.was_made, read.change_id, read.way) == ("ivo", True, "ab12", "upload")
    assert read.added == {"student": ("ben", "emma"), "grader": ("carl",)}
    assert (read.count, read.file_digest) == (4, "f" * 64)


def test_single_person_can_be_found_by_name() -> None:
    (event,) = NOTED.events(RosterChange(added=(member("emma", Role.GRADER), member("emma"))))
    assert event.username == "emma"


def test_many_people_are_told_in_several_entries_of_one_change() -> None:
    people = tuple(member(f"s{number:04}") for number in range(1201))
    events = NOTED.events(RosterChange(added=people, removed=(member("x"),)))
    assert [event.details["part"] for event in events] == ["1 of 3", "2 of 3", "3 of 3"]
    assert {event.details["change"] for event in events} == {"ab12"}
    told = [name for event in events for name in event.details.get("added", {}).get("student", ())]
    assert sorted(told) == [str(person.username) for person in people]
    assert events[-1].details["removed"] == {"student": ["x"]}


def test_change_that_was_not_made_says_which_and_why() -> None:
    read = read_history(entry(NOTED.failure("OSError")))
    assert (read.was_made, read.change_id, read.reason, read.count) == (
        *(False, "ab12", "OSError", 0),
    )


def test_entries_are_found_by_course_and_term() -> None:
    event = NOTED.failure("x")
    assert is_about(event, "maths")
    assert is_about(event, "maths", "WS26")
    assert not is_about(event, "maths", "SS26")
    assert not is_about(event, "physics")
    other = Event(action=Action.ISSUED, actor="ivo", details={"course": "maths"})
    assert not is_about(other, "maths")


def test_entry_of_another_release_is_read_as_far_as_it_goes() -> None:
    event = Event(
        action=Action.ROSTER_CHANGED, actor="ivo", details={"added": {"student": 7}, "removed": "x"}
    )
    read = read_history(entry(event))
    assert (read.added, read.removed, read.count) == ({}, {}, 0)
