"""Judges by the policies that a cluster has, and works the same question out once.

A look each second and every start ask, for hundreds of servers; a single policy may have thousands
of rules. Which verdict a pod gets depends on nothing but the policies that select it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from e2xhub.kubernetes.lockdown.judgement import (
    ParsedPolicies,
    Puzzle,
    describe_excess,
    find_widening,
    others,
    tell_puzzling,
)
from e2xhub.kubernetes.lockdown.writing import name_of
from e2xhub.kubernetes.reach import Pod, Policy, parse_policy

Manifest = Mapping[str, Any]


class Verdicts:
    """Of the policies that were given last (`read`)."""

    def __init__(self) -> None:
        self.policies: list[Policy] = []
        self.puzzling: list[Puzzle] = []
        self._manifests: Mapping[str, Manifest] = {}
        self._parsed = ParsedPolicies()
        self._written: dict[str, tuple[Manifest, Policy]] = {}
        # With the policies themselves: the id of one that is gone may be given to another.
        self._known: dict[object, tuple[tuple[Policy, ...], list[str]]] = {}

    def read(self, manifests: Mapping[str, Manifest]) -> None:
        """Takes `manifests`, by `namespace/name`, for all policies that there are."""
        if manifests == self._manifests:
            return
        self._manifests = manifests
        self.policies, self.puzzling = self._parsed.parse(manifests.values())
        self._forget()

    def parse(self, written: Manifest) -> Policy:
        """A policy of ours; each version once."""
        name = name_of(written)
        before = self._written.get(name)
        if before is None or before[0] != written:
            before = self._written[name] = written, parse_policy(written)
        return before[1]

    def find_widening(self, pod: Pod, written: Manifest) -> list[str]:
        """What lets `pod` reach more than the policy `written` for it allows; sentences."""
        own = self.parse(written)
        if not own.selects(pod):
            return find_widening(pod, own, (), self.puzzling)
        selecting = (own, *(it for it in others(own, self.policies) if it.selects(pod)))
        key = (tuple(map(id, selecting)), tuple(sorted(pod.ports.items())))
        if key not in self._known:
            self._known[key] = selecting, describe_excess(pod, selecting)
        return [*self._known[key][1], *tell_puzzling(pod, self.puzzling)]

    def find_widening_of(self, pods: Iterable[Pod], written: Manifest) -> list[str]:
        """The same sentence once, of however many pods."""
        found = (fault for pod in pods for fault in self.find_widening(pod, written))
        return list(dict.fromkeys(found))

    def _forget(self) -> None:
        """Verdicts on policies that there are no more."""
        current = {id(policy) for policy in self.policies}
        current.update(id(policy) for _, policy in self._written.values())
        self._known = {
            key: (selecting, verdict)
            for key, (selecting, verdict) in self._known.items()
            if current.issuperset(map(id, selecting))
        }
