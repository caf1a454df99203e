"""What a pod may reach, and who may reach it, under all policies together.

A direction in which no policy selects the pod is open. Otherwise it lets through what any of
these policies grants: policies add, and none takes away. A connection needs both: the egress of
its source and the ingress of its destination. Answers belong to their connection and need no rule.

Not in Kubernetes' NetworkPolicy and so not here: what plug-ins add (their own kinds of policies,
the admin's baseline), and what always gets through: a pod and its own node, a pod and itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from e2xhub.kubernetes.reach.peers import Address, Anyone, Pod
from e2xhub.kubernetes.reach.policies import Grant, Policy
from e2xhub.kubernetes.reach.ports import ALL_PORTS, NO_PORTS, Ports


@dataclass(frozen=True)
class Direction:
    """Ingress or egress of a pod."""

    is_isolated: bool
    policies: tuple[Policy, ...]
    """Those that select the pod for this direction."""
    grants: tuple[Grant, ...]
    """What is let through; not isolated: everything, granted by no policy."""


@dataclass(frozen=True)
class Reach:
    """Both directions of a pod."""

    egress: Direction
    ingress: Direction


def reach_of(pod: Pod, policies: Iterable[Policy]) -> Reach:
    """What `pod` may reach, and who it, under `policies` (of any namespace, in any order).

    In ingress, port names that `pod` has are numbers; the others stay names.
    """
    selecting = [policy for policy in policies if policy.selects(pod)]
    return Reach(_egress_of(selecting), _ingress_of(pod, selecting))


def _egress_of(selecting: Iterable[Policy]) -> Direction:
    policies = tuple(policy for policy in selecting if policy.is_about_egress)
    return _make_direction(policies, [grant for one in policies for grant in one.egress_grants])


def _ingress_of(pod: Pod, selecting: Iterable[Policy]) -> Direction:
    policies = tuple(policy for policy in selecting if policy.is_about_ingress)
    grants = [grant for one in policies for grant in one.ingress_grants]
    return _make_direction(policies, _with_numbers(grants, pod.ports))


def _with_numbers(grants: Iterable[Grant], ports: Mapping[str, tuple[str, int]]) -> Iterator[Grant]:
    for grant in grants:
        if grant.ports.names:
            yield Grant(grant.policy, grant.peer, grant.ports.resolve_known(ports))
        else:
            yield grant


def _make_direction(policies: tuple[Policy, ...], grants: Iterable[Grant]) -> Direction:
    if not policies:
        return Direction(False, (), (Grant(None, Anyone(), ALL_PORTS),))
    return Direction(True, policies, tuple(grants))


def connections(
    source: Pod | Address,
    destination: Pod | Address,
    policies: Iterable[Policy],
    namespaces: Mapping[str, Mapping[str, str]],
) -> Ports:
    """The ports of `destination` that `source` gets through to, by their numbers.

    `namespaces` has the labels of each namespace; one that it lacks has no label but its name.
    A pod with known addresses is also reached through each ipBlock that holds one of them, which
    some network plug-ins do and some do not. Port names mean what `destination` calls so. A pod
    always reaches itself.
    """
    if isinstance(source, Pod) and source.is_the_same(destination):
        return ALL_PORTS
    every = list(policies)
    ports = destination.ports if isinstance(destination, Pod) else {}
    out = _ports_to(destination, _egress_grants(source, every), namespaces).resolve(ports)
    return out & _ports_to(source, _ingress_grants(destination, every), namespaces).resolve(ports)


def _egress_grants(source: Pod | Address, policies: list[Policy]) -> Iterable[Grant] | None:
    """None: open, as also everything outside of the cluster is."""
    if isinstance(source, Address):
        return None
    direction = reach_of(source, policies).egress
    return direction.grants if direction.is_isolated else None


def _ingress_grants(destination: Pod | Address, policies: list[Policy]) -> Iterable[Grant] | None:
    if isinstance(destination, Address):
        return None
    direction = reach_of(destination, policies).ingress
    return direction.grants if direction.is_isolated else None


def _ports_to(
    peer: Pod | Address,
    grants: Iterable[Grant] | None,
    namespaces: Mapping[str, Mapping[str, str]],
) -> Ports:
    if grants is None:
        return ALL_PORTS
    ports = NO_PORTS
    for grant in grants:
        if grant.peer.matches(peer, namespaces):
            ports = ports | grant.ports
    return ports
