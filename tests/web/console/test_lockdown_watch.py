"""When the lockdown of an exam is asked for, of whom, and what is kept of the answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from e2xhub.domain.exam_board import BoardRow, ServerState, ServerStatus, make_row
from e2xhub.domain.exam_records import NOTHING_KNOWN, ExamineeRecord
from e2xhub.domain.offers import Offer, Registry
from e2xhub.web.console.lockdown_watch import ASK_EVERY, LockdownFinding, LockdownWatch
from tests.web.console.exam_room import EXAM, member, session_of

NOTHING_WRONG = LockdownFinding()
UNCHECKED = LockdownFinding(is_checked=False)
A_MOMENT = 0.01


class Spawners:
    """Answers as the hub's spawners do."""

    def __init__(self, *faults: str) -> None:
        self.faults: Sequence[str] = faults
        self.error: Exception | None = None
        self.asked: list[Offer] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def find_faults(self, offer: Offer) -> Sequence[str]:
        """Says what is wrong, as soon as it may."""
        self.asked.append(offer)
        await self.may_answer.wait()
        if self.error:
            raise self.error
        return self.faults


def row(
    registry: Registry,
    now: datetime,
    *,
    is_in: bool = True,
    server: ServerState = ServerState.NONE,
    username: str = "alice",
) -> BoardRow:
    record = ExamineeRecord(session=session_of(username, now)) if is_in else NOTHING_KNOWN
    return make_row(registry, member(username), record, ServerStatus(state=server), now)


async def look(
    watch: LockdownWatch, registry: Registry, now: datetime, *rows: BoardRow
) -> LockdownFinding:
    """What is known after the question of this look was answered."""
    watch.look(registry, rows, now)
    await asyncio.sleep(A_MOMENT)
    return watch.look(registry, rows, now)


async def test_before_anybody_is_in_nobody_is_asked(
    exam_hub: Registry, exam_open_at_nine: datetime
) -> None:
    spawners, now = Spawners("wide open"), exam_open_at_nine
    watch = LockdownWatch(EXAM, spawners.find_faults)
    found = await look(watch, exam_hub, now, row(exam_hub, now, is_in=False))
    assert (found, spawners.asked) == (UNCHECKED, [])
    assert not watch.is_checked


@pytest.mark.parametrize("server", ServerState)
async def test_it_is_asked_for_who_is_in_whether_there_is_a_server_or_not(
    exam_hub: Registry, exam_open_at_nine: datetime, server: ServerState
) -> None:
    spawners, now = Spawners("wide open"), exam_open_at_nine
    watch = LockdownWatch(EXAM, spawners.find_faults)
    found = await look(watch, exam_hub, now, row(exam_hub, now, server=server))
    assert found == LockdownFinding(faults=("wide open",))
    assert [offer.slug for offer in spawners.asked] == ["exams/ml-pz1/student"]


async def test_server_of_somebody_who_is_out_is_asked_for_too(
    exam_hub: Registry, exam_open_at_nine: datetime
) -> None:
    spawners, now = Spawners("wide open"), exam_open_at_nine
    watch = LockdownWatch(EXAM, spawners.find_faults)
    left = row(exam_hub, now, is_in=False, server=ServerState.READY)
    assert await look(watch, exam_hub, now, left) == LockdownFinding(faults=("wide open",))


async def test_somebody_who_may_not_start_is_passed_over(
    exam_hub: Registry, exam_open_at_nine: datetime
) -> None:
    spawners, now = Spawners("wide open"), exam_open_at_nine
    watch = LockdownWatch(EXAM, spawners.find_faults)
    nobody = row(exam_hub, now, username="nobody")
    found = await look(watch, exam_hub, now, nobody, row(exam_hub, now))
    assert found == LockdownFinding(faults=("wide open",))


async def test_it_is_asked_again_only_after_a_while(
    exam_hub: Registry, exam_open_at_nine: datetime
) -> None:
    spawners, now = Spawners("wide open"), exam_open_at_nine
    watch, alice = LockdownWatch(EXAM, spawners.find_faults), row(exam_hub, exam_open_at_nine)
    await look(watch, exam_hub, now, alice)
    spawners.faults = ()
    just_before = now + ASK_EVERY - timedelta(milliseconds=1)
    assert (await look(watch, exam_hub, just_before, alice)).faults == ("wide open",)
    assert await look(watch, exam_hub, now + ASK_EVERY, alice) == NOTHING_WRONG
    assert len(spawners.asked) == 2


async def test_question_that_waits_is_not_asked_twice(
    exam_hub: Registry, exam_open_at_nine: datetime
) -> None:
    spawners, now = Spawners("wide open"), exam_open_at_nine
    watch, alice = LockdownWatch(EXAM, spawners.find_faults), row(exam_hub, exam_open_at_nine)
    spawners.may_answer.clear()
    await look(watch, exam_hub, now, alice)
    assert await look(watch, exam_hub, now + 2 * ASK_EVERY, alice) == UNCHECKED
    assert len(spawners.asked) == 1
    spawners.may_answer.set()
    await asyncio.sleep(A_MOMENT)
    assert watch.look(exam_hub, [alice], now + 2 * ASK_EVERY).faults == ("wide open",)


async def test_when_the_exam_is_over_nobody_asks_any_more(
    exam_hub: Registry, exam_open_at_nine: datetime
) -> None:
    spawners, now = Spawners("wide open"), exam_open_at_nine
    watch, alice = LockdownWatch(EXAM, spawners.find_faults), row(exam_hub, exam_open_at_nine)
    await look(watch, exam_hub, now, alice)
    assert await look(watch, exam_hub, alice.ends_at, alice) == UNCHECKED
    assert len(spawners.asked) == 1


async def test_no_answer_is_no_good_news_and_is_logged_once(
    exam_hub: Registry, exam_open_at_nine: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    spawners, now = Spawners("wide open"), exam_open_at_nine
    watch, alice = LockdownWatch(EXAM, spawners.find_faults), row(exam_hub, exam_open_at_nine)
    await look(watch, exam_hub, now, alice)
    spawners.error = OSError("the cluster is away")
    with caplog.at_level(logging.ERROR):
        for number in (1, 2, 3):
            found = await look(watch, exam_hub, now + number * ASK_EVERY, alice)
            assert found == LockdownFinding(is_known=False)
            assert not watch.is_checked
    assert caplog.messages == ["The network lock of ml-pz1 could not be looked at"]
    spawners.error, spawners.faults = None, ()
    assert await look(watch, exam_hub, now + 4 * ASK_EVERY, alice) == NOTHING_WRONG
    assert watch.is_checked


async def test_where_nobody_can_look_nothing_is_claimed(
    exam_hub: Registry, exam_open_at_nine: datetime
) -> None:
    async def find_nobody(_offer: Offer) -> None:
        return None

    watch, now = LockdownWatch(EXAM, find_nobody), exam_open_at_nine
    assert await look(watch, exam_hub, now, row(exam_hub, now)) == UNCHECKED
    assert not watch.is_checked
