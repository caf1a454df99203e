"""Calls run in so many threads, so many wait, and nobody waits longer than they should."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from e2xhub.bounded_pool import (
    BoundedPool,
    CallNeverBeganError,
    CallTookTooLongError,
    PoolIsFullError,
)


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What calls wait for; open at the end, so that no thread stays."""
    gate = threading.Event()
    yield gate
    gate.set()


async def until_idle(pool: BoundedPool) -> None:
    """Waits until the last call has ended, at most five seconds."""
    deadline = asyncio.get_running_loop().time() + 5
    while pool._unfinished and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(0.005)


async def test_result_and_error_of_a_call_are_handed_on() -> None:
    pool = BoundedPool("test", threads=1, waiting=0, seconds=5)
    assert await pool.run(lambda: "done") == "done"
    with pytest.raises(ZeroDivisionError):
        await pool.run(lambda: 1 // 0)


async def test_error_of_a_call_about_time_is_its_own() -> None:
    pool = BoundedPool("test", threads=1, waiting=0, seconds=5)

    def ask() -> None:
        raise TimeoutError("the server does not answer")

    with pytest.raises(TimeoutError, match=r"^the server does not answer$"):
        await pool.run(ask)


async def test_call_beyond_the_queue_is_refused_at_once(gate: threading.Event) -> None:
    pool = BoundedPool("test", threads=1, waiting=1, seconds=30)
    waiting = [asyncio.ensure_future(pool.run(gate.wait)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(PoolIsFullError, match=r"^2 calls are being made or wait already$"):
        await pool.run(lambda: None)
    gate.set()
    assert await asyncio.gather(*waiting) == [True, True]
    assert await pool.run(lambda: "free again") == "free again"


async def test_call_that_waits_too_long_for_a_thread_is_never_made(gate: threading.Event) -> None:
    pool = BoundedPool("test", threads=1, waiting=1, seconds=0.1)
    made: list[str] = []
    slow = asyncio.ensure_future(pool.run(gate.wait))
    late = asyncio.ensure_future(pool.run(lambda: made.append("late")))
    with pytest.raises(CallTookTooLongError, match=r"^not done within 0\.1 s$") as too_long:
        await slow
    assert type(too_long.value) is CallTookTooLongError
    with pytest.raises(CallNeverBeganError, match=r"^not begun within 0\.1 s, as all threads are"):
        await late
    gate.set()
    await until_idle(pool)
    assert await pool.run(lambda: "free again") == "free again"
    assert made == []


async def test_thread_that_nobody_waits_for_counts_until_it_ends(gate: threading.Event) -> None:
    pool = BoundedPool("test", threads=1, waiting=0, seconds=0.05)
    with pytest.raises(CallTookTooLongError):
        await pool.run(gate.wait)
    with pytest.raises(PoolIsFullError):
        await pool.run(lambda: None)
    gate.set()
    await until_idle(pool)
    assert await pool.run(lambda: "free again") == "free again"


async def test_queue_is_closed_while_calls_that_nobody_waits_for_have_all_threads(
    gate: threading.Event,
) -> None:
    pool = BoundedPool("test", threads=2, waiting=10, seconds=0.05)
    for _ in range(2):
        with pytest.raises(CallTookTooLongError):
            await pool.run(gate.wait)
    with pytest.raises(PoolIsFullError, match=r"^2 calls do not end, and no thread is free$"):
        await pool.run(lambda: None)
    gate.set()
    await until_idle(pool)
    assert await pool.run(lambda: "open again") == "open again"


async def test_queue_is_open_while_one_thread_is_left(gate: threading.Event) -> None:
    pool = BoundedPool("test", threads=2, waiting=10, seconds=0.5)
    with pytest.raises(CallTookTooLongError):
        await pool.run(gate.wait)
    assert await pool.run(lambda: "done") == "done"


async def test_pool_without_an_end_waits_as_long_as_it_takes(gate: threading.Event) -> None:
    pool = BoundedPool("test", threads=1, waiting=1, seconds=None)
    calls = [asyncio.ensure_future(pool.run(gate.wait)) for _ in range(2)]
    await asyncio.sleep(0.2)
    assert not any(call.done() for call in calls)
    gate.set()
    assert await asyncio.gather(*calls) == [True, True]


async def test_whoever_goes_away_leaves_the_queue(gate: threading.Event) -> None:
    pool = BoundedPool("test", threads=1, waiting=1, seconds=None)
    made: list[str] = []
    first = asyncio.ensure_future(pool.run(gate.wait))
    gone = asyncio.ensure_future(pool.run(lambda: made.append("gone")))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.sleep(0)
    next_one = asyncio.ensure_future(pool.run(lambda: made.append("next")))
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(first, next_one)
    assert made == ["next"]


async def test_loop_goes_on_while_calls_wait(gate: threading.Event) -> None:
    pool = BoundedPool("test", threads=1, waiting=0, seconds=30)
    waiting = asyncio.ensure_future(pool.run(gate.wait))
    turns = 0
    while turns < 100:
        await asyncio.sleep(0)
        turns += 1
    assert not waiting.done()
    gate.set()
    assert await waiting
