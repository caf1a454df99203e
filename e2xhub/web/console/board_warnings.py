"""What proctors are warned of, on top of the console; the page has the words for each kind."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from traitlets.log import get_logger

from e2xhub.domain.exam_board import BoardRow, ServerState
from e2xhub.domain.identifiers import ExamId
from e2xhub.domain.offers import Offer, Registry
from e2xhub.domain.refusals import NotOfferedError
from e2xhub.web.console.row_json import milliseconds
from e2xhub.web.strangers import Strangers

BoardWarning = dict[str, Any]
"""`kind`, and the values that its sentence has."""
FindPolicyFaultOfOffer = Callable[[Offer], Awaitable[str]]

SLOW_START = timedelta(minutes=2)
_POLICY_EVERY = timedelta(seconds=20)
_MOST_NAMES = 5
_MOST_STRANGERS = 3


class Watch:
    """Remembers what one look at the rows cannot tell."""

    def __init__(
        self,
        exam: ExamId,
        find_policy_fault: FindPolicyFaultOfOffer | None,
        strangers: Strangers | None = None,
        is_origin_shared: Callable[[], bool] = lambda: False,
    ) -> None:
        self.exam = exam
        self.is_origin_shared = is_origin_shared
        self.strangers = strangers or Strangers()
        self._find_policy_fault = find_policy_fault
        self._starting_since: dict[str, datetime] = {}
        self._policy_fault = ""
        self._policy_asked_at: datetime | None = None
        self._policy_question: asyncio.Task[None] | None = None

    def find_slow_starts(self, rows: Iterable[BoardRow], now: datetime) -> list[str]:
        """Those whose server has been starting for longer than `SLOW_START`."""
        starting = [row.username for row in rows if row.server.state is ServerState.STARTING]
        before = self._starting_since
        self._starting_since = {name: before.get(name, now) for name in starting}
        return [name for name, since in self._starting_since.items() if now - since >= SLOW_START]

    def find_policy_fault(self, registry: Registry, rows: Iterable[BoardRow], now: datetime) -> str:
        """What the last look at the cluster found; looks again beside everything else.

        There is a policy as soon as somebody has started a server, not before.
        """
        running = [row.username for row in rows if row.server.state is ServerState.READY]
        if not running or self._find_policy_fault is None:
            return ""
        if self._policy_asked_at is None or now - self._policy_asked_at >= _POLICY_EVERY:
            self._policy_asked_at = now
            offer = self._find_offer(registry, running[:_MOST_NAMES], now)
            if offer:
                question = self._ask_for_policy(self._find_policy_fault, offer)
                self._policy_question = asyncio.ensure_future(question)
        return self._policy_fault

    def _find_offer(
        self, registry: Registry, usernames: Iterable[str], now: datetime
    ) -> Offer | None:
        """What one of those has, who are in: the policy is the same for all."""
        for username in usernames:
            try:
                return registry.authorize(username, f"exams/{self.exam}/student", now)
            except NotOfferedError:
                continue
        return None

    async def _ask_for_policy(self, ask: FindPolicyFaultOfOffer, offer: Offer) -> None:
        try:
            self._policy_fault = await ask(offer)
        except Exception as error:  # whatever it is, nobody knows whether the exam is locked
            self._policy_fault = type(error).__name__
            get_logger().exception("the network policy of %s could not be looked at", self.exam)


def find_warnings(
    watch: Watch,
    registry: Registry,
    rows: Iterable[BoardRow],
    now: datetime,
    *,
    outage: datetime | None = None,
    faults: int = 0,
) -> list[BoardWarning]:
    """What can be known now, the worst first; `outage`: since when the database is away, `faults`:
    how many are in catalog and roster."""
    found = list(rows)
    return [
        *_database(outage),
        *_policy(watch.find_policy_fault(registry, found, now)),
        *_people("slow-starts", watch.find_slow_starts(found, now)),
        *_catalog_faults(faults),
        *_strangers(watch, registry, now),
        *_people("no-room", [row.username for row in found if not row.room]),
        *_unknown_rooms(registry, watch.exam, found),
        *([{"kind": "forward-auth"}] if watch.is_origin_shared() else []),
    ]


def _database(outage: datetime | None) -> Iterator[BoardWarning]:
    if outage:
        yield {"kind": "database", "since": milliseconds(outage)}


def _policy(fault: str) -> Iterator[BoardWarning]:
    if fault:
        yield {"kind": "policy", "fault": fault}


def _catalog_faults(faults: int) -> Iterator[BoardWarning]:
    """The hub serves what it read before the faults."""
    if faults:
        yield {"kind": "faults", "count": faults}


def _strangers(watch: Watch, registry: Registry, now: datetime) -> Iterator[BoardWarning]:
    """Somebody who is to sit here may be misspelt, or be on no list."""
    found = watch.strangers.in_rooms_of(registry, watch.exam, now)
    for stranger in found[:_MOST_STRANGERS]:
        at = milliseconds(stranger.last)
        yield {
            "kind": "stranger",
            "address": stranger.address,
            "since": at,
            "count": stranger.count,
        }


def _unknown_rooms(
    registry: Registry, exam: ExamId, rows: list[BoardRow]
) -> Iterator[BoardWarning]:
    known = registry.catalog.exams[exam].rooms
    unknown = sorted({row.room for row in rows if row.room and row.room not in known})
    if unknown:
        yield {"kind": "unknown-rooms", "count": len(unknown), "names": unknown[:_MOST_NAMES]}


def _people(kind: str, usernames: list[str]) -> Iterator[BoardWarning]:
    if usernames:
        yield {"kind": kind, "count": len(usernames), "names": usernames[:_MOST_NAMES]}
