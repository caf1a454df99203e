"""Sessions that have ended are taken from JupyterHub, once; those of an exam end with it."""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from e2xhub.domain.audit import Action
from e2xhub.domain.exam_records import SessionEnd
from e2xhub.domain.offers import ServedPart
from e2xhub.storage.exam_records import ExamRecords
from e2xhub.storage.live_exam_records import (
    ExamRegistry,
    LiveExamRecords,
    RecordsUnavailableError,
)
from e2xhub.web.exam_desk import ExamDesk
from e2xhub.web.session_keeper import SessionKeeper
from tests.authenticators.open_exam import ALICE, CARLA, OPEN, make_desk, make_registry
from tests.web.hub_users import HubUser, HubUsers
from tests.web.open_sessions import OTHER_SEAT, open_session

THE_END = timedelta(minutes=30)
A_MINUTE = timedelta(minutes=1)
GRACE = SessionEnd.REISSUED.grace


@pytest.fixture
def desk(records: ExamRecords) -> ExamDesk:
    """The desk of an exam that is over in half an hour."""
    return make_desk(records)


@pytest.fixture
def users() -> HubUsers:
    """The users of a hub."""
    return HubUsers()


@pytest.fixture
def alice(users: HubUsers) -> HubUser:
    """An examinee with a server."""
    user = users.add("alice")
    user.add_token(None)
    return user


def reissue(desk: ExamDesk, *, ago: timedelta = A_MINUTE) -> None:
    """As the command line did, which tells no hub; the browser had a moment to save."""
    then = datetime.now(timezone.utc) - ago
    desk.records.records.issue(OPEN, ALICE, by="petra", now=then, replace=True)
    desk.records.look()


async def look(desk: ExamDesk, users: HubUsers, later: timedelta = timedelta()) -> None:
    """What the keeper of a hub that has just started does."""
    await SessionKeeper(desk, users.find).look(datetime.now(timezone.utc) + later)


def told(desk: ExamDesk, action: Action) -> list[dict[str, Any]]:
    """What the audit log says."""
    entries = desk.records.records.entries(OPEN)
    return [dict(entry.event.details) for entry in entries if entry.event.action is action]


async def test_open_session_is_left_alone(desk: ExamDesk, users: HubUsers, alice: HubUser) -> None:
    alice.add_token(open_session(desk))
    before = alice.cookie_id, alice.sessions
    await look(desk, users)
    assert (alice.cookie_id, alice.sessions) == before


async def test_new_code_takes_cookie_and_tokens_once(
    desk: ExamDesk, users: HubUsers, alice: HubUser
) -> None:
    alice.add_token(open_session(desk))
    before = alice.cookie_id
    reissue(desk, ago=timedelta())
    await look(desk, users)
    assert alice.cookie_id == before  # what is open can still be saved
    await look(desk, users, GRACE)
    cut = alice.cookie_id
    assert (cut != before, alice.sessions) == (True, {None})
    assert desk.records.current.ending == {}
    await look(desk, users)
    assert alice.cookie_id == cut
    assert len(told(desk, Action.SESSION_CUT)) == 1


async def test_who_has_signed_in_again_keeps_what_came_of_that(
    desk: ExamDesk, users: HubUsers, alice: HubUser
) -> None:
    alice.add_token(open_session(desk))
    new = open_session(desk, address=OTHER_SEAT)
    alice.add_token(new)
    before = alice.cookie_id
    await look(desk, users)
    assert (alice.cookie_id, alice.sessions) == (before, {new, None})


async def test_session_of_somebody_whom_this_hub_does_not_know_is_another_hubs(
    desk: ExamDesk, users: HubUsers
) -> None:
    open_session(desk)
    reissue(desk)
    keeper = SessionKeeper(desk, users.find)
    for _ in range(2):
        await keeper.look(datetime.now(timezone.utc) + GRACE)
    ending = desk.records.current.ending.values()
    assert [session.username for session in ending] == ["alice"]


async def test_exam_of_another_hub_is_not_this_ones(
    records: ExamRecords, users: HubUsers, alice: HubUser
) -> None:
    live = LiveExamRecords(records)
    registry = make_registry(datetime.now(timezone.utc))
    object.__setattr__(registry, "served", ServedPart(courses=frozenset({"another"})))
    known = SimpleNamespace(current=registry)
    desk = ExamDesk(registry=ExamRegistry(known, live), records=live)  # type: ignore[arg-type]
    open_session(desk)
    before = alice.cookie_id
    await look(desk, users, THE_END)
    assert len(desk.records.current.sessions) == 1
    reissue(desk)
    await look(desk, users, GRACE)
    assert (alice.cookie_id, len(desk.records.current.ending)) == (before, 1)


async def test_session_ends_with_the_exam_and_is_taken_at_once(
    desk: ExamDesk, users: HubUsers, alice: HubUser
) -> None:
    alice.add_token(open_session(desk))
    before = alice.cookie_id
    await look(desk, users, THE_END - timedelta(seconds=5))
    assert alice.cookie_id == before
    await look(desk, users, THE_END)
    assert (alice.cookie_id != before, alice.sessions) == (True, {None})
    assert (desk.records.current.sessions, desk.records.current.to_cut) == ({}, ())
    assert told(desk, Action.SESSION_ENDED) == [{"why": "the exam has ended"}]
    await look(desk, users, THE_END)
    assert len(told(desk, Action.SESSION_ENDED)) == 1


async def test_session_of_somebody_with_extra_time_goes_on(
    desk: ExamDesk, users: HubUsers, alice: HubUser
) -> None:
    open_session(desk)
    open_session(desk, CARLA, address=OTHER_SEAT)
    now = datetime.now(timezone.utc)
    desk.records.records.grant_extra_minutes(OPEN, ALICE, 10, by="petra", now=now, reason="ill")
    desk.records.look()
    await look(desk, users, THE_END)
    assert [session.username for session in desk.records.current.sessions.values()] == ["alice"]
    await look(desk, users, THE_END + timedelta(minutes=10))
    assert desk.records.current.sessions == {}


@contextlib.contextmanager
def database_down(desk: ExamDesk) -> Any:
    """The database of the records does not answer."""
    engine = desk.records.records.engine
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE audit_end RENAME TO elsewhere"))
    yield
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE elsewhere RENAME TO audit_end"))


async def test_database_that_does_not_answer_cuts_nobody(
    desk: ExamDesk, users: HubUsers, alice: HubUser
) -> None:
    alice.add_token(open_session(desk))
    before = alice.cookie_id, alice.sessions
    with database_down(desk):
        desk.records.look()
        await look(desk, users)
        assert (alice.cookie_id, alice.sessions) == before
        with pytest.raises(RecordsUnavailableError):
            await look(desk, users, THE_END)
        assert (alice.cookie_id, alice.sessions) == before


async def test_what_could_not_be_noted_is_noted_later_and_not_cut_again(
    desk: ExamDesk, users: HubUsers, alice: HubUser
) -> None:
    open_session(desk)
    reissue(desk)
    keeper = SessionKeeper(desk, users.find)
    with database_down(desk):
        for _ in range(2):
            with pytest.raises(RecordsUnavailableError):
                await keeper.look(datetime.now(timezone.utc))
            cut = alice.cookie_id
        assert told(desk, Action.SESSION_CUT) == []
    desk.records.look()
    await keeper.look(datetime.now(timezone.utc))
    assert (alice.cookie_id, len(told(desk, Action.SESSION_CUT))) == (cut, 1)
