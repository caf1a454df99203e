"""Changes of members stand in the audit log of the exam records, sealed like all else."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa

from e2xhub.domain.audit import Action, Event
from e2xhub.domain.exam_records import RecordsView
from e2xhub.domain.identifiers import CourseId, ExamId, TermId, Username
from e2xhub.domain.passwords import Pepper, Peppers
from e2xhub.domain.roles import Role
from e2xhub.domain.roster import CourseMembership
from e2xhub.domain.roster_changes import RosterChange
from e2xhub.domain.roster_log import ChangeWay, NotedChange
from e2xhub.errors import ConfigurationError
from e2xhub.storage.exam_records import ExamRecords
from e2xhub.storage.members_log import MembersLog, MembersLogError, OtherPepperError

NOW = datetime(2026, 11, 2, 10, tzinfo=timezone.utc)


def events(
    name: str, term: str = "WS26", course: str = "maths", change_id: str = "c1"
) -> list[Event]:
    added = CourseMembership(
        username=Username(name), course=CourseId(course), term=TermId(term), role=Role.STUDENT
    )
    noted = NotedChange(
        actor="ivo", course=course, term=term, change_id=change_id, way=ChangeWay.SINGLE
    )
    return noted.events(RosterChange(added=(added,)))


@pytest.fixture
def log(database_url: str, peppers: Peppers) -> MembersLog:
    """In a database that nothing is in yet."""
    return MembersLog(database_url, peppers)


def test_log_makes_its_tables_when_it_is_first_needed(log: MembersLog) -> None:
    assert log.last("maths", "WS26", 10) == []


def test_changes_of_a_term_are_read_with_the_newest_first(log: MembersLog) -> None:
    for name in ("alice", "ben"):
        log.note(events(name), NOW)
    log.note(events("eve", course="mathsX"), NOW)
    log.note(events("eve", term="SS26"), NOW)
    found = log.last("maths", "WS26", 10)
    assert [entry.added for entry in found] == [{"student": ("ben",)}, {"student": ("alice",)}]
    assert [entry.number for entry in log.last("maths", "WS26", 1)] == [2]


def test_change_is_found_by_its_id_and_no_other_is_read(
    records: ExamRecords, log: MembersLog
) -> None:
    log.note(events("alice", change_id="a1"), NOW)
    log.note(events("ben", course="physics"), NOW)
    log.note(events("clara", change_id="a2"), NOW)
    with records.engine.begin() as connection:  # whoever parses these fails
        without_triggers(connection)
        connection.execute(sa.text("UPDATE audit SET details = '[1' WHERE number > 1"))
    found = log.find("maths", "WS26", "a1")
    assert found is not None
    assert (found.added, found.removed, found.number) == ([("alice", "student")], [], 1)


@pytest.mark.parametrize("change_id", ["", "%", "a_", "A1", '", "', "\\", 'a1"}'])
def test_id_that_no_change_has_finds_none(log: MembersLog, change_id: str) -> None:
    log.note(events("alice", change_id="a1"), NOW)
    assert log.find("maths", "WS26", change_id) is None


def test_later_entries_are_those_of_the_term_after_a_number(log: MembersLog) -> None:
    for name in ("alice", "ben", "clara"):
        log.note(events(name), NOW)
    log.note(events("eve", term="SS26"), NOW)
    assert [entry.number for entry in log.later("maths", "WS26", 1)] == [3, 2]


def test_entries_of_exams_and_of_members_are_one_sealed_log(
    records: ExamRecords, log: MembersLog
) -> None:
    records.issue(ExamId("ml-pz1"), Username("alice"), by="petra", now=NOW, replace=False)
    log.note(events("alice"), NOW)
    records.unlock(ExamId("ml-pz1"), Username("alice"), by="petra", now=NOW)
    actions = [entry.event.action for entry in records.entries()]
    assert actions == [Action.ISSUED, Action.ROSTER_CHANGED, Action.UNLOCKED]
    assert records.find_audit_fault() is None


def without_triggers(connection: sa.Connection) -> None:
    """What somebody does who owns the database."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("ALTER TABLE audit DISABLE TRIGGER ALL"))
        return
    triggers = sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'")
    for name in connection.scalars(triggers).all():
        connection.execute(sa.text(f"DROP TRIGGER {name}"))


