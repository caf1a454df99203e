"""Who sat which exam, as a hub without examinees reads it: live, and never more than it knows."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from e2xhub.domain.exam_records import ExamChanges
from e2xhub.domain.identifiers import Username
from e2xhub.errors import ConfigurationError
from e2xhub.storage.exam_records import ExamRecords
from e2xhub.storage.exam_records.tables import audit_end, one_time_passwords
from e2xhub.storage.live_attendance import LiveAttendance, open_attendance
from tests.storage.exams import ALICE, BEN, NOW, PZ1, PZ2, issue, make_attempt, sign_in


@pytest.fixture
def attendance(records: ExamRecords) -> LiveAttendance:
    """Of a hub that reads the records."""
    return LiveAttendance(records.engine)


def test_who_was_given_a_code_has_sat_the_exam(
    records: ExamRecords, attendance: LiveAttendance
) -> None:
    assert attendance.changes == ExamChanges()
    issue(records)
    issue(records, PZ2)
    issue(records, PZ1, BEN)
    attendance.look()
    assert attendance.changes.sat == {"alice": {PZ1, PZ2}, "ben": {PZ1}}


def test_code_that_was_revoked_or_used_counts(
    records: ExamRecords, attendance: LiveAttendance
) -> None:
    issue(records)
    records.revoke(PZ1, ALICE, by="petra", now=NOW)
    assert sign_in(records, make_attempt(issue(records, PZ1, BEN), username=BEN)) == PZ1
    attendance.look()
    assert attendance.changes.sat == {"alice": {PZ1}, "ben": {PZ1}}


def test_later_hub_knows_all_of_them_at_once(records: ExamRecords) -> None:
    issue(records)
    assert LiveAttendance(records.engine).changes.sat == {"alice": {PZ1}}


def test_extra_time_of_proctors_is_known(records: ExamRecords, attendance: LiveAttendance) -> None:
    records.grant_extra_minutes(PZ1, BEN, 20, by="petra", now=NOW, reason="")
    attendance.look()
    assert attendance.changes.extra_minutes == {(PZ1, BEN): 20}
    records.grant_extra_minutes(PZ1, BEN, -20, by="petra", now=NOW, reason="")
    attendance.look()
    assert attendance.changes.extra_minutes == {}


def test_verdicts_hold_while_nothing_changes_that_decides_anything(
    records: ExamRecords, attendance: LiveAttendance
) -> None:
    issue(records)
    attendance.look()
    before = attendance.changes
    issue(records, replace=True, now=NOW + timedelta(minutes=1))
    records.announce(PZ1, None, "Five minutes.", by="petra", now=NOW)
    attendance.look()
    assert attendance.changes is before


def test_database_that_does_not_answer_is_told_and_forgets_nobody(
    records: ExamRecords, attendance: LiveAttendance, caplog: pytest.LogCaptureFixture
) -> None:
    issue(records)
    attendance.look()
    with records.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE audit_end RENAME TO audit_end_away"))
    for _ in range(2):
        attendance.look()
        assert not attendance.changes.is_readable
    assert attendance.changes.sat == {"alice": {PZ1}}
    (told,) = (record.getMessage() for record in caplog.records if record.levelname == "ERROR")
    assert told.startswith("Who sat which exam cannot be read from ")
    assert told.endswith("until it can, nobody gets a server in which an exam is graded")

    with records.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE audit_end_away RENAME TO audit_end"))
    issue(records, PZ1, BEN)
    attendance.look()
    assert attendance.changes.is_readable
    assert attendance.changes.sat == {"alice": {PZ1}, "ben": {PZ1}}


def test_records_that_an_older_copy_has_replaced_forget_nobody(
    records: ExamRecords, attendance: LiveAttendance
) -> None:
    issue(records)
    issue(records, PZ1, BEN)
    attendance.look()
    with records.engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM one_time_passwords WHERE username = 'ben'"))
        connection.execute(sa.text("UPDATE audit_end SET number = 1"))
    attendance.look()
    assert attendance.changes.sat == {"alice": {PZ1}, "ben": {PZ1}}


def test_look_that_fails_half_way_forgets_nobody(
    records: ExamRecords, attendance: LiveAttendance
) -> None:
    attendance.look()
    issue(records)
    with records.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE examinees RENAME TO examinees_away"))
    attendance.look()
    assert not attendance.changes.is_readable
    with records.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE examinees_away RENAME TO examinees"))
    attendance.look()
    assert attendance.changes.sat == {"alice": {PZ1}}


@pytest.mark.parametrize("codes_elsewhere", [1, 2, 3])
def test_other_database_in_the_place_of_this_one_is_read_from_its_beginning(
    records: ExamRecords, attendance: LiveAttendance, codes_elsewhere: int
) -> None:
    """Also where it has as many codes as this one had, or more."""
    issue(records)
    issue(records, PZ1, BEN)
    attendance.look()
    with records.engine.begin() as connection:
        connection.execute(one_time_passwords.delete())
    others = [Username.parse(name) for name in ("carla", "dora", "emil")[:codes_elsewhere]]
    for name in others:
        issue(records, PZ1, name, now=NOW + timedelta(days=1))
    with records.engine.begin() as connection:
        for number, name in enumerate(others, start=1):
            mine = one_time_passwords.c.username == name
            connection.execute(one_time_passwords.update().where(mine).values(id=number))
    attendance.look()
    assert attendance.changes.sat.keys() == {"alice", "ben", *others}


def test_other_database_that_has_as_many_entries_is_noticed(
    records: ExamRecords, attendance: LiveAttendance
) -> None:
    issue(records)
    attendance.look()
    with records.engine.begin() as connection:
        connection.execute(one_time_passwords.update().values(username="carla"))
        connection.execute(audit_end.update().values(seal=b"another"))
    attendance.look()
    assert attendance.changes.sat == {"alice": {PZ1}, "carla": {PZ1}}


def test_database_of_which_the_records_alone_may_be_read_is_enough(
    records: ExamRecords,
) -> None:
    """Such as a copy of these tables, or views of them: who made them does not matter."""
    issue(records)
    with records.engine.begin() as connection:
        for table in ("audit", "e2xhub_alembic_version"):
            connection.execute(sa.text(f"DROP TABLE {table}"))
    assert LiveAttendance(records.engine).changes == ExamChanges(sat={"alice": frozenset({PZ1})})


def test_database_with_other_tables_of_e2xhub_alone_has_no_records(
    records: ExamRecords, caplog: pytest.LogCaptureFixture
) -> None:
    with records.engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE examinees"))
    assert not LiveAttendance(records.engine).changes.is_readable
    assert "there are no exam records in it" in caplog.text


def test_hub_that_may_makes_the_tables_of_a_new_database(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    attendance = LiveAttendance(engine, makes_tables=True)
    assert attendance.changes == ExamChanges()
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_tables_are_made_when_the_database_answers_again(tmp_path: Path) -> None:
    directory = tmp_path / "not-mounted-yet"
    url = f"sqlite:///{directory}/e2xhub.sqlite"
    attendance = open_attendance(url, makes_tables=True)
    assert not attendance.changes.is_readable
    directory.mkdir()
    attendance.look()
    assert attendance.changes.is_readable


def test_database_without_records_says_nothing_of_who_sat_and_is_left_alone(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    attendance = LiveAttendance(engine)
    assert attendance.changes == ExamChanges(is_readable=False)
    assert "expected the database of the exam hub" in caplog.text
    assert sa.inspect(engine).get_table_names() == []


def test_hub_makes_no_database_where_there_is_none(tmp_path: Path) -> None:
    file = tmp_path / "elsewhere.sqlite"
    assert not open_attendance(f"sqlite:///{file}").changes.is_readable
    assert list(tmp_path.iterdir()) == []


def test_text_that_is_no_url_is_a_fault_of_the_configuration() -> None:
    with pytest.raises(ConfigurationError, match="this is no URL of a database"):
        open_attendance("records")


def test_password_of_the_database_is_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    open_attendance("postgresql+psycopg://hub:s3cret@127.0.0.1:1/e2xhub?connect_timeout=2")
    assert "Who sat which exam cannot be read from " in caplog.text
    assert "s3cret" not in caplog.text
