"""The audit log: nobody who has the database alone can change it without being found."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from e2xhub.domain.audit import Action, Event, make_seal
from e2xhub.domain.exam_records import SessionEnd
from e2xhub.domain.passwords import Pepper, Peppers
from e2xhub.storage.exam_records import ExamRecords
from tests.storage.exams import ALICE, BEN, NOW, PZ1, PZ2, issue, make_attempt, sign_in

_FREE = {
    "sqlite": ["DROP TRIGGER audit_no_UPDATE", "DROP TRIGGER audit_no_DELETE"],
    "postgresql": ["ALTER TABLE audit DISABLE TRIGGER audit_is_append_only"],
}
COPY_OF_4 = """
INTO audit SELECT {number}, at, action, actor, exam, username, details, key_id, seal
FROM audit WHERE number = 4
"""
CHANGED = "it was changed, or what was before it is missing"


@pytest.fixture
def log(records: ExamRecords) -> ExamRecords:
    """Records with a log of nine entries."""
    for number in range(1, 10):
        event = Event(
            action=Action.ANNOUNCED,
            actor="petra",
            exam=PZ1 if number % 2 else PZ2,
            username="alice",
            details={"text": f"number {number}", "of": [1, {"ü": None}]},
        )
        records.note_event(event, NOW + timedelta(seconds=number, microseconds=number))
    return records


def change(engine: Engine, *statements: str) -> None:
    """Does what somebody does who owns the database."""
    with engine.begin() as connection:
        for statement in (*_FREE[engine.dialect.name], *statements):
            connection.execute(sa.text(statement))


def moves(pairs: Sequence[tuple[int, int]]) -> list[str]:
    """Statements that give entries other numbers."""
    return [f"UPDATE audit SET number = {to} WHERE number = {it}" for it, to in pairs]


def fault(records: ExamRecords, *anchors: str) -> str:
    """What verification says; empty where the log is whole."""
    found = records.find_audit_fault(anchors)
    return str(found) if found else ""


def test_log_is_whole_after_everything_that_proctors_and_examinees_do(
    records: ExamRecords,
) -> None:
    attempt = make_attempt(issue(records))
    sign_in(records, attempt)
    sign_in(records, make_attempt(None))
    records.unlock(PZ1, ALICE, by="petra", now=NOW)
    records.grant_extra_minutes(PZ1, ALICE, 10, by="petra", now=NOW, reason="ill")
    records.announce(PZ1, None, "ten minutes", by="petra", now=NOW)
    records.note_submitted(PZ1, ALICE, by="alice", now=NOW)
    issue(records, replace=True, reason="crash")
    records.finish(PZ1, ALICE, by="petra", now=NOW)
    issue(records, username=BEN)
    records.revoke(PZ1, BEN, by="petra", now=NOW)
    records.end_session(PZ1, ALICE, SessionEnd.EXAM_ENDED, by="(exam clock)", now=NOW)
    assert [entry.event.action for entry in records.entries()] == [
        Action.ISSUED,
        Action.SIGNED_IN,
        Action.REFUSED,
        Action.UNLOCKED,
        Action.EXTRA_TIME,
        Action.ANNOUNCED,
        Action.SUBMITTED,
        Action.REISSUED,
        Action.FINISHED,
        Action.ISSUED,
        Action.REVOKED,
    ]
    assert fault(records, records.audit_anchor()) == ""


def test_empty_log_is_whole_and_has_no_anchor(records: ExamRecords) -> None:
    assert (fault(records), records.audit_anchor(), records.entries()) == ("", "", [])


def test_entries_of_one_exam_are_in_their_order(log: ExamRecords) -> None:
    assert [entry.number for entry in log.entries(PZ2)] == [2, 4, 6, 8]
    assert [entry.number for entry in log.last_entries(PZ1, 2)] == [9, 7]


def test_change_that_fails_has_no_entry(log: ExamRecords, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE examinees RENAME TO elsewhere"))
    with pytest.raises(sa.exc.SQLAlchemyError):
        log.finish(PZ1, ALICE, by="petra", now=NOW)
    assert len(log.entries()) == 9
    assert fault(log) == ""


# --- the database itself refuses


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET actor = 'x' WHERE number = 5",
        "UPDATE audit SET actor = actor",
        "DELETE FROM audit WHERE number = 9",
        "DELETE FROM audit",
    ],
)
def test_database_refuses_to_change_an_entry(
    log: ExamRecords, engine: Engine, statement: str
) -> None:
    with (
        engine.begin() as connection,
        pytest.raises(sa.exc.DBAPIError, match="the audit log is append-only"),
    ):
        connection.execute(sa.text(statement))
    assert fault(log) == ""


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_sqlite_refuses_to_replace_an_entry(log: ExamRecords, engine: Engine) -> None:
    statement = sa.text(f"REPLACE {COPY_OF_4.format(number=5)}")
    with (
        engine.begin() as connection,
        pytest.raises(sa.exc.DBAPIError, match="the audit log is append-only"),
    ):
        connection.execute(statement)
    assert fault(log) == ""


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("role", ["origin", "replica"])
def test_postgresql_refuses_to_empty_the_log(log: ExamRecords, engine: Engine, role: str) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text(f"SET LOCAL session_replication_role = {role}"))
        with pytest.raises(sa.exc.DBAPIError, match="the audit log is append-only"):
            connection.execute(sa.text("TRUNCATE audit"))
    assert fault(log) == ""


# --- whoever gets round that is found


CHANGES = {
    "at": "at = '2027-02-15 08:00:06'",
    "action": "action = 'extra time'",
    "actor": "actor = 'mallory'",
    "exam": "exam = 'other'",
    "username": "username = 'mallory'",
    "details": """details = '{"text": "another"}'""",
    "no details": "details = '{}'",
    "seal": "seal = (SELECT other.seal FROM audit other WHERE other.number = 4)",
}


@pytest.mark.parametrize("column", CHANGES)
@pytest.mark.parametrize("number", [1, 5, 9])
def test_changed_column_is_found_in_its_entry(
    log: ExamRecords, engine: Engine, column: str, number: int
) -> None:
    change(engine, f"UPDATE audit SET {CHANGES[column]} WHERE number = {number}")
    assert fault(log) == f"entry {number}: {CHANGED}"


def test_changed_key_is_found_in_its_entry(log: ExamRecords, engine: Engine) -> None:
    change(engine, "UPDATE audit SET key_id = '0123456789abcdef' WHERE number = 5")
    assert fault(log) == (
        "entry 5: its key 0123456789abcdef is not known; add that pepper to the pepper file again"
    )


UNREADABLE = {
    "unknown action": "action = 'nonsense'",
    "details that are no JSON": "details = '{'",
    "details that are a list": "details = '[1]'",
    "details that are a number": "details = '1'",
}
UNREADABLE_IN_SQLITE = {
    "no moment": "at = 'yesterday'",
    "a number as the moment": "at = 7",
    "a text as the seal": "seal = 'abc'",
    "a number as the seal": "seal = 1000000000000000000",
    "no text": "actor = CAST(x'ff' AS TEXT)",
    "details nested too deep": f"details = '{'[' * 20_000}'",
    "bytes as the name": "username = x'00'",
}
CANNOT_BE_READ = "it was changed: it cannot be read"


@pytest.mark.parametrize("written", UNREADABLE)
def test_entry_that_cannot_be_read_is_found(log: ExamRecords, engine: Engine, written: str) -> None:
    change(engine, f"UPDATE audit SET {UNREADABLE[written]} WHERE number = 5")
    assert fault(log) == f"entry 5: {CANNOT_BE_READ}"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("written", UNREADABLE_IN_SQLITE)
def test_entry_of_another_type_is_found(log: ExamRecords, engine: Engine, written: str) -> None:
    change(engine, f"UPDATE audit SET {UNREADABLE_IN_SQLITE[written]} WHERE number = 5")
    assert fault(log) in (f"entry 5: {CANNOT_BE_READ}", f"entry 5: {CHANGED}")


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_moment_that_python_does_not_know_is_found(log: ExamRecords, engine: Engine) -> None:
    change(engine, "UPDATE audit SET at = 'infinity' WHERE number = 5")
    assert fault(log) == f"entry 5: {CANNOT_BE_READ}"


@pytest.mark.parametrize(
    ("removed", "found"),
    [
        ("number = 1", "entry 1: it is missing (the next one is 2)"),
        ("number = 5", "entry 5: it is missing (the next one is 6)"),
        ("number BETWEEN 3 AND 8", "entry 3: it is missing (the next one is 9)"),
        ("number = 9", "entry 9: it and what comes after it is missing"),
        ("number > 4", "entry 5: it and what comes after it is missing"),
        ("number > 0", "entry 1: it and what comes after it is missing"),
    ],
)
def test_removed_entries_are_found(
    log: ExamRecords, engine: Engine, removed: str, found: str
) -> None:
    change(engine, f"DELETE FROM audit WHERE {removed}")
    assert fault(log) == found


def test_removed_entry_whose_place_was_closed_is_found(log: ExamRecords, engine: Engine) -> None:
    closing = moves([(number, number - 1) for number in range(6, 10)])
    end = "UPDATE audit_end SET number = 8"
    change(engine, "DELETE FROM audit WHERE number = 5", *closing, end)
    assert fault(log) == f"entry 5: {CHANGED}"


def test_exchanged_entries_are_found(log: ExamRecords, engine: Engine) -> None:
    change(engine, *moves([(4, 100), (6, 4), (100, 6)]))
    assert fault(log) == f"entry 4: {CHANGED}"


def test_inserted_entry_is_found(log: ExamRecords, engine: Engine) -> None:
    making_room = moves([(number, number + 1) for number in range(9, 4, -1)])
    change(engine, *making_room, f"INSERT {COPY_OF_4.format(number=5)}")
    assert fault(log) == f"entry 5: {CHANGED}"


@pytest.mark.parametrize("number", [0, -3])
def test_entry_before_the_first_is_found(log: ExamRecords, engine: Engine, number: int) -> None:
    change(engine, f"INSERT {COPY_OF_4.format(number=number)}")
    assert fault(log) == f"entry 1: an entry with the number {number} stands in its place"


def test_entry_sealed_with_another_pepper_is_found(log: ExamRecords, engine: Engine) -> None:
    stranger = ExamRecords(engine, Peppers(Pepper(b"m" * 32)))
    stranger.note_event(Event(action=Action.FINISHED, actor="mallory", exam=PZ1), NOW)
    key_id = stranger.peppers.current.key_id
    assert fault(log) == (
        f"entry 10: its key {key_id} is not known; add that pepper to the pepper file again"
    )


def test_end_of_the_log_that_was_removed_is_told(log: ExamRecords, engine: Engine) -> None:
    change(engine, "DELETE FROM audit_end")
    assert fault(log) == (
        "entry 10: the table audit_end, which tells how far the log goes, is empty"
    )
    with pytest.raises(sa.exc.NoResultFound):
        issue(log)
    assert log.status(PZ1) == []


# --- a log that was cut so that it looks whole is found with what was noted elsewhere


def cut_after(engine: Engine, number: int) -> None:
    """Cuts the log, and its end with it."""
    end = f"SELECT seal FROM audit WHERE number = {number}"
    change(
        engine,
        f"UPDATE audit_end SET number = {number}, seal = ({end})",
        f"DELETE FROM audit WHERE number > {number}",
    )


def test_cut_tail_is_found_with_an_anchor_alone(log: ExamRecords, engine: Engine) -> None:
    noted = log.audit_anchor()
    assert noted.startswith("9-")
    cut_after(engine, 6)
    assert fault(log) == ""
    assert fault(log, noted) == "entry 7: it and what comes after it is missing"


def test_tail_that_was_written_anew_is_found_with_an_anchor(
    log: ExamRecords, engine: Engine
) -> None:
    noted = log.audit_anchor()
    cut_after(engine, 6)
    for _ in range(3):
        log.note_event(Event(action=Action.FINISHED, actor="mallory", exam=PZ1), NOW)
    assert fault(log) == ""
    assert fault(log, noted) == f"entry 9: it is not the one that was noted as {noted}"


def test_anchor_of_the_middle_still_holds_when_the_log_has_grown(log: ExamRecords) -> None:
    noted = log.audit_anchor()
    issue(log)
    assert fault(log, noted, log.audit_anchor()) == ""


# --- peppers


def test_log_of_an_older_pepper_is_whole(log: ExamRecords, engine: Engine) -> None:
    rotated = ExamRecords(engine, Peppers(Pepper(b"q" * 32), (log.peppers.current,)))
    issue(rotated)
    assert len({entry.key_id for entry in rotated.entries()}) == 2
    assert fault(rotated) == ""


def test_pepper_that_was_taken_away_is_asked_for(log: ExamRecords, engine: Engine) -> None:
    without = ExamRecords(engine, Peppers(Pepper(b"q" * 32)))
    key_id = log.peppers.current.key_id
    assert fault(without) == (
        f"entry 1: its key {key_id} is not known; add that pepper to the pepper file again"
    )


def test_key_of_the_seals_is_not_the_pepper(log: ExamRecords) -> None:
    (first, *_) = log.entries()
    pepper = log.peppers.current.key
    assert make_seal(pepper, bytes(32), 1, first.at, first.event) != first.seal


# --- details


@pytest.mark.parametrize(
    "text", ["ü🙂日本", "a\u202eb", "\0", "\ud800", '"}, {"', "x" * 100_000, "\n", "e\u0301"]
)
def test_details_come_back_as_they_were_written(records: ExamRecords, text: str) -> None:
    event = Event(
        action=Action.ANNOUNCED, actor="petra", exam=PZ1, details={"text": text, text[:9]: 1}
    )
    records.note_event(event, NOW)
    (entry,) = records.entries()
    assert entry.event == event
    assert fault(records) == ""


def test_long_log_is_read_in_parts(records: ExamRecords) -> None:
    with records.writing() as connection:
        _append_many(records, connection, 2500)
    assert len(records.entries()) == 2500
    assert fault(records) == ""


def _append_many(records: ExamRecords, connection: Connection, count: int) -> None:
    for number in range(count):
        event = Event(action=Action.REFUSED, actor="alice", details={"number": number})
        records.append(connection, event, NOW)


def test_unreadable_entry_behind_many_is_found_in_its_place(
    records: ExamRecords, engine: Engine
) -> None:
    with records.writing() as connection:
        _append_many(records, connection, 1500)
    change(engine, "UPDATE audit SET details = '{' WHERE number = 1234")
    assert fault(records) == f"entry 1234: {CANNOT_BE_READ}"


# --- several who write


_APPEND = """
import sys, time
from datetime import datetime, timezone
from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.domain.passwords import Peppers
from e2xhub.storage.exam_records import open_exam_records
url, pepper, name = sys.argv[1], sys.stdin.readline(), sys.argv[2]
records = open_exam_records(url, Peppers.parse(pepper))
print("ready", flush=True)
sys.stdin.read()
for number in range(60):
    records.announce(
        ExamId.parse("ml-pz1"), None, str(number), by=name, now=datetime.now(timezone.utc)
    )
    time.sleep(0.005)  # SQLite lets whoever has just written write again first
"""


def test_processes_that_append_at_once_never_break_the_chain(
    records: ExamRecords, database_url: str
) -> None:
    names = ["one", "two", "three"]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _APPEND, database_url, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in names
    ]
    _let_go_together(processes, records.peppers.current.text)
    errors = [process.communicate()[1] for process in processes]
    assert ([process.returncode for process in processes], errors) == ([0] * 3, [""] * 3)
    actors = [entry.event.actor for entry in records.entries()]
    assert {name: actors.count(name) for name in names} == dict.fromkeys(names, 60)
    assert sum(one != other for one, other in pairwise(actors)) > 2, "they did not write at once"
    assert fault(records) == ""


def _let_go_together(processes: Sequence[subprocess.Popen[str]], pepper: str) -> None:
    for process in processes:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{pepper}\n")
        process.stdin.flush()
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None
