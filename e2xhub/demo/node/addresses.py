"""Loopback addresses for pods: all of 127.0.0.0/8 is this machine, so each pod can have its own.

Several demos may run on one machine. An address in use is held by a bound socket, which another
demo cannot bind, and which the kernel lets go with the process, however that ends.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
from collections.abc import Iterator

# UDP, so that no port is taken away from the pod; below the ephemeral ports of Linux.
_HELD_PORT = 29353


class NoAddressLeftError(Exception):
    """Every address of the range is in use."""


class AddressPool:
    """Hands out the addresses of a range in turn; one that was given back rests long."""

    def __init__(self, address_range: str) -> None:
        """Raises ValueError unless the range is a part of 127.0.0.0/8, in CIDR notation."""
        self._held: dict[str, int] = {}
        network = ipaddress.IPv4Network(address_range)
        if not network.subnet_of(ipaddress.IPv4Network("127.0.0.0/8")):
            raise ValueError(f"'{address_range}' is no range of loopback addresses (127.0.0.0/8)")
        self._network = network
        self._next = self._hosts()

    def _hosts(self) -> Iterator[str]:
        return map(str, self._network.hosts())

    def take(self) -> str:
        """Return an address that is not in use on this machine; raises NoAddressLeftError."""
        for _ in range(self._network.num_addresses + 1):
            address = next(self._next, None)
            if address is None:
                self._next = self._hosts()
            elif address not in self._held and (descriptor := _hold(address)) is not None:
                self._held[address] = descriptor
                return address
        raise NoAddressLeftError(f"every address of {self._network} belongs to a pod")

    def give_back(self, address: str) -> None:
        """Allow the address to be handed out again."""
        descriptor = self._held.pop(address, None)
        if descriptor is not None:
            os.close(descriptor)

    def __del__(self) -> None:
        for address in list(self._held):
            self.give_back(address)


def _hold(address: str) -> int | None:
    """A descriptor that holds `address` until it is closed; None where another process does."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        try:
            holder.bind((address, _HELD_PORT))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return None
            raise
        return holder.detach()
