"""What e2xhub relies on about pods as objects: defaults, quality of service, binding, deletion.

Nothing here runs: the pods fit no node, or are assigned to one that does not exist.
"""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Cluster
from .manifests import Manifest, make_pod, refused

NODE = "e2xhub-test-no-such-node"


def limits(cpu: str | float | None = None, memory: str | int | None = None) -> Manifest:
    amounts = {"cpu": cpu, "memory": memory}
    return {"limits": {name: amount for name, amount in amounts.items() if amount is not None}}


def container(name: str = "main", **fields: Any) -> Manifest:
    return {"name": name, "image": "python", **fields}


async def create_assigned_pod(cluster: Cluster, **spec: Any) -> None:
    """Create a pod that a node would have to end."""
    manifest = make_pod(nodeName=NODE, nodeSelector=None, **spec)
    await cluster.core.create_namespaced_pod(cluster.namespace, manifest)


async def test_a_new_pod_is_pending_and_has_its_defaults(cluster: Cluster) -> None:
    pod = await cluster.core.create_namespaced_pod(cluster.namespace, make_pod())

    assert pod.status.phase == "Pending"
    assert pod.spec.restart_policy == "Always"
    assert pod.spec.termination_grace_period_seconds == 30
    assert pod.spec.dns_policy == "ClusterFirst"
    assert pod.spec.service_account_name == "default"


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("python", "Always"),
        ("python:latest", "Always"),
        ("python:3.12", "IfNotPresent"),
        ("registry.example:5000/python", "Always"),
        ("python@sha256:" + "0" * 64, "IfNotPresent"),
    ],
)
async def test_images_without_a_fixed_tag_are_pulled_always(
    cluster: Cluster, image: str, policy: str
) -> None:
    pod = await cluster.core.create_namespaced_pod(cluster.namespace, make_pod(image=image))
    assert pod.spec.containers[0].image_pull_policy == policy


async def test_what_is_limited_is_requested(cluster: Cluster) -> None:
    manifest = make_pod(containers=[container(resources=limits(0.5, 1073741824))])
    pod = await cluster.core.create_namespaced_pod(cluster.namespace, manifest)

    resources = pod.spec.containers[0].resources
    assert resources.limits == {"cpu": "500m", "memory": "1073741824"}
    assert resources.requests == resources.limits


@pytest.mark.parametrize(
    ("containers", "init_containers", "expected"),
    [
        pytest.param([limits(1, "1Gi")], [], "Guaranteed", id="limits-of-both"),
        pytest.param([limits(1, "1Gi")], [limits(1, "1Gi")], "Guaranteed", id="init-container-too"),
        pytest.param([limits(1, "1Gi")], [{}], "Burstable", id="init-container-without-limits"),
        pytest.param([limits(1, "1Gi"), {}], [], "Burstable", id="second-container-without-limits"),
        pytest.param([limits(memory="1Gi")], [], "Burstable", id="no-cpu-limit"),
        pytest.param(
            [{"requests": {"cpu": "1"}, **limits(2, "1Gi")}], [], "Burstable", id="smaller-request"
        ),
        pytest.param([{"requests": {"cpu": "1"}}], [], "Burstable", id="request-only"),
        pytest.param([{}], [], "BestEffort", id="nothing"),
    ],
)
async def test_quality_of_service_counts_every_container(
    cluster: Cluster,
    containers: list[Manifest],
    init_containers: list[Manifest],
    expected: str,
) -> None:
    manifest = make_pod(
        containers=[container(f"c{i}", resources=r) for i, r in enumerate(containers)],
        initContainers=[container(f"i{i}", resources=r) for i, r in enumerate(init_containers)],
    )
    pod = await cluster.core.create_namespaced_pod(cluster.namespace, manifest)
    assert pod.status.qos_class == expected


async def test_a_status_in_a_new_pod_is_not_taken_over(cluster: Cluster) -> None:
    manifest = {**make_pod(), "status": {"phase": "Running", "podIP": "10.0.0.1"}}
    pod = await cluster.core.create_namespaced_pod(cluster.namespace, manifest)
    assert (pod.status.phase, pod.status.pod_ip) == ("Pending", None)


