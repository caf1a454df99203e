"""A browser that comes back to the sign-in page finds why its session is over, for a while."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from e2xhub.domain.exam_records import SessionEnd
from e2xhub.domain.sessions import digest_of
from e2xhub.storage.exam_records import ExamRecords
from e2xhub.storage.exam_records.ended_sessions import find_end
from tests.storage.exams import ALICE, NOW, PZ1, issue, make_attempt, sign_in

DIGEST = digest_of("a" * 32)
LONG_BEFORE = NOW - timedelta(hours=1)


def look(records: ExamRecords, now: datetime, since: datetime = LONG_BEFORE) -> SessionEnd | None:
    with records.reading() as connection:
        return find_end(connection, DIGEST, since=since, now=now)


@pytest.fixture
def signed_in(records: ExamRecords) -> ExamRecords:
    sign_in(records, make_attempt(issue(records), session=DIGEST))
    return records


def test_unknown_session_and_one_that_is_open_have_no_end(records: ExamRecords) -> None:
    assert look(records, NOW) is None
    sign_in(records, make_attempt(issue(records), session=DIGEST))
    assert look(records, NOW) is None


def test_end_is_told_when_it_has_come(signed_in: ExamRecords) -> None:
    signed_in.finish(PZ1, ALICE, by="petra", now=NOW, reason="")
    grace = SessionEnd.FINISHED.grace
    assert look(signed_in, NOW + grace - timedelta(seconds=1)) is None
    assert look(signed_in, NOW + grace) is SessionEnd.FINISHED


def test_end_is_forgotten_after_a_while(signed_in: ExamRecords) -> None:
    signed_in.end_session(PZ1, ALICE, SessionEnd.EXAM_ENDED, by="(exam clock)", now=NOW)
    later = NOW + timedelta(minutes=15)
    assert look(signed_in, later, since=NOW - timedelta(seconds=1)) is SessionEnd.EXAM_ENDED
    assert look(signed_in, later, since=NOW) is None
