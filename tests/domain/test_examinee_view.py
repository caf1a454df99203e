"""What an examinee reads of the exam, and of which one."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from e2xhub.domain.exam_records import (
    Announcement,
    ExamineeRecord,
    ExamRecord,
    ExamSession,
    RecordsView,
    SessionEnd,
)
from e2xhub.domain.examinee_view import ExamineeView, find_exam, view_exam
from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.domain.offers import Registry

FIRST, SECOND = ExamId.parse("ml-pz1"), ExamId.parse("ml-pz2")
ALICE = Username.parse("alice")


def records(**exams: ExamineeRecord) -> RecordsView:
    """Alice's records in exams: `ml_pz1` and so on."""
    return RecordsView(
        exams={
            name.replace("_", "-"): ExamRecord(examinees={ALICE: record})
            for name, record in exams.items()
        }
    )


def session_since(moment: datetime, exam: ExamId = FIRST, number: int = 1) -> ExamSession:
    return ExamSession(
        id=number,
        exam=exam,
        username=ALICE,
        digest=f"{number:064x}",
        address="10.1.0.5",
        safe_browser_way="",
        started_at=moment,
    )


def view_of(registry: Registry, found: RecordsView, now: datetime) -> ExamineeView:
    view = view_exam(registry.with_changes(found.changes()), found, ALICE, now)
    assert view is not None
    return view


def test_who_has_not_signed_in_reads_nothing(
    exam_hub: Registry, exam_open_at_nine: datetime
) -> None:
    assert view_exam(exam_hub, records(ml_pz1=ExamineeRecord()), ALICE, exam_open_at_nine) is None


@pytest.mark.parametrize("username", ["gina", "petra", "mallory"])
def test_who_sits_no_exam_reads_nothing(
    exam_hub: Registry, exam_open_at_nine: datetime, username: str
) -> None:
    found = records(ml_pz1=ExamineeRecord(signed_in_at=exam_open_at_nine))
    assert view_exam(exam_hub, found, Username.parse(username), exam_open_at_nine) is None


def test_end_is_that_of_the_person_in_the_universitys_time(
    exam_hub: Registry, exam_open_at_nine: datetime
) -> None:
    found = records(ml_pz1=ExamineeRecord(signed_in_at=exam_open_at_nine, extra_minutes=20))
    view = view_of(exam_hub, found, exam_open_at_nine)
    assert view.starts_at.isoformat() == "2027-02-15T09:00:00+01:00"
    assert view.ends_at.isoformat() == "2027-02-15T10:50:00+01:00"


def test_messages_to_others_are_not_read(exam_hub: Registry, exam_open_at_nine: datetime) -> None:
    def message(number: int, username: str | None) -> Announcement:
        fields: dict[str, Any] = {"text": "Hello", "sent_by": "petra"}
        return Announcement(number=number, username=username, sent_at=exam_open_at_nine, **fields)

    exam = ExamRecord(
        examinees={ALICE: ExamineeRecord(signed_in_at=exam_open_at_nine)},
        announcements=(message(1, None), message(2, "ben"), message(3, "alice")),
    )
    view = view_of(exam_hub, RecordsView(exams={FIRST: exam}), exam_open_at_nine)
    assert [item.number for item in view.announcements] == [1, 3]


def test_exam_of_the_open_session_wins(exam_hub: Registry, exam_open_at_nine: datetime) -> None:
    later = exam_open_at_nine + timedelta(weeks=4)
    found = records(
        ml_pz1=ExamineeRecord(
            session=session_since(exam_open_at_nine), signed_in_at=exam_open_at_nine
        ),
        ml_pz2=ExamineeRecord(signed_in_at=later),
    )
    assert find_exam(exam_hub, found, ALICE, later) == FIRST


def test_without_a_session_the_exam_that_is_open_wins(
    exam_hub: Registry, exam_open_at_nine: datetime
) -> None:
    later = exam_open_at_nine + timedelta(weeks=4)
    found = records(
        ml_pz1=ExamineeRecord(signed_in_at=exam_open_at_nine),
        ml_pz2=ExamineeRecord(signed_in_at=later),
    )
    assert find_exam(exam_hub, found, ALICE, exam_open_at_nine) == FIRST
    assert find_exam(exam_hub, found, ALICE, later) == SECOND
    assert find_exam(exam_hub, found, ALICE, later + timedelta(weeks=1)) == SECOND


@pytest.mark.parametrize(("count", "seconds"), [(0, 5), (300, 5), (500, 8), (1000, 16)])
def test_browsers_ask_less_often_where_many_ask(
    exam_hub: Registry, exam_open_at_nine: datetime, count: int, seconds: int
) -> None:
    sessions = {str(number): session_since(exam_open_at_nine) for number in range(count)}
    known = ExamRecord(examinees={ALICE: ExamineeRecord(signed_in_at=exam_open_at_nine)})
    found = RecordsView(exams={FIRST: known}, sessions=sessions)
    assert view_of(exam_hub, found, exam_open_at_nine).poll_seconds == seconds


def ending(
    moment: datetime, end: SessionEnd, username: Username = ALICE
) -> tuple[ExamSession, RecordsView]:
    """A session that ends 20 s after `moment`, and the records with it."""
    ends_at = moment + timedelta(seconds=20)
    session = replace(session_since(moment), ended_at=ends_at, end=end, username=username)
    known = ExamRecord(examinees={ALICE: ExamineeRecord(signed_in_at=moment)})
    return session, RecordsView(exams={FIRST: known}, ending={session.digest: session})


@pytest.mark.parametrize(
    ("end", "why"), [(SessionEnd.REISSUED, "reissued"), (SessionEnd.FINISHED, "finished")]
)
def test_browser_that_is_about_to_be_signed_out_is_told_when_and_why(
    exam_hub: Registry, exam_open_at_nine: datetime, end: SessionEnd, why: str
) -> None:
    session, found = ending(exam_open_at_nine, end)
    now = exam_open_at_nine + timedelta(seconds=5)
    view = view_exam(exam_hub, found, ALICE, now, digest=session.digest)
    assert view is not None
    assert (view.signs_out_at, view.signs_out_why) == (session.ended_at, why)
    assert view.poll_seconds == 2


def test_other_browser_of_the_person_is_not_signed_out(
    exam_hub: Registry, exam_open_at_nine: datetime
) -> None:
    session, found = ending(exam_open_at_nine, SessionEnd.REISSUED)
    after = exam_open_at_nine + timedelta(seconds=20)
    strangers = ending(exam_open_at_nine, SessionEnd.REISSUED, Username.parse("ben"))[1]
    for records_, now, digest in (
        (found, exam_open_at_nine, "f" * 64),
        (found, exam_open_at_nine, None),
        (found, after, session.digest),
        (strangers, exam_open_at_nine, session.digest),
    ):
        view = view_exam(exam_hub, records_, ALICE, now, digest=digest)
        assert view is not None
        assert (view.signs_out_at, view.signs_out_why) == (None, None)
        assert view.poll_seconds == 5
