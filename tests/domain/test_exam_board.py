"""One word for each examinee, whatever four places know of the person."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from e2xhub.domain.exam_board import (
    IDLE_AFTER,
    NO_SERVER,
    ExamineeState,
    ServerState,
    ServerStatus,
    decide_state,
    examinees_of,
    make_row,
)
from e2xhub.domain.exam_records import (
    NOTHING_KNOWN,
    ExamChanges,
    ExamineeRecord,
    ExamSession,
    PasswordState,
    PasswordStatus,
    RefusedSignIn,
)
from e2xhub.domain.examinee_names import Name, name_in
from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.domain.offers import Registry
from e2xhub.domain.roles import Role
from e2xhub.domain.roster import ExamMembership

EXAM = ExamId.parse("ml-pz1")
ALICE = Username.parse("alice")
READY = ServerStatus(state=ServerState.READY)
STARTING = ServerStatus(state=ServerState.STARTING)


@pytest.fixture
def in_the_exam(exam_open_at_nine: datetime) -> datetime:
    """Half an hour after it has started."""
    return exam_open_at_nine + timedelta(minutes=30)


def code(state: PasswordState, at: datetime) -> PasswordStatus:
    return PasswordStatus(
        username=ALICE,
        generation=1,
        state=state,
        issued_at=at,
        issued_by="petra",
        consumed_at=None,
        consumed_from=None,
    )


def session(at: datetime) -> ExamSession:
    return ExamSession(
        id=1,
        exam=EXAM,
        username=ALICE,
        digest="0" * 64,
        address="10.1.0.7",
        safe_browser_way="",
        started_at=at,
    )


def signed_in(at: datetime) -> ExamineeRecord:
    return ExamineeRecord(
        password=code(PasswordState.USED, at), session=session(at), signed_in_at=at
    )


def state_of(
    record: ExamineeRecord, now: datetime, server: ServerStatus = NO_SERVER
) -> ExamineeState:
    return decide_state(record, server, now + timedelta(hours=1), now)


@pytest.mark.parametrize(
    ("password", "expected"),
    [
        (PasswordState.ACTIVE, ExamineeState.ISSUED),
        (PasswordState.REVOKED, ExamineeState.REVOKED),
        (PasswordState.USED, ExamineeState.SIGNED_OUT),
    ],
)
def test_code_decides_for_who_is_not_in(
    password: PasswordState, expected: ExamineeState, in_the_exam: datetime
) -> None:
    record = ExamineeRecord(password=code(password, in_the_exam))
    assert state_of(record, in_the_exam) is expected


def test_somebody_of_whom_nothing_is_known_has_no_code(in_the_exam: datetime) -> None:
    assert state_of(NOTHING_KNOWN, in_the_exam) is ExamineeState.NOT_ISSUED


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        (NO_SERVER, ExamineeState.SIGNED_IN),
        (STARTING, ExamineeState.SIGNED_IN),
        (ServerStatus(state=ServerState.STOPPING), ExamineeState.SIGNED_IN),
        (READY, ExamineeState.READY),
    ],
)
def test_server_decides_for_who_is_in(
    server: ServerStatus, expected: ExamineeState, in_the_exam: datetime
) -> None:
    assert state_of(signed_in(in_the_exam), in_the_exam, server) is expected


@pytest.mark.parametrize(
    ("quiet_for", "expected"),
    [
        (timedelta(0), ExamineeState.READY),
        (IDLE_AFTER - timedelta(seconds=1), ExamineeState.READY),
        (IDLE_AFTER, ExamineeState.IDLE),
    ],
)
def test_who_does_nothing_for_a_while_is_idle(
    quiet_for: timedelta, expected: ExamineeState, in_the_exam: datetime
) -> None:
    server = replace(READY, last_activity=in_the_exam)
    record = signed_in(in_the_exam - timedelta(minutes=20))
    assert state_of(record, in_the_exam + quiet_for, server) is expected


def test_activity_from_before_the_sign_in_makes_nobody_idle(in_the_exam: datetime) -> None:
    server = replace(READY, last_activity=in_the_exam - timedelta(hours=1))
    assert state_of(signed_in(in_the_exam), in_the_exam, server) is ExamineeState.READY


def test_submission_counts_more_than_the_server(in_the_exam: datetime) -> None:
    record = replace(signed_in(in_the_exam), submitted_at=in_the_exam)
    assert state_of(record, in_the_exam, READY) is ExamineeState.SUBMITTED


def test_who_comes_back_after_a_submission_works_again(in_the_exam: datetime) -> None:
    submitted_at = in_the_exam + timedelta(minutes=5)
    with_new_code = replace(
        code(PasswordState.ACTIVE, in_the_exam + timedelta(minutes=9)), generation=2
    )
    record = replace(signed_in(in_the_exam), submitted_at=submitted_at)
    assert state_of(record, submitted_at, READY) is ExamineeState.SUBMITTED
    reissued = replace(record, password=with_new_code, session=None)
    assert state_of(reissued, in_the_exam, READY) is ExamineeState.ISSUED
    back = replace(record, session=session(in_the_exam + timedelta(minutes=10)))
    assert state_of(back, in_the_exam, READY) is ExamineeState.READY


def test_finished_counts_more_than_everything(in_the_exam: datetime) -> None:
    record = replace(signed_in(in_the_exam), submitted_at=in_the_exam, finished_at=in_the_exam)
    assert state_of(record, in_the_exam, READY) is ExamineeState.FINISHED


def test_time_is_over_for_who_was_in_and_not_for_who_never_came(in_the_exam: datetime) -> None:
    was_in = replace(signed_in(in_the_exam), session=None)
    never_came = ExamineeRecord(password=code(PasswordState.ACTIVE, in_the_exam))
    ends_at = in_the_exam
    assert decide_state(was_in, NO_SERVER, ends_at, in_the_exam) is ExamineeState.OVER
    assert decide_state(never_came, NO_SERVER, ends_at, in_the_exam) is ExamineeState.ISSUED


def test_row_has_what_roster_and_catalog_say(exam_hub: Registry, in_the_exam: datetime) -> None:
    membership = ExamMembership(
        username=ALICE,
        exam=EXAM,
        role=Role.STUDENT,
        attributes={"vorname": "Ada", "nachname": "Lovelace", "room": "lab", "seat": "7"},
    )
    changed = exam_hub.with_changes(ExamChanges(extra_minutes={(EXAM, ALICE): 20}))
    row = make_row(changed, membership, NOTHING_KNOWN, NO_SERVER, in_the_exam)
    assert (row.name, row.room, row.seat) == (Name(first="Ada", last="Lovelace"), "lab", "7")
    assert row.extra_minutes == 20
    assert row.ends_at == exam_hub.catalog.exams[EXAM].ends_at + timedelta(minutes=20)


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (NOTHING_KNOWN, False),
        (ExamineeRecord(is_locked=True), True),
    ],
)
def test_who_is_locked_needs_help(
    record: ExamineeRecord, expected: bool, exam_hub: Registry, in_the_exam: datetime
) -> None:
    (membership, *_) = examinees_of(exam_hub.roster, EXAM)
    assert make_row(exam_hub, membership, record, NO_SERVER, in_the_exam).needs_help is expected


def test_who_was_refused_needs_help(exam_hub: Registry, in_the_exam: datetime) -> None:
    refused = RefusedSignIn(at=in_the_exam, address="10.9.9.9", reason="is in no room of the exam")
    (membership, *_) = examinees_of(exam_hub.roster, EXAM)
    record = ExamineeRecord(refused=refused)
    assert make_row(exam_hub, membership, record, NO_SERVER, in_the_exam).needs_help


@pytest.mark.parametrize(
    ("server", "expected"),
    [(ServerState.NONE, "NO_ROOM"), (ServerState.STARTING, "NO_ROOM"), (ServerState.READY, "")],
)
def test_whose_start_failed_needs_help_until_a_server_runs(
    server: ServerState, expected: str, exam_hub: Registry, in_the_exam: datetime
) -> None:
    (membership, *_) = examinees_of(exam_hub.roster, EXAM)
    status = ServerStatus(state=server, failure="NO_ROOM")
    row = make_row(exam_hub, membership, signed_in(in_the_exam), status, in_the_exam)
    assert (row.failed_start, row.needs_help) == (expected, bool(expected))


def test_failed_start_of_who_is_out_is_nobodys_trouble(
    exam_hub: Registry, in_the_exam: datetime
) -> None:
    (membership, *_) = examinees_of(exam_hub.roster, EXAM)
    failed = ServerStatus(failure="NO_ROOM")
    finished = replace(signed_in(in_the_exam), finished_at=in_the_exam)
    for record in (NOTHING_KNOWN, finished):
        assert not make_row(exam_hub, membership, record, failed, in_the_exam).needs_help


def test_proctors_and_graders_are_no_examinees(exam_hub: Registry) -> None:
    found = [membership.username for membership in examinees_of(exam_hub.roster, EXAM)]
    assert sorted(found) == ["alice", "ben"]


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({}, Name()),
        ({"name": "Ada Lovelace"}, Name(last="Ada Lovelace")),
        ({"first_name": "", "given_name": "Ada", "surname": "L"}, Name(first="Ada", last="L")),
    ],
)
def test_name_is_found_in_the_columns_that_lists_have(
    attributes: dict[str, str], expected: Name
) -> None:
    assert name_in(attributes) == expected
