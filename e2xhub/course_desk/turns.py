"""One list at a time for each person, so that nobody keeps all threads with lists of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from e2xhub.course_desk.refusals import BUSY, DeskUnavailableError


@dataclass
class _Line:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    calls: int = 0


class Turns:
    """Who comes while a call of theirs is being made waits; more than `waiting` are refused."""

    def __init__(self, *, waiting: int) -> None:
        self._waiting = waiting
        self._lines: dict[str, _Line] = {}

    @asynccontextmanager
    async def turn_of(self, person: str) -> AsyncIterator[None]:
        """While it is the turn of `person`; raises DeskUnavailableError where too many wait."""
        line = self._lines.setdefault(person, _Line())
        if line.calls > self._waiting:
            raise DeskUnavailableError(BUSY)
        line.calls += 1
        try:
            async with line.lock:
                yield
        finally:
            line.calls -= 1
            if not line.calls:
                del self._lines[person]
