"""The ports of a rule: per protocol exact sets of numbers, and names that only a pod resolves.

A rule without ports means all traffic, also that of protocols without ports, such as ICMP. So
"everything" is more than all numbers of TCP, UDP and SCTP together.

A name stands for one port that is not known before the destination's pod is. Where names meet
numbers, results are upper bounds: a name is taken away only by the same name, or by all numbers
of its protocol. `resolve` makes names into numbers; without names everything here is exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from e2xhub.kubernetes.reach.intervals import IntervalSet

Protocol = Literal["TCP", "UDP", "SCTP"]
PROTOCOLS: tuple[Protocol, ...] = ("TCP", "UDP", "SCTP")
LAST_PORT = 65535
_NONE = IntervalSet()
_ALL = IntervalSet(((1, LAST_PORT),))


@dataclass(frozen=True)
class Ports:
    """A set of ports; `Ports()` holds none."""

    tcp: IntervalSet = _NONE
    udp: IntervalSet = _NONE
    sctp: IntervalSet = _NONE
    names: frozenset[tuple[Protocol, str]] = frozenset()
    """Named ports of a pod's containers, as (protocol, name)."""
    other_protocols: bool = False
    """Whether traffic without such ports, as ICMP, is in it as well."""

    @classmethod
    def of(cls, protocol: Protocol, first: int, last: int | None = None) -> Ports:
        """From `first` to `last`; only `first` where `last` is missing."""
        last = first if last is None else last
        return cls.from_numbers({protocol: IntervalSet(((first, last),))})

    @classmethod
    def every(cls, protocol: Protocol) -> Ports:
        """Every port of `protocol`."""
        return cls.from_numbers({protocol: _ALL})

    @classmethod
    def from_numbers(cls, numbers: Mapping[Protocol, IntervalSet]) -> Ports:
        """The numbers of each protocol that is in `numbers`."""
        tcp, udp, sctp = (numbers.get(protocol, _NONE) for protocol in PROTOCOLS)
        return cls(tcp, udp, sctp)

    @classmethod
    def named(cls, protocol: Protocol, name: str) -> Ports:
        """The port that the destination's pod calls `name`."""
        return cls(names=frozenset({(protocol, name)}))

    def numbers(self, protocol: str) -> IntervalSet:
        """The numbers of `protocol`."""
        return {"TCP": self.tcp, "UDP": self.udp, "SCTP": self.sctp}[protocol]

    def includes(self, protocol: str, number: int) -> bool:
        """Whether the port is in this set, whatever names in it may stand for."""
        return number in self.numbers(protocol)

    @property
    def is_everything(self) -> bool:
        """Whether all traffic is in it."""
        return self.other_protocols and self.tcp == self.udp == self.sctp == _ALL

    def __bool__(self) -> bool:
        return bool(self.tcp or self.udp or self.sctp or self.names or self.other_protocols)

    def __or__(self, other: Ports) -> Ports:
        return Ports(
            self.tcp | other.tcp,
            self.udp | other.udp,
            self.sctp | other.sctp,
            self.names | other.names,
            self.other_protocols or other.other_protocols,
        )

    def __and__(self, other: Ports) -> Ports:
        """What is in both; a name counts as in both where it may be, see the module."""
        return Ports(
            self.tcp & other.tcp,
            self.udp & other.udp,
            self.sctp & other.sctp,
            self._names_possibly_in(other) | other._names_possibly_in(self),
            self.other_protocols and other.other_protocols,
        )

    def __sub__(self, other: Ports) -> Ports:
        """What is here and not in `other`; a name stays where it may not be, see the module."""
        if not other:
            return self
        return Ports(
            self.tcp - other.tcp,
            self.udp - other.udp,
            self.sctp - other.sctp,
            self.names and self.names - other._names_surely_held(self.names),
            self.other_protocols and not other.other_protocols,
        )

    def covers(self, other: Ports) -> bool:
        """Whether all of `other` is surely in this set."""
        return not other - self

    def resolve(self, ports: Mapping[str, tuple[str, int]]) -> Ports:
        """The same with numbers for names, by a pod's named ports; unknown names are nothing."""
        return replace(self.resolve_known(ports), names=frozenset()) if self.names else self

    def resolve_known(self, ports: Mapping[str, tuple[str, int]]) -> Ports:
        """The same with numbers for the names that `ports` has; the others stay."""
        known = {(protocol, name) for protocol, name in self.names if _has(ports, protocol, name)}
        resolved = replace(self, names=self.names - known)
        for protocol, name in known:
            resolved = resolved | Ports.of(protocol, ports[name][1])
        return resolved

    def _names_surely_held(
        self, names: frozenset[tuple[Protocol, str]]
    ) -> frozenset[tuple[Protocol, str]]:
        return frozenset(
            (protocol, name)
            for protocol, name in names
            if (protocol, name) in self.names or self.numbers(protocol) == _ALL
        )

    def _names_possibly_in(self, other: Ports) -> frozenset[tuple[Protocol, str]]:
        return frozenset(
            (protocol, name)
            for protocol, name in self.names
            if other.numbers(protocol) or any(protocol == held for held, _ in other.names)
        )

    def __str__(self) -> str:
        """Such as `8081/TCP`, `53/TCP, 53/UDP`, `27000-27009/TCP`, `all TCP`, `all`, `none`."""
        if self.is_everything:
            return "all"
        parts = [part for protocol in PROTOCOLS for part in self._describe(protocol)]
        parts += ["other protocols"] if self.other_protocols else []
        return ", ".join(parts) or "none"

    def _describe(self, protocol: Protocol) -> list[str]:
        numbers = self.numbers(protocol)
        if numbers == _ALL:
            described = [f"all {protocol}"]
        else:
            described = [
                f"{first}/{protocol}" if first == last else f"{first}-{last}/{protocol}"
                for first, last in numbers.spans
            ]
        names = sorted(name for held, name in self.names if held == protocol)
        return described + [f"{name}/{protocol}" for name in names]


def _has(ports: Mapping[str, tuple[str, int]], protocol: Protocol, name: str) -> bool:
    return name in ports and ports[name][0] == protocol


ALL_PORTS = Ports(_ALL, _ALL, _ALL, other_protocols=True)
NO_PORTS = Ports()