async def test_a_pod_of_an_unknown_service_account_is_403(cluster: Cluster) -> None:
    with refused() as refusal:
        await cluster.core.create_namespaced_pod(
            cluster.namespace, make_pod(serviceAccountName="nobody")
        )
    assert (refusal.code, refusal.reason) == (403, "Forbidden")


async def test_binding_assigns_the_pod_to_a_node(cluster: Cluster) -> None:
    core, namespace = cluster.core, cluster.namespace
    await core.create_namespaced_pod(namespace, make_pod())
    await bind(cluster)

    pod = await core.read_namespaced_pod("pod", namespace)
    assert pod.spec.node_name == NODE


async def test_binding_of_an_assigned_pod_is_409_conflict(cluster: Cluster) -> None:
    await create_assigned_pod(cluster)
    with refused() as refusal:
        await bind(cluster)
    assert (refusal.code, refusal.reason) == (409, "Conflict")


async def bind(cluster: Cluster) -> None:
    target = {"apiVersion": "v1", "kind": "Node", "name": NODE}
    # the answer is a Status, which the client does not expect of this method
    response = await cluster.core.create_namespaced_pod_binding(
        "pod",
        cluster.namespace,
        {"metadata": {"name": "pod"}, "target": target},
        _preload_content=False,
    )
    if response.status >= 400:
        # raises the refusal that this request has just met
        await cluster.core.create_namespaced_pod_binding(
            "pod", cluster.namespace, {"metadata": {"name": "pod"}, "target": target}
        )


async def test_the_status_path_changes_the_status_only(cluster: Cluster) -> None:
    core, namespace = cluster.core, cluster.namespace
    await create_assigned_pod(cluster)
    change = {"status": {"message": "hello"}, "spec": {"activeDeadlineSeconds": 5}}
    await core.patch_namespaced_pod_status("pod", namespace, change)

    pod = await core.read_namespaced_pod("pod", namespace)
    assert pod.status.message == "hello"
    assert pod.spec.active_deadline_seconds is None


async def test_the_pods_own_path_does_not_change_the_status(cluster: Cluster) -> None:
    core, namespace = cluster.core, cluster.namespace
    await create_assigned_pod(cluster)
    await core.patch_namespaced_pod("pod", namespace, {"status": {"message": "hello"}})

    pod = await core.read_namespaced_pod("pod", namespace)
    assert pod.status.message is None


async def test_conditions_are_merged_by_type(cluster: Cluster) -> None:
    core, namespace = cluster.core, cluster.namespace
    await create_assigned_pod(cluster)
    for kind in ("Initialized", "e2xhub.test/seen"):
        condition = {"type": kind, "status": "True"}
        await core.patch_namespaced_pod_status(
            "pod", namespace, {"status": {"conditions": [condition]}}
        )
    pod = await core.read_namespaced_pod("pod", namespace)
    kinds = {condition.type for condition in pod.status.conditions}
    assert {"Initialized", "e2xhub.test/seen"} <= kinds


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"restartPolicy": "Never"}, id="restart-policy"),
        pytest.param({"nodeSelector": {"another": "node"}}, id="node-selector"),
        pytest.param({"containers": [container(command=["true"])]}, id="command"),
        pytest.param({"volumes": [{"name": "v", "emptyDir": {}}]}, id="volume"),
        pytest.param(
            {"containers": [container(env=[{"name": "A", "value": "b"}])]}, id="environment"
        ),
    ],
)
async def test_the_spec_of_a_pod_is_fixed(cluster: Cluster, change: Manifest) -> None:
    core, namespace = cluster.core, cluster.namespace
    await core.create_namespaced_pod(namespace, make_pod())
    with refused() as refusal:
        await core.patch_namespaced_pod("pod", namespace, {"spec": change})
    assert (refusal.code, refusal.reason) == (422, "Invalid")
    assert refusal.fields == {"spec"}


