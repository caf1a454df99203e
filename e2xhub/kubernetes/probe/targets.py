"""What the probe tries: pure, from what is known of a cluster.

What the exam's own policy allows is expected to be reached, and everything else to be closed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from ipaddress import ip_address
from typing import Any

from e2xhub.domain.catalog.destinations import parse_ports
from e2xhub.domain.lockdown import Lockdown
from e2xhub.kubernetes.probe.verdicts import Expectation
from e2xhub.kubernetes.reach import Address, Pod, Policy, connections

OWN_NODE = "@E2XHUB_NODE_ADDRESS"
"""A host of the probe: the node that a pod runs on, whichever that is."""
ITSELF = "@E2XHUB_POD_ADDRESSES"
"""A host of the probe: the pod itself."""

# Name services that anybody may ask, of three companies; each answers on 443 and 53.
INTERNET = ("1.1.1.1", "8.8.8.8", "9.9.9.9", "2606:4700:4700::1111", "2001:4860:4860::8888")
_METADATA = ("169.254.169.254", "fd00:ec2::254")
_NFS_PORTS = (111, 2049, 20048)
_NODE_PORTS = (22, 10250)
_NAMES = ("kubernetes.default.svc", "example.com")


class Kind(str, Enum):
    """What a target is, for people."""

    HUB = "hub"
    DESTINATION = "destination"
    INTERNET = "internet"
    NAME_SERVICE = "name service"
    METADATA = "metadata of the cloud"
    API_SERVER = "API server"
    POD = "another pod"
    PROXY = "proxy"
    NODE = "node"
    PUBLIC = "public address"
    FILE_SERVER = "file server"
    WEB_PROXY = "web proxy"
    FELLOW = "another exam server"
    EXAM_SERVER = "exam server, from another pod"


@dataclass(frozen=True, kw_only=True)
class Target:
    """One thing to try."""

    kind: Kind
    title: str
    """Such as `1.1.1.1 port 443`."""
    protocol: str
    """`tcp`, `dns` or `name`, as the probe takes it."""
    host: str
    port: int
    expectation: Expectation = Expectation.CLOSED


@dataclass(frozen=True)
class Endpoint:
    """Where something listens."""

    title: str
    """What it is, such as `service proxy-public`; empty: its address says it all."""
    host: str
    port: int


@dataclass(frozen=True, kw_only=True)
class Places:
    """What is known of the cluster and of what is around it; hosts are addresses."""

    hubs: Sequence[Endpoint]
    """The first one is how servers reach the hub."""
    proxies: Sequence[Endpoint] = ()
    api_servers: Sequence[Endpoint] = ()
    name_servers: Sequence[str] = ()
    neighbour: Sequence[Endpoint] = ()
    nodes: Sequence[str] = ()
    public: Sequence[Endpoint] = ()
    file_servers: Sequence[Endpoint] = ()
    """The ports do not count: those of NFS are tried."""
    web_proxies: Sequence[Endpoint] = ()
    destination_pods: Mapping[str, Sequence[str]] | None = None
    """The addresses of the pods of destinations, by the destination's name."""
    internet: Sequence[str] = INTERNET


def make_targets(
    places: Places, lockdown: Lockdown, *, policy: Policy, pod: Pod
) -> tuple[Target, ...]:
    """Everything to try, each once; `policy` is the exam's own one, `pod` a pod that it selects."""
    made = [*_hubs(places), *_destinations(places, lockdown)]
    for target in _closed(places, lockdown):
        made.append(_as_the_policy_says(target, policy, pod))
    return tuple({(t.protocol, t.host, t.port): t for t in reversed(made)}.values())[::-1]


def _hubs(places: Places) -> Iterator[Target]:
    for index, endpoint in enumerate(places.hubs):
        expectation = Expectation.ALLOWED if index else Expectation.HUB
        yield replace(_tcp(Kind.HUB, endpoint), expectation=expectation)


def _destinations(places: Places, lockdown: Lockdown) -> Iterator[Target]:
    """One address, and the first port of each range: a network is not searched."""
    for name, destination in lockdown.destinations.items():
        hosts = [str(n.network_address) for n in destination.networks if n.num_addresses == 1]
        hosts += (places.destination_pods or {}).get(name, ())
        ports = [parse_ports(text) for text in destination.ports]
        for host in hosts:
            for port in (port for port in ports if port.protocol == "TCP"):
                target = _tcp(Kind.DESTINATION, Endpoint(name, host, port.first))
                yield replace(target, expectation=Expectation.ALLOWED)


