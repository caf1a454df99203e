"""What a hub knows of the exams: read anew where something has changed, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Engine

from e2xhub.domain.exam_entry import EntryRefusal
from e2xhub.domain.exam_records import RecordsView, SessionEnd
from e2xhub.domain.identifiers import Username
from e2xhub.domain.passwords import Pepper, Peppers
from e2xhub.domain.throttle import MOST_ON_A_PERSON
from e2xhub.storage.database import make_engine, migrate
from e2xhub.storage.exam_records import ExamRecords, ExtraTimeChangedError
from tests.storage.exams import ALICE, BEN, BESIDE, NOW, PZ1, PZ2, issue, make_attempt, sign_in

NOTHING = RecordsView()


@pytest.fixture
def statements(engine: Engine) -> list[str]:
    """The statements that the database gets from now on."""
    found: list[str] = []

    @sa.event.listens_for(engine, "before_cursor_execute")
    def _keep(*arguments: object) -> None:
        found.append(str(arguments[2]))

    return found


def test_nothing_is_known_at_first(records: ExamRecords) -> None:
    assert records.load_view(NOTHING) == NOTHING


def test_view_stays_the_same_at_the_cost_of_one_row(
    records: ExamRecords, statements: list[str]
) -> None:
    issue(records)
    seen = records.load_view(NOTHING)
    statements.clear()
    assert records.load_view(seen) is seen
    assert len(statements) == 1


def test_everything_that_happened_is_in_it(records: ExamRecords) -> None:
    attempt = make_attempt(issue(records))
    sign_in(records, attempt)
    records.grant_extra_minutes(PZ1, ALICE, 10, by="petra", now=NOW, reason="ill")
    assert records.grant_extra_minutes(PZ1, ALICE, -3, by="petra", now=NOW, reason="less") == 7
    records.note_submitted(PZ1, ALICE, by="alice", now=NOW)
    records.announce(PZ1, None, "to all", by="petra", now=NOW)
    records.announce(PZ1, ALICE, "to you", by="petra", now=NOW)
    records.announce(PZ1, BEN, "to another", by="petra", now=NOW)
    sign_in(records, make_attempt(None, address=BESIDE))
    exam = records.load_view(NOTHING).exam(PZ1)
    person = exam.examinee("alice")
    assert person.password is not None
    assert person.session is not None
    assert (person.session.digest, person.extra_minutes) == (attempt.session, 7)
    assert (person.signed_in_at, person.submitted_at, person.finished_at) == (NOW, NOW, None)
    assert person.refused is not None
    assert (person.refused.address, person.refused.reason) == (
        BESIDE,
        EntryRefusal.WRONG_CODE.value,
    )
    assert [item.text for item in exam.announcements_for("alice")] == ["to all", "to you"]


def test_extra_time_does_not_fall_below_what_the_catalog_gives(records: ExamRecords) -> None:
    assert records.grant_extra_minutes(PZ1, ALICE, -5, by="petra", now=NOW, reason="no") == 0


def test_extra_time_that_is_asked_for_twice_counts_once(records: ExamRecords) -> None:
    def grant(minutes: int, seen: int) -> int:
        return records.grant_extra_minutes(
            PZ1, ALICE, minutes, by="petra", now=NOW, reason="a fire alarm", seen_minutes=seen
        )

    assert grant(15, seen=0) == 15
    with pytest.raises(ExtraTimeChangedError) as refused:
        grant(15, seen=0)
    assert (refused.value.minutes, str(refused.value)) == (
        15,
        "alice has 15 extra minutes for ml-pz1 from proctors by now; expected 0",
    )
    assert grant(5, seen=15) == 20


def test_message_before_any_code_survives_a_restart(records: ExamRecords) -> None:
    records.announce(PZ1, None, "the room has changed", by="petra", now=NOW)
    assert len(records.load_view(NOTHING).exam(PZ1).announcements) == 1


def test_person_who_is_unlocked_in_one_exam_is_so_in_the_other(records: ExamRecords) -> None:
    lately = datetime.now(timezone.utc)  # a lock of another day would be forgotten
    for exam in (PZ1, PZ2):
        issue(records, exam)
    for number in range(MOST_ON_A_PERSON):
        sign_in(records, make_attempt(None, address=f"10.1.2.{number}"), lately)
    sign_in(records, make_attempt(None, PZ1, PZ2), lately)
    locked = records.load_view(NOTHING)
    assert [locked.exam(exam).examinee("alice").is_locked for exam in (PZ1, PZ2)] == [True, True]
    records.unlock(PZ1, ALICE, by="petra", now=lately)
    free = records.load_view(locked)
    assert [free.exam(exam).examinee("alice").is_locked for exam in (PZ1, PZ2)] == [False, False]


def test_session_is_open_until_it_ends_and_is_cut_once(records: ExamRecords) -> None:
    attempt = make_attempt(issue(records))
    sign_in(records, attempt)
    before = records.load_view(NOTHING)
    records.end_session(PZ1, ALICE, SessionEnd.EXAM_ENDED, by="(exam clock)", now=NOW)
    ended = records.load_view(before)
    assert (list(before.sessions), list(ended.sessions)) == ([attempt.session], [])
    assert [session.end for session in ended.to_cut] == [SessionEnd.EXAM_ENDED]
    records.note_cut(ended.to_cut, by="hub", now=NOW)
    assert records.load_view(ended).to_cut == ()


def test_another_database_in_its_place_is_read_as_a_whole(
    records: ExamRecords, database_url: str, engine: Engine
) -> None:
    issue(records)
    issue(records, username=BEN)
    seen = records.load_view(NOTHING)
    with engine.begin() as connection:
        for trigger in _REMOVALS[engine.dialect.name]:
            connection.execute(sa.text(trigger))
        for table in ("audit", "one_time_passwords", "examinees"):
            connection.execute(sa.text(f"DELETE FROM {table}"))
        connection.execute(sa.text("UPDATE audit_end SET number = 0"))
    issue(records, username=BEN)
    assert set(records.load_view(seen).exam(PZ1).examinees) == {"ben"}


_REMOVALS = {
    "sqlite": ["DROP TRIGGER audit_no_UPDATE", "DROP TRIGGER audit_no_DELETE"],
    "postgresql": ["ALTER TABLE audit DISABLE TRIGGER audit_is_append_only"],
}


def test_many_changes_at_once_are_seen(records: ExamRecords) -> None:
    issue(records)
    seen = records.load_view(NOTHING)
    names = [Username.parse(f"s{number}") for number in range(250)]
    for name in names:
        records.note_submitted(PZ1, name, by=name, now=NOW)
    assert set(records.load_view(seen).exam(PZ1).examinees) == {"alice", *names}


_People = st.sampled_from([ALICE, BEN])
_STEPS: dict[str, Callable[[ExamRecords, Username], object]] = {
    "issue": lambda records, who: issue(records, username=who, replace=True),
    "sign in": lambda records, who: sign_in(
        records, make_attempt(issue(records, username=who, replace=True), username=who)
    ),
    "refused": lambda records, who: sign_in(records, make_attempt(None, username=who)),
    "finish": lambda records, who: records.finish(PZ1, who, by="petra", now=NOW),
    "extra": lambda records, who: records.grant_extra_minutes(
        PZ1, who, 5, by="petra", now=NOW, reason="x"
    ),
    "announce": lambda records, who: records.announce(PZ1, who, "x", by="petra", now=NOW),
    "unlock": lambda records, who: records.unlock(PZ1, who, by="petra", now=NOW),
    "end": lambda records, who: records.end_session(
        PZ1, who, SessionEnd.SIGNED_OUT, by=who, now=NOW
    ),
    "cut": lambda records, who: records.note_cut(
        records.load_view(NOTHING).to_cut, by="hub", now=NOW
    ),
}


@settings(
    max_examples=15,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.tuples(st.sampled_from(sorted(_STEPS)), _People, st.booleans()), max_size=6))
def test_view_that_was_kept_up_to_date_is_the_one_that_is_read_as_a_whole(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, Username, bool]]
) -> None:
    engine = make_engine(f"sqlite:///{tmp_path_factory.mktemp('view')}/e2xhub.sqlite")
    migrate(engine)
    records = ExamRecords(engine, Peppers(Pepper(b"p" * 32)))
    view = NOTHING
    for name, who, looks in steps:
        _STEPS[name](records, who)
        view = records.load_view(view) if looks else view
    assert records.load_view(view) == records.load_view(NOTHING)
    engine.dispose()
