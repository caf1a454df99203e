"""What e2xhub and KubeSpawner rely on when they list and watch a cluster."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
from kubernetes_asyncio.client import ApiException, Configuration
from kubernetes_asyncio.watch import Watch
from kubespawner.reflector import NamespacedResourceReflector

from .conftest import Cluster
from .manifests import Manifest, make_config_map, make_pod, refused
from .watching import collect_events, read_expiry


async def create_labelled(cluster: Cluster, name: str, **labels: str) -> str:
    """Create a ConfigMap and return its version."""
    manifest = make_config_map(name)
    manifest["metadata"]["labels"] = labels
    created = await cluster.core.create_namespaced_config_map(cluster.namespace, manifest)
    return str(created.metadata.resource_version)


async def listed_names(cluster: Cluster, **options: Any) -> list[str]:
    """Return the test's ConfigMaps, without the one that real clusters put into every namespace."""
    found = await cluster.core.list_namespaced_config_map(cluster.namespace, **options)
    names = [item.metadata.name for item in found.items]
    return [name for name in names if name != "kube-root-ca.crt"]


async def map_events(cluster: Cluster, count: int, **options: Any) -> list[tuple[str, str]]:
    list_maps = cluster.core.list_namespaced_config_map
    return await collect_events(list_maps, cluster.namespace, count, **options)


async def current_version(cluster: Cluster) -> str:
    found = await cluster.core.list_namespaced_config_map(cluster.namespace)
    return str(found.metadata.resource_version)


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("exam=ml", ["a"]),
        ("exam==ml", ["a"]),
        ("exam!=ml", ["b", "c"]),
        ("exam in (ml, stats)", ["a", "b"]),
        ("exam in (ml,stats),room=one", ["a"]),
        ("exam notin (ml)", ["b", "c"]),
        ("exam", ["a", "b"]),
        ("!exam", ["c"]),
        ("exam=ml,room!=one", []),
    ],
)
async def test_lists_are_restricted_by_labels(
    cluster: Cluster, selector: str, expected: list[str]
) -> None:
    await create_labelled(cluster, "a", exam="ml", room="one")
    await create_labelled(cluster, "b", exam="stats", room="two")
    await create_labelled(cluster, "c", room="two")
    # a real cluster's own ConfigMap has no labels, and its name is left out
    assert await listed_names(cluster, label_selector=selector) == expected


@pytest.mark.parametrize("selector", ["exam=ml=x", "exam in ml", "=", "a b"])
async def test_a_label_selector_that_cannot_be_parsed_is_400(
    cluster: Cluster, selector: str
) -> None:
    with refused() as refusal:
        await cluster.core.list_namespaced_config_map(cluster.namespace, label_selector=selector)
    assert (refusal.code, refusal.reason) == (400, "BadRequest")


async def test_lists_are_restricted_by_name(cluster: Cluster) -> None:
    await create_labelled(cluster, "a")
    await create_labelled(cluster, "b")
    assert await listed_names(cluster, field_selector="metadata.name=a") == ["a"]
    assert await listed_names(cluster, field_selector="metadata.name!=a") == ["b"]


async def test_pods_are_listed_by_node_and_phase(cluster: Cluster) -> None:
    core, namespace = cluster.core, cluster.namespace
    await core.create_namespaced_pod(namespace, make_pod("free"))
    assigned = make_pod("assigned", nodeName="e2xhub-test-no-such-node", nodeSelector=None)
    await core.create_namespaced_pod(namespace, assigned)

    async def names(selector: str) -> list[str]:
        pods = await core.list_namespaced_pod(namespace, field_selector=selector)
        return [pod.metadata.name for pod in pods.items]

    assert await names("spec.nodeName=e2xhub-test-no-such-node") == ["assigned"]
    assert await names("spec.nodeName=") == ["free"]
    assert await names("status.phase=Pending,spec.nodeName!=") == ["assigned"]
    assert await names("status.phase=Running") == []


async def test_events_are_listed_by_the_object_that_they_are_about(cluster: Cluster) -> None:
    core, namespace = cluster.core, cluster.namespace
    for name in ("a", "b"):
        involved = {"kind": "ConfigMap", "name": name, "namespace": namespace, "uid": f"uid-{name}"}
        event = {
            "metadata": {"name": f"about-{name}"},
            "involvedObject": involved,
            "reason": "Test",
        }
        await core.create_namespaced_event(namespace, event)

    found = await core.list_namespaced_event(
        namespace, field_selector="involvedObject.name=a,involvedObject.uid=uid-a"
    )
    assert [event.metadata.name for event in found.items] == ["about-a"]


