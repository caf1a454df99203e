"""The events of the cluster by pod, read once for all the starts that look at them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from math import inf
from typing import Any

Event = Mapping[str, Any]
_READ_AGAIN_SECONDS = 0.5


class PodEvents:
    """Finds a pod's events without going through those of all pods for each start.

    When a class begins, hundreds of starts look twice a second, and there are thousands of events.
    """

    def __init__(self) -> None:
        self._by_uid: dict[str, list[Event]] = {}
        self._read_at = -inf

    def of(self, uid: str | None, events: Iterable[Event], now: float) -> list[Event]:
        """The events about the pod `uid`, oldest first; `now` is in seconds of any clock.

        `events` are all that are known; they are read again after half a second.
        """
        if now - self._read_at >= _READ_AGAIN_SECONDS:
            self._by_uid, self._read_at = _sort(events), now
        return self._by_uid.get(uid, []) if uid else []


def _sort(events: Iterable[Event]) -> dict[str, list[Event]]:
    by_uid: defaultdict[str, list[Event]] = defaultdict(list)
    for event in events:
        by_uid[event["involvedObject"].get("uid") or ""].append(event)
    for found in by_uid.values():
        found.sort(key=_time_of)
    return dict(by_uid)


def _time_of(event: Event) -> str:
    return event.get("lastTimestamp") or event.get("eventTime") or ""
