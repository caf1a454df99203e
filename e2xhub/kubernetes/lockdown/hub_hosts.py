"""Where servers find their hub that may not ask for its name."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from e2xhub.kubernetes.lockdown.writing import PolicyError


async def find_hub_hosts(api_url: str, addresses: Sequence[str] = ()) -> dict[str, list[str]]:
    """The name of the hub in `api_url` by each of its addresses, IPv4 and IPv6; none where it is an
    address already.

    The hub asks its own name service, unless `addresses` are given. Raises PolicyError where that
    does not know the name, and where one of `addresses` is none.
    """
    host = urlsplit(api_url).hostname or ""
    if _is_address(host):
        return {}
    for address in addresses:
        if not _is_address(address):
            raise PolicyError(
                f"{address!r} in E2xSpawner.hub_addresses is no address; expected one such as "
                "'10.96.12.34'"
            )
    found = addresses or await _resolve(host)
    return {address: [host] for address in found}


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


async def _resolve(host: str) -> list[str]:
    loop = asyncio.get_running_loop()
    try:
        answers = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise PolicyError(
            f"the hub's own name {host!r} is not known to the name service ({error}), and servers "
            "without a name service need its address; set E2xSpawner.hub_addresses to the "
            "ClusterIP of the hub's service"
        ) from error
    return sorted({str(sockaddr[0]) for *_, sockaddr in answers})
