"""Short ways to write policies down."""

from __future__ import annotations

from typing import Any

from e2xhub.kubernetes.reach import Pod, Policy, Reach, parse_policy, reach_of

HUB = {"app": "jupyterhub", "component": "hub"}
EXAM_POD = Pod("exam", {"app": "exam"}, name="alice", ports={"notebook-port": ("TCP", 8888)})


def make_manifest(name: str = "policy", namespace: str = "exam", **spec: Any) -> dict[str, Any]:
    """A manifest that selects all pods of its namespace unless `spec` says otherwise."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"podSelector": {}, **spec},
    }


def make_policy(name: str = "policy", namespace: str = "exam", **spec: Any) -> Policy:
    return parse_policy(make_manifest(name, namespace, **spec))


def allow_egress(*rules: dict[str, Any], name: str = "policy") -> Policy:
    """Isolates egress of all pods of `exam`, and lets through what `rules` say."""
    return make_policy(name, policyTypes=["Egress"], egress=list(rules))


def allow_ingress(*rules: dict[str, Any], name: str = "policy") -> Policy:
    return make_policy(name, policyTypes=["Ingress"], ingress=list(rules))


def pods(namespaces: dict[str, Any] | None = None, **labels: str) -> dict[str, Any]:
    """A peer: pods with `labels`, of the policy's namespace where none are selected."""
    peer: dict[str, Any] = {"podSelector": {"matchLabels": labels}}
    return peer if namespaces is None else {**peer, "namespaceSelector": namespaces}


def block(cidr: str, *excepted: str) -> dict[str, Any]:
    return {"ipBlock": {"cidr": cidr, "except": list(excepted)} if excepted else {"cidr": cidr}}


def reach(*policies: Policy) -> Reach:
    """What the exam's pod reaches under them."""
    return reach_of(EXAM_POD, policies)
