"""The NetworkPolicies that make a lockdown true, as they are written.

Pods without a policy are open, and policies only ever add up. So a locked pod loses the label by
which the chart's policies select it (`labels.locked_labels`), and what hub and proxy lose by that
is given back by policies of our own (`make_access_policies`). `kubernetes.lockdown` brings them
into a cluster and watches over them; docs/topics/lockdown.md says what they cannot do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from kubespawner.slugs import strip_and_hash

from e2xhub.domain.catalog.destinations import CLOSED, Destination, parse_ports, parts_inside
from e2xhub.domain.lockdown import Lockdown
from e2xhub.domain.network_class import NetworkClass
from e2xhub.domain.offers import Offer
from e2xhub.kubernetes.labels import COURSE, EXAM, NETWORK, TERM, make_labels
from e2xhub.kubernetes.surroundings import COMPONENTS, Surroundings, in_namespace

MANAGED_BY = "app.kubernetes.io/managed-by"
OWNER = "e2xhub"

LOCKED = tuple(network.value for network in NetworkClass if network is not NetworkClass.OPEN)
"""The network classes of locked pods, as their labels have them."""

_NAME_MAX = 63
_PLAIN = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_DNS_PORTS = [{"port": 53, "protocol": protocol} for protocol in ("UDP", "TCP")]
# NodeLocal DNSCache, and the name service of clouds that have it beside their metadata.
_DNS_ON_THE_NODE = ("169.254.20.10/32", "169.254.169.254/32")


def selector_of(offer: Offer, surroundings: Surroundings) -> dict[str, str]:
    """The labels that a pod of `offer` shares with those that have the same lockdown, and with no
    others."""
    return selector_in({**make_labels(offer), **surroundings.release}, surroundings)


def selector_in(labels: Mapping[str, str], surroundings: Surroundings) -> dict[str, str]:
    """Those of a pod's `labels` that it shares with all that have the same lockdown."""
    keys = [NETWORK, EXAM] if EXAM in labels else [NETWORK, COURSE, TERM]
    keys += list(surroundings.release)
    return {key: labels[key] for key in keys if key in labels}


def make_policy(offer: Offer, surroundings: Surroundings) -> dict[str, Any] | None:
    """The NetworkPolicy that the pod of `offer` needs; None where its network is `open`."""
    lockdown = offer.server.lockdown
    if lockdown is None:
        return None
    return make_policy_of(selector_of(offer, surroundings), lockdown, surroundings)


def make_policy_of(
    selector: Mapping[str, str], lockdown: Lockdown, surroundings: Surroundings
) -> dict[str, Any]:
    """The NetworkPolicy of the pods that `selector` selects."""
    return _make(
        name=_name_of(selector, surroundings),
        namespace=surroundings.namespace,
        labels=selector,
        spec={
            "podSelector": _make_selector(selector),
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [_ingress_from_proxy_and_hub(surroundings)],
            "egress": list(_make_egress(lockdown, surroundings)),
        },
    )


def make_access_policies(surroundings: Surroundings) -> list[dict[str, Any]]:
    """What lets hub and proxy reach locked servers, where other policies keep them from it."""
    locked = {"matchExpressions": [{"key": NETWORK, "operator": "In", "values": list(LOCKED)}]}
    rule = {
        "to": [surroundings.peer_beside_servers(locked)],
        "ports": [{"port": surroundings.server_port, "protocol": "TCP"}],
    }
    return [
        _make(
            name=_plain_name(f"{OWNER}-{component}-to-servers", surroundings),
            namespace=surroundings.hub_namespace,
            labels=surroundings.release,
            spec={
                "podSelector": {"matchLabels": surroundings.labels_of(component)},
                "policyTypes": ["Egress"],
                "egress": [rule],
            },
        )
        for component in COMPONENTS
    ]


def _name_of(selector: Mapping[str, str], surroundings: Surroundings) -> str:
    """Another one for each selector: the id `a-b` is not `a` and `b`."""
    words = [text for key, text in selector.items() if key not in surroundings.release]
    if EXAM in selector:
        return _plain_name("-".join([OWNER, *words]), surroundings)
    return _hashed_name("/".join([OWNER, *words]), surroundings)


def _plain_name(name: str, surroundings: Surroundings) -> str:
    """`name` with the release, to be read by people; where that is no DNS label, with a hash."""
    parts = [name, *surroundings.release.values()]
    plain = "--".join(parts)
    is_plain = len(plain) <= _NAME_MAX and all(map(_PLAIN.fullmatch, parts))
    return plain if is_plain else _hashed_name(name, surroundings)


def _hashed_name(name: str, surroundings: Surroundings) -> str:
    whole = "@".join([name, *surroundings.release.values()])
    return str(strip_and_hash(whole, max_length=_NAME_MAX))


def _make_selector(labels: Mapping[str, str]) -> dict[str, Any]:
    """Selects by `labels`; a course's policy is not its exams', whose pods have its labels, too."""
    if EXAM in labels:
        return {"matchLabels": dict(labels)}
    is_no_exam = {"key": EXAM, "operator": "DoesNotExist"}
    return {"matchLabels": dict(labels), "matchExpressions": [is_no_exam]}


def _make(
    *, name: str, namespace: str, labels: Mapping[str, str], spec: dict[str, Any]
) -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {MANAGED_BY: OWNER, **labels},
        },
        "spec": spec,
    }


def _ingress_from_proxy_and_hub(surroundings: Surroundings) -> dict[str, Any]:
    """The chart's label alone could be on another pod of its namespace as well."""
    components = {"key": "component", "operator": "In", "values": list(COMPONENTS)}
    access = {**surroundings.chart_labels, "hub.jupyter.org/network-access-singleuser": "true"}
    selector = {"matchLabels": access, "matchExpressions": [components]}
    return {
        "from": [surroundings.peer_beside_hub(selector)],
        "ports": [{"port": surroundings.server_port, "protocol": "TCP"}],
    }


def _make_egress(lockdown: Lockdown, surroundings: Surroundings) -> Iterator[dict[str, Any]]:
    hub = surroundings.peer_beside_hub({"matchLabels": surroundings.labels_of("hub")})
    yield {"to": [hub], "ports": [{"port": surroundings.hub_port, "protocol": "TCP"}]}
    if lockdown.name_service:
        on_the_node = [{"ipBlock": {"cidr": address}} for address in _DNS_ON_THE_NODE]
        yield {"to": [in_namespace("kube-system"), *on_the_node], "ports": _DNS_PORTS}
    for destination in lockdown.destinations.values():
        yield {"to": list(_peers_of(destination)), "ports": list(_ports_of(destination))}


def _peers_of(destination: Destination) -> Iterator[dict[str, Any]]:
    if destination.pods:
        selector = {"matchLabels": dict(destination.pods.labels)}
        yield {"podSelector": selector, **in_namespace(destination.pods.namespace)}
    for network in destination.networks:
        inside = [str(closed) for closed in parts_inside(network, CLOSED)]
        block = {"cidr": str(network), **({"except": inside} if inside else {})}
        yield {"ipBlock": block}


def _ports_of(destination: Destination) -> Iterator[dict[str, Any]]:
    for text in destination.ports:
        ports = parse_ports(text)
        end = {"endPort": ports.last} if ports.last > ports.first else {}
        yield {"port": ports.first, **end, "protocol": ports.protocol}
