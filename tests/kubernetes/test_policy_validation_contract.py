"""Which wrong NetworkPolicies a cluster refuses, and which field it names."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Cluster
from .manifests import Manifest, make_policy, refused
from .test_policy_contract import create, listed_names


def peer(**fields: Any) -> Manifest:
    return make_policy(egress=[{"to": [fields]}])


def port(**fields: Any) -> Manifest:
    return make_policy(egress=[{"ports": [fields]}])


PEER = "spec.egress[0].to[0]"
PORT = "spec.egress[0].ports[0]"

POLICIES = {
    "cidr-is-no-cidr": (peer(ipBlock={"cidr": "10.0.0.0"}), f"{PEER}.ipBlock.cidr"),
    "cidr-out-of-range": (peer(ipBlock={"cidr": "10.0.0.0/33"}), f"{PEER}.ipBlock.cidr"),
    "except-outside": (
        peer(ipBlock={"cidr": "10.0.0.0/8", "except": ["192.168.0.0/16"]}),
        f"{PEER}.ipBlock.except[0]",
    ),
    "except-everything": (
        peer(ipBlock={"cidr": "10.0.0.0/8", "except": ["10.0.0.0/8"]}),
        f"{PEER}.ipBlock.except[0]",
    ),
    "peer-of-nothing": (peer(), PEER),
    "peer-of-two-kinds": (peer(ipBlock={"cidr": "10.0.0.0/8"}, podSelector={}), PEER),
    "except-of-another-family": (
        peer(ipBlock={"cidr": "0.0.0.0/0", "except": ["fd00::/8"]}),
        f"{PEER}.ipBlock.except[0]",
    ),
    "block-without-cidr": (peer(ipBlock={"except": ["10.0.0.0/8"]}), f"{PEER}.ipBlock.cidr"),
    "port-of-zero": (port(port=0), f"{PORT}.port"),
    "port-too-high": (port(port=70000), f"{PORT}.port"),
    "port-name-too-long": (port(port="a-long-port-name"), f"{PORT}.port"),
    "protocol": (port(port=80, protocol="HTTP"), f"{PORT}.protocol"),
    "policy-type": (make_policy(policyTypes=["Sideways"]), "spec.policyTypes[0]"),
    "three-policy-types": (
        make_policy(policyTypes=["Egress", "Ingress", "Egress"]),
        "spec.policyTypes",
    ),
    "selector-operator": (
        make_policy(podSelector={"matchExpressions": [{"key": "a", "operator": "Near"}]}),
        "spec.podSelector.matchExpressions[0].operator",
    ),
    "selector-without-values": (
        make_policy(podSelector={"matchExpressions": [{"key": "a", "operator": "In"}]}),
        "spec.podSelector.matchExpressions[0].values",
    ),
}


@pytest.mark.parametrize(("manifest", "field"), POLICIES.values(), ids=POLICIES.keys())
async def test_a_wrong_policy_is_422_names_the_field_and_is_not_stored(
    cluster: Cluster, manifest: Manifest, field: str
) -> None:
    with refused() as refusal:
        await create(cluster, manifest)
    assert (refusal.code, refusal.reason) == (422, "Invalid")
    assert field in refusal.fields
    assert await listed_names(cluster) == []


END_PORTS = {
    "before-the-port": port(port=20, endPort=10),
    "of-a-name": port(port="http", endPort=10),
    "without-a-port": port(endPort=10),
    "too-high": port(port=20, endPort=70000),
}


@pytest.mark.parametrize("manifest", END_PORTS.values(), ids=END_PORTS.keys())
async def test_a_wrong_end_port_is_422(cluster: Cluster, manifest: Manifest) -> None:
    cluster.need_version(22, "endPort")
    with refused() as refusal:
        await create(cluster, manifest)
    assert (refusal.code, refusal.reason) == (422, "Invalid")
    assert f"{PORT}.endPort" in refusal.fields


async def test_a_range_of_ports_is_stored(cluster: Cluster) -> None:
    cluster.need_version(22, "endPort")
    created = await create(cluster, port(port=27000, endPort=27009))
    assert created.spec.egress[0].ports[0].end_port == 27009


async def test_a_wrong_change_is_422_and_leaves_the_object_as_it_was(cluster: Cluster) -> None:
    networking, namespace = cluster.networking, cluster.namespace
    created = await create(cluster, make_policy())
    with refused() as refusal:
        await networking.patch_namespaced_network_policy(
            "exam", namespace, {"spec": {"policyTypes": ["Sideways"]}}
        )
    assert refusal.code == 422
    current = await networking.read_namespaced_network_policy("exam", namespace)
    assert current.metadata.resource_version == created.metadata.resource_version
