"""What e2xhub relies on when it deletes objects of a cluster."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from kubernetes_asyncio.client import ApiException

from .conftest import Cluster
from .manifests import make_config_map, make_policy, refused

BACKGROUND_SECONDS = 60.0


async def until_gone(read: Callable[[], Awaitable[Any]]) -> None:
    """Wait until what `read` reads is deleted, as background deletion takes a while."""

    async def poll() -> None:
        while True:
            try:
                await read()
            except ApiException as error:
                if error.status == 404:
                    return
                raise
            await asyncio.sleep(0.05)

    await asyncio.wait_for(poll(), BACKGROUND_SECONDS)


async def test_delete_removes_the_object(cluster: Cluster) -> None:
    core, namespace = cluster.core, cluster.namespace
    created = await core.create_namespaced_secret(namespace, {"metadata": {"name": "a"}})
    status = await core.delete_namespaced_secret("a", namespace)

    assert status.status == "Success"
    assert status.details.uid == created.metadata.uid
    with refused() as refusal:
        await core.read_namespaced_secret("a", namespace)
    assert refusal.code == 404


async def test_delete_of_a_missing_object_is_404(cluster: Cluster) -> None:
    with refused() as refusal:
        await cluster.core.delete_namespaced_pod("nobody", cluster.namespace)
    assert (refusal.code, refusal.reason) == (404, "NotFound")


@pytest.mark.parametrize("condition", ["uid", "resourceVersion"])
async def test_delete_with_a_wrong_precondition_is_409_conflict(
    cluster: Cluster, condition: str
) -> None:
    core, namespace = cluster.core, cluster.namespace
    await core.create_namespaced_config_map(namespace, make_config_map("a"))
    with refused() as refusal:
        await core.delete_namespaced_config_map(
            "a", namespace, body={"preconditions": {condition: "1"}}
        )
    assert (refusal.code, refusal.reason) == (409, "Conflict")
    assert await core.read_namespaced_config_map("a", namespace)


async def test_delete_collection_removes_what_the_selector_matches(cluster: Cluster) -> None:
    networking, namespace = cluster.networking, cluster.namespace
    for name, exam in (("one", "ml"), ("two", "ml"), ("three", "stats")):
        manifest = make_policy(name)
        manifest["metadata"]["labels"] = {"exam": exam}
        await networking.create_namespaced_network_policy(namespace, manifest)
    await networking.delete_collection_namespaced_network_policy(
        namespace, label_selector="exam=ml"
    )
    left = await networking.list_namespaced_network_policy(namespace)
    assert [policy.metadata.name for policy in left.items] == ["three"]


async def test_an_object_with_a_finalizer_stays_until_it_is_released(cluster: Cluster) -> None:
    core, namespace = cluster.core, cluster.namespace
    manifest = make_config_map("held")
    manifest["metadata"]["finalizers"] = ["e2xhub.test/hold"]
    await core.create_namespaced_config_map(namespace, manifest)
    await core.delete_namespaced_config_map("held", namespace)

    held = await core.read_namespaced_config_map("held", namespace)
    assert held.metadata.deletion_timestamp is not None
    await core.patch_namespaced_config_map(
        "held",
        namespace,
        {"metadata": {"finalizers": None}},
        _content_type="application/merge-patch+json",
    )
    with refused() as refusal:
        await core.read_namespaced_config_map("held", namespace)
    assert refusal.code == 404


async def test_owned_objects_go_with_their_owner(cluster: Cluster) -> None:
    core, namespace = cluster.core, cluster.namespace
    await _owner_and_owned(cluster)
    await core.delete_namespaced_config_map("owner", namespace)
    await until_gone(lambda: core.read_namespaced_secret("owned", namespace))


async def test_owned_objects_stay_when_they_are_orphaned(cluster: Cluster) -> None:
    core, namespace = cluster.core, cluster.namespace
    await _owner_and_owned(cluster)
    await core.delete_namespaced_config_map("owner", namespace, propagation_policy="Orphan")
    await until_gone(lambda: core.read_namespaced_config_map("owner", namespace))

    orphan = await core.read_namespaced_secret("owned", namespace)
    assert not orphan.metadata.owner_references


async def test_foreground_deletion_removes_owned_objects_first(cluster: Cluster) -> None:
    core, namespace = cluster.core, cluster.namespace
    await _owner_and_owned(cluster)
    await core.delete_namespaced_config_map("owner", namespace, propagation_policy="Foreground")
    await until_gone(lambda: core.read_namespaced_config_map("owner", namespace))

    with refused() as refusal:
        await core.read_namespaced_secret("owned", namespace)
    assert refusal.code == 404


async def _owner_and_owned(cluster: Cluster) -> None:
    owner = await cluster.core.create_namespaced_config_map(
        cluster.namespace, make_config_map("owner")
    )
    reference = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "name": "owner",
        "uid": owner.metadata.uid,
        "blockOwnerDeletion": True,
    }
    metadata = {"name": "owned", "ownerReferences": [reference]}
    await cluster.core.create_namespaced_secret(cluster.namespace, {"metadata": metadata})


async def test_deleting_a_namespace_removes_what_is_in_it(cluster: Cluster) -> None:
    core, namespace = cluster.core, cluster.namespace
    await core.create_namespaced_config_map(namespace, make_config_map("a"))
    await cluster.networking.create_namespaced_network_policy(namespace, make_policy())
    await core.delete_namespace(namespace)

    await until_gone(lambda: core.read_namespace(namespace))
    with refused() as refusal:
        await core.read_namespaced_config_map("a", namespace)
    assert refusal.code == 404


async def test_a_namespace_that_is_deleted_takes_nothing_new(cluster: Cluster) -> None:
    core, namespace = cluster.core, cluster.namespace
    manifest = make_config_map("held")
    manifest["metadata"]["finalizers"] = ["e2xhub.test/hold"]
    await core.create_namespaced_config_map(namespace, manifest)
    await core.delete_namespace(namespace)
    try:
        with refused() as refusal:
            await core.create_namespaced_config_map(namespace, make_config_map("late"))
        assert (refusal.code, refusal.reason) == (403, "Forbidden")
    finally:
        release = {"metadata": {"finalizers": None}}
        with contextlib.suppress(ApiException):
            await core.patch_namespaced_config_map(
                "held", namespace, release, _content_type="application/merge-patch+json"
            )
