from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from e2xhub.demo.api.delete_options import DeleteOptions
from e2xhub.demo.api.garbage_collector import EVENT_LIFETIME, GarbageCollector
from e2xhub.demo.api.object_registry import ObjectRegistry
from e2xhub.demo.api.object_store import ObjectKey, ObjectStore
from e2xhub.demo.api.object_times import now_utc
from e2xhub.demo.api.resources import CONFIG_MAPS, EVENTS, NAMESPACES, PODS, SECRETS, Manifest


@pytest.fixture
async def registry() -> AsyncIterator[ObjectRegistry]:
    """A registry with a namespace, whose collector runs."""
    registry = ObjectRegistry(ObjectStore(history_size=100))
    collecting = asyncio.create_task(GarbageCollector(registry).run())
    registry.create(NAMESPACES, "", {"metadata": {"name": "exams"}})
    yield registry
    collecting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await collecting


def owner_reference(owner: Manifest, kind: str = "ConfigMap", version: str = "v1") -> Manifest:
    metadata = owner["metadata"]
    return {"apiVersion": version, "kind": kind, "name": metadata["name"], "uid": metadata["uid"]}


def create_owner(registry: ObjectRegistry, name: str) -> Manifest:
    return registry.create(CONFIG_MAPS, "exams", {"metadata": {"name": name}})


def create_owned(registry: ObjectRegistry, *owners: Manifest) -> ObjectKey:
    metadata = {"name": "owned", "ownerReferences": list(owners)}
    registry.create(SECRETS, "exams", {"metadata": metadata})
    return ObjectKey(SECRETS, "exams", "owned")


async def collected() -> None:
    """Let the collector follow everything that has happened."""
    for _ in range(50):
        await asyncio.sleep(0)


async def test_an_object_stays_while_one_of_its_owners_is_there(registry: ObjectRegistry) -> None:
    owners = [create_owner(registry, name) for name in ("one", "two")]
    owned = create_owned(registry, *(owner_reference(owner) for owner in owners))
    registry.delete(ObjectKey(CONFIG_MAPS, "exams", "one"), DeleteOptions())
    await collected()
    kept = registry.get(owned)["metadata"]["ownerReferences"]
    assert [owner["name"] for owner in kept] == ["two"]

    registry.delete(ObjectKey(CONFIG_MAPS, "exams", "two"), DeleteOptions())
    await collected()
    assert registry.store.get(owned) is None


async def test_an_object_whose_owner_never_was_is_collected(registry: ObjectRegistry) -> None:
    nobody = {"metadata": {"name": "nobody", "uid": "1"}}
    owned = create_owned(registry, owner_reference(nobody))
    await collected()
    assert registry.store.get(owned) is None


async def test_an_owner_of_the_same_name_but_another_uid_does_not_count(
    registry: ObjectRegistry,
) -> None:
    create_owner(registry, "owner")
    owned = create_owned(registry, owner_reference({"metadata": {"name": "owner", "uid": "1"}}))
    await collected()
    assert registry.store.get(owned) is None


async def test_owners_of_a_kind_that_is_not_served_are_taken_to_exist(
    registry: ObjectRegistry,
) -> None:
    hub = {"metadata": {"name": "hub", "uid": "1"}}
    owned = create_owned(registry, owner_reference(hub, "Deployment", "apps/v1"))
    await collected()
    assert registry.store.get(owned) is not None


async def test_a_namespace_waits_for_the_pods_that_a_node_must_end(
    registry: ObjectRegistry,
) -> None:
    spec = {"containers": [{"name": "main", "image": "python"}], "nodeName": "node"}
    registry.create(PODS, "exams", {"metadata": {"name": "pod"}, "spec": spec})
    create_owner(registry, "other")
    registry.delete(ObjectKey(NAMESPACES, "", "exams"), DeleteOptions())
    await collected()

    namespace = registry.get(ObjectKey(NAMESPACES, "", "exams"))
    assert namespace["status"]["phase"] == "Terminating"
    assert registry.store.select(CONFIG_MAPS) == []
    pod = ObjectKey(PODS, "exams", "pod")
    assert "deletionTimestamp" in registry.get(pod)["metadata"]

    registry.delete(pod, DeleteOptions(grace_period_seconds=0))
    await collected()
    assert registry.store.get(ObjectKey(NAMESPACES, "", "exams")) is None


async def test_events_expire_after_their_lifetime(registry: ObjectRegistry) -> None:
    involved = {"kind": "Pod", "name": "pod", "namespace": "exams"}
    event = {"metadata": {"name": "started"}, "involvedObject": involved}
    registry.create(EVENTS, "exams", event)
    collector = GarbageCollector(registry)

    collector.expire_events(now_utc() + EVENT_LIFETIME - timedelta(minutes=1))
    assert len(registry.store.select(EVENTS)) == 1
    collector.expire_events(now_utc() + EVENT_LIFETIME + timedelta(minutes=1))
    assert registry.store.select(EVENTS) == []
