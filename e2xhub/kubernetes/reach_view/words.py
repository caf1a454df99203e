"""Peers of policies in the words of whoever holds the exam."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from e2xhub.domain.catalog.destinations import Destination
from e2xhub.kubernetes.reach import Anyone, Block, LabelSelector, Peer, Pods
from e2xhub.kubernetes.reach.peers import NAMESPACE_NAME
from e2xhub.kubernetes.surroundings import COMPONENTS, Surroundings

_COMPONENT = "component"
_EVERYONE = "everyone: every address, node and pod"
_KNOWN_ADDRESSES = {
    ip_address("169.254.169.254"): "metadata of the cloud",
    ip_address("fd00:ec2::254"): "metadata of the cloud",
    ip_address("169.254.20.10"): "name service of the node",
}


@dataclass(frozen=True, kw_only=True)
class PeerWords:
    """Knows what the hub is, and the destinations of the catalog."""

    surroundings: Surroundings
    destinations: Mapping[str, Destination]

    def parts_in(self, peer: Peer) -> tuple[str, ...]:
        """`hub` and `proxy`, where the peer is nothing but one of them, or both; else none."""
        if not isinstance(peer, Pods) or not self._is_beside_hub(peer):
            return ()
        values = peer.pods.allowed.get(_COMPONENT)
        if values is None or values.may_be_missing or values.is_all_but_named:
            return ()
        named = tuple(sorted(values.named))
        return named if set(named) <= set(COMPONENTS) else ()

    def name(self, peer: Peer) -> str:
        """Such as `the hub (pods app=jupyterhub, component=hub)` or `10.3.4.5 (licences)`."""
        if isinstance(peer, Anyone):
            return _EVERYONE
        if isinstance(peer, Block):
            return self._name_block(peer)
        parts = self.parts_in(peer)
        if parts:
            return f"{' and '.join(f'the {part}' for part in parts)} ({self._describe(peer)})"
        names = [name for name, it in self.destinations.items() if _is_of(peer, it)]
        return f"{', '.join(names)} ({self._describe(peer)})" if names else self._describe(peer)

    def _is_beside_hub(self, peer: Pods) -> bool:
        values = peer.namespaces.allowed.get(NAMESPACE_NAME)
        return (
            values is not None
            and not values.is_all_but_named
            and values.named == {self.surroundings.hub_namespace}
        )

    def _describe(self, peer: Pods) -> str:
        """Such as `pods app=jupyterhub, component=hub`, or `all pods of namespace kube-system`."""
        has_labels = bool(peer.pods.requirements)
        pods = f"pods {_list(peer.pods)}" if has_labels else "all pods"
        place = _place_of(peer.namespaces)
        if place == f"namespace {self.surroundings.namespace}":
            return pods if has_labels else "all pods beside it (of its namespace)"
        return f"{pods} of {place}"

    def _name_block(self, block: Block) -> str:
        names = [
            name
            for name, destination in self.destinations.items()
            if any(
                it.version == block.cidr.version and block.cidr.subnet_of(it)  # type: ignore[arg-type]
                for it in destination.networks
            )
        ]
        known = _KNOWN_ADDRESSES.get(block.cidr.network_address)
        if known and block.cidr.num_addresses == 1:
            names.append(known)
        excepted = f" but {', '.join(map(str, block.excepted))}" if block.excepted else ""
        known_as = f" ({', '.join(names)})" if names else ""
        return f"{_name_network(block)}{excepted}{known_as}"


def _name_network(block: Block) -> str:
    if block.cidr.num_addresses == 1:
        return str(block.cidr.network_address)
    if block.cidr.prefixlen == 0:
        return f"every IPv{block.cidr.version} address"
    return str(block.cidr)


def _is_of(peer: Pods, destination: Destination) -> bool:
    pods = destination.pods
    if pods is None:
        return False
    namespaces = LabelSelector.of({NAMESPACE_NAME: pods.namespace})
    return (
        peer.pods.allowed == LabelSelector.of(dict(pods.labels)).allowed
        and peer.namespaces.allowed == namespaces.allowed
    )


def _place_of(namespaces: LabelSelector) -> str:
    if not namespaces.requirements:
        return "all namespaces"
    values = namespaces.allowed.get(NAMESPACE_NAME)
    if (
        values
        and len(namespaces.allowed) == 1
        and _is_one(values.named)
        and not (values.is_all_but_named or values.may_be_missing)
    ):
        return f"namespace {next(iter(values.named))}"
    return f"namespaces {_list(namespaces)}"


def _is_one(names: Iterable[str]) -> bool:
    return len(list(names)) == 1


def _list(selector: LabelSelector) -> str:
    return ", ".join(map(str, selector.requirements))
