"""What a locked server may reach over the network; everything else is closed.

The NetworkPolicy that makes it true is in `kubernetes.policies`; whether other policies leave it
true is in `kubernetes.reach`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.catalog.destinations import Destination
from e2xhub.domain.network_class import NetworkClass
from e2xhub.domain.settings import Settings

# A name can carry an answer out of the room; an exam has the name service where it says so itself.
_HAS_NAME_SERVICE = {NetworkClass.NO_INTERNET: True, NetworkClass.EXAM: False}


@dataclass(frozen=True, kw_only=True)
class Lockdown:
    """What a locked server may reach beside its hub."""

    destinations: Mapping[str, Destination]
    """By their names in the catalog."""
    name_service: bool
    """Whether it may ask the cluster's name service."""

    @property
    def hosts(self) -> dict[str, tuple[str, ...]]:
        """The names that it knows without the name service, by address.

        Several destinations may be at one address, such as services on ports of their own.
        """
        hosts: dict[str, tuple[str, ...]] = {}
        for destination in self.destinations.values():
            for network in destination.networks if destination.hosts else ():
                address = str(network.network_address)
                names = (*hosts.get(address, ()), *destination.hosts)
                hosts[address] = tuple(dict.fromkeys(names))
        return hosts


@dataclass(frozen=True, kw_only=True)
class AmbiguousHost:
    """A name that two destinations give to two addresses of one version."""

    host: str
    destinations: tuple[str, str]
    addresses: tuple[str, str]


def find_ambiguous_hosts(destinations: Mapping[str, Destination]) -> Iterator[AmbiguousHost]:
    """Names of hosts that would lead now here, now there, in a server that reaches all of
    `destinations`; a name may have one address of IPv4 and one of IPv6."""
    first: dict[tuple[str, int], tuple[str, str]] = {}
    for name, destination in destinations.items():
        for network in destination.networks:
            address = str(network.network_address)
            for host in dict.fromkeys(destination.hosts):
                known, at = first.setdefault((host, network.version), (name, address))
                if at != address:
                    yield AmbiguousHost(
                        host=host, destinations=(known, name), addresses=(at, address)
                    )


def plan_lockdown(catalog: Catalog, settings: Settings, network: NetworkClass) -> Lockdown | None:
    """The lockdown of the servers that have `settings`; None where their network is `open`."""
    if network is NetworkClass.OPEN:
        return None
    said = settings.name_service
    return Lockdown(
        destinations={
            name: catalog.destinations[name]
            for name, is_reached in sorted(settings.reach.items())
            if is_reached
        },
        name_service=_HAS_NAME_SERVICE[network] if said is None else said,
    )
