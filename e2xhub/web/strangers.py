"""Attempts with a username that no examinee has, for the proctors of the room that they come from.

Whoever mistypes a name is on nobody's list, and would be seen in the log alone. They are kept in
memory, for a while; what was typed is not, because it may be a code.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass
from datetime import datetime, timedelta

from e2xhub.domain.exam_entry import rooms_at
from e2xhub.domain.identifiers import ExamId
from e2xhub.domain.offers import Registry
from e2xhub.domain.rooms import Address

KEPT = timedelta(minutes=10)
MOST_ADDRESSES = 100
MOST_COUNTED = 99


@dataclass(frozen=True, kw_only=True)
class Stranger:
    """An address from which somebody typed a username that no examinee has."""

    address: str
    last: datetime
    count: int
    """How often since `KEPT`, up to `MOST_COUNTED`."""


class Strangers:
    """Those of the last minutes, of one hub; not more than `MOST_ADDRESSES`."""

    def __init__(self) -> None:
        self._times: OrderedDict[Address, deque[datetime]] = OrderedDict()

    def note(self, address: Address, now: datetime) -> None:
        """Somebody at `address` typed such a username."""
        times = self._times.setdefault(address, deque(maxlen=MOST_COUNTED))
        times.append(now)
        self._times.move_to_end(address)
        if len(self._times) > MOST_ADDRESSES:
            self._times.popitem(last=False)

    def in_rooms_of(self, registry: Registry, exam: ExamId, now: datetime) -> list[Stranger]:
        """Those at addresses in the rooms of `exam`, the newest first."""
        self._forget_before(now - KEPT)
        return [
            Stranger(address=str(address), last=times[-1], count=len(times))
            for address, times in reversed(self._times.items())
            if rooms_at(registry, exam, address)
        ]

    def _forget_before(self, moment: datetime) -> None:
        for times in self._times.values():
            while times and times[0] < moment:
                times.popleft()
        for address in [address for address, times in self._times.items() if not times]:
            del self._times[address]
