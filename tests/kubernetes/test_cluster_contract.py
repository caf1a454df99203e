"""What e2xhub relies on when it creates and changes objects of a cluster.

These rules hold on any Kubernetes API server; the demo cluster is defined by them.
"""

from __future__ import annotations

import re

from .conftest import Cluster
from .manifests import make_claim, make_config_map, make_pod, refused


async def test_create_gives_uid_version_and_creation_time(cluster: Cluster) -> None:
    created = await cluster.core.create_namespaced_config_map(cluster.namespace, make_config_map())

    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", created.metadata.uid)
    assert int(created.metadata.resource_version) > 0
    assert created.metadata.creation_timestamp.tzinfo is not None
    assert created.metadata.namespace == cluster.namespace


async def test_create_of_an_existing_name_is_409_already_exists(cluster: Cluster) -> None:
    await cluster.core.create_namespaced_config_map(cluster.namespace, make_config_map("twice"))

    with refused() as refusal:
        await cluster.core.create_namespaced_config_map(cluster.namespace, make_config_map("twice"))
    assert (refusal.code, refusal.reason) == (409, "AlreadyExists")
    assert refusal.message == 'configmaps "twice" already exists'


async def test_create_in_a_missing_namespace_is_404(cluster: Cluster) -> None:
    with refused() as refusal:
        await cluster.core.create_namespaced_config_map("e2xhub-no-such", make_config_map())
    assert (refusal.code, refusal.reason) == (404, "NotFound")
    assert refusal.message == 'namespaces "e2xhub-no-such" not found'


async def test_create_for_another_namespace_than_the_paths_is_400(cluster: Cluster) -> None:
    manifest = make_config_map()
    manifest["metadata"]["namespace"] = "default"

    with refused() as refusal:
        await cluster.core.create_namespaced_config_map(cluster.namespace, manifest)
    assert (refusal.code, refusal.reason) == (400, "BadRequest")


async def test_generate_name_completes_the_prefix(cluster: Cluster) -> None:
    manifest = {"metadata": {"generateName": "exam-"}}
    names = set()
    for _ in range(3):
        created = await cluster.core.create_namespaced_config_map(cluster.namespace, manifest)
        names.add(created.metadata.name)

    assert len(names) == 3
    assert all(re.fullmatch(r"exam-[a-z0-9]{5}", name) for name in names)


async def test_dry_run_checks_and_stores_nothing(cluster: Cluster) -> None:
    manifest = make_config_map("rehearsal")
    created = await cluster.core.create_namespaced_config_map(
        cluster.namespace, manifest, dry_run="All"
    )

    assert created.metadata.name == "rehearsal"
    with refused() as refusal:
        await cluster.core.read_namespaced_config_map("rehearsal", cluster.namespace)
    assert refusal.code == 404


async def test_get_of_a_missing_object_is_404_and_names_it(cluster: Cluster) -> None:
    with refused() as refusal:
        await cluster.core.read_namespaced_pod("nobody", cluster.namespace)
    assert (refusal.code, refusal.reason) == (404, "NotFound")
    assert refusal.message == 'pods "nobody" not found'
    assert refusal.status["details"] == {"name": "nobody", "kind": "pods"}


async def test_messages_about_a_grouped_kind_name_the_group(cluster: Cluster) -> None:
    with refused() as refusal:
        await cluster.networking.read_namespaced_network_policy("nobody", cluster.namespace)
    assert refusal.message == 'networkpolicies.networking.k8s.io "nobody" not found'
    assert refusal.status["details"]["group"] == "networking.k8s.io"


async def test_every_write_gets_a_new_version(cluster: Cluster) -> None:
    core = cluster.core
    created = await core.create_namespaced_config_map(cluster.namespace, make_config_map("a"))
    changed = await core.patch_namespaced_config_map(
        "a", cluster.namespace, {"data": {"colour": "red"}}
    )
    assert int(changed.metadata.resource_version) > int(created.metadata.resource_version)


