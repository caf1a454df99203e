"""Judges how far the servers of one offer reach: rows, needed connections, and what is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from e2xhub.kubernetes.lockdown.access import needed_access_policies
from e2xhub.kubernetes.lockdown.judgement import join_some, tell_apart
from e2xhub.kubernetes.lockdown.writing import is_as_written, is_ours, name_of
from e2xhub.kubernetes.reach import (
    Direction,
    Excess,
    Grant,
    Pod,
    Reach,
    find_excess,
    parse_policy,
    reach_of,
)
from e2xhub.kubernetes.reach_view import remedies
from e2xhub.kubernetes.reach_view.access import find_connections
from e2xhub.kubernetes.reach_view.network import Network
from e2xhub.kubernetes.reach_view.server import LockedServer
from e2xhub.kubernetes.reach_view.view import ReachFault, ReachRow, ReachView, Side
from e2xhub.kubernetes.reach_view.words import PeerWords
from e2xhub.kubernetes.surroundings import COMPONENTS

NOT_SHOWN = (
    "NetworkPolicy objects do not show policies of the network plug-in for the whole cluster "
    "(AdminNetworkPolicy, kinds of Calico or Cilium), which are not read, nor whether the plug-in "
    "enforces anything, which 'e2xhub lockdown verify --probe' tries"
)
_NOTHING = Direction(True, (), ())


def make_view(server: LockedServer, network: Network) -> ReachView:
    """How far `server` reaches in `network`."""
    known = _with_ours(server, network)
    words = PeerWords(surroundings=server.surroundings, destinations=server.lockdown.destinations)
    # One that is started now, and of those that run each one that other policies select.
    pods = tell_apart((server.pod, *known.servers), known.policies)
    rows, excesses = _make_rows(server, pods, known, words)
    judged = find_connections(server.pod, known, server.surroundings)
    faults = [
        *_faults_of_policies(server, known),
        *_faults_of_excess(excesses, server, known),
        *(fault for _, fault in judged if fault),
        *_faults_of_pods(server, known),
    ]
    return ReachView(
        subject=server.subject,
        namespace=server.pod.namespace,
        labels=server.pod.labels,
        policies=tuple(dict.fromkeys(_names_of_selecting(pods, known))),
        rows=tuple(rows),
        connections=tuple(connection for connection, _ in judged),
        faults=tuple(faults),
        notes=(*known.notes, NOT_SHOWN),
    )


def _with_ours(server: LockedServer, network: Network) -> Network:
    """With what e2xhub makes before the first server starts, and deletes after the last one."""
    if network.servers:
        return network
    added = [
        it for it in _policies_of_ours(server, network) if name_of(it) not in network.manifests
    ]
    if not added:
        return network
    names = ", ".join(map(name_of, added))
    return replace(
        network,
        policies=(*network.policies, *map(parse_policy, added)),
        manifests={**network.manifests, **{name_of(policy): policy for policy in added}},
        notes=(*network.notes, f"assumed, as e2xhub makes it when a server starts: {names}"),
    )


def _policies_of_ours(server: LockedServer, network: Network) -> list[Any]:
    """The lockdown, and what hub and proxy need beside it."""
    return [
        server.policy,
        *needed_access_policies(
            network.manifests, network.policies, server.surroundings, server.pod
        ),
    ]


def _names_of_selecting(pods: Iterable[Pod], network: Network) -> Iterator[str]:
    for pod in pods:
        yield from (str(policy) for policy in network.policies if policy.selects(pod))


@dataclass(frozen=True)
class _TooWide:
    """A part of a grant that the lockdown does not have."""

    side: Side
    policy: str
    told: str
    pod: Pod


def _make_rows(
    server: LockedServer, pods: Iterable[Pod], network: Network, words: PeerWords
) -> tuple[list[ReachRow], list[_TooWide]]:
    """What each pod is granted, each grant once, and what of it is too wide."""
    rows: dict[ReachRow, None] = {}
    excesses: dict[tuple[Side, str, str], _TooWide] = {}
    allowed = reach_of(server.pod, [parse_policy(server.policy)])
    for pod in pods:
        for side, grant in _grants_of(reach_of(pod, network.policies)):
            told = [_tell(part, words) for part in _excess_of(side, grant, allowed)]
            rows[_make_row(side, grant, words, told)] = None
            for text in told:
                found = _TooWide(side, _policy_of(grant), text, pod)
                excesses.setdefault((side, found.policy, text), found)
    return list(rows), list(excesses.values())


def _grants_of(reach: Reach) -> Iterator[tuple[Side, Grant]]:
    for side, direction in ((Side.FROM, reach.ingress), (Side.TO, reach.egress)):
        for grant in direction.grants:
            yield side, grant


def _excess_of(side: Side, grant: Grant, allowed: Reach) -> Sequence[Excess]:
    alone = Direction(grant.policy is not None, (), (grant,))
    reach = Reach(alone, _NOTHING) if side is Side.TO else Reach(_NOTHING, alone)
    return find_excess(reach, allowed)


def _policy_of(grant: Grant) -> str:
    return str(grant.policy) if grant.policy else ""


def _make_row(side: Side, grant: Grant, words: PeerWords, told: Iterable[str]) -> ReachRow:
    return ReachRow(
        side=side,
        peer=words.name(grant.peer),
        ports=str(grant.ports),
        policy=_policy_of(grant),
        excess=tuple(told),
        is_of_hub=bool(words.parts_in(grant.peer)),
    )


def _tell(part: Excess, words: PeerWords) -> str:
    """Such as `10.0.0.0/8 on 53/UDP`."""
    ports = part.grant.ports
    shown = "all ports" if ports.is_everything else str(ports)
    return f"{words.name(part.grant.peer)} on {shown}"


def _faults_of_policies(server: LockedServer, network: Network) -> Iterator[ReachFault]:
    for name, message in network.misunderstood.items():
        yield remedies.misunderstood(name, message)
    for manifest in _policies_of_ours(server, network):
        name = name_of(manifest)
        found = network.manifests.get(name)
        if found is None:
            if manifest is server.policy:
                yield remedies.missing(name, server.subject)
        elif not is_ours(found):
            yield remedies.not_ours(name)
        elif name not in network.misunderstood and not _is_as_written(found, manifest):
            yield remedies.changed(name, server.subject)


def _is_as_written(found: Mapping[str, Any], written: Mapping[str, Any]) -> bool:
    return "spec" in found and is_as_written(found, written)


def _faults_of_excess(
    excesses: Iterable[_TooWide], server: LockedServer, network: Network
) -> Iterator[ReachFault]:
    """One for each policy and direction."""
    by_policy: dict[tuple[str, Side], list[_TooWide]] = {}
    for it in excesses:
        by_policy.setdefault((it.policy, it.side), []).append(it)
    for (name, side), found in by_policy.items():
        yield remedies.too_wide(
            name,
            network.manifests.get(name, {}),
            side=side,
            what=join_some([it.told for it in found]),
            subject=server.subject,
            pod="" if found[0].pod is server.pod else found[0].pod.name,
        )


def _faults_of_pods(server: LockedServer, network: Network) -> Iterator[ReachFault]:
    for component, pods in zip(COMPONENTS, (network.hubs, network.proxies), strict=True):
        if not pods:
            yield remedies.no_pod(component, server.surroundings)
