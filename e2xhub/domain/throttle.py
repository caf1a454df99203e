"""How many attempts to sign in there may be, and when the next one may come.

Attempts are counted in four ways at once. What one address does to one person never locks that
person out at another address; only very many attempts on one person, from wherever, do, and then a
proctor unlocks. NIST SP 800-63B demands a limit for secrets below 64 bits; a code has 50.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from ipaddress import ip_network


class Counter(str, Enum):
    """Whose attempts are counted."""

    PAIR = "pair"
    """Those on one person from one address."""
    PERSON = "person"
    """Those on one person."""
    ADDRESS = "address"
    """Those from one address; a whole room may share one."""
    ALL = "all"
    """All."""


@dataclass(frozen=True, kw_only=True)
class Count:
    """How many attempts there were that did not succeed."""

    attempts: int
    since: datetime
    last_at: datetime


class Verdict(str, Enum):
    """What becomes of an attempt."""

    ADMITTED = "admitted"
    WAIT = "wait"
    """Refused for now; it passes by itself."""
    LOCKED = "locked"
    """Refused until a proctor unlocks the person, or a day has passed."""


FREE_ATTEMPTS = 5
"""From one address on one person, before there is a pause."""
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(hours=1)
MOST_ON_A_PERSON = 40
"""About eight addresses' free attempts; no honest person needs as many."""
UNLOCKED_AFTER = timedelta(days=1)
"""So that nobody is locked out of an exam by what somebody tried long before it."""
_IPV6_PREFIX = 64
_WINDOW = timedelta(minutes=1)
# 400 people behind one address may come in one minute. Hashing keeps up with about 40 a second.
_MOST_IN_A_WINDOW = {Counter.ADDRESS: 400, Counter.ALL: 2000}


def decide_attempt(counts: Mapping[Counter, Count], now: datetime) -> Verdict:
    """Whether one more attempt may be made at `now`; what is missing was never counted."""
    known = {name: count for name, count in counts.items() if not _is_over(name, count, now)}
    person = known.get(Counter.PERSON)
    if person and person.attempts >= MOST_ON_A_PERSON:
        return Verdict.LOCKED
    pair = known.get(Counter.PAIR)
    if pair and now < pair.last_at + pause_after(pair.attempts):
        return Verdict.WAIT
    for counter, most in _MOST_IN_A_WINDOW.items():
        if counter in known and known[counter].attempts >= most:
            return Verdict.WAIT
    return Verdict.ADMITTED


def count_attempt(counter: Counter, before: Count | None, now: datetime) -> Count:
    """The count after one more attempt at `now`."""
    if before is None or _is_over(counter, before, now):
        return Count(attempts=1, since=now, last_at=now)
    return Count(attempts=before.attempts + 1, since=before.since, last_at=now)


def counted_network(address: str) -> str:
    """As what an address is counted: one customer has at least 2**64 addresses of IPv6."""
    if ":" not in address:
        return address
    return str(ip_network(f"{address}/{_IPV6_PREFIX}", strict=False))


def pause_after(attempts: int) -> timedelta:
    """How long to wait after so many attempts: twice as long each time."""
    if attempts < FREE_ATTEMPTS:
        return timedelta(0)
    doublings = min(attempts - FREE_ATTEMPTS, 10)  # far beyond the longest pause
    return min(FIRST_PAUSE * (1 << doublings), LONGEST_PAUSE)


def _is_over(counter: Counter, count: Count, now: datetime) -> bool:
    if counter is Counter.PERSON:
        return now >= count.last_at + UNLOCKED_AFTER
    if counter is Counter.PAIR:
        return now >= count.last_at + FORGOTTEN_AFTER
    return now >= count.since + _WINDOW