async def test_an_update_that_changes_nothing_keeps_the_version(cluster: Cluster) -> None:
    core = cluster.core
    created = await core.create_namespaced_config_map(cluster.namespace, make_config_map("a"))
    replaced = await core.replace_namespaced_config_map(
        "a", cluster.namespace, make_config_map("a")
    )
    patched = await core.patch_namespaced_config_map(
        "a", cluster.namespace, {"data": {"colour": "green"}}
    )

    assert replaced.metadata.resource_version == created.metadata.resource_version
    assert patched.metadata.resource_version == created.metadata.resource_version


async def test_replace_with_an_old_version_is_409_conflict(cluster: Cluster) -> None:
    core, namespace = cluster.core, cluster.namespace
    created = await core.create_namespaced_config_map(namespace, make_config_map("a"))
    await core.patch_namespaced_config_map("a", namespace, {"data": {"colour": "red"}})
    created.data = {"colour": "blue"}

    with refused() as refusal:
        await core.replace_namespaced_config_map("a", namespace, created)
    assert (refusal.code, refusal.reason) == (409, "Conflict")
    current = await core.read_namespaced_config_map("a", namespace)
    assert current.data == {"colour": "red"}


async def test_patch_with_an_old_version_is_409_conflict(cluster: Cluster) -> None:
    core, namespace = cluster.core, cluster.namespace
    created = await core.create_namespaced_config_map(namespace, make_config_map("a"))
    await core.patch_namespaced_config_map("a", namespace, {"data": {"colour": "red"}})
    stale = {"metadata": {"resourceVersion": created.metadata.resource_version}}

    with refused() as refusal:
        await core.patch_namespaced_config_map(
            "a", namespace, {**stale, "data": {"colour": "blue"}}
        )
    assert (refusal.code, refusal.reason) == (409, "Conflict")


async def test_replace_of_a_missing_object_is_404(cluster: Cluster) -> None:
    with refused() as refusal:
        await cluster.core.replace_namespaced_config_map(
            "nobody", cluster.namespace, make_config_map("nobody")
        )
    assert refusal.code == 404


async def test_replace_cannot_change_uid_or_creation_time(cluster: Cluster) -> None:
    core, namespace = cluster.core, cluster.namespace
    created = await core.create_namespaced_config_map(namespace, make_config_map("a"))
    manifest = make_config_map("a", colour="red")
    manifest["metadata"]["creationTimestamp"] = "2001-01-01T00:00:00Z"
    replaced = await core.replace_namespaced_config_map("a", namespace, manifest)

    assert replaced.metadata.uid == created.metadata.uid
    assert replaced.metadata.creation_timestamp == created.metadata.creation_timestamp


async def test_merge_patch_removes_keys_that_are_null(cluster: Cluster) -> None:
    core, namespace = cluster.core, cluster.namespace
    await core.create_namespaced_config_map(namespace, make_config_map("a", colour="red", size="l"))
    patched = await core.patch_namespaced_config_map(
        "a",
        namespace,
        {"data": {"size": None}},
        _content_type="application/merge-patch+json",
    )
    assert patched.data == {"colour": "red"}


async def test_strategic_merge_patch_merges_containers_by_name(cluster: Cluster) -> None:
    core, namespace = cluster.core, cluster.namespace
    containers = [{"name": "main", "image": "python"}, {"name": "side", "image": "python"}]
    await core.create_namespaced_pod(namespace, make_pod(containers=containers))
    change = {"spec": {"containers": [{"name": "side", "image": "python:3"}]}}
    patched = await core.patch_namespaced_pod("pod", namespace, change)

    images = {container.name: container.image for container in patched.spec.containers}
    assert images == {"main": "python", "side": "python:3"}


