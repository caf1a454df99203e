"""The names in a pod's `hostAliases`: which of them would lead a locked server astray.

A server trusts whoever answers under its hub's name: it sends its token there. A resolver may give
back every address that `/etc/hosts` has for a name, so it is not enough that the hub's own comes
first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from e2xhub.domain.catalog.destinations import Destination, is_local_name
from e2xhub.kubernetes.pods.fields import containers_of, read

Hosts = Mapping[str, Sequence[str]]
"""Names of hosts, by address."""

_URLS_OF_THE_HUB = frozenset({"JUPYTERHUB_API_URL", "JUPYTERHUB_ACTIVITY_URL"})
_LONGEST_HOSTNAME = 63


def aliases_of(spec: Any) -> Iterator[tuple[str, list[str]]]:
    """The address of each alias of `spec`, with its names."""
    for alias in read(spec, "hostAliases") or []:
        names = read(alias, "hostnames") or []
        listed = [names] if isinstance(names, str) else names
        yield _plain_address(str(read(alias, "ip"))), [str(name) for name in listed]


def merge_hosts(*groups: Iterable[tuple[str, Sequence[str]]]) -> list[dict[str, Any]]:
    """`hostAliases` with one entry for each address, in the order in which they come.

    Of two entries with one address Kubernetes may keep the last one only.
    """
    merged: dict[str, list[str]] = {}
    for hosts in groups:
        for address, names in hosts:
            merged.setdefault(_plain_address(address), []).extend(names)
    return [
        {"ip": address, "hostnames": list(dict.fromkeys(names))}
        for address, names in merged.items()
    ]


def escapes_of_aliases(spec: Any) -> Iterator[str]:
    """Aliases of `spec` for the server itself, which nobody may move elsewhere."""
    for address, names in aliases_of(spec):
        for name in filter(is_local_name, map(_plain_name, names)):
            yield f"the name {name!r} for {address} in its hostAliases"


def misleading_aliases(
    pod: Any, destinations: Mapping[str, Destination], hub_hosts: Hosts
) -> Iterator[str]:
    """What of the names that `pod` would know is the hub's or the server's own, elsewhere.

    `destinations` are those that it reaches, `hub_hosts` the hub's names by address, where the
    server needs them; where it asks the name service, its variables say what the hub is called.
    """
    of_the_hub = {
        (_plain_address(address), _plain_name(name))
        for address, names in hub_hosts.items()
        for name in names
    }
    hub_names = {name for _, name in of_the_hub} | _hub_names_in(pod.spec)
    own_names = _own_names(pod)
    for address, name, who in _named(pod.spec, destinations):
        if (address, name) in of_the_hub:
            continue
        if name in hub_names:
            yield f"the hub's name {name!r} for {address} by {who}"
        elif name in own_names or is_local_name(name):
            yield f"the server's own name {name!r} for {address} by {who}"


def _named(spec: Any, destinations: Mapping[str, Destination]) -> Iterator[tuple[str, str, str]]:
    """Address, name, and who says so."""
    of_destinations = [
        (address, host, f"the destination {name!r}")
        for name, destination in destinations.items()
        for network in destination.networks
        for host in destination.hosts
        for address in [str(network.network_address)]
    ]
    yield from of_destinations
    known = {(address, host) for address, host, _ in of_destinations}
    for address, names in aliases_of(spec):
        for host in map(_plain_name, names):
            if (address, host) not in known:
                yield address, host, "hostAliases (of a kubespawner_override or modify_pod_hook)"


def _hub_names_in(spec: Any) -> set[str]:
    """What the pod's containers call the hub."""
    urls = (
        urlsplit(str(read(variable, "value") or ""))
        for container in containers_of(spec)
        for variable in read(container, "env") or []
        if read(variable, "name") in _URLS_OF_THE_HUB
    )
    return {_plain_name(url.hostname) for url in urls if url.hostname}


def _own_names(pod: Any) -> set[str]:
    """What the pod is called inside itself; the kubelet shortens it so."""
    names = (read(pod, "metadata", "name"), read(pod, "spec", "hostname"))
    return {_plain_name(name)[:_LONGEST_HOSTNAME].rstrip("-.") for name in names if name}


def _plain_name(name: str) -> str:
    """Resolvers ignore case and the dot of the root."""
    return name.rstrip(".").lower()


def _plain_address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        return text  # Kubernetes refuses it
