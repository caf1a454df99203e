"""The records in memory: new after a second, old while the database does not answer."""

from __future__ import annotations

import asyncio
import random
import signal
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from prometheus_client import REGISTRY

from e2xhub.domain.exam_records import SessionEnd
from e2xhub.domain.identifiers import ExamId
from e2xhub.domain.passwords import Pepper, Peppers
from e2xhub.storage.exam_records import ExamRecords, open_exam_records
from e2xhub.storage.exam_records.door import Attempt
from e2xhub.storage.live_exam_records import LiveExamRecords, RecordsUnavailableError
from tests.storage.exams import ALICE, BEN, NOW, PZ1, issue, make_attempt, sign_in
from tests.storage.postgresql import PostgreSQL, postgresql


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    """A server of this module's own, to be killed; each test leaves it running."""
    with postgresql() as started:
        yield started


@pytest.fixture
def fragile(server: PostgreSQL) -> Iterator[ExamRecords]:
    """Records in that server, about other people in each test."""
    records = open_exam_records(server.url, Peppers(Pepper(b"p" * 32)))
    yield records
    records.engine.dispose()


async def test_change_is_seen_at_once_by_whoever_made_it(records: ExamRecords) -> None:
    live = LiveExamRecords(records)
    await live.run(lambda all_: issue(all_))
    assert live.current.exam(PZ1).examinee("alice").password is not None


async def test_refusal_is_passed_on(records: ExamRecords) -> None:
    live = LiveExamRecords(records)
    with pytest.raises(ZeroDivisionError):
        await live.run(lambda _: 1 / 0)


def test_change_of_another_hub_is_seen_at_the_next_look(records: ExamRecords) -> None:
    live = LiveExamRecords(records)
    issue(ExamRecords(records.engine, records.peppers))
    assert live.current.exam(PZ1).examinees == {}
    live.look()
    assert live.current.exam(PZ1).examinee("alice").password is not None


async def test_loop_goes_on_while_codes_are_hashed(records: ExamRecords) -> None:
    live, has_gone_on = LiveExamRecords(records), threading.Event()
    hashing = asyncio.ensure_future(live.run(lambda _: has_gone_on.wait(10), hashes=True))
    await asyncio.sleep(0)  # the call begins
    has_gone_on.set()
    assert await hashing, "the loop waited for the call, and could not set the event"


async def test_while_the_database_is_dead_the_last_state_is_kept_and_nothing_is_used_up(
    fragile: ExamRecords, server: PostgreSQL, caplog: pytest.LogCaptureFixture
) -> None:
    live = LiveExamRecords(fragile)
    password = await live.run(lambda records: issue(records))
    before = live.current
    server.end(signal.SIGQUIT)
    try:
        for _ in range(2):
            with pytest.raises(RecordsUnavailableError) as caught:
                await live.run(lambda records: sign_in(records, make_attempt(password)))
            assert str(caught.value) == "the database of the exam records does not answer"
        assert live.current is before
        assert live.unavailable_since is not None
    finally:
        server.start()
    live.look()
    assert await live.run(lambda records: sign_in(records, make_attempt(password))) == PZ1
    assert live.unavailable_since is None
    assert next(iter(live.current.sessions.values())).username == "alice"
    told = [record.levelname for record in caplog.records if record.name == "traitlets"]
    assert told.count("ERROR") == 1
    assert password.reveal() not in caplog.text
    await live.run(lambda records: records.finish(PZ1, ALICE, by="petra", now=NOW))


async def test_database_that_has_become_read_only_is_an_outage_until_it_can_be_written(
    fragile: ExamRecords,
) -> None:
    live = LiveExamRecords(fragile)
    _set_read_only(fragile, "on")
    try:
        with pytest.raises(RecordsUnavailableError):
            await live.run(lambda records: issue(records, username=BEN, replace=True))
        live.look()
        assert live.unavailable_since is not None
        assert REGISTRY.get_sample_value("e2xhub_exam_records_up") == 0
    finally:
        _set_read_only(fragile, "off")
    live.look()
    assert live.unavailable_since is None
    assert REGISTRY.get_sample_value("e2xhub_exam_records_up") == 1
    await live.run(lambda records: issue(records, username=BEN, replace=True))


