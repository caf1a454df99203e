"""Measures a hub that runs: its answers, and how long its event loop stands still in a reload."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from e2xhub.domain.offers import Registry
from e2xhub.domain.roles import HubKind
from e2xhub.domain.roster import CourseMembership
from e2xhub.storage.live_registry import LiveRegistry
from e2xhub.storage.roster.opening import open_roster
from tests.benchmarks.fresh_process import answer, peak_memory_mib
from tests.benchmarks.large_university import add_member, username_of

_MOMENTS = [
    datetime(year, month, day, 10, tzinfo=timezone.utc)
    for year, month, day in (
        (2026, 9, 1),  # before both terms
        (2026, 11, 2),  # in the first
        (2027, 2, 15),  # in the first, while there are exams
        (2027, 5, 3),  # in the second; the first can still be read
        (2028, 1, 10),  # long after both
    )
]
_MOST_PEOPLE = 2000
_RELOADS = 3
_TICK_SECONDS = 0.001
_LEAST_IDLE_SECONDS = 1.0
_NEVER = 86_400.0


def measure(*, catalog: str, roster: str, people: int, asked: list[str]) -> dict[str, Any]:
    """Times of answers and of reloads, in ms and seconds, and the most memory of it all, in MiB.

    Also the courses of the people who are `asked` for, to compare them with another answer.
    """
    registry = LiveRegistry(
        catalog=Path(catalog),
        roster=open_roster(roster),
        hub=HubKind.ASSIGNMENT,
        most_loss=0.3,
        checks=(),
    )
    registry.watch(every_seconds=_NEVER)  # what it does to the garbage collector belongs to a hub
    times = time_offers(registry.current, people)
    courses = {username: courses_of(registry.current, username) for username in asked}
    return {
        "offers_median_ms": statistics.median(times),
        "offers_p99_ms": statistics.quantiles(times, n=100)[98],
        "courses": courses,
        **asyncio.run(_measure_reloads(registry, roster)),
        "reload_peak_mib": peak_memory_mib(),
    }


def time_offers(registry: Registry, people: int) -> list[float]:
    """The ms of each answer to many people at many moments, after each has been asked for once."""
    numbers = random.Random(people).sample(range(people), min(people, _MOST_PEOPLE))
    questions = [(username_of(number), moment) for number in numbers for moment in _MOMENTS]
    random.Random(people).shuffle(questions)
    times: list[float] = []
    for measured in ([], times):
        for username, moment in questions:
            start = time.perf_counter()
            registry.offers_for(username, moment)
            measured.append((time.perf_counter() - start) * 1000)
    return times


def courses_of(registry: Registry, username: str) -> list[str]:
    """The terms of courses that somebody is a member of, such as `course-007/WS26`."""
    memberships = registry.roster.memberships_of(username)
    found = (item for item in memberships if isinstance(item, CourseMembership))
    return sorted({f"{item.course}/{item.term}" for item in found})


async def _measure_reloads(registry: LiveRegistry, roster: str) -> dict[str, float]:
    """The longest gap of the event loop in some reloads, and in an idle time as long as one."""
    gaps: list[float] = []
    seconds: list[float] = []
    for number in range(_RELOADS):
        expected = len(registry.current.roster) + 1
        add_member(roster, f"newcomer{number}")
        start = time.perf_counter()
        gaps.append(await longest_gap_ms(asyncio.ensure_future(asyncio.to_thread(_take, registry))))
        seconds.append(time.perf_counter() - start)
        assert len(registry.current.roster) == expected, "the change was not taken"
    idle = asyncio.ensure_future(asyncio.sleep(max(_LEAST_IDLE_SECONDS, *seconds)))
    return {
        "reload_gap_ms": max(gaps),
        "reload_seconds": statistics.median(seconds),
        "idle_gap_ms": await longest_gap_ms(idle),
    }


def _take(registry: LiveRegistry) -> None:
    """The first look sees the change, the second one takes it."""
    registry.look()
    registry.look()


async def longest_gap_ms(running: asyncio.Future[None]) -> float:
    """The longest time between two turns of a task that sleeps 1 ms, until `running` has ended."""
    longest, before = 0.0, time.perf_counter()
    while not running.done():
        await asyncio.sleep(_TICK_SECONDS)
        now = time.perf_counter()
        longest, before = max(longest, now - before), now
    await running
    return longest * 1000


if __name__ == "__main__":
    answer(measure)
