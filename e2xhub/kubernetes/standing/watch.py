"""Watches whether a running server is still offered to its owner; says so in log and metrics."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from weakref import WeakSet

from prometheus_client import Counter, Gauge

from e2xhub.domain.standing import Lapse, Started

_KEY = "e2xhub"

STOPPED = Counter(
    "e2xhub_servers_stopped",
    "Servers that were stopped because they were not offered to their owners any more",
)
_NOT_OFFERED = Gauge(
    "e2xhub_servers_not_offered",
    "Running servers that are not offered to their owners any more",
)
_LAPSED: WeakSet[StandingWatch] = WeakSet()
_NOT_OFFERED.set_function(lambda: len(_LAPSED))


class StandingWatch:
    """What one server was started as, and since when that is not offered any more.

    A server that an earlier version of e2xhub started is not judged: nobody knows what it is.
    """

    def __init__(self, log: logging.Logger, server: str) -> None:
        """`server` is what the log calls it."""
        self._log, self._server = log, server
        self.started: Started | None = None
        self._since: datetime | None = None
        self._told: Lapse | None = None

    # --- what survives a restart of the hub

    def get_state(self) -> dict[str, Any]:
        """What belongs into the state of a spawner."""
        if self.started is None:
            return {}
        since = self._since.isoformat() if self._since else None
        return {_KEY: {**vars(self.started), "not_offered_since": since}}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Takes over what `get_state` gave to an earlier process."""
        kept = state.get(_KEY)
        if not kept:
            return
        self.start(
            Started(
                slug=kept["slug"],
                is_read_only=kept["is_read_only"],
                stop_after_minutes=kept["stop_after_minutes"],
            )
        )
        if since := kept["not_offered_since"]:
            self._since = datetime.fromisoformat(since)
            _LAPSED.add(self)

    def start(self, started: Started) -> None:
        """A server is started."""
        self.clear()
        self.started = started

    def clear(self) -> None:
        """There is no server any more."""
        self.started = self._since = self._told = None
        _LAPSED.discard(self)

    # --- what a look finds

    def note(self, lapse: Lapse | None, now: datetime) -> bool:
        """Tells what a look at `now` found, where it is new; returns whether the state changed."""
        before = self._since
        if lapse is None:
            self._forgive()
        else:
            self._since = before or now
            _LAPSED.add(self)
            if lapse != self._told:
                self._log.warning("%s", self._describe(lapse, self._since))
            self._told = lapse
        return self._since != before

    def is_due(self, now: datetime) -> bool:
        """Whether the server has to be stopped."""
        ends_at = self.ends_at
        return ends_at is not None and now >= ends_at

    @property
    def ends_at(self) -> datetime | None:
        """When the server has to be stopped, after what the last look found; None: never."""
        if self.started is None or self._since is None:
            return None
        return self.started.ends_at(self._since, self._told)

    def _forgive(self) -> None:
        if self._since:
            self._log.info("server %s is offered to its owner again", self._server)
        self._since = self._told = None
        _LAPSED.discard(self)

    def _describe(self, lapse: Lapse, since: datetime) -> str:
        assert self.started is not None
        ends_at = self.started.ends_at(since, lapse)
        end = (
            f"it is stopped at {ends_at:%Y-%m-%d %H:%M} UTC"
            if ends_at
            else "it goes on until somebody stops it (the catalog sets no stop_after_minutes)"
        )
        return (
            f"server {self._server} runs {self.started.slug}, which is not offered to its owner "
            f"any more (seen since {since:%Y-%m-%d %H:%M} UTC): {lapse}; {end}"
        )