async def test_json_patch_changes_one_place(cluster: Cluster) -> None:
    core, namespace = cluster.core, cluster.namespace
    await core.create_namespaced_config_map(namespace, make_config_map("a", colour="red", size="l"))
    patch = [
        {"op": "test", "path": "/data/size", "value": "l"},
        {"op": "replace", "path": "/data/size", "value": "xl"},
        {"op": "add", "path": "/metadata/labels", "value": {"exam": "ml"}},
    ]
    patched = await core.patch_namespaced_config_map("a", namespace, patch)

    assert patched.data == {"colour": "red", "size": "xl"}
    assert patched.metadata.labels == {"exam": "ml"}


async def test_a_failing_json_patch_changes_nothing(cluster: Cluster) -> None:
    core, namespace = cluster.core, cluster.namespace
    await core.create_namespaced_config_map(namespace, make_config_map("a", colour="red"))
    patch = [
        {"op": "replace", "path": "/data/colour", "value": "blue"},
        {"op": "test", "path": "/data/colour", "value": "red"},
    ]
    with refused() as refusal:
        await core.patch_namespaced_config_map("a", namespace, patch)
    assert refusal.code == 422
    assert (await core.read_namespaced_config_map("a", namespace)).data == {"colour": "red"}


async def test_a_patch_of_an_unknown_media_type_is_415(cluster: Cluster) -> None:
    await cluster.core.create_namespaced_config_map(cluster.namespace, make_config_map("a"))
    with refused() as refusal:
        await cluster.core.patch_namespaced_config_map(
            "a", cluster.namespace, {"data": {}}, _content_type="application/json"
        )
    assert (refusal.code, refusal.reason) == (415, "UnsupportedMediaType")


async def test_a_claim_keeps_its_spec(cluster: Cluster) -> None:
    core, namespace = cluster.core, cluster.namespace
    created = await core.create_namespaced_persistent_volume_claim(namespace, make_claim())
    assert created.status.phase == "Pending"
    assert created.spec.volume_mode == "Filesystem"

    with refused() as refusal:
        await core.patch_namespaced_persistent_volume_claim(
            "home", namespace, {"spec": {"accessModes": ["ReadWriteMany"]}}
        )
    assert (refusal.code, refusal.fields) == (422, {"spec"})


async def test_secrets_are_stored_in_base64(cluster: Cluster) -> None:
    secret = {"metadata": {"name": "token"}, "stringData": {"key": "value"}}
    created = await cluster.core.create_namespaced_secret(cluster.namespace, secret)

    assert created.data == {"key": "dmFsdWU="}
    assert created.string_data is None
    assert created.type == "Opaque"


async def test_an_immutable_config_map_keeps_its_data(cluster: Cluster) -> None:
    core, namespace = cluster.core, cluster.namespace
    await core.create_namespaced_config_map(namespace, {**make_config_map("a"), "immutable": True})
    with refused() as refusal:
        await core.patch_namespaced_config_map("a", namespace, {"data": {"colour": "red"}})
    assert (refusal.code, refusal.reason) == (422, "Invalid")


async def test_a_service_gets_an_address_and_keeps_it(cluster: Cluster) -> None:
    core, namespace = cluster.core, cluster.namespace
    manifest = {"metadata": {"name": "hub"}, "spec": {"ports": [{"port": 8081}]}}
    created = await core.create_namespaced_service(namespace, manifest)
    address = created.spec.cluster_ip
    assert re.fullmatch(r"[0-9a-f.:]+", address)
    assert created.spec.ports[0].target_port == 8081
    assert created.spec.ports[0].protocol == "TCP"

    created.spec.ports[0].target_port = 8000
    replaced = await core.replace_namespaced_service("hub", namespace, created)
    assert replaced.spec.cluster_ip == address
    with refused() as refusal:
        await core.patch_namespaced_service("hub", namespace, {"spec": {"clusterIP": "None"}})
    assert (refusal.code, refusal.reason) == (422, "Invalid")