def test_changed_entry_is_found(records: ExamRecords, log: MembersLog) -> None:
    log.note([*events("alice"), *events("ben")], NOW)
    with records.engine.begin() as connection:
        without_triggers(connection)
        connection.execute(sa.text("UPDATE audit SET actor = 'mallory' WHERE number = 1"))
    fault = records.find_audit_fault()
    assert fault is not None
    assert fault.number == 1


def test_view_of_exams_is_untouched_by_changes_of_members(
    records: ExamRecords, log: MembersLog
) -> None:
    log.note(events("alice"), NOW)
    view = records.load_view(RecordsView())
    assert view.exams == {}


def test_all_entries_of_a_change_are_noted_or_none(records: ExamRecords, log: MembersLog) -> None:
    good = events("alice")
    unwritable = Event(action=Action.ROSTER_CHANGED, actor="ivo", details={"x": object()})
    with pytest.raises(TypeError):
        log.note([*good, unwritable], NOW)
    assert records.entries() == []


def test_url_of_no_database_is_refused_when_the_hub_starts(peppers: Peppers) -> None:
    with pytest.raises(ConfigurationError, match="this is no URL of a database"):
        MembersLog("nonsense", peppers)


def test_database_that_does_not_answer_is_told_without_its_password(peppers: Peppers) -> None:
    url = "postgresql+psycopg://hub:s3cret@127.0.0.1:9/e2xhub"
    with pytest.raises(MembersLogError, match="connection refused") as refused:
        MembersLog(url, peppers).note(events("alice"), NOW)
    assert "s3cret" not in str(refused.value)


def test_database_that_comes_back_is_used(tmp_path: Path, peppers: Peppers) -> None:
    log = MembersLog(f"sqlite:///{tmp_path}/later/log.sqlite", peppers)
    with pytest.raises(MembersLogError, match="unable to open database file"):
        log.note(events("alice"), NOW)
    (tmp_path / "later").mkdir()
    log.note(events("alice"), NOW)
    assert len(log.last("maths", "WS26", 10)) == 1


def test_log_of_a_grading_hub_makes_no_tables(tmp_path: Path, peppers: Peppers) -> None:
    """Empty ones would say that nobody has sat an exam."""
    log = MembersLog(f"sqlite:///{tmp_path}/log.sqlite", peppers, must_exist=True)
    with pytest.raises(MembersLogError, match="there are no exam records at"):
        log.note(events("alice"), NOW)
    assert list(tmp_path.iterdir()) == []


OTHER = Pepper(b"o" * 32)


def test_nothing_is_noted_under_another_pepper_than_the_last_entry(
    records: ExamRecords, database_url: str, peppers: Peppers
) -> None:
    """As with a teaching hub that has a pepper of its own, on the exam hub's database."""
    records.issue(ExamId("ml-pz1"), Username("alice"), by="petra", now=NOW, replace=False)
    stranger = MembersLog(database_url, Peppers(OTHER))
    for attempt in (stranger.check_key, lambda: stranger.note(events("ben"), NOW)):
        with pytest.raises(OtherPepperError) as refused:
            attempt()
        told = str(refused.value)
        assert f"is sealed under the pepper {peppers.current.key_id}, which is not in" in told
        assert "Give all hubs on this database the same pepper, and restart this hub" in told
        assert OTHER.text not in told
        assert peppers.current.text not in told
    assert records.find_audit_fault() is None


def test_new_pepper_goes_on_after_the_one_before_it(
    records: ExamRecords, log: MembersLog, database_url: str, peppers: Peppers
) -> None:
    log.note(events("alice"), NOW)
    rotated = MembersLog(database_url, Peppers(OTHER, (peppers.current,)))
    rotated.check_key()
    rotated.note(events("ben"), NOW)
    with pytest.raises(OtherPepperError, match=OTHER.key_id):
        log.note(events("clara"), NOW)
    assert len(records.entries()) == 2


def test_log_without_entries_is_under_no_pepper(log: MembersLog) -> None:
    log.check_key()
