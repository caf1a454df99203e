"""What is wrong with the lockdown of running servers: told once, counted, forgotten when over."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from prometheus_client import Gauge

_FAULTS = Gauge(
    "e2xhub_lockdown_faults",
    "What is wrong with the network policies of running locked servers; 0: all are locked",
)
CLUSTER = "the cluster"
"""The subject of a complaint that is about no single policy."""


class ComplaintBook:
    """Of one keeper."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._reasons: dict[str, str] = {}
        self._widening: set[str] = set()
        self._of_all: set[str] = {CLUSTER}

    def reason(self, subject: str) -> str:
        """What is complained of about a policy (`namespace/name`); empty: nothing."""
        return self._reasons.get(subject, "")

    def of_all(self) -> list[str]:
        """What is complained of that concerns every locked server: hub, proxy, the cluster."""
        return [text for subject, text in self._reasons.items() if subject in self._of_all]

    def complain(self, subject: str, reason: str, *, of_all: bool = False) -> None:
        """Of `subject`, which stays so until it is settled; `of_all`: every locked server needs
        it."""
        if of_all:
            self._of_all.add(subject)
        if self._reasons.get(subject) != reason:
            self._log.error("the lockdown of running servers is not what it should be: %s", reason)
        self._reasons[subject] = reason
        self._count()

    def settle(self, subject: str) -> None:
        """Whatever it was, it is over."""
        self._reasons.pop(subject, None)
        self._count()

    def keep_only(self, subjects: Iterable[str]) -> None:
        """Of all others nobody needs to know any more."""
        kept = set(subjects)
        self._reasons = {one: text for one, text in self._reasons.items() if one in kept}
        self._count()

    def tell_widening(self, found: set[str]) -> None:
        """`found` is all that lets running servers reach more than they may; sentences."""
        for fault in sorted(found - self._widening):
            self._log.error("running servers are not locked as they should be: %s", fault)
        for fault in sorted(self._widening - found):
            self._log.info("no longer so: %s", fault)
        self._widening = found
        self._count()

    def _count(self) -> None:
        _FAULTS.set(len(self._widening) + len(self._reasons))
