"""NetworkPolicies: what e2xhub relies on when it makes, reads, corrects and watches them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from kubernetes_asyncio.client import V1NetworkPolicy
from kubernetes_asyncio.watch import Watch

from .conftest import Cluster
from .manifests import Manifest, make_policy, refused
from .watching import collect_events, read_expiry


async def create(cluster: Cluster, manifest: Manifest) -> V1NetworkPolicy:
    return await cluster.networking.create_namespaced_network_policy(cluster.namespace, manifest)


async def create_labelled(cluster: Cluster, name: str, **labels: str) -> str:
    """Create a policy and return its version."""
    manifest = make_policy(name)
    manifest["metadata"]["labels"] = labels
    return str((await create(cluster, manifest)).metadata.resource_version)


async def read_stored(cluster: Cluster, name: str = "exam") -> Manifest:
    """The policy as the server sends it: what is missing is missing."""
    response = await cluster.networking.read_namespaced_network_policy(
        name, cluster.namespace, _preload_content=False
    )
    stored: Manifest = await response.json()
    return stored


async def listed_names(cluster: Cluster, **options: Any) -> list[str]:
    found = await cluster.networking.list_namespaced_network_policy(cluster.namespace, **options)
    return [policy.metadata.name for policy in found.items]


async def current_version(cluster: Cluster) -> str:
    found = await cluster.networking.list_namespaced_network_policy(cluster.namespace)
    return str(found.metadata.resource_version)


async def test_a_policy_is_stored_with_its_defaults(cluster: Cluster) -> None:
    manifest = make_policy(policyTypes=None)
    created = await create(cluster, manifest)

    assert sorted(created.spec.policy_types) == ["Egress", "Ingress"]
    assert created.spec.egress[0].ports[0].protocol == "TCP"
    assert created.metadata.generation == 1


async def test_a_changed_policy_counts_its_generation(cluster: Cluster) -> None:
    networking, namespace = cluster.networking, cluster.namespace
    await create(cluster, make_policy())
    labelled = await networking.patch_namespaced_network_policy(
        "exam", namespace, {"metadata": {"labels": {"a": "b"}}}
    )
    opened = await networking.patch_namespaced_network_policy(
        "exam", namespace, {"spec": {"egress": None}}
    )
    assert labelled.metadata.generation == 1
    assert opened.metadata.generation == 2


async def test_a_missing_selector_is_stored_as_the_one_that_selects_every_pod(
    cluster: Cluster,
) -> None:
    await create(cluster, {"metadata": {"name": "exam"}, "spec": {"policyTypes": ["Egress"]}})
    assert (await read_stored(cluster))["spec"] == {"podSelector": {}, "policyTypes": ["Egress"]}


@pytest.mark.parametrize(
    ("spec", "types"),
    [
        pytest.param({}, ["Ingress"], id="no-rules"),
        pytest.param({"egress": []}, ["Ingress"], id="an-empty-list-of-egress-is-no-egress"),
        pytest.param({"egress": [{}]}, ["Ingress", "Egress"], id="a-rule-of-egress"),
        pytest.param({"ingress": [{}], "policyTypes": ["Egress"]}, ["Egress"], id="as-written"),
    ],
)
async def test_policy_types_that_are_not_said_follow_from_the_rules(
    cluster: Cluster, spec: Manifest, types: list[str]
) -> None:
    manifest = {"metadata": {"name": "exam"}, "spec": {"podSelector": {}, **spec}}
    created = await create(cluster, manifest)
    assert created.spec.policy_types == types


async def test_empty_rules_and_selectors_are_kept_and_empty_lists_are_not(
    cluster: Cluster,
) -> None:
    spec = {
        "podSelector": {"matchLabels": {}, "matchExpressions": []},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": [], "ports": []}, {"from": [{"namespaceSelector": {}}]}],
        "egress": [],
    }
    await create(cluster, {"metadata": {"name": "exam"}, "spec": spec})
    assert (await read_stored(cluster))["spec"] == {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{}, {"from": [{"namespaceSelector": {}}]}],
    }


async def test_create_of_an_existing_name_is_409_already_exists(cluster: Cluster) -> None:
    await create(cluster, make_policy())
    with refused() as refusal:
        await create(cluster, make_policy(egress=[{}]))
    assert (refusal.code, refusal.reason) == (409, "AlreadyExists")
    assert refusal.message == 'networkpolicies.networking.k8s.io "exam" already exists'
    assert "to" in (await read_stored(cluster))["spec"]["egress"][0]


async def test_of_two_who_correct_a_policy_the_second_is_409_conflict(cluster: Cluster) -> None:
    networking, namespace = cluster.networking, cluster.namespace
    first = await create(cluster, make_policy())
    second = await networking.read_namespaced_network_policy("exam", namespace)
    first.spec.policy_types = ["Ingress", "Egress"]
    await networking.replace_namespaced_network_policy("exam", namespace, first)

    second.spec.egress = None
    with refused() as refusal:
        await networking.replace_namespaced_network_policy("exam", namespace, second)
    assert (refusal.code, refusal.reason) == (409, "Conflict")
    assert "the object has been modified" in refusal.message
    assert (await read_stored(cluster))["spec"]["policyTypes"] == ["Ingress", "Egress"]


async def test_a_replacement_without_a_version_wins(cluster: Cluster) -> None:
    networking, namespace = cluster.networking, cluster.namespace
    await create(cluster, make_policy())
    await networking.patch_namespaced_network_policy("exam", namespace, {"spec": {"egress": None}})
    await networking.replace_namespaced_network_policy("exam", namespace, make_policy())
    assert (await read_stored(cluster))["spec"]["egress"] == [
        {
            "to": [{"podSelector": {"matchLabels": {"component": "hub"}}}],
            "ports": [{"port": 8081, "protocol": "TCP"}],
        }
    ]


async def test_a_replacement_by_the_same_policy_keeps_version_and_generation(
    cluster: Cluster,
) -> None:
    networking, namespace = cluster.networking, cluster.namespace
    created = await create(cluster, make_policy())
    replaced = await networking.replace_namespaced_network_policy("exam", namespace, make_policy())
    assert replaced.metadata.resource_version == created.metadata.resource_version
    assert replaced.metadata.generation == 1


async def test_a_policy_that_somebody_has_deleted_cannot_be_replaced(cluster: Cluster) -> None:
    networking, namespace = cluster.networking, cluster.namespace
    created = await create(cluster, make_policy())
    await networking.delete_namespaced_network_policy("exam", namespace)
    with refused() as refusal:
        await networking.replace_namespaced_network_policy("exam", namespace, created)
    # with the version of an object that is gone: some releases call it a conflict
    assert refusal.code in (404, 409)
    assert await listed_names(cluster) == []


async def test_a_policy_is_swept_only_as_it_was_seen(cluster: Cluster) -> None:
    networking, namespace = cluster.networking, cluster.namespace
    seen = await create(cluster, make_policy())
    await networking.patch_namespaced_network_policy("exam", namespace, {"spec": {"egress": None}})
    seen_as = {"uid": seen.metadata.uid, "resourceVersion": seen.metadata.resource_version}
    with refused() as refusal:
        await networking.delete_namespaced_network_policy(
            "exam", namespace, body={"preconditions": seen_as}
        )
    assert (refusal.code, refusal.reason) == (409, "Conflict")
    assert await listed_names(cluster) == ["exam"]


async def test_lists_are_restricted_by_labels(cluster: Cluster) -> None:
    await create_labelled(cluster, "ours", managed="e2xhub", exam="ml")
    await create_labelled(cluster, "another", managed="e2xhub", exam="stats")
    await create_labelled(cluster, "theirs")
    assert await listed_names(cluster, label_selector="managed=e2xhub,exam=ml") == ["ours"]
    assert await listed_names(cluster, label_selector="managed!=e2xhub") == ["theirs"]


async def test_policies_of_all_namespaces_are_listed_at_once(cluster: Cluster) -> None:
    await create_labelled(cluster, "ours")
    found = await cluster.networking.list_network_policy_for_all_namespaces(
        field_selector=f"metadata.namespace={cluster.namespace}"
    )
    assert [policy.metadata.name for policy in found.items] == ["ours"]


async def policy_events(cluster: Cluster, count: int, **options: Any) -> list[tuple[str, str]]:
    list_policies = cluster.networking.list_namespaced_network_policy
    return await collect_events(list_policies, cluster.namespace, count, **options)


async def test_a_watch_from_a_lists_version_misses_nothing(cluster: Cluster) -> None:
    networking, namespace = cluster.networking, cluster.namespace
    await create_labelled(cluster, "before")
    version = await current_version(cluster)
    await create_labelled(cluster, "widened")
    await networking.patch_namespaced_network_policy(
        "widened", namespace, {"spec": {"egress": [{}]}}
    )
    await networking.delete_namespaced_network_policy("before", namespace)

    assert await policy_events(cluster, 3, resource_version=version) == [
        ("ADDED", "widened"),
        ("MODIFIED", "widened"),
        ("DELETED", "before"),
    ]


async def test_a_watch_sees_policies_enter_and_leave_its_selector(cluster: Cluster) -> None:
    networking, namespace = cluster.networking, cluster.namespace
    version = await create_labelled(cluster, "exam", managed="somebody")
    for owner in ("e2xhub", "somebody"):
        await networking.patch_namespaced_network_policy(
            "exam", namespace, {"metadata": {"labels": {"managed": owner}}}
        )
    events = await policy_events(
        cluster, 2, resource_version=version, label_selector="managed=e2xhub"
    )
    assert events == [("ADDED", "exam"), ("DELETED", "exam")]


async def test_a_collection_that_is_deleted_is_seen_one_by_one(cluster: Cluster) -> None:
    await create_labelled(cluster, "one")
    await create_labelled(cluster, "two")
    version = await current_version(cluster)
    await cluster.networking.delete_collection_namespaced_network_policy(cluster.namespace)
    events = await policy_events(cluster, 2, resource_version=version)
    assert sorted(events) == [("DELETED", "one"), ("DELETED", "two")]


async def test_a_version_that_is_forgotten_is_410_expired(cluster: Cluster) -> None:
    list_policies = cluster.networking.list_namespaced_network_policy
    status = await read_expiry(list_policies, cluster.namespace)
    assert (status["code"], status["reason"]) == (410, "Expired")
    assert status["message"].startswith("too old resource version: 1 ")


async def test_a_bookmark_carries_a_quiet_watch_past_changes_that_it_does_not_show(
    cluster: Cluster,
) -> None:
    networking, namespace = cluster.networking, cluster.namespace
    version = await current_version(cluster)
    stream = Watch().stream(
        networking.list_namespaced_network_policy,
        namespace,
        resource_version=version,
        label_selector="managed=e2xhub",
        allow_watch_bookmarks=True,
        # Kubernetes sends the last one two seconds before the end
        timeout_seconds=6,
    )
    async with stream as events:
        opened = asyncio.create_task(anext(events))
        await asyncio.sleep(0.5)
        hidden = await create_labelled(cluster, "theirs")
        event = await opened
    assert event["type"] == "BOOKMARK"
    bookmark = event["raw_object"]
    assert (bookmark["kind"], bookmark["apiVersion"]) == ("NetworkPolicy", "networking.k8s.io/v1")
    assert int(bookmark["metadata"]["resourceVersion"]) >= int(hidden)

    await create_labelled(cluster, "ours", managed="e2xhub")
    version = bookmark["metadata"]["resourceVersion"]
    assert await policy_events(cluster, 1, resource_version=version) == [("ADDED", "ours")]
