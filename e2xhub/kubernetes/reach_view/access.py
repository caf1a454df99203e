"""The connections without which nobody can work: hub and proxy to the server, and it to the hub."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from e2xhub.kubernetes.reach import Direction, Pod, Policy, connections, reach_of
from e2xhub.kubernetes.reach_view import remedies
from e2xhub.kubernetes.reach_view.network import Network
from e2xhub.kubernetes.reach_view.view import NeededConnection, ReachFault
from e2xhub.kubernetes.surroundings import Surroundings

_SERVER, _HUB, _PROXY = "the server", "the hub", "the proxy"


@dataclass(frozen=True, kw_only=True)
class _Needed:
    source: Pod
    destination: Pod
    source_name: str
    destination_name: str
    port: int


def find_connections(
    server: Pod, network: Network, around: Surroundings
) -> list[tuple[NeededConnection, ReachFault | None]]:
    """Each needed connection once, and what is wrong with it; of several pods the first that has
    it wrong."""
    found: dict[tuple[str, str], tuple[NeededConnection, ReachFault | None]] = {}
    for needed in _needed(server, network, around):
        key = (needed.source_name, needed.destination_name)
        if key not in found or found[key][0].is_open:
            found[key] = _judge(needed, network, around)
    return list(found.values())


def _needed(server: Pod, network: Network, around: Surroundings) -> Iterator[_Needed]:
    for name, pods in ((_HUB, network.hubs), (_PROXY, network.proxies)):
        for pod in pods:
            yield _Needed(
                source=pod,
                destination=server,
                source_name=name,
                destination_name=_SERVER,
                port=around.server_port,
            )
    for hub in network.hubs:
        yield _Needed(
            source=server,
            destination=hub,
            source_name=_SERVER,
            destination_name=_HUB,
            port=around.hub_port,
        )


def _judge(
    needed: _Needed, network: Network, around: Surroundings
) -> tuple[NeededConnection, ReachFault | None]:
    """Egress of the source and ingress of the destination, one by one, so that the fault can name
    the policies."""
    out_of, into = (
        _closing(needed, network, is_egress=True),
        _closing(needed, network, is_egress=False),
    )
    connection = NeededConnection(
        source=needed.source_name,
        destination=needed.destination_name,
        port=f"{needed.port}/TCP",
        is_open=not (out_of or into),
    )
    if connection.is_open:
        return connection, None
    return connection, remedies.closed(connection, out_of=out_of, into=into, around=around)


def _closing(needed: _Needed, network: Network, *, is_egress: bool) -> list[str]:
    """The policies that isolate the connection's end without letting it through."""
    policies = [_one_way(policy, is_egress=is_egress) for policy in network.policies]
    through = connections(needed.source, needed.destination, policies, network.namespaces)
    if through.includes("TCP", needed.port):
        return []
    pod = needed.source if is_egress else needed.destination
    reach = reach_of(pod, policies)
    direction: Direction = reach.egress if is_egress else reach.ingress
    return [str(policy) for policy in direction.policies]


def _one_way(policy: Policy, *, is_egress: bool) -> Policy:
    if is_egress:
        return replace(policy, is_about_ingress=False)
    return replace(policy, is_about_egress=False)
