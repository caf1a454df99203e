"""What is left on a cluster's nodes: read from a real API server, as the scheduler counts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from e2xhub.domain.node_types import Resources
from e2xhub.kubernetes.capacity.nodes import ClusterNodes, read_nodes
from tests.kubernetes.manifests import Manifest
from tests.kubernetes.node_manifests import NodesOfACluster, make_container, nodes_of_a_cluster

LITTLE = {"cpu": "100m", "memory": "128Mi"}
MIB = 2**20


@pytest.fixture
async def nodes(tmp_path: Path) -> AsyncIterator[NodesOfACluster]:
    async with nodes_of_a_cluster(tmp_path) as found:
        yield found


async def read(nodes: NodesOfACluster) -> ClusterNodes:
    return await read_nodes(nodes.core.api_client)


async def left(nodes: NodesOfACluster, node_type: str = "m5.large") -> Resources:
    return (await read(nodes)).types[node_type].usable


def resources(cpu: str, mebibytes: int, pods: int) -> Resources:
    return Resources(cpu=Decimal(cpu), memory=mebibytes * MIB, pods=pods)


async def test_empty_node_has_all_that_is_allocatable(nodes: NodesOfACluster) -> None:
    await nodes.add_node("one")
    assert await left(nodes) == resources("1.93", 7168, 29)


async def test_pods_of_the_system_are_overhead(nodes: NodesOfACluster) -> None:
    await nodes.add_node("one")
    await nodes.add_pod("proxy", "one", LITTLE)
    await nodes.add_pod("log-shipper", "one", {"memory": "1Gi"})
    await nodes.add_pod("modest", "one", None)
    assert await left(nodes) == resources("1.83", 7168 - 128 - 1024, 26)


@pytest.mark.parametrize(
    "labels",
    [
        {"component": "singleuser-server"},
        {"component": "user-placeholder"},
        {"e2xhub.org/course": "machine-learning"},
        {"e2xhub.org/role": "student", "app": "jupyterhub"},
    ],
)
async def test_servers_of_people_are_no_overhead(nodes: NodesOfACluster, labels: Manifest) -> None:
    await nodes.add_node("one")
    await nodes.add_pod("jupyter-alice", "one", LITTLE, labels=labels)
    assert await left(nodes) == resources("1.93", 7168, 29)


@pytest.mark.parametrize("labels", [{"component": "hub"}, {"not-e2xhub.org/course": "x"}])
async def test_pods_beside_servers_of_people_are_overhead(
    nodes: NodesOfACluster, labels: Manifest
) -> None:
    await nodes.add_node("one")
    await nodes.add_pod("beside", "one", LITTLE, labels=labels)
    assert await left(nodes) == resources("1.83", 7040, 28)


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
async def test_pods_that_have_ended_are_no_overhead(nodes: NodesOfACluster, phase: str) -> None:
    await nodes.add_node("one")
    await nodes.add_pod("job", "one", LITTLE, phase=phase)
    assert await left(nodes) == resources("1.93", 7168, 29)


async def test_pods_that_wait_for_a_node_are_no_overhead(nodes: NodesOfACluster) -> None:
    await nodes.add_node("one")
    await nodes.add_pod("waits", None, LITTLE)
    assert await left(nodes) == resources("1.93", 7168, 29)


async def test_init_containers_count_where_they_need_more_than_what_runs_then(
    nodes: NodesOfACluster,
) -> None:
    await nodes.add_node("one")
    init = [
        make_container("early", {"cpu": "50m", "memory": "1Gi"}),
        make_container("sidecar", {"cpu": "200m", "memory": "64Mi"}, restartPolicy="Always"),
        make_container("late", {"cpu": "10m", "memory": "512Mi"}),
    ]
    await nodes.add_pod("one", "one", LITTLE, initContainers=init)
    assert await left(nodes) == resources("1.63", 7168 - 1024, 28)


async def test_worst_node_of_a_type_counts(nodes: NodesOfACluster) -> None:
    for name in ("one", "two"):
        await nodes.add_node(name)
    await nodes.add_node("large", "m5.4xlarge", cpu="15890m", memory="60Gi")
    await nodes.add_pod("much-cpu", "one", {"cpu": "1", "memory": "1Mi"})
    await nodes.add_pod("much-memory", "two", {"cpu": "1m", "memory": "2Gi"})
    assert await left(nodes) == resources("0.93", 5120, 28)
    assert await left(nodes, "m5.4xlarge") == resources("15.89", 61440, 29)


async def test_control_plane_does_not_count(nodes: NodesOfACluster) -> None:
    await nodes.add_node("one")
    await nodes.add_node("master", cpu="1", taint="node-role.kubernetes.io/control-plane")
    assert await left(nodes) == resources("1.93", 7168, 29)
    assert (await read(nodes)).warnings == []


async def test_nodes_that_cannot_count_are_told(nodes: NodesOfACluster) -> None:
    await nodes.add_node("unnamed", None)
    await nodes.add_node("full")
    await nodes.add_node("overfull")
    await nodes.add_pod("database", "full", {"cpu": "1930m"})
    await nodes.add_pod("forced", "overfull", {"cpu": "2"})
    found = await read(nodes)
    assert found.types == {}
    assert sorted(found.warnings) == [
        "node full does not count: what is left is too little for a server: 0 CPU, "
        "7516192768 bytes, 28 pods; expected at least 0.01 CPU, 16777216 bytes and one pod",
        "node overfull does not count: the overhead is larger than what is allocatable",
        "node unnamed does not count: it has no label node.kubernetes.io/instance-type; name its "
        "type with 'kubectl label node unnamed node.kubernetes.io/instance-type=TYPE'",
    ]


async def test_more_pods_than_a_page_has_all_count(nodes: NodesOfACluster) -> None:
    await nodes.add_node("one", cpu="64", memory="64Gi")
    for number in range(5):
        await nodes.add_pod(f"daemon-{number}", "one", LITTLE)
    found = await read_nodes(nodes.core.api_client, page=2)
    assert found.types["m5.large"].usable == resources("63.5", 65536 - 5 * 128, 24)
