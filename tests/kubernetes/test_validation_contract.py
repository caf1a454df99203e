"""Which wrong manifests a cluster refuses, and which field it names.

A hub that sends one of these must hear it from the demo cluster as it would from a real one.
"""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Cluster
from .manifests import Manifest, make_claim, make_config_map, make_pod, refused


def pod_of(container: Manifest, **spec: Any) -> Manifest:
    """Return a pod whose only container has these fields besides name and image."""
    return make_pod(containers=[{"name": "main", "image": "python", **container}], **spec)


def labelled(manifest: Manifest, **metadata: Any) -> Manifest:
    return {**manifest, "metadata": {**manifest["metadata"], **metadata}}


def mounts(*volume_mounts: Manifest) -> Manifest:
    volumes = [{"name": "home", "emptyDir": {}}]
    return pod_of({"volumeMounts": list(volume_mounts)}, volumes=volumes)


def volume(**source: Any) -> Manifest:
    return pod_of({}, volumes=[{"name": "home", **source}])


MAIN = "spec.containers[0]"
MOUNT = f"{MAIN}.volumeMounts"

PODS = {
    "name-with-capitals": (make_pod("Pod"), "metadata.name"),
    "name-with-underscore": (make_pod("a_b"), "metadata.name"),
    "label-value-with-space": (labelled(make_pod(), labels={"a": "b c"}), "metadata.labels"),
    "label-value-too-long": (labelled(make_pod(), labels={"a": "b" * 64}), "metadata.labels"),
    "label-key-with-space": (labelled(make_pod(), labels={"a b": "c"}), "metadata.labels"),
    "annotation-key": (labelled(make_pod(), annotations={"a b": "c"}), "metadata.annotations"),
    "no-containers": (make_pod(containers=[]), "spec.containers"),
    "container-without-name": (make_pod(containers=[{"image": "python"}]), f"{MAIN}.name"),
    "container-without-image": (make_pod(containers=[{"name": "main"}]), f"{MAIN}.image"),
    "container-name-twice": (
        make_pod(containers=[{"name": "main", "image": "python"}] * 2),
        "spec.containers[1].name",
    ),
    "restart-policy": (make_pod(restartPolicy="Sometimes"), "spec.restartPolicy"),
    "dns-without-settings": (make_pod(dnsPolicy="None"), "spec.dnsConfig"),
    "dns-without-servers": (
        make_pod(dnsPolicy="None", dnsConfig={"searches": ["example.org"]}),
        "spec.dnsConfig.nameservers",
    ),
    "volume-name-twice": (
        make_pod(volumes=[{"name": "home", "emptyDir": {}}] * 2),
        "spec.volumes[1].name",
    ),
    "volume-name": (make_pod(volumes=[{"name": "A", "emptyDir": {}}]), "spec.volumes[0].name"),
    "nfs-without-server": (volume(nfs={"path": "/home"}), "spec.volumes[0].nfs.server"),
    "nfs-path-relative": (
        volume(nfs={"server": "nfs", "path": "home"}),
        "spec.volumes[0].nfs.path",
    ),
    "host-path-leads-out": (
        volume(hostPath={"path": "/srv/../etc"}),
        "spec.volumes[0].hostPath.path",
    ),
    "claim-without-name": (
        volume(persistentVolumeClaim={}),
        "spec.volumes[0].persistentVolumeClaim.claimName",
    ),
    "secret-without-name": (volume(secret={}), "spec.volumes[0].secret.secretName"),
    "mount-of-nothing": (mounts({"name": "data", "mountPath": "/data"}), f"{MOUNT}[0].name"),
    "mount-without-path": (mounts({"name": "home", "mountPath": ""}), f"{MOUNT}[0].mountPath"),
    "mount-path-twice": (
        mounts(*[{"name": "home", "mountPath": "/home"}] * 2),
        f"{MOUNT}[1].mountPath",
    ),
    "sub-path-absolute": (
        mounts({"name": "home", "mountPath": "/home", "subPath": "/alice"}),
        f"{MOUNT}.subPath",
    ),
    "sub-path-leads-out": (
        mounts({"name": "home", "mountPath": "/home", "subPath": "alice/../bob"}),
        f"{MOUNT}.subPath",
    ),
    "request-above-limit": (
        pod_of({"resources": {"requests": {"memory": "2Gi"}, "limits": {"memory": "1Gi"}}}),
        f"{MAIN}.resources.requests",
    ),
    "negative-request": (
        pod_of({"resources": {"requests": {"memory": "-1Gi"}}}),
        f"{MAIN}.resources.requests[memory]",
    ),
    "environment-name": (pod_of({"env": [{"name": "A=B"}]}), f"{MAIN}.env[0].name"),
    "environment-two-sources": (
        pod_of(
            {
                "env": [
                    {
                        "name": "A",
                        "value": "b",
                        "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}},
                    }
                ]
            }
        ),
        f"{MAIN}.env[0].valueFrom",
    ),
    "port-too-high": (
        pod_of({"ports": [{"containerPort": 65536}]}),
        f"{MAIN}.ports[0].containerPort",
    ),
}


