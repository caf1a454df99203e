"""Sets of peers that can be taken away from each other exactly, for `excess`.

Pods are a region of the space that has one axis per label of the namespace and of the pod;
addresses are numbers. A piece is a region with ports.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, summarize_address_range
from typing import Protocol, TypeVar

from e2xhub.kubernetes.reach.intervals import IntervalSet
from e2xhub.kubernetes.reach.peers import Block, IpNetwork, Pods
from e2xhub.kubernetes.reach.ports import Ports
from e2xhub.kubernetes.reach.selectors import ANY_VALUE, Values

_MOST_PIECES = 200
"""With more, nothing else is taken away: what is left is too much rather than too late."""

_IPV6 = 1 << 32
"""Where the numbers of IPv6 begin; those of IPv4 are below."""


class Region(Protocol):
    """A set of peers."""

    def __bool__(self) -> bool: ...

    def __and__(self: _R, other: _R, /) -> _R: ...

    def parts_outside(self: _R, other: _R, /) -> list[_R]:
        """What is not in `other`, as regions that do not overlap."""
        ...


_R = TypeVar("_R", bound=Region)
Piece = tuple[_R, Ports]


def subtract(piece: Piece[_R], taken: Iterable[Piece[_R]]) -> list[Piece[_R]]:
    """What of `piece` is in none of `taken`; the regions do not overlap.

    What covers the whole region goes first, so that however much is taken, nothing is left of a
    piece that is in `taken` itself.
    """
    region, ports = piece
    partly = []
    for one in taken:
        if region.parts_outside(one[0]):
            partly.append(one)
        else:
            ports = ports - one[1]
    left = [(region, ports)] if region and ports else []
    for one in partly:
        if len(left) > _MOST_PIECES:
            break
        left = [part for rest in left for part in _subtract_one(rest, one)]
    return left


def _subtract_one(piece: Piece[_R], taken: Piece[_R]) -> list[Piece[_R]]:
    (region, ports), (taken_region, taken_ports) = piece, taken
    other_ports = ports - taken_ports
    common = region & taken_region
    if other_ports == ports or not common:
        return [piece]
    outside = [(part, ports) for part in region.parts_outside(taken_region)]
    return [*outside, (common, other_ports)] if other_ports else outside


@dataclass(frozen=True)
class PodRegion:
    """The pods whose labels, and whose namespace's, have certain values.

    An axis is ("namespace" or "pod", key); one that is missing may have any value.
    """

    axes: Mapping[tuple[str, str], Values]

    @classmethod
    def of(cls, peer: Pods) -> PodRegion:
        """The pods of `peer`."""
        axes = {("namespace", key): values for key, values in peer.namespaces.allowed.items()}
        return cls(axes | {("pod", key): values for key, values in peer.pods.allowed.items()})

    def __bool__(self) -> bool:
        return all(self.axes.values())

    def __and__(self, other: PodRegion) -> PodRegion:
        common = dict(self.axes)
        for axis, values in other.axes.items():
            common[axis] = common.get(axis, ANY_VALUE) & values
        return PodRegion(common)

    def parts_outside(self, other: PodRegion) -> list[PodRegion]:
        """A part for each axis on which one may be outside, inside on the axes before it."""
        parts, inside = [], dict(self.axes)
        for axis, values in other.axes.items():
            mine = inside.get(axis, ANY_VALUE)
            parts.append(PodRegion({**inside, axis: mine - values}))
            inside[axis] = mine & values
        return [part for part in parts if part]


@dataclass(frozen=True)
class AddressRegion:
    """IP addresses as numbers."""

    numbers: IntervalSet

    @classmethod
    def of(cls, block: Block) -> AddressRegion:
        """The addresses of `block`."""
        excepted = IntervalSet.of(map(_span_of, block.excepted))
        return cls(IntervalSet((_span_of(block.cidr),)) - excepted)

    def __bool__(self) -> bool:
        return bool(self.numbers)

    def __and__(self, other: AddressRegion) -> AddressRegion:
        return AddressRegion(self.numbers & other.numbers)

    def __or__(self, other: AddressRegion) -> AddressRegion:
        return AddressRegion(self.numbers | other.numbers)

    def parts_outside(self, other: AddressRegion) -> list[AddressRegion]:
        """None or one."""
        rest = self.numbers - other.numbers
        return [AddressRegion(rest)] if rest else []


def describe_block(region: AddressRegion) -> Block:
    """The addresses of `region`, of one IP version, as their smallest network and what it lacks."""
    first, last = region.numbers.spans[0][0], region.numbers.spans[-1][1]
    cidr = _smallest_network(first, last)
    lacks = IntervalSet((_span_of(cidr),)) - region.numbers
    networks = [network for span in lacks.spans for network in _networks_of(*span)]
    return Block(cidr, tuple(networks))


def _smallest_network(first: int, last: int) -> IpNetwork:
    network = _networks_of(first, first)[0]
    while _span_of(network)[1] < last:
        network = network.supernet()
    return network


def _networks_of(first: int, last: int) -> list[IpNetwork]:
    if first < _IPV6:
        return list(summarize_address_range(IPv4Address(first), IPv4Address(last)))
    return list(summarize_address_range(IPv6Address(first - _IPV6), IPv6Address(last - _IPV6)))


def _span_of(network: IpNetwork) -> tuple[int, int]:
    start = 0 if network.version == 4 else _IPV6
    return start + int(network.network_address), start + int(network.broadcast_address)
