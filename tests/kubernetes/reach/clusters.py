"""Random clusters: namespaces with labels, pods with labels and named ports, policies.

Few keys, values, ports and networks, so that policies often meet pods and each other. Each is
made from one number by a plain generator: hypothesis picks the number, because drawing every part
through it took most of the time of a thousand clusters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from random import Random
from typing import Any, TypeVar

from hypothesis import strategies as st

from e2xhub.kubernetes.reach import Address, Pod, Policy, parse_policy
from e2xhub.kubernetes.reach.peers import NAMESPACE_NAME

_T = TypeVar("_T")

NAMESPACES = ("exams", "hub", "kube-system", "teaching")
KEYS = ("app", "tier")
VALUES = ("a", "b", "c")
PORT_NAMES = ("http", "dns", "metrics")
PROTOCOLS = ("TCP", "UDP", "SCTP")
NUMBERS = (1, 53, 80, 443, 8081, 65535)
NETWORKS = (
    *("0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "10.1.2.3/32", "10.1.2.3/16"),
    *("192.168.0.0/16", "::/0", "2001:db8::/32", "2001:db8:1::/48", "2001:db8:1::7/128"),
)
ADDRESSES = (
    "10.1.2.3",
    "10.1.2.4",
    "10.9.9.9",
    "192.168.1.1",
    "8.8.8.8",
    "2001:db8:1::7",
    "fd00::1",
)
OUTSIDE = [Address(address) for address in ADDRESSES]


@dataclass(frozen=True)
class Cluster:
    """What the API of a cluster would list."""

    namespaces: dict[str, dict[str, str]]
    pods: list[Pod]
    manifests: list[dict[str, Any]]

    @property
    def policies(self) -> list[Policy]:
        """The manifests, parsed."""
        return [parse_policy(manifest) for manifest in self.manifests]


class Maker:
    """Makes the parts of a cluster by chance."""

    def __init__(self, seed: int, *, keys: Sequence[str] = KEYS, with_names: bool = True) -> None:
        self._random = Random(seed)
        self._keys = keys
        self._port_kinds = ("number", "range", "all", *(["name"] if with_names else []))

    def pick(self, choices: Sequence[_T]) -> _T:
        return self._random.choice(choices)

    def happens(self, probability: float = 0.5) -> bool:
        return self._random.random() < probability

    def some(self, make: Callable[[], _T], least: int, most: int) -> list[_T]:
        return [make() for _ in range(self._random.randint(least, most))]

    def labels(self) -> dict[str, str]:
        return {key: self.pick(VALUES) for key in self._keys if self.happens()}

    def expression(self) -> dict[str, Any]:
        operator = self.pick(("In", "NotIn", "Exists", "DoesNotExist"))
        expression = {"key": self.pick(self._keys), "operator": operator}
        values = self.some(lambda: self.pick(VALUES), 1, 2)
        return {**expression, "values": values} if operator in ("In", "NotIn") else expression

    def selector(self) -> dict[str, Any]:
        """Empty, with labels, with expressions, or with both."""
        selector: dict[str, Any] = {}
        if self.happens(0.4):
            selector["matchLabels"] = self.labels()
        if self.happens(0.4):
            selector["matchExpressions"] = self.some(self.expression, 0, 2)
        return selector

    def namespace_selector(self) -> dict[str, Any]:
        """By labels that admins gave, or by the one that Kubernetes sets."""
        if self.happens():
            return {"matchLabels": {NAMESPACE_NAME: self.pick(NAMESPACES)}}
        return self.selector()

    def peer(self) -> dict[str, Any]:
        kind = self.pick(("pods", "namespaces", "both", "block"))
        if kind == "block":
            return {"ipBlock": self.block()}
        peer = {"podSelector": self.selector()} if kind != "namespaces" else {}
        return peer if kind == "pods" else {**peer, "namespaceSelector": self.namespace_selector()}

    def block(self) -> dict[str, Any]:
        """A network, perhaps without some that are inside of it."""
        cidr = self.pick(NETWORKS)
        inside = [other for other in NETWORKS if _is_inside(other, cidr)]
        if not inside or self.happens():
            return {"cidr": cidr}
        return {"cidr": cidr, "except": self.some(lambda: self.pick(inside), 1, 2)}

    def port(self) -> dict[str, Any]:
        """A number, a range, a name, or all ports of a protocol."""
        kind = self.pick(self._port_kinds)
        port: dict[str, Any] = {"protocol": self.pick(PROTOCOLS)} if self.happens() else {}
        if kind == "name":
            port["port"] = self.pick((*PORT_NAMES, "unknown"))
        elif kind != "all":
            port["port"] = self.pick(NUMBERS)
        if kind == "range":
            port["endPort"] = self._random.randint(port["port"], 65535)
        return port

    def rule(self, peers: str) -> dict[str, Any]:
        """A rule; its lists may be empty or missing."""
        rule: dict[str, Any] = {}
        if self.happens(0.9):
            rule[peers] = self.some(self.peer, int(self.happens(0.8)), 2)
        if self.happens(0.8):
            rule["ports"] = self.some(self.port, int(self.happens(0.8)), 2)
        return rule

    def spec(self) -> dict[str, Any]:
        """The `spec` of a policy; every part may be missing or empty."""
        spec: dict[str, Any] = {"podSelector": self.selector()}
        if self.happens(0.7):
            types = ([], ["Ingress"], ["Egress"], ["Ingress", "Egress"], ["Egress", "Ingress"])
            spec["policyTypes"] = self.pick(types)
        if self.happens(0.7):
            spec["ingress"] = self.some(lambda: self.rule("from"), 0, 2)
        if self.happens(0.7):
            spec["egress"] = self.some(lambda: self.rule("to"), 0, 2)
        return spec

    def manifest(self, name: str, namespace: str) -> dict[str, Any]:
        metadata = {"name": name, "namespace": namespace}
        kind = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}
        return {**kind, "metadata": metadata, "spec": self.spec()}

    def pod(self, name: str, namespace: str) -> Pod:
        """A pod with some named ports and no known address."""
        named = {name: (self.pick(PROTOCOLS), self.pick(NUMBERS)) for name in PORT_NAMES}
        ports = {name: port for name, port in named.items() if self.happens()}
        return Pod(namespace, self.labels(), name=name, ports=ports)

    def cluster(self) -> Cluster:
        """2 to 4 namespaces, 3 to 8 pods, 1 to 6 policies."""
        names = NAMESPACES[: self._random.randint(2, 4)]
        pods = range(self._random.randint(3, 8))
        policies = range(self._random.randint(1, 6))
        return Cluster(
            {name: {**self.labels(), NAMESPACE_NAME: name} for name in names},
            [self.pod(f"pod-{index}", self.pick(names)) for index in pods],
            [self.manifest(f"policy-{index}", self.pick(names)) for index in policies],
        )


def _is_inside(network: str, cidr: str) -> bool:
    inner, outer = ip_network(network, strict=False), ip_network(cidr, strict=False)
    if inner.version != outer.version or inner.prefixlen <= outer.prefixlen:
        return False
    return inner.network_address in outer


SEEDS = st.integers(0, 2**64)
CLUSTERS = SEEDS.map(lambda seed: Maker(seed).cluster())