@pytest.mark.parametrize(("manifest", "field"), PODS.values(), ids=PODS.keys())
async def test_a_wrong_pod_is_422_names_the_field_and_is_not_stored(
    cluster: Cluster, manifest: Manifest, field: str
) -> None:
    with refused() as refusal:
        await cluster.core.create_namespaced_pod(cluster.namespace, manifest)

    assert (refusal.code, refusal.reason) == (422, "Invalid")
    assert field in refusal.fields
    assert refusal.message.startswith(f'Pod "{manifest["metadata"]["name"]}" is invalid: ')
    assert (await cluster.core.list_namespaced_pod(cluster.namespace)).items == []


CLAIMS = {
    "no-access-mode": (make_claim(accessModes=[]), "spec.accessModes"),
    "unknown-access-mode": (make_claim(accessModes=["WriteOnly"]), "spec.accessModes"),
    "no-size": (make_claim(resources={}), "spec.resources[storage]"),
    "size-of-zero": (
        make_claim(resources={"requests": {"storage": "0"}}),
        "spec.resources[storage]",
    ),
}


@pytest.mark.parametrize(("manifest", "field"), CLAIMS.values(), ids=CLAIMS.keys())
async def test_a_wrong_claim_is_422_and_names_the_field(
    cluster: Cluster, manifest: Manifest, field: str
) -> None:
    with refused() as refusal:
        await cluster.core.create_namespaced_persistent_volume_claim(cluster.namespace, manifest)
    assert (refusal.code, refusal.reason) == (422, "Invalid")
    assert field in refusal.fields


async def test_a_key_that_is_no_file_name_is_422(cluster: Cluster) -> None:
    with refused() as refusal:
        await cluster.core.create_namespaced_config_map(
            cluster.namespace, make_config_map("a", **{"a/b": "c"})
        )
    assert (refusal.code, refusal.fields) == (422, {"data[a/b]"})


async def test_an_object_without_a_name_is_422(cluster: Cluster) -> None:
    with refused() as refusal:
        await cluster.core.create_namespaced_config_map(cluster.namespace, {"metadata": {}})
    assert refusal.code == 422
    assert "metadata.name" in refusal.fields


async def test_all_faults_are_named_at_once(cluster: Cluster) -> None:
    manifest = make_pod("A", restartPolicy="Sometimes")
    with refused() as refusal:
        await cluster.core.create_namespaced_pod(cluster.namespace, manifest)
    assert {"metadata.name", "spec.restartPolicy"} <= refusal.fields


TYPES = {
    "containers-are-no-list": make_pod(containers="python"),
    "name-is-a-number": labelled(make_pod(), name=5),
    "label-is-a-number": labelled(make_pod(), labels={"a": 1}),
    "port-is-a-text": pod_of({"ports": [{"containerPort": "80"}]}),
    "environment-value-is-a-number": pod_of({"env": [{"name": "A", "value": 1}]}),
    "quantity-is-none": pod_of({"resources": {"limits": {"memory": "1 GiB"}}}),
    "another-kind": {**make_pod(), "kind": "Secret"},
    "another-version": {**make_pod(), "apiVersion": "v2"},
}


@pytest.mark.parametrize("manifest", TYPES.values(), ids=TYPES.keys())
async def test_a_value_of_a_wrong_type_is_400_and_is_not_stored(
    cluster: Cluster, manifest: Manifest
) -> None:
    with refused() as refusal:
        await cluster.core.create_namespaced_pod(cluster.namespace, manifest)
    assert (refusal.code, refusal.reason) == (400, "BadRequest")
    assert (await cluster.core.list_namespaced_pod(cluster.namespace)).items == []


async def test_secret_data_that_is_no_base64_is_400(cluster: Cluster) -> None:
    with refused() as refusal:
        await cluster.core.create_namespaced_secret(
            cluster.namespace, {"metadata": {"name": "a"}, "data": {"key": "no base64"}}
        )
    assert (refusal.code, refusal.reason) == (400, "BadRequest")


async def test_an_unknown_field_is_dropped_with_a_warning(cluster: Cluster) -> None:
    cluster.need_version(25, "validation of fields")
    manifest = make_pod(colour="red")
    created, _, headers = await cluster.core.create_namespaced_pod_with_http_info(
        cluster.namespace, manifest
    )
    stored = await cluster.core.read_namespaced_pod(
        created.metadata.name, cluster.namespace, _preload_content=False
    )
    assert headers["Warning"] == '299 - "unknown field \\"spec.colour\\""'
    assert "colour" not in (await stored.json())["spec"]


async def test_an_unknown_field_is_400_under_strict_validation(cluster: Cluster) -> None:
    cluster.need_version(25, "validation of fields")
    with refused() as refusal:
        await cluster.core.create_namespaced_pod(
            cluster.namespace, make_pod(colour="red"), field_validation="Strict"
        )
    assert (refusal.code, refusal.reason) == (400, "BadRequest")
    assert 'unknown field "spec.colour"' in refusal.message
