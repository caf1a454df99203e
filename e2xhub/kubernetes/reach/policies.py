"""NetworkPolicies as values, and what each of them grants.

A policy selects pods of its own namespace. It isolates them in the directions that it is about
(`is_about_ingress`, `is_about_egress`), and its rules grant in these directions only.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from e2xhub.kubernetes.reach.peers import Peer, Pod
from e2xhub.kubernetes.reach.ports import Ports
from e2xhub.kubernetes.reach.selectors import LabelSelector


@dataclass(frozen=True)
class Rule:
    """Each of `peers` on each of `ports`."""

    peers: tuple[Peer, ...]
    ports: Ports


@dataclass(frozen=True, kw_only=True)
class Policy:
    """A NetworkPolicy (networking.k8s.io/v1)."""

    namespace: str
    name: str
    selector: LabelSelector
    is_about_ingress: bool
    is_about_egress: bool
    ingress: tuple[Rule, ...] = ()
    egress: tuple[Rule, ...] = ()

    def selects(self, pod: Pod) -> bool:
        """Whether it is about `pod`."""
        return pod.namespace == self.namespace and self.selector.matches(pod.labels)

    @cached_property
    def ingress_grants(self) -> tuple[Grant, ...]:
        """What it lets in, of the pods that it selects."""
        return self._make_grants(self.ingress)

    @cached_property
    def egress_grants(self) -> tuple[Grant, ...]:
        """What it lets out, of the pods that it selects."""
        return self._make_grants(self.egress)

    def _make_grants(self, rules: tuple[Rule, ...]) -> tuple[Grant, ...]:
        return tuple(Grant(self, peer, rule.ports) for rule in rules for peer in rule.peers)

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True)
class Grant:
    """What one rule lets through for one peer; `policy` is None where no policy isolates."""

    policy: Policy | None
    peer: Peer
    ports: Ports

    def __str__(self) -> str:
        return f"{self.peer}: {self.ports}"
