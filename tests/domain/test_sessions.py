"""A browser reaches an examinee's server with the session of its sign-in, from the same address."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.domain.exam_records import ExamSession, RecordsView, SessionEnd
from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.domain.rooms import parse_address
from e2xhub.domain.sessions import SessionFault, digest_of, find_fault

HERE = "10.1.0.5"
NOW = datetime(2027, 2, 15, 9, tzinfo=timezone.utc)
OF_ALICE = "a" * 32
SESSIONS = {
    digest_of(OF_ALICE): ExamSession(
        id=1,
        exam=ExamId.parse("ml-pz1"),
        username=Username.parse("alice"),
        digest=digest_of(OF_ALICE),
        address=HERE,
        safe_browser_way="",
        started_at=datetime(2027, 2, 15, 8, tzinfo=timezone.utc),
    )
}


def session_of(session_id: str | None) -> ExamSession | None:
    view = RecordsView(sessions=SESSIONS)
    return view.find_session(digest_of(session_id), NOW) if session_id else None


def test_ending_session_is_good_until_its_grace_is_over() -> None:
    end = SessionEnd.REISSUED
    (session,) = SESSIONS.values()
    ending = replace(session, end=end, ended_at=NOW + end.grace)
    view = RecordsView(ending={session.digest: ending})
    last_moment = NOW + end.grace - timedelta(seconds=1)
    assert view.find_session(session.digest, last_moment) is ending
    assert view.due_to_cut(last_moment) == []
    assert view.find_session(session.digest, NOW + end.grace) is None
    assert view.due_to_cut(NOW + end.grace) == [ending]


@pytest.mark.parametrize("end", SessionEnd)
def test_nobody_has_a_grace_who_is_to_be_kept_out(end: SessionEnd) -> None:
    honest = {SessionEnd.REISSUED, SessionEnd.FINISHED}
    assert bool(end.grace) is (end in honest)


@pytest.mark.parametrize(
    ("session_id", "username", "address", "fault"),
    [
        (OF_ALICE, "alice", HERE, None),
        (OF_ALICE, "alice", "10.1.0.6", SessionFault.OTHER_ADDRESS),
        (OF_ALICE, "alice", None, SessionFault.OTHER_ADDRESS),
        (OF_ALICE, "ben", HERE, SessionFault.FOREIGN),
        (OF_ALICE, "Alice", HERE, SessionFault.FOREIGN),
        ("b" * 32, "alice", HERE, SessionFault.UNKNOWN),
        (digest_of(OF_ALICE), "alice", HERE, SessionFault.UNKNOWN),
        ("", "alice", HERE, SessionFault.UNKNOWN),
        (None, "alice", HERE, SessionFault.UNKNOWN),
    ],
)
def test_only_the_browser_that_signed_in_is_let_through(
    session_id: str | None, username: str, address: str | None, fault: SessionFault | None
) -> None:
    at = ip_address(address) if address else None
    assert find_fault(session_of(session_id), username=username, address=at) is fault


def test_address_of_a_dual_stack_socket_is_the_same_address() -> None:
    at = parse_address(f"::ffff:{HERE}")
    assert find_fault(session_of(OF_ALICE), username="alice", address=at) is None


@given(st.text(max_size=40))
def test_no_other_id_is_accepted(session_id: str) -> None:
    found = find_fault(session_of(session_id), username="alice", address=ip_address(HERE))
    assert (found is None) is (session_id == OF_ALICE)


def test_digest_tells_nothing_of_the_id_and_is_no_plain_hash() -> None:
    digest = digest_of(OF_ALICE)
    assert len(digest) == 64
    assert OF_ALICE not in digest
    assert digest != digest_of(OF_ALICE + "0")
