from __future__ import annotations

import asyncio

import pytest

from e2xhub.demo.api.errors import ApiStatusError
from e2xhub.demo.api.object_store import ObjectKey, ObjectStore
from e2xhub.demo.api.resources import CONFIG_MAPS, PODS, Manifest


def key(name: str, namespace: str = "exams") -> ObjectKey:
    return ObjectKey(CONFIG_MAPS, namespace, name)


def config_map(name: str, **data: str) -> Manifest:
    return {"metadata": {"name": name, "namespace": "exams"}, "data": data}


def names(manifests: list[Manifest]) -> list[str]:
    return [manifest["metadata"]["name"] for manifest in manifests]


@pytest.fixture
def store() -> ObjectStore:
    return ObjectStore(history_size=3)


def test_versions_grow_over_all_kinds(store: ObjectStore) -> None:
    first = store.put(key("a"), config_map("a"))
    pod = ObjectKey(PODS, "exams", "pod")
    second = store.put(pod, {"metadata": {"name": "pod", "namespace": "exams"}})
    versions = [int(entry["metadata"]["resourceVersion"]) for entry in (first, second)]
    assert versions == [store.version - 1, store.version]


def test_changes_are_told_in_order_with_what_was_before(store: ObjectStore) -> None:
    start = store.version
    created = store.put(key("a"), config_map("a", colour="green"))
    changed = store.put(key("a"), config_map("a", colour="red"))
    store.remove(key("a"))

    changes = store.changes_since(CONFIG_MAPS, start)
    assert [change.type for change in changes] == ["ADDED", "MODIFIED", "DELETED"]
    assert [change.previous for change in changes] == [None, created, changed]
    assert store.changes_since(CONFIG_MAPS, changes[1].version) == changes[2:]


def test_a_deletion_has_a_version_of_its_own(store: ObjectStore) -> None:
    created = store.put(key("a"), config_map("a"))
    last = store.remove(key("a"))
    assert int(last["metadata"]["resourceVersion"]) == store.version
    assert last["metadata"]["resourceVersion"] != created["metadata"]["resourceVersion"]
    assert store.get(key("a")) is None


def test_a_version_before_the_history_is_410_expired(store: ObjectStore) -> None:
    start = store.version
    for name in ("a", "b", "c"):
        store.put(key(name), config_map(name))
    assert len(store.changes_since(CONFIG_MAPS, start)) == 3

    store.put(key("d"), config_map("d"))
    with pytest.raises(ApiStatusError) as caught:
        store.changes_since(CONFIG_MAPS, start)
    assert (caught.value.code, caught.value.reason) == (410, "Expired")
    assert caught.value.message == f"too old resource version: {start} ({start + 1})"
    assert len(store.changes_since(CONFIG_MAPS, start + 1)) == 3


def test_changes_of_one_kind_do_not_push_out_those_of_another(store: ObjectStore) -> None:
    start = store.version
    store.put(ObjectKey(PODS, "exams", "pod"), {"metadata": {"name": "pod"}})
    for number in range(5):
        store.put(key("a"), config_map("a", number=str(number)))
    assert len(store.changes_since(PODS, start)) == 1


def test_a_version_that_is_yet_to_come_is_504(store: ObjectStore) -> None:
    with pytest.raises(ApiStatusError) as caught:
        store.changes_since(CONFIG_MAPS, store.version + 1)
    assert (caught.value.code, caught.value.reason) == (504, "Timeout")


def test_a_snapshot_is_the_state_at_its_version(store: ObjectStore) -> None:
    store.put(key("a"), config_map("a", colour="green"))
    store.put(key("b"), config_map("b"))
    version = store.version
    store.put(key("a"), config_map("a", colour="red"))
    store.remove(key("b"))
    store.put(key("c"), config_map("c"))

    snapshot = store.snapshot(CONFIG_MAPS, "exams", version)
    assert names(snapshot) == ["a", "b"]
    assert snapshot[0]["data"] == {"colour": "green"}
    assert names(store.select(CONFIG_MAPS)) == ["a", "c"]


def test_objects_are_selected_by_namespace_in_order(store: ObjectStore) -> None:
    for name, namespace in (("b", "exams"), ("a", "teaching"), ("a", "exams")):
        store.put(key(name, namespace), config_map(name))
    assert names(store.select(CONFIG_MAPS, "exams")) == ["a", "b"]
    assert names(store.select(CONFIG_MAPS)) == ["a", "b", "a"]


async def test_a_change_wakes_everyone_who_waits_for_the_kind(store: ObjectStore) -> None:
    waiting = [asyncio.create_task(store.wait_for_change(CONFIG_MAPS, 60)) for _ in range(2)]
    other = asyncio.create_task(store.wait_for_change(PODS, 60))
    await asyncio.sleep(0)
    store.put(key("a"), config_map("a"))
    await asyncio.wait_for(asyncio.gather(*waiting), 30)
    assert not other.done()
    other.cancel()


async def test_waiting_ends_without_a_change_when_the_time_is_over(store: ObjectStore) -> None:
    await asyncio.wait_for(store.wait_for_change(CONFIG_MAPS, 0.01), 30)
    assert store.changes_since(CONFIG_MAPS, store.version) == []