def _closed(places: Places, lockdown: Lockdown) -> Iterator[Target]:
    for address in places.internet:
        yield from _tcp_ports(Kind.INTERNET, address, (443, 80, 53))
        yield _question(Kind.INTERNET, address)
    for target in _name_service(places):
        yield replace(target, expectation=Expectation.ALLOWED) if lockdown.name_service else target
    for address in _METADATA:
        yield from _tcp_ports(Kind.METADATA, address, (80,))
    for kind, endpoints in (
        (Kind.API_SERVER, places.api_servers),
        (Kind.POD, places.neighbour),
        (Kind.PROXY, places.proxies),
        (Kind.PUBLIC, places.public),
        (Kind.WEB_PROXY, places.web_proxies),
    ):
        yield from (_tcp(kind, endpoint) for endpoint in endpoints)
    yield from _nodes(places)
    for server in places.file_servers:
        for port in _NFS_PORTS:
            yield _tcp(Kind.FILE_SERVER, Endpoint(server.title, server.host, port))


def _name_service(places: Places) -> Iterator[Target]:
    for address in places.name_servers:
        yield _question(Kind.NAME_SERVICE, address)
        yield from _tcp_ports(Kind.NAME_SERVICE, address, (53,))
    for name in _NAMES:
        yield Target(
            kind=Kind.NAME_SERVICE, title=f"the name {name}", protocol="name", host=name, port=0
        )


def _nodes(places: Places) -> Iterator[Target]:
    for port in _NODE_PORTS:
        yield Target(
            kind=Kind.NODE,
            title=f"the pod's own node, port {port}",
            protocol="tcp",
            host=OWN_NODE,
            port=port,
            expectation=Expectation.OWN_NODE,
        )
    for address in places.nodes:
        yield from _tcp_ports(Kind.NODE, address, _NODE_PORTS)


def _tcp(kind: Kind, endpoint: Endpoint) -> Target:
    at = f"{endpoint.host} port {endpoint.port}"
    title = f"{endpoint.title} ({at})" if endpoint.title else at
    return Target(kind=kind, title=title, protocol="tcp", host=endpoint.host, port=endpoint.port)


def _tcp_ports(kind: Kind, host: str, ports: Iterable[int]) -> Iterator[Target]:
    yield from (_tcp(kind, Endpoint("", host, port)) for port in ports)


def _question(kind: Kind, host: str) -> Target:
    return Target(kind=kind, title=f"{host} port 53/UDP", protocol="dns", host=host, port=53)


def _as_the_policy_says(target: Target, policy: Policy, pod: Pod) -> Target:
    """`target`, expected to be reached where it is an address that the exam may reach."""
    try:
        address = ip_address(target.host)
    except ValueError:
        return target
    allowed = connections(pod, Address(address), [policy], {})
    protocol = "UDP" if target.protocol == "dns" else "TCP"
    if not allowed.includes(protocol, target.port):
        return target
    return replace(target, expectation=Expectation.ALLOWED)


def make_entrances(addresses: Iterable[str], port: int) -> tuple[Target, ...]:
    """What only the control pod tries: the exam's pod itself, which lets in hub and proxy alone."""
    return tuple(
        _tcp(Kind.EXAM_SERVER, Endpoint("the exam's pod", address, port)) for address in addresses
    )


def make_fellows(addresses: Iterable[str], port: int) -> tuple[Target, ...]:
    """What only the exam's pod tries: another one of the same exam, with whom people could talk."""
    return tuple(
        _tcp(Kind.FELLOW, Endpoint("another pod of the exam", address, port))
        for address in addresses
    )


def as_task(
    targets: Iterable[Target], *, wants: Mapping[Expectation, str], gate: Sequence[Any] = ()
) -> list[list[Any]]:
    """`targets` as the probe takes them, `gate` first."""
    listed = [[t.protocol, t.host, t.port, wants[t.expectation]] for t in targets]
    return [*([list(gate)] if gate else []), *listed]
