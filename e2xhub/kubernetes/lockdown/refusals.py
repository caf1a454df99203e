"""Why the last start of each lockdown was refused, for those who watch an exam."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Refusal:
    """Of a start that a policy was asked for."""

    reason: str
    labels: Mapping[str, str] | None = None
    """Of the pod that reached more than it may; None: there was no policy to judge it by."""


class Refusals:
    """The last one of each policy, by its `namespace/name`."""

    def __init__(self) -> None:
        self._known: dict[str, Refusal] = {}

    def note(self, policy: str, reason: str, labels: Mapping[str, str] | None = None) -> None:
        """That a start was refused."""
        self._known[policy] = Refusal(reason, labels)

    def settle(self, policy: str) -> None:
        """That one has passed, or the cause is gone."""
        self._known.pop(policy, None)

    def settle_missing(self, policy: str) -> None:
        """That the policy is there; a pod that reached more than it may could do so still."""
        if self.labels(policy) is None:
            self.settle(policy)

    def reason(self, policy: str) -> str:
        """Why; empty: none was refused."""
        known = self._known.get(policy)
        return known.reason if known else ""

    def labels(self, policy: str) -> Mapping[str, str] | None:
        """Those of the pod; None where there was none to judge."""
        known = self._known.get(policy)
        return known.labels if known else None
