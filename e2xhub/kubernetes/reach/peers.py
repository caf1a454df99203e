"""Whom a rule is about (peers), and who talks to whom (pods and addresses).

Every namespace has the label `kubernetes.io/metadata.name` with its own name, which Kubernetes
sets and nobody can change (since 1.21), so that "the pods of namespace x" and "the pods of the
namespaces with that label" are the same peer.

Network plug-ins differ in whether an ipBlock holds pods: Kubernetes leaves it open, because
addresses may be rewritten on the way. Here a block holds each pod that has a known address in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from e2xhub.kubernetes.reach.selectors import EVERYTHING, LabelSelector

IpAddress = IPv4Address | IPv6Address
IpNetwork = IPv4Network | IPv6Network
NAMESPACE_NAME = "kubernetes.io/metadata.name"


@dataclass(frozen=True)
class Pod:
    """A pod, as far as rules look at it.

    `addresses` may be given as texts (ValueError where one is none); `ports` are the named ports
    of its containers, as name -> (protocol, number).
    """

    namespace: str
    labels: Mapping[str, str]
    name: str = ""
    addresses: tuple[IpAddress, ...] = ()
    ports: Mapping[str, tuple[str, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "addresses", _parse_addresses(self.addresses))

    def is_the_same(self, other: Pod | Address) -> bool:
        """Whether both are one pod; two pods without a name never are, unless one object."""
        if self is other:
            return True
        return (
            isinstance(other, Pod)
            and bool(self.name)
            and (self.namespace, self.name) == (other.namespace, other.name)
        )


@dataclass(frozen=True)
class Address:
    """Something outside of the cluster; `ip` may be given as text (ValueError where it is none)."""

    ip: IpAddress

    def __post_init__(self) -> None:
        object.__setattr__(self, "ip", _parse_addresses([self.ip])[0])

    @property
    def addresses(self) -> tuple[IpAddress, ...]:
        """Its only address, as `Pod.addresses`."""
        return (self.ip,)


def _parse_addresses(addresses: Iterable[object]) -> tuple[IpAddress, ...]:
    parsed = (ip_address(str(address)) for address in addresses)
    return tuple(getattr(address, "ipv4_mapped", None) or address for address in parsed)


@dataclass(frozen=True)
class Anyone:
    """Everybody: pods, nodes, and addresses outside."""

    def matches(self, _: Pod | Address, __: Mapping[str, Mapping[str, str]]) -> bool:
        """Always."""
        return True

    def __str__(self) -> str:
        return "anyone"


@dataclass(frozen=True)
class Pods:
    """The pods that `pods` selects, in one namespace (by name) or in those that are selected."""

    namespace: str | LabelSelector
    pods: LabelSelector = EVERYTHING

    @cached_property
    def namespaces(self) -> LabelSelector:
        """The selector of its namespaces, also where it names one."""
        if isinstance(self.namespace, LabelSelector):
            return self.namespace
        return LabelSelector.of({NAMESPACE_NAME: self.namespace})

    def matches(self, peer: Pod | Address, namespaces: Mapping[str, Mapping[str, str]]) -> bool:
        """Whether `peer` is one of them; `namespaces` has the labels of each namespace.

        A namespace that it lacks has no label but its name.
        """
        if not isinstance(peer, Pod):
            return False
        labels = {**namespaces.get(peer.namespace, {}), NAMESPACE_NAME: peer.namespace}
        return self.namespaces.matches(labels) and self.pods.matches(peer.labels)

    def __str__(self) -> str:
        """Such as `pods with app=jupyterhub,component=hub in namespace exam`."""
        pods = f"pods with {self.pods}" if self.pods.requirements else "all pods"
        if isinstance(self.namespace, str):
            return f"{pods} in namespace {self.namespace}"
        if not self.namespace.requirements:
            return f"{pods} in all namespaces"
        return f"{pods} in namespaces with {self.namespace}"


@dataclass(frozen=True)
class Block:
    """The addresses of `cidr` but those of `excepted`; all of one IP version."""

    cidr: IpNetwork
    excepted: tuple[IpNetwork, ...] = ()

    def matches(self, peer: Pod | Address, _: Mapping[str, Mapping[str, str]]) -> bool:
        """Whether it holds an address of `peer`."""
        return any(self.holds(address) for address in peer.addresses)

    def holds(self, address: IpAddress) -> bool:
        """Whether `address` is in it."""
        return address in self.cidr and not any(address in out for out in self.excepted)

    def __str__(self) -> str:
        """Such as `10.0.0.0/8 except 10.1.0.0/16`."""
        excepted = " except " + ", ".join(map(str, self.excepted)) if self.excepted else ""
        return f"{self.cidr}{excepted}"


Peer = Anyone | Pods | Block
