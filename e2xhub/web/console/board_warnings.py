"""What proctors are warned of, on top of the console; the page has the words for each kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from e2xhub.domain.exam_board import BoardRow, ServerState
from e2xhub.domain.identifiers import ExamId
from e2xhub.domain.offers import Registry
from e2xhub.web.console.lockdown_watch import FindLockdownFaults, LockdownFinding, LockdownWatch
from e2xhub.web.console.reach_json import find_wide_destinations
from e2xhub.web.console.row_json import milliseconds
from e2xhub.web.strangers import Strangers

BoardWarning = dict[str, Any]
"""`kind`, and the values that its sentence has."""

SLOW_START = timedelta(minutes=2)
_MOST_NAMES = 5
_MOST_STRANGERS = 3


class Watch:
    """Remembers what one look at the rows cannot tell."""

    def __init__(
        self,
        exam: ExamId,
        find_lockdown_faults: FindLockdownFaults | None = None,
        strangers: Strangers | None = None,
        is_origin_shared: Callable[[], bool] = lambda: False,
    ) -> None:
        self.exam = exam
        self.is_origin_shared = is_origin_shared
        self.strangers = strangers or Strangers()
        self.lockdown = LockdownWatch(exam, find_lockdown_faults)
        self._starting_since: dict[str, datetime] = {}

    def find_slow_starts(self, rows: Iterable[BoardRow], now: datetime) -> list[str]:
        """Those whose server has been starting for longer than `SLOW_START`."""
        starting = [row.username for row in rows if row.server.state is ServerState.STARTING]
        before = self._starting_since
        self._starting_since = {name: before.get(name, now) for name in starting}
        return [name for name, since in self._starting_since.items() if now - since >= SLOW_START]


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
        *_lockdown(watch.lockdown.look(registry, found, now)),
        *_people("slow-starts", watch.find_slow_starts(found, now)),
        *_wide_destinations(registry, watch.exam),
        *_catalog_faults(faults),
        *_strangers(watch, registry, now),
        *_people("no-room", [row.username for row in found if not row.room]),
        *_unknown_rooms(registry, watch.exam, found),
        *([{"kind": "forward-auth"}] if watch.is_origin_shared() else []),
    ]


def _database(outage: datetime | None) -> Iterator[BoardWarning]:
    if outage:
        yield {"kind": "database", "since": milliseconds(outage)}


def _lockdown(finding: LockdownFinding) -> Iterator[BoardWarning]:
    if not finding.is_known:
        yield {"kind": "lockdown-unknown"}
    elif finding.faults:
        yield {"kind": "lockdown", "details": list(finding.faults)}


def _wide_destinations(registry: Registry, exam: ExamId) -> Iterator[BoardWarning]:
    """Networks where exams have single machines, as after a typing error."""
    for name, addresses in find_wide_destinations(registry.catalog, exam).items():
        yield {"kind": "wide-destination", "destination": name, "addresses": addresses}


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
