"""Tables of an earlier e2xhub with codes in them: up, down, up again, and the codes still work."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.engine import Engine

from e2xhub.domain.exam_entry import EntryRefusal
from e2xhub.domain.exam_records import RecordsView
from e2xhub.domain.passwords import OneTimePassword, Peppers, hash_password
from e2xhub.storage import database
from e2xhub.storage.database import migrate
from e2xhub.storage.exam_records import ExamRecords, PasswordExistsError
from tests.storage.exams import ALICE, BEN, NOW, PZ1, issue, make_attempt, sign_in

OF_ALICE, OF_BEN = OneTimePassword("ABCDEFGHJK"), OneTimePassword("0123456789")
_INSERT = sa.text("""
INSERT INTO one_time_passwords (exam, username, generation, state, salt, hash, pepper_key_id,
    issued_at, issued_by, consumed_at, consumed_from)
VALUES ('ml-pz1', :username, 1, :state, :salt, :hash, :key_id, :at, 'petra', :used_at, :used_from)
""")


def move(engine: Engine, revision: str) -> None:
    """Brings the tables to the form of a release, up or down."""
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        is_down = revision == "0002" and sa.inspect(connection).has_table("audit")
        (command.downgrade if is_down else command.upgrade)(config, revision)


@pytest.fixture
def before(engine: Engine, peppers: Peppers) -> Engine:
    """The tables of the release before, with an unused code of Alice and a used one of Ben."""
    move(engine, "0002")
    at = (NOW - timedelta(days=1)).replace(tzinfo=None)
    rows = [(ALICE, OF_ALICE, "active", None, None), (BEN, OF_BEN, "used", at, "10.1.0.9")]
    with engine.begin() as connection:
        for username, password, state, used_at, used_from in rows:
            salt = bytes(16)
            named = {"exam": PZ1, "username": username, "generation": 1}
            found = hash_password(password, pepper=peppers.current, salt=salt, **named)
            row = {"username": username, "state": state, "salt": salt, "hash": found, "at": at}
            row |= {"key_id": peppers.current.key_id, "used_at": used_at, "used_from": used_from}
            connection.execute(_INSERT, row)
    return engine


def test_codes_of_the_release_before_still_work(before: Engine, peppers: Peppers) -> None:
    migrate(before)
    records = ExamRecords(before, peppers)
    view = records.load_view(RecordsView())
    assert set(view.exam(PZ1).examinees) == {"alice", "ben"}
    assert sign_in(records, make_attempt(OF_BEN, username=BEN)) == EntryRefusal.USED_CODE
    assert sign_in(records, make_attempt(OF_ALICE)) == PZ1
    assert records.find_audit_fault() is None


def test_codes_survive_the_way_down_and_up_again(before: Engine, peppers: Peppers) -> None:
    migrate(before)
    records = ExamRecords(before, peppers)
    new = issue(records, username=BEN, replace=True, reason="lost")
    move(before, "0002")
    columns = {column["name"] for column in sa.inspect(before).get_columns("one_time_passwords")}
    assert columns & {"ended_at", "ended_by", "reason"} == set()
    migrate(before)
    with pytest.raises(PasswordExistsError, match="which is still unused"):
        issue(records, username=BEN)
    assert sign_in(records, make_attempt(new, username=BEN)) == PZ1
    assert sign_in(records, make_attempt(OF_ALICE)) == PZ1
    assert [entry.number for entry in records.entries()] == [1, 2]
    assert records.find_audit_fault() is None


def test_two_active_codes_are_still_refused_after_the_way_up(before: Engine) -> None:
    migrate(before)
    copy = "SELECT exam, username, 2, state, salt, hash, pepper_key_id, issued_at, issued_by"
    columns = "exam, username, generation, state, salt, hash, pepper_key_id, issued_at, issued_by"
    statement = sa.text(
        f"INSERT INTO one_time_passwords ({columns}) {copy} FROM one_time_passwords "
        "WHERE username = 'alice'"
    )
    with before.begin() as connection, pytest.raises(sa.exc.IntegrityError):
        connection.execute(statement)