async def test_an_event_belongs_to_the_namespace_of_its_object(cluster: Cluster) -> None:
    involved = {"kind": "Pod", "name": "a", "namespace": "default"}
    event = {"metadata": {"name": "about-a"}, "involvedObject": involved}
    with refused() as refusal:
        await cluster.core.create_namespaced_event(cluster.namespace, event)
    assert (refusal.code, refusal.fields) == (422, {"involvedObject.namespace"})


async def test_a_field_that_is_not_selectable_is_400(cluster: Cluster) -> None:
    with refused() as refusal:
        await cluster.core.list_namespaced_pod(cluster.namespace, field_selector="spec.color=red")
    assert (refusal.code, refusal.reason) == (400, "BadRequest")


async def test_all_namespaces_are_listed_at_once(cluster: Cluster) -> None:
    await cluster.core.create_namespaced_pod(cluster.namespace, make_pod("everywhere"))
    pods = await cluster.core.list_pod_for_all_namespaces(
        field_selector=f"metadata.name=everywhere,metadata.namespace={cluster.namespace}"
    )
    assert [pod.metadata.namespace for pod in pods.items] == [cluster.namespace]


async def test_a_missing_namespace_lists_as_empty(cluster: Cluster) -> None:
    assert (await cluster.core.list_namespaced_pod("e2xhub-no-such")).items == []


async def test_pages_make_up_the_list_as_it_was_at_the_first_page(cluster: Cluster) -> None:
    core, namespace = cluster.core, cluster.namespace
    for name in ("a", "b", "c", "d"):
        await create_labelled(cluster, name, exam="ml")

    async def page(token: str | None) -> tuple[list[str], str | None]:
        found = await core.list_namespaced_config_map(
            namespace, label_selector="exam=ml", limit=2, _continue=token
        )
        return [item.metadata.name for item in found.items], found.metadata._continue

    names, token = await page(None)
    assert names == ["a", "b"]
    await create_labelled(cluster, "late", exam="ml")
    await core.delete_namespaced_config_map("d", namespace)
    while token:
        # a page may be empty: there was more, but nothing that the selector matches
        more, token = await page(token)
        names += more
    assert names == ["a", "b", "c", "d"]


async def test_a_watch_from_a_lists_version_misses_nothing(cluster: Cluster) -> None:
    core, namespace = cluster.core, cluster.namespace
    await create_labelled(cluster, "before")
    version = await current_version(cluster)
    await create_labelled(cluster, "between")
    await core.patch_namespaced_config_map("between", namespace, {"data": {"colour": "red"}})
    await core.delete_namespaced_config_map("before", namespace)

    events = await map_events(cluster, 3, resource_version=version)
    assert events == [("ADDED", "between"), ("MODIFIED", "between"), ("DELETED", "before")]


async def test_a_watch_sees_what_happens_while_it_is_open(cluster: Cluster) -> None:
    version = await current_version(cluster)
    watching = asyncio.create_task(map_events(cluster, 2, resource_version=version))
    await asyncio.sleep(0.2)
    await create_labelled(cluster, "a")
    await cluster.core.delete_namespaced_config_map("a", cluster.namespace)
    assert await watching == [("ADDED", "a"), ("DELETED", "a")]


async def test_a_watch_without_a_version_starts_with_what_is_there(cluster: Cluster) -> None:
    await create_labelled(cluster, "a")
    await create_labelled(cluster, "b")
    events = await map_events(cluster, 2)
    assert sorted(events) == [("ADDED", "a"), ("ADDED", "b")]


async def test_a_deleted_object_carries_the_version_of_its_deletion(cluster: Cluster) -> None:
    version = await create_labelled(cluster, "a")
    await cluster.core.delete_namespaced_config_map("a", cluster.namespace)
    list_maps = cluster.core.list_namespaced_config_map
    stream = Watch().stream(
        list_maps, cluster.namespace, resource_version=version, timeout_seconds=5
    )
    async with stream as events:
        async for event in events:
            assert event["type"] == "DELETED"
            assert int(event["raw_object"]["metadata"]["resourceVersion"]) > int(version)
            return
    pytest.fail("the watch ended without an event")


