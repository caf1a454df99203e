"""Where a request comes from, and whether that is in a room of an exam."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a request comes from, as far as that can be believed."""

    address: Address
    is_passed_on: bool = False
    """Whoever is there says that it passes the request on for somebody else; nobody believes it."""


def parse_address(text: str) -> Address:
    """The address in `text`, IPv4-mapped IPv6 as IPv4; raises ValueError for anything else.

    The zone of a link-local address (`fe80::1%eth0`) is dropped: it means something on one host.
    """
    address = ip_address(text.strip())
    if isinstance(address, IPv4Address):
        return address
    return address.ipv4_mapped or IPv6Address(int(address))


def is_within(address: Address, networks: Iterable[str]) -> bool:
    """Whether `address` belongs to one of `networks` (CIDRs)."""
    return any(address in ip_network(network) for network in networks)


def find_origin(
    peer: str, forwarded_for: Sequence[str], is_trusted: Callable[[Address], bool]
) -> Origin:
    """Where a request comes from.

    `peer` is the socket's other end; `forwarded_for` are the values of all X-Forwarded-For
    headers in their order. The header is read from right to left, and only as long as the hop
    that wrote an entry `is_trusted`, as a reverse proxy; X-Real-Ip is never read, because
    anybody can send it. Raises ValueError where a trusted hop wrote something that is no address.
    """
    address = parse_address(peer)
    hops = [hop for value in forwarded_for for hop in value.split(",")]
    while hops and is_trusted(address):
        address = parse_address(hops.pop())
    return Origin(address=address, is_passed_on=any(hop.strip() for hop in hops))
