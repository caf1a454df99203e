"""What proctors are warned of, on top of the console; the page has the words for each kind."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from prometheus_client import REGISTRY
from traitlets.log import get_logger

from e2xhub.domain.exam_board import BoardRow, ServerState
from e2xhub.domain.identifiers import ExamId
from e2xhub.domain.offers import Offer, Registry
from e2xhub.domain.refusals import NotOfferedError
from e2xhub.web.console.row_json import milliseconds

Warning_ = dict[str, Any]
"""`kind`, and the values that its sentence has."""
FindPolicyFaultOfOffer = Callable[[Offer], Awaitable[str]]

SLOW_START = timedelta(minutes=2)
_POLICY_EVERY = timedelta(seconds=20)
_FAULTS_METRIC = "e2xhub_registry_faults"
_MOST_NAMES = 5


class Watch:
    """Remembers what one look at the rows cannot tell."""

    def __init__(self, exam: ExamId, find_policy_fault: FindPolicyFaultOfOffer | None) -> None:
        self.exam = exam
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
        running = next((it for it in rows if it.server.state is ServerState.READY), None)
        if running is None or self._find_policy_fault is None:
            return ""
        if self._policy_asked_at is None or now - self._policy_asked_at >= _POLICY_EVERY:
            self._policy_asked_at = now
            slug = f"exams/{self.exam}/student"
            try:
                offer = registry.authorize(running.username, slug, now)
            except NotOfferedError:
                return self._policy_fault
            self._policy_question = asyncio.ensure_future(
                self._ask_for_policy(self._find_policy_fault, offer)
            )
        return self._policy_fault

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
    unavailable_since: datetime | None,
    now: datetime,
) -> list[Warning_]:
    """What can be known now; the worst first."""
    found = list(rows)
    return [
        *_database(unavailable_since),
        *_policy(watch.find_policy_fault(registry, found, now)),
        *_people("slow-starts", watch.find_slow_starts(found, now)),
        *_catalog_faults(),
        *_people("no-room", [row.username for row in found if not row.room]),
        *_unknown_rooms(registry, watch.exam, found),
    ]


def _database(unavailable_since: datetime | None) -> Iterator[Warning_]:
    if unavailable_since:
        yield {"kind": "database", "since": milliseconds(unavailable_since)}


def _policy(fault: str) -> Iterator[Warning_]:
    if fault:
        yield {"kind": "policy", "fault": fault}


def _catalog_faults() -> Iterator[Warning_]:
    """The hub serves what it read before the faults; only its metrics say so."""
    for metric in REGISTRY.restricted_registry([_FAULTS_METRIC]).collect():
        for sample in metric.samples:
            if sample.value:
                yield {"kind": "faults", "count": round(sample.value)}


def _unknown_rooms(registry: Registry, exam: ExamId, rows: list[BoardRow]) -> Iterator[Warning_]:
    known = registry.catalog.exams[exam].rooms
    unknown = sorted({row.room for row in rows if row.room and row.room not in known})
    if unknown:
        yield {"kind": "unknown-rooms", "count": len(unknown), "names": unknown[:_MOST_NAMES]}


def _people(kind: str, usernames: list[str]) -> Iterator[Warning_]:
    if usernames:
        yield {"kind": kind, "count": len(usernames), "names": usernames[:_MOST_NAMES]}
