"""Loopback addresses for pods: all of 127.0.0.0/8 is this machine, so each pod can have its own."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator


class NoAddressLeftError(Exception):
    """Every address of the range is in use."""


class AddressPool:
    """Hands out the addresses of a range in turn; one that was given back rests long."""

    def __init__(self, address_range: str) -> None:
        """Raises ValueError unless the range is a part of 127.0.0.0/8, in CIDR notation."""
        network = ipaddress.IPv4Network(address_range)
        if not network.subnet_of(ipaddress.IPv4Network("127.0.0.0/8")):
            raise ValueError(f"'{address_range}' is no range of loopback addresses (127.0.0.0/8)")
        self._network = network
        self._used: set[str] = set()
        self._next = self._hosts()

    def _hosts(self) -> Iterator[str]:
        return map(str, self._network.hosts())

    def take(self) -> str:
        """Return an address that is not in use; raises NoAddressLeftError."""
        for _ in range(self._network.num_addresses + 1):
            address = next(self._next, None)
            if address is None:
                self._next = self._hosts()
            elif address not in self._used:
                self._used.add(address)
                return address
        raise NoAddressLeftError(f"every address of {self._network} belongs to a pod")

    def give_back(self, address: str) -> None:
        """Allow the address to be handed out again."""
        self._used.discard(address)
