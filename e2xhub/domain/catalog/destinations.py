"""Places beside the hub that locked servers may be allowed to reach, such as a licence server.

A NetworkPolicy knows addresses and pods, and no names of hosts; a server without name service
gets the names from here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema, model_validator

from e2xhub.domain.catalog.model import CatalogModel
from e2xhub.domain.catalog.values import HostName, LabelName, LabelValue, NamespaceName

_PORTS = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?(?:/(tcp|udp))?", re.IGNORECASE)
_HIGHEST_PORT = 65535
IpNetwork = IPv4Network | IPv6Network

CLOSED: tuple[IpNetwork, ...] = tuple(
    ip_network(text)
    for text in (
        *("169.254.0.0/16", "fe80::/10"),  # of one wire; most clouds, also for the node
        *("fd00:ec2::254/128", "fd20:ce::254/128"),  # Amazon, Google
        *("100.100.100.200/32", "168.63.129.16/32"),  # Alibaba, Azure
    )
)
"""Where nodes and clouds keep what no locked server may read, whatever network it may reach."""

# What /etc/hosts has for each machine itself, in pods too; RFC 6761 says so of `localhost`.
_LOCAL_NAMES = frozenset({"localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback"})

# IPv4 addresses that are written as IPv6 ones: network plug-ins differ in what these mean.
_MAPPED = ip_network("::ffff:0:0/96")
_NO_MACHINES = (*CLOSED, ip_network("0.0.0.0/32"), ip_network("::/128"), _MAPPED)


@dataclass(frozen=True)
class PortRange:
    """Ports of one protocol, `first` to `last`."""

    protocol: str
    """`TCP` or `UDP`."""
    first: int
    last: int


def parse_ports(text: str) -> PortRange:
    """The ports in a text such as `443`, `27000-27009` or `123/udp`; raises ValueError."""
    match = _PORTS.fullmatch(text)
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if match is None or not 1 <= first <= last <= _HIGHEST_PORT:
        raise ValueError(
            f"{text!r} is no port; expected '443', '27000-27009' or '123/udp', from 1 to 65535"
        )
    return PortRange((match[3] or "tcp").upper(), first, last)


# pydantic's own minimum would add its words to each fault of an item.
def _check_some_ports(ports: tuple[str, ...]) -> tuple[str, ...]:
    if not ports:
        raise ValueError("ports is empty; expected at least one, such as '443'")
    return ports


def _check_labels(labels: Mapping[str, str]) -> Mapping[str, str]:
    if not labels:
        raise ValueError(
            "labels is empty, which selects every pod of the namespace; expected at least one, "
            "such as 'app: package-mirror'"
        )
    return labels


def _check_ports(text: str) -> str:
    parse_ports(text)
    return text


def parts_inside(network: IpNetwork, networks: Iterable[IpNetwork]) -> list[IpNetwork]:
    """Those of `networks` that `network` holds as a whole."""
    return [one for one in networks if _is_inside(one, [network])]


def _is_inside(network: IpNetwork, networks: Iterable[IpNetwork]) -> bool:
    """Whether one of `networks` holds `network` as a whole."""
    return any(
        one.version == network.version and network.subnet_of(one)  # type: ignore[arg-type]
        for one in networks
    )


def is_local_name(name: str) -> bool:
    """Whether `name`, in lower case, means each machine itself."""
    return name in _LOCAL_NAMES or name.endswith(".localhost")


def _check_host(name: str) -> str:
    if is_local_name(name):
        raise ValueError(
            f"{name!r} is what each server calls itself; expected the name of another machine, "
            "such as 'licences.example.org'"
        )
    return name


def _check_address(text: str) -> str:
    try:
        network = ip_network(text)
        if "%" in text:
            raise ValueError(f"{text!r} belongs to one interface of one machine")
    except ValueError as error:
        raise ValueError(
            f"{error}; expected an address such as '10.3.4.5' or a network such as '10.3.0.0/16'"
        ) from None
    if network.is_loopback or network.is_multicast or _is_inside(network, _NO_MACHINES):
        raise ValueError(
            f"{text!r} belongs to one host or one wire, where clouds have their metadata; "
            "expected the address of another machine"
        )
    return text


Ports = Annotated[
    str,
    BeforeValidator(lambda value: str(value) if type(value) is int else value),
    AfterValidator(_check_ports),
    WithJsonSchema({"type": ["string", "integer"], "pattern": f"^{_PORTS.pattern}$"}),
]
Address = Annotated[str, AfterValidator(_check_address)]


class DestinationPods(CatalogModel):
    """Pods of the cluster."""

    namespace: NamespaceName
    """The namespace that they are in."""
    labels: Annotated[Mapping[LabelName, LabelValue], AfterValidator(_check_labels)]
    """Labels that they have, such as `{app: package-mirror}`; at least one."""


class Destination(CatalogModel):
    """A place that locked servers may reach where `reach` says so."""

    addresses: tuple[Address, ...] = ()
    """Addresses or networks (CIDR), IPv4 and IPv6, such as `10.3.4.5`; of machines outside of the
    cluster."""
    pods: DestinationPods | None = None
    """Pods of the cluster, instead of addresses: a policy does not know the address of a
    Service."""
    ports: Annotated[tuple[Ports, ...], AfterValidator(_check_some_ports)]
    """The ports, such as `443`, `27000-27009` or `123/udp`; TCP where nothing is said."""
    hosts: tuple[Annotated[HostName, AfterValidator(_check_host)], ...] = ()
    """Names under which servers find the address, such as `licences.example.org`, also without
    name service; for a single address."""

    @model_validator(mode="after")
    def _is_somewhere(self) -> Destination:
        if bool(self.addresses) == bool(self.pods):
            raise ValueError("expected either addresses or pods")
        if self.hosts and not self._has_single_addresses:
            raise ValueError(
                "hosts are names of one address; expected one single address (and one more of "
                "IPv6) beside them"
            )
        return self

    @property
    def _has_single_addresses(self) -> bool:
        networks = self.networks
        versions = {network.version for network in networks}
        return bool(networks) and len(versions) == len(networks) == sum(
            network.num_addresses == 1 for network in networks
        )

    @property
    def networks(self) -> list[IpNetwork]:
        """Its addresses as networks."""
        return [ip_network(address) for address in self.addresses]

    def count_addresses(self) -> dict[int, int]:
        """How many addresses it has of IPv4 and of IPv6, each counted once; keys are 4 and 6."""
        ipv4 = [network for network in self.networks if isinstance(network, IPv4Network)]
        ipv6 = [network for network in self.networks if isinstance(network, IPv6Network)]
        return {
            4: sum(network.num_addresses for network in collapse_addresses(ipv4)),
            6: sum(network.num_addresses for network in collapse_addresses(ipv6)),
        }