async def test_a_watch_sees_objects_enter_and_leave_its_selector(cluster: Cluster) -> None:
    core, namespace = cluster.core, cluster.namespace
    await create_labelled(cluster, "a", exam="none")
    version = await current_version(cluster)
    for exam in ("ml", "ml2", "none"):
        await core.patch_namespaced_config_map(
            "a", namespace, {"metadata": {"labels": {"exam": exam}}}
        )
    events = await map_events(
        cluster, 3, resource_version=version, label_selector="exam in (ml,ml2)"
    )
    assert events == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]


async def test_a_watch_ends_after_its_timeout(cluster: Cluster) -> None:
    version = await current_version(cluster)
    started = asyncio.get_running_loop().time()
    list_maps = cluster.core.list_namespaced_config_map
    stream = Watch().stream(
        list_maps, cluster.namespace, resource_version=version, timeout_seconds=1
    )
    async with stream as events:
        assert [event async for event in events] == []
    assert 0.9 < asyncio.get_running_loop().time() - started < 10


async def test_a_version_that_is_forgotten_is_410_expired(cluster: Cluster) -> None:
    list_maps = cluster.core.list_namespaced_config_map
    assert (await read_expiry(list_maps, cluster.namespace))["reason"] == "Expired"
    stream = Watch().stream(list_maps, cluster.namespace, resource_version="1", timeout_seconds=5)
    async with stream as events:
        with pytest.raises(ApiException) as caught:
            await anext(events)
    assert caught.value.status == 410
    assert caught.value.reason.startswith("Expired: too old resource version: 1 ")


async def test_a_version_that_is_no_number_is_refused(cluster: Cluster) -> None:
    with refused() as refusal:
        await cluster.core.list_namespaced_config_map(cluster.namespace, resource_version="new")
    # Kubernetes 1.20 calls it an internal error
    assert refusal.code in (400, 500)
    assert "new" in refusal.message


class ConfigMapReflector(NamespacedResourceReflector):
    """KubeSpawner's reflector, on a kind that no controller touches."""

    kind = "configmaps"
    list_method_name = "list_namespaced_config_map"
    labels = {"exam": "ml"}
    timeout_seconds = 1


@contextmanager
def default_configuration(configuration: Configuration) -> Iterator[None]:
    """Let KubeSpawner's own client find the cluster."""
    before = Configuration.get_default_copy()
    Configuration.set_default(configuration)
    yield
    Configuration.set_default(before)


@asynccontextmanager
async def reflector_of(cluster: Cluster) -> AsyncIterator[ConfigMapReflector]:
    with default_configuration(cluster.api_client.configuration):
        reflector = ConfigMapReflector(namespace=cluster.namespace)
        await reflector.start()
        try:
            yield reflector
        finally:
            await reflector.stop()
            await reflector.api.api_client.close()


async def reflected(reflector: ConfigMapReflector, expected: dict[str, str]) -> None:
    """Wait until the reflector knows exactly these ConfigMaps, by name and colour."""
    seen: dict[str, str] = {}
    for _ in range(100):
        items: list[Manifest] = list(reflector.resources.values())
        seen = {item["metadata"]["name"]: item["data"]["colour"] for item in items}
        if seen == expected:
            return
        await asyncio.sleep(0.1)
    pytest.fail(f"the reflector has {seen}, not {expected}")


async def test_kubespawners_reflector_follows_the_cluster(cluster: Cluster) -> None:
    core, namespace = cluster.core, cluster.namespace
    await create_labelled(cluster, "first", exam="ml")
    async with reflector_of(cluster) as reflector:
        await reflected(reflector, {"first": "green"})
        await create_labelled(cluster, "second", exam="ml")
        await create_labelled(cluster, "other", exam="stats")
        await core.patch_namespaced_config_map("first", namespace, {"data": {"colour": "red"}})
        await reflected(reflector, {"first": "red", "second": "green"})
        # longer than a watch of this reflector lasts: it lists and watches again
        await asyncio.sleep(1.5)
        await core.delete_namespaced_config_map("first", namespace)
        await reflected(reflector, {"second": "green"})