def _set_read_only(records: ExamRecords, value: str) -> None:
    """For the connections of `records` that begin from now on, as on a standby."""
    records.engine.dispose()
    with records.engine.connect() as connection:
        connection.exec_driver_sql("SET default_transaction_read_only = off")
        connection.commit()
        (user,) = connection.exec_driver_sql("SELECT current_user").one()
        connection.exec_driver_sql(
            f'ALTER ROLE "{user}" SET default_transaction_read_only = {value}'
        )
        connection.commit()
    records.engine.dispose()


@pytest.fixture
def in_a_file(tmp_path: Path) -> Iterator[ExamRecords]:
    """Records in a SQLite file."""
    records = open_exam_records(f"sqlite:///{tmp_path}/e2xhub.sqlite", Peppers(Pepper(b"p" * 32)))
    yield records
    records.engine.dispose()


def test_door_waits_five_seconds_for_a_locked_file(in_a_file: ExamRecords) -> None:
    with in_a_file.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 5000


async def test_locked_file_is_an_outage_for_as_long_as_it_is_locked(
    in_a_file: ExamRecords,
) -> None:
    live = LiveExamRecords(in_a_file)
    in_a_file.engine.dispose()
    sa.event.listen(in_a_file.engine, "connect", _wait_hardly)
    with sqlite3.connect(str(in_a_file.engine.url.database)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(RecordsUnavailableError):
            await live.run(lambda records: issue(records))
        since = live.unavailable_since
        assert since is not None
        live.look()  # which can read
        assert live.unavailable_since == since
        with in_a_file.engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 50
    other.close()
    live.look()
    assert live.unavailable_since is None
    await live.run(lambda records: issue(records))


def _wait_hardly(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA busy_timeout=50")


async def test_sessions_and_hashes_are_in_the_metrics(in_a_file: ExamRecords) -> None:
    live, goes_on = LiveExamRecords(in_a_file), threading.Event()
    attempt = make_attempt(await live.run(lambda records: issue(records)))
    assert await live.run(lambda records: sign_in(records, attempt), hashes=True) == PZ1
    assert REGISTRY.get_sample_value("e2xhub_exam_sessions") == 1
    assert REGISTRY.get_sample_value("e2xhub_exam_sessions_to_cut") == 0
    waiting = [
        asyncio.ensure_future(live.run(lambda _: goes_on.wait(10), hashes=True)) for _ in range(3)
    ]
    await asyncio.sleep(0)
    assert REGISTRY.get_sample_value("e2xhub_sign_ins_hashing") == 3
    goes_on.set()
    assert all(await asyncio.gather(*waiting))
    assert REGISTRY.get_sample_value("e2xhub_sign_ins_hashing") == 0
    await live.run(lambda records: records.revoke(PZ1, ALICE, by="petra", now=NOW))
    assert REGISTRY.get_sample_value("e2xhub_exam_sessions_to_cut") == 1


async def test_database_that_dies_in_the_middle_has_let_in_or_has_used_nothing_up(
    fragile: ExamRecords, server: PostgreSQL
) -> None:
    live, chance = LiveExamRecords(fragile), random.Random(4)
    outcomes = set()
    for _ in range(6):
        password = await live.run(lambda records: issue(records, username=BEN, replace=True))
        attempt = make_attempt(password, username=BEN)
        trying = asyncio.ensure_future(_sign_in(live, attempt))
        await asyncio.sleep(chance.uniform(0, 0.1))
        server.end(signal.SIGQUIT)
        server.start()
        outcomes.add(await _outcome(live, trying, attempt))
    assert outcomes <= {"let in", "refused, and the code was still good"}
    assert fragile.find_audit_fault() is None


async def _sign_in(live: LiveExamRecords, attempt: Attempt) -> ExamId:
    return await live.run(lambda records: records.door.sign_in(attempt, NOW))


async def _outcome(live: LiveExamRecords, trying: asyncio.Future[ExamId], attempt: Attempt) -> str:
    try:
        await trying
    except RecordsUnavailableError:
        live.look()
        if attempt.session in live.current.sessions:
            return "let in"  # the answer was lost after the database had decided
        again = await live.run(lambda records: sign_in(records, attempt))
        return "refused, and the code was still good" if again == PZ1 else str(again)
    return "let in"


async def test_signing_out_ends_the_session_for_everybody(records: ExamRecords) -> None:
    live = LiveExamRecords(records)
    attempt = make_attempt(await live.run(lambda all_: issue(all_)))
    await live.run(lambda all_: sign_in(all_, attempt))
    assert attempt.session in live.current.sessions
    await live.run(lambda all_: all_.door.sign_out(attempt.session, SessionEnd.SIGNED_OUT, NOW))
    assert live.current.sessions == {}
