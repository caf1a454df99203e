"""ResourceQuotas: which pods a cluster refuses, and in which words.

What e2xhub tells a student depends on these words.
"""

from __future__ import annotations

from typing import Any

from .conftest import Cluster
from .manifests import Manifest, make_pod, refused
from .test_pod_contract import wait_until

QUOTA = "few"


async def limit(cluster: Cluster, **hard: str) -> None:
    """Gives the namespace a quota, and waits until the cluster counts by it."""
    declared = {key.replace("_", "."): text for key, text in hard.items()}
    await cluster.core.create_namespaced_resource_quota(
        cluster.namespace, {"metadata": {"name": QUOTA}, "spec": {"hard": declared}}
    )

    async def is_counted() -> bool:
        return set(await used_in(cluster)) == set(declared)

    await wait_until(is_counted)


async def used_in(cluster: Cluster) -> dict[str, str]:
    quota = await cluster.core.read_namespaced_resource_quota(QUOTA, cluster.namespace)
    return dict(quota.status.used or {})


async def create(cluster: Cluster, manifest: Manifest) -> None:
    await cluster.core.create_namespaced_pod(cluster.namespace, manifest)


def asking(name: str, **resources: Any) -> Manifest:
    container = {"name": "main", "image": "python", "resources": resources}
    return make_pod(name, containers=[container])


async def test_pod_too_many_is_403_and_not_stored(cluster: Cluster) -> None:
    await limit(cluster, pods="1")
    await create(cluster, make_pod("first"))
    with refused() as refusal:
        await create(cluster, make_pod("second"))
    assert (refusal.code, refusal.reason) == (403, "Forbidden")
    assert refusal.message == (
        'pods "second" is forbidden: exceeded quota: few, '
        "requested: pods=1, used: pods=1, limited: pods=1"
    )
    listed = await cluster.core.list_namespaced_pod(cluster.namespace)
    assert [pod.metadata.name for pod in listed.items] == ["first"]


async def test_deleted_pod_makes_room(cluster: Cluster) -> None:
    await limit(cluster, pods="1")
    await create(cluster, make_pod("first"))
    await cluster.core.delete_namespaced_pod("first", cluster.namespace, grace_period_seconds=0)

    async def is_free() -> bool:
        return (await used_in(cluster))["pods"] == "0"

    await wait_until(is_free)
    await create(cluster, make_pod("second"))


async def test_full_quota_comes_before_a_name_that_is_taken(cluster: Cluster) -> None:
    await limit(cluster, pods="1")
    await create(cluster, make_pod("first"))
    with refused() as refusal:
        await create(cluster, make_pod("first"))
    assert refusal.code == 403
    assert "exceeded quota: few" in refusal.message


async def test_requests_and_limits_are_counted(cluster: Cluster) -> None:
    await limit(cluster, requests_memory="1Gi", limits_cpu="2")
    half = {"requests": {"memory": "512Mi"}, "limits": {"memory": "1Gi", "cpu": "500m"}}
    await create(cluster, asking("first", **half))
    too_much = {"requests": {"memory": "600Mi"}, "limits": {"memory": "1Gi", "cpu": "500m"}}
    with refused() as refusal:
        await create(cluster, asking("second", **too_much))
    assert refusal.message == (
        'pods "second" is forbidden: exceeded quota: few, requested: requests.memory=600Mi, '
        "used: requests.memory=512Mi, limited: requests.memory=1Gi"
    )
    await create(cluster, asking("third", **half))


async def test_what_a_quota_limits_has_to_be_said(cluster: Cluster) -> None:
    await limit(cluster, requests_memory="1Gi", limits_cpu="2")
    with refused() as refusal:
        await create(cluster, asking("first", requests={"memory": "64Mi"}))
    assert refusal.code == 403
    sentence = 'pods "first" is forbidden: failed quota: few: must specify limits.cpu'
    # older releases, such as 1.20, do not name the container
    assert refusal.message in (sentence, f"{sentence} for: main")
