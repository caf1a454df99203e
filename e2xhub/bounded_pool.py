"""Threads for calls that wait for others: so many of them, and so many calls in a queue.

What comes when the queue is full is refused at once: a queue that grows would make everybody wait
for a database or directory that does not answer.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from e2xhub.errors import E2xHubError

_Result = TypeVar("_Result")


class NoResultInTimeError(E2xHubError):
    """Nobody waits for the call any more, or it was never made; says why."""


class PoolIsFullError(NoResultInTimeError):
    """Every thread is busy, and as many calls wait as may wait."""


class CallTookTooLongError(NoResultInTimeError):
    """The call was not done in time; whether it is still being made, nobody waits for it."""


class CallNeverBeganError(CallTookTooLongError):
    """No thread was free in time; what the call would have asked is not the cause."""


class BoundedPool:
    """Runs calls in `threads` threads while at most `waiting` further ones wait for one.

    `seconds` is the longest that somebody waits, for a thread and the call together; None: as long
    as it takes. A call that was not done by then keeps its thread until it ends; while all threads
    are kept so, nobody is let into the queue.
    """

    def __init__(self, name: str, *, threads: int, waiting: int, seconds: float | None) -> None:
        self.seconds = seconds
        self._most, self._thread_count = threads + waiting, threads
        self._unfinished = 0
        self._given_up: set[Future[Any]] = set()
        self._lock = threading.Lock()  # a call may end in any thread
        self._threads = ThreadPoolExecutor(threads, name)

    async def run(self, call: Callable[[], _Result]) -> _Result:
        """The result of `call`, or what it raises.

        Raises PoolIsFullError at once, CallTookTooLongError after `seconds`; CallNeverBeganError
        among them.
        """
        future = self._submit(call)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), self.seconds)
        except asyncio.TimeoutError:
            if (raised := _error_of(future)) is not None:
                raise raised from None  # it is the call that speaks of time
            self._give_up(future)
            if future.cancelled():
                raise CallNeverBeganError(
                    f"not begun within {self.seconds:g} s, as all threads are busy"
                ) from None
            raise CallTookTooLongError(f"not done within {self.seconds:g} s") from None

    def _submit(self, call: Callable[[], _Result]) -> Future[_Result]:
        with self._lock:
            if self._unfinished >= self._most:
                raise PoolIsFullError(f"{self._unfinished} calls are being made or wait already")
            if (stuck := len(self._given_up)) >= self._thread_count:
                raise PoolIsFullError(f"{stuck} calls do not end, and no thread is free")
            self._unfinished += 1
        future = self._threads.submit(call)
        future.add_done_callback(self._note_end)
        return future

    def _give_up(self, future: Future[Any]) -> None:
        with self._lock:
            if not future.done():
                self._given_up.add(future)

    def _note_end(self, future: Future[Any]) -> None:
        with self._lock:
            self._unfinished -= 1
            self._given_up.discard(future)


def _error_of(future: Future[Any]) -> BaseException | None:
    """What a call that has ended has raised."""
    return future.exception() if future.done() and not future.cancelled() else None
