"""Whether the NetworkPolicies of a cluster leave a lockdown true. Pure: decides, and asks nobody.

A pod's reach is the union of all policies that select it. What this union has beyond the policy
that e2xhub has written for the pod is a fault, whoever meant well with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from e2xhub.kubernetes.labels import NETWORK
from e2xhub.kubernetes.lockdown.writing import name_of
from e2xhub.kubernetes.policies import LOCKED
from e2xhub.kubernetes.reach import (
    Block,
    Excess,
    Grant,
    Pod,
    Policy,
    PolicyFormatError,
    find_excess,
    parse_policy,
    reach_of,
)

Manifest = Mapping[str, Any]
_GRANTS = {"egress": "lets the server reach", "ingress": "lets in to the server"}
_MOST_EXCEPTED = 4
NARROW = (
    f"give its podSelector the expression {{key: {NETWORK}, operator: NotIn, "
    f"values: [{', '.join(LOCKED)}]}}"
)
"""What mends a policy that selects locked pods; open ones keep it."""


@dataclass(frozen=True)
class Puzzle:
    """A policy that is not understood, and why."""

    manifest: Manifest
    error: PolicyFormatError

    def may_select(self, pod: Pod) -> bool:
        """Whether it may be about `pod`: not, where at least its selector is understood."""
        selector = (self.manifest.get("spec") or {}).get("podSelector") or {}
        stub = {"metadata": self.manifest["metadata"], "spec": {"podSelector": selector}}
        try:
            return parse_policy(stub).selects(pod)
        except PolicyFormatError:
            return True


class ParsedPolicies:
    """Policies as the evaluator takes them; each version of one is read once."""

    def __init__(self) -> None:
        self._parsed: dict[str, tuple[Manifest, Policy | PolicyFormatError]] = {}

    def parse(self, manifests: Iterable[Manifest]) -> tuple[list[Policy], list[Puzzle]]:
        """The policies of `manifests`, and what is wrong with those that nobody understands."""
        known = self._parsed
        self._parsed = {name_of(one): self._parse_once(known, one) for one in manifests}
        results = list(self._parsed.values())
        understood = [result for _, result in results if isinstance(result, Policy)]
        puzzling = [Puzzle(one, error) for one, error in results if not isinstance(error, Policy)]
        return understood, puzzling

    @staticmethod
    def _parse_once(
        known: Mapping[str, tuple[Manifest, Policy | PolicyFormatError]], manifest: Manifest
    ) -> tuple[Manifest, Policy | PolicyFormatError]:
        before = known.get(name_of(manifest))
        if before is not None and (before[0] is manifest or before[0] == manifest):
            return before
        try:
            return manifest, parse_policy(manifest)
        except PolicyFormatError as error:
            return manifest, error


def find_widening(
    pod: Pod, written: Policy, policies: Iterable[Policy], puzzling: Iterable[Puzzle]
) -> list[str]:
    """What lets `pod` reach more, or be reached by more, than the policy `written` for it allows.

    A sentence for each; `policies` are all others of its namespace, `puzzling` those that could not
    be understood: each that may select the pod may open everything.
    """
    if not written.selects(pod):
        return [f"NetworkPolicy {written} does not select the pod (its labels: {dict(pod.labels)})"]
    excess = describe_excess(pod, [written, *others(written, policies)])
    return [*excess, *tell_puzzling(pod, puzzling)]


def tell_puzzling(pod: Pod, puzzling: Iterable[Puzzle]) -> list[str]:
    """What is wrong with those of `puzzling` that may select `pod`."""
    return [str(puzzle.error) for puzzle in puzzling if puzzle.may_select(pod)]


def others(written: Policy, policies: Iterable[Policy]) -> list[Policy]:
    """`policies` without that of the name of `written`: it counts as it is written."""
    return [policy for policy in policies if str(policy) != str(written)]


def describe_excess(pod: Pod, policies: Sequence[Policy]) -> list[str]:
    """What `policies` give to `pod` beyond the first of them."""
    return list(_describe(find_excess(reach_of(pod, policies), reach_of(pod, policies[:1]))))


def _describe(wider: Iterable[Excess]) -> Iterator[str]:
    """A sentence for each policy and direction."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for excess in wider:
        grouped.setdefault((excess.policy, excess.direction), []).append(_name_of(excess.grant))
    for (policy, direction), grants in grouped.items():
        yield (
            f"NetworkPolicy {policy} {_GRANTS[direction]} {join_some(grants)}. Expected that it "
            f"does not select these pods: {NARROW}, or delete it"
        )


def _name_of(grant: Grant) -> str:
    """Its text, to be read out: what our own policy has in it can cut a network into dozens."""
    peer = grant.peer
    if isinstance(peer, Block) and len(peer.excepted) > _MOST_EXCEPTED:
        return f"{peer.cidr} except {len(peer.excepted)} networks in it: {grant.ports}"
    return str(grant)


def tell_apart(pods: Iterable[Pod], policies: Iterable[Policy]) -> list[Pod]:
    """Of many pods the first one of each kind: for policies all of a kind are the same.

    Of a kind are those that the same policies select. Each pod has labels of its own, such as its
    owner's name; which of them a policy names does not matter.
    """
    known = list(policies)
    kinds: dict[object, Pod] = {}
    for pod in pods:
        selecting = tuple(index for index, policy in enumerate(known) if policy.selects(pod))
        kinds.setdefault((selecting, tuple(sorted(pod.ports.items()))), pod)
    return list(kinds.values())


def join_some(texts: Sequence[str], most: int = 3) -> str:
    """The first `most` of `texts`, and how many more there are."""
    more = [f"and {len(texts) - most} more"] if len(texts) > most else []
    return "; ".join([*texts[:most], *more])
