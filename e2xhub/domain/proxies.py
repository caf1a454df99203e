"""What an admin says of the reverse proxies whose word about a browser's address counts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from e2xhub.domain.rooms import parse_address

Network = IPv4Network | IPv6Network

_MAPPED = IPv6Network("::ffff:0:0/96")
_NAME_MAX = 253
_USUAL_SIZES = {4: 24, 6: 64}  # the shortest usual prefix of a network of proxies
# The last label begins with a letter: what ends in a number is a network that is misspelt, and the
# system's resolver would read `10.1` as an address.
_NAME = re.compile(
    r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z]([a-z0-9-]{0,61}[a-z0-9])?\.?", re.IGNORECASE
)


@dataclass(frozen=True, kw_only=True)
class DeclaredProxies:
    """Networks, and names whose addresses are to be looked up."""

    networks: tuple[Network, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def wide(self) -> tuple[Network, ...]:
        """Those of more than 256 addresses of IPv4, or more than a /64 of IPv6."""
        return tuple(it for it in self.networks if it.prefixlen < _USUAL_SIZES[it.version])

    @classmethod
    def parse(cls, texts: Iterable[str]) -> DeclaredProxies:
        """Each of `texts` is a network, an address, or the name of a headless Service.

        Raises ValueError with every fault.
        """
        networks: list[Network] = []
        names: list[str] = []
        faults: list[str] = []
        for text in texts:
            try:
                network = _parse_network(text)
            except ValueError:
                if _is_name(text):
                    names.append(text.lower())
                else:
                    faults.append(_explain(text))
                continue
            if network.prefixlen:
                networks.append(network)
            else:
                faults.append(
                    f"{text!r} is everybody, who could then claim to be in an exam's room; "
                    "expected the proxies alone, such as 192.0.2.10/32 or the name of a headless "
                    "Service"
                )
        if faults:
            raise ValueError("; ".join(faults))
        return cls(networks=tuple(networks), names=tuple(dict.fromkeys(names)))


def _parse_network(text: str) -> Network:
    """IPv4-mapped IPv6 as IPv4, because addresses are read like that."""
    network = ip_network(text)
    if isinstance(network, IPv4Network) or not network.subnet_of(_MAPPED):
        return network
    length = network.prefixlen - _MAPPED.prefixlen
    return ip_network(f"{parse_address(str(network.network_address))}/{length}")


def _is_name(text: str) -> bool:
    return len(text) <= _NAME_MAX and _NAME.fullmatch(text) is not None


def _explain(text: str) -> str:
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        return (
            f"{text!r} is neither a network, such as 192.0.2.10/32, nor the name of a headless "
            "Service, such as proxy-pods.exam.svc.cluster.local"
        )
    one = f"{text.partition('/')[0]}/{network.max_prefixlen}"
    return f"{text!r} has host bits set; expected {one} for one proxy, or {network} for all of it"
