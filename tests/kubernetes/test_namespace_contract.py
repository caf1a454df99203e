"""Namespaces: what e2xhub relies on when it asks where hub and servers are, by their labels."""

from __future__ import annotations

from .conftest import Cluster
from .manifests import refused

NAME = "kubernetes.io/metadata.name"


async def test_a_namespace_is_read_with_its_labels(cluster: Cluster) -> None:
    core, name = cluster.core, cluster.namespace
    await core.patch_namespace(name, {"metadata": {"labels": {"e2xhub.test/kind": "exam"}}})
    found = await core.read_namespace(name)
    assert found.metadata.labels["e2xhub.test/kind"] == "exam"
    assert found.status.phase == "Active"


async def test_a_namespace_has_its_name_as_a_label(cluster: Cluster) -> None:
    cluster.need_version(21, f"label {NAME}")
    found = await cluster.core.read_namespace(cluster.namespace)
    assert found.metadata.labels == {NAME: cluster.namespace}


async def test_nobody_takes_a_namespaces_name_from_its_labels(cluster: Cluster) -> None:
    cluster.need_version(21, f"label {NAME}")
    for value in (None, "another"):
        patched = await cluster.core.patch_namespace(
            cluster.namespace, {"metadata": {"labels": {NAME: value}}}
        )
        assert patched.metadata.labels == {NAME: cluster.namespace}


async def test_a_namespace_that_does_not_exist_is_404_and_named(cluster: Cluster) -> None:
    with refused() as refusal:
        await cluster.core.read_namespace("e2xhub-no-such")
    assert (refusal.code, refusal.reason) == (404, "NotFound")
    assert refusal.message == 'namespaces "e2xhub-no-such" not found'
    assert refusal.status["details"] == {"name": "e2xhub-no-such", "kind": "namespaces"}


async def test_namespaces_are_listed_by_labels_and_name(cluster: Cluster) -> None:
    core, name = cluster.core, cluster.namespace
    await core.patch_namespace(name, {"metadata": {"labels": {"e2xhub.test/only": name}}})
    by_label = await core.list_namespace(label_selector=f"e2xhub.test/only={name}")
    by_name = await core.list_namespace(field_selector=f"metadata.name={name}")
    assert [found.metadata.name for found in by_label.items] == [name]
    assert [found.metadata.name for found in by_name.items] == [name]