async def test_labels_and_image_of_a_pod_can_change(cluster: Cluster) -> None:
    core, namespace = cluster.core, cluster.namespace
    await core.create_namespaced_pod(namespace, make_pod())
    change: Manifest = {
        "metadata": {"labels": {"exam": "ml"}},
        "spec": {"containers": [container(image="python:3")]},
    }
    pod = await core.patch_namespaced_pod("pod", namespace, change)

    assert pod.spec.containers[0].image == "python:3"
    assert pod.metadata.labels == {"exam": "ml"}


async def test_a_pod_without_a_node_is_deleted_at_once(cluster: Cluster) -> None:
    core, namespace = cluster.core, cluster.namespace
    await core.create_namespaced_pod(namespace, make_pod())
    deleted = await core.delete_namespaced_pod("pod", namespace)

    assert deleted.metadata.name == "pod"
    with refused() as refusal:
        await core.read_namespaced_pod("pod", namespace)
    assert refusal.code == 404


async def test_a_pod_on_a_node_is_marked_and_stays(cluster: Cluster) -> None:
    core, namespace = cluster.core, cluster.namespace
    await create_assigned_pod(cluster, terminationGracePeriodSeconds=20)
    await core.delete_namespaced_pod("pod", namespace)

    pod = await core.read_namespaced_pod("pod", namespace)
    assert pod.metadata.deletion_timestamp is not None
    assert pod.metadata.deletion_grace_period_seconds == 20


async def test_a_delete_can_shorten_the_grace_period_but_not_lengthen_it(cluster: Cluster) -> None:
    core, namespace = cluster.core, cluster.namespace
    await create_assigned_pod(cluster)
    periods = []
    for seconds in (20, 10, 25):
        await core.delete_namespaced_pod("pod", namespace, grace_period_seconds=seconds)
        pod = await core.read_namespaced_pod("pod", namespace)
        periods.append(pod.metadata.deletion_grace_period_seconds)
    assert periods == [20, 10, 10]


async def test_the_grace_period_may_be_in_the_body(cluster: Cluster) -> None:
    core, namespace = cluster.core, cluster.namespace
    await create_assigned_pod(cluster)
    await core.delete_namespaced_pod("pod", namespace, body={"gracePeriodSeconds": 7})

    pod = await core.read_namespaced_pod("pod", namespace)
    assert pod.metadata.deletion_grace_period_seconds == 7


async def test_a_delete_without_grace_removes_a_marked_pod(cluster: Cluster) -> None:
    core, namespace = cluster.core, cluster.namespace
    await create_assigned_pod(cluster)
    await core.delete_namespaced_pod("pod", namespace)
    await core.delete_namespaced_pod("pod", namespace, grace_period_seconds=0)

    with refused() as refusal:
        await core.read_namespaced_pod("pod", namespace)
    assert refusal.code == 404


async def test_a_pod_that_has_ended_is_deleted_at_once(cluster: Cluster) -> None:
    core, namespace = cluster.core, cluster.namespace
    await create_assigned_pod(cluster)
    await core.patch_namespaced_pod_status("pod", namespace, {"status": {"phase": "Succeeded"}})
    await core.delete_namespaced_pod("pod", namespace)

    with refused() as refusal:
        await core.read_namespaced_pod("pod", namespace)
    assert refusal.code == 404


async def test_the_log_of_an_unknown_container_is_400(cluster: Cluster) -> None:
    core, namespace = cluster.core, cluster.namespace
    await core.create_namespaced_pod(namespace, make_pod())
    with refused() as refusal:
        await core.read_namespaced_pod_log("pod", namespace, container="nobody")
    assert (refusal.code, refusal.reason) == (400, "BadRequest")
    assert refusal.message == "container nobody is not valid for pod pod"


async def test_the_log_of_several_containers_needs_a_name(cluster: Cluster) -> None:
    core, namespace = cluster.core, cluster.namespace
    await core.create_namespaced_pod(
        namespace, make_pod(containers=[container("one"), container("two")])
    )
    with refused() as refusal:
        await core.read_namespaced_pod_log("pod", namespace)
    assert (refusal.code, refusal.reason) == (400, "BadRequest")
    assert "one" in refusal.message
    assert "two" in refusal.message
