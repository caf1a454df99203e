"""Which wrong roles and bindings a cluster refuses, and which field it names."""

from __future__ import annotations

from typing import Any

import pytest
from kubernetes_asyncio.client import RbacAuthorizationV1Api

from .accounts import POLICY_GROUP, make_binding, make_role, make_rule
from .conftest import Cluster
from .manifests import Manifest, refused

LIST = make_rule(POLICY_GROUP, "networkpolicies", "list")

ROLES = {
    "no-verb": ({**LIST, "verbs": []}, "rules[0].verbs"),
    "no-group": ({**LIST, "apiGroups": []}, "rules[0].apiGroups"),
    "no-resource": ({**LIST, "resources": []}, "rules[0].resources"),
    "a-path": ({"verbs": ["get"], "nonResourceURLs": ["/version"]}, "rules[0].nonResourceURLs"),
}


@pytest.mark.parametrize(("rule", "field"), ROLES.values(), ids=ROLES.keys())
async def test_a_wrong_role_is_422_and_names_the_field(
    cluster: Cluster, rule: Manifest, field: str
) -> None:
    rbac = RbacAuthorizationV1Api(cluster.api_client)
    with refused() as refusal:
        await rbac.create_namespaced_role(cluster.namespace, make_role("hub", rule))
    assert (refusal.code, refusal.reason) == (422, "Invalid")
    assert refusal.fields == {field}
    assert refusal.message.startswith('Role.rbac.authorization.k8s.io "hub" is invalid: ')


def binding(role: Manifest | None = None, subject: Manifest | None = None) -> Manifest:
    made: dict[str, Any] = make_binding("hub", "hub")
    made["roleRef"] |= role or {}
    made["subjects"][0] |= subject or {}
    return made


BINDINGS = {
    "of-another-kind": (binding(role={"kind": "Pod"}), "roleRef.kind"),
    "of-no-role": (binding(role={"name": ""}), "roleRef.name"),
    "of-another-group": (binding(role={"apiGroup": "apps"}), "roleRef.apiGroup"),
    "to-a-pod": (binding(subject={"kind": "Pod"}), "subjects[0].kind"),
    "to-nobody": (binding(subject={"name": ""}), "subjects[0].name"),
    "to-no-account": (binding(subject={"name": "a:b"}), "subjects[0].name"),
    "to-an-account-of-a-group": (
        binding(subject={"apiGroup": "rbac.authorization.k8s.io"}),
        "subjects[0].apiGroup",
    ),
}


@pytest.mark.parametrize(("manifest", "field"), BINDINGS.values(), ids=BINDINGS.keys())
async def test_a_wrong_binding_is_422_and_names_the_field(
    cluster: Cluster, manifest: Manifest, field: str
) -> None:
    rbac = RbacAuthorizationV1Api(cluster.api_client)
    with refused() as refusal:
        await rbac.create_namespaced_role_binding(cluster.namespace, manifest)
    assert (refusal.code, refusal.reason) == (422, "Invalid")
    assert field in refusal.fields


async def test_a_binding_in_the_whole_cluster_says_the_namespace_of_its_account(
    cluster: Cluster,
) -> None:
    rbac = RbacAuthorizationV1Api(cluster.api_client)
    manifest = make_binding(cluster.namespace, "hub", kind="ClusterRole")
    with refused() as refusal:
        await rbac.create_cluster_role_binding(manifest)
    assert (refusal.code, refusal.fields) == (422, {"subjects[0].namespace"})


async def test_a_binding_keeps_its_role(cluster: Cluster) -> None:
    rbac = RbacAuthorizationV1Api(cluster.api_client)
    await rbac.create_namespaced_role_binding(cluster.namespace, binding())
    with refused() as refusal:
        await rbac.patch_namespaced_role_binding(
            "hub", cluster.namespace, {"roleRef": {"name": "another"}}
        )
    assert (refusal.code, refusal.fields) == (422, {"roleRef"})


async def test_names_of_roles_may_have_colons(cluster: Cluster) -> None:
    rbac = RbacAuthorizationV1Api(cluster.api_client)
    created = await rbac.create_namespaced_role(
        cluster.namespace, make_role("e2xhub:Network policies", LIST)
    )
    assert created.metadata.name == "e2xhub:Network policies"
