"""`e2xhub sizes`: tables, JSON, YAML for the catalog, and what a cluster has."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from e2xhub.storage.catalog_files import load_catalog
from tests.cli.program import Outcome, call_e2xhub
from tests.domain.test_sizes import MEASURED, PUBLISHED, needs_measured_nodes
from tests.kubernetes.node_manifests import NodesOfACluster, nodes_of_a_cluster

TYPE = "n2-highmem-4"
HERE = {"available": {"cpu": 3.485, "memory": 29298290688}}
CATALOG = """
university: U
time_zone: Europe/Berlin
images: {notebook: {name: "registry.example.org/notebook:1.0"}}
volumes: {files: {nfs: {server: nfs.example.org, path: /srv}}}
courses:
  maths:
    title: Mathematics
    image: notebook
    network: open
    sizes: [mem_3_3, mem_26_4]
    terms: {WS26: {start: 2026-10-01, end: 2027-03-31}}
"""


@pytest.fixture
def nodes(tmp_path: Path) -> Path:
    """A file that says of a type what was published of it."""
    file = tmp_path / "nodes.json"
    file.write_text(json.dumps({TYPE: HERE}))
    return file


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[NodesOfACluster]:
    async with nodes_of_a_cluster(tmp_path) as found:
        found.server.write_kubeconfig(tmp_path / "kubeconfig")
        yield found


async def run_at(directory: Path, *arguments: object) -> Outcome:
    """The outcome of `e2xhub sizes ARGUMENTS` beside a cluster that runs in this process."""
    kubeconfig = directory / "kubeconfig"
    return await asyncio.to_thread(call_e2xhub, "sizes", *arguments, KUBECONFIG=kubeconfig)


def rows_of(done: Outcome) -> list[list[str]]:
    """The cells of the table that was printed."""
    lines = [line for line in done.output.splitlines() if line.startswith("│")]
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in lines]


def test_table_tells_sizes_and_how_many_servers_fit() -> None:
    done = call_e2xhub("sizes", TYPE)
    assert (done.status, done.errors) == (0, "")
    assert done.output.startswith("Sizes that fill a n2-highmem-4")
    assert rows_of(done) == [
        ["mem_3_3", "3.30 GiB", "0.422625", "3.381", "8"],
        ["mem_6_6", "6.61 GiB", "0.84525", "3.381", "4"],
        ["mem_13_2", "13.22 GiB", "1.6905", "3.381", "2"],
        ["mem_26_4", "26.44 GiB", "3.381", "3.381", "1"],
    ]


def test_exam_with_its_people_tells_how_many_nodes_they_need() -> None:
    done = call_e2xhub("sizes", TYPE, "--exam", "--people", 300, "-n", 2)
    assert "nodes for 300 people" in done.output
    assert rows_of(done) == [
        ["mem_13_2", "13.22 GiB", "1.6905", "1.6905", "2", "150"],
        ["mem_26_4", "26.44 GiB", "3.381", "3.381", "1", "300"],
    ]


def test_json_has_the_published_sizes_exactly(nodes: Path) -> None:
    told = call_e2xhub("sizes", TYPE, "--no-margin", "--nodes", nodes, "--json").json
    assert told["node_selector"] == {"node.kubernetes.io/instance-type": TYPE}
    assert told["available"] == {**HERE["available"], "pods": None}
    assert [
        (size["key"], size["memory"], str(size["cpu_guarantee"]), str(size["cpu_limit"]))
        for size in told["sizes"]
    ] == PUBLISHED
    assert [size["nodes"] for size in told["sizes"]] == [None] * 4


@needs_measured_nodes
def test_measured_nodes_may_be_named_as_they_are() -> None:
    file = MEASURED / "node-capacity-2023-09.json"
    told = call_e2xhub("sizes", TYPE, "--no-margin", "--nodes", file, "--json").json
    assert [size["memory"] for size in told["sizes"]] == [memory for _, memory, _, _ in PUBLISHED]


def test_without_a_type_all_types_are_listed(nodes: Path) -> None:
    done = call_e2xhub("sizes", "--nodes", nodes)
    assert done.status == 0
    rows = rows_of(done)
    assert [TYPE, "3.485", "27.29 GiB"] in rows
    assert ["r5.xlarge", "3.725", "29.67 GiB"] in rows
    listed = call_e2xhub("sizes", "--nodes", nodes, "--json").json["node_types"]
    assert list(listed) == [name for name, _, _ in rows]
    assert listed[TYPE] == {**HERE["available"], "pods": None}


@pytest.mark.parametrize("options", [[], ["--exam"], ["--no-margin", "-n", 9]])
def test_part_of_a_catalog_is_taken_by_a_catalog_unchanged(
    tmp_path: Path, options: list[object]
) -> None:
    done = call_e2xhub("sizes", TYPE, "--as-catalog", *options)
    assert (done.status, done.errors) == (0, "")
    names = call_e2xhub("sizes", TYPE, "--json", *options).json["sizes"]
    first, last = names[0], names[-1]
    text = CATALOG.replace("mem_3_3, mem_26_4", f"{first['key']}, {last['key']}")
    (tmp_path / "catalog.yaml").write_text(text)
    (tmp_path / "sizes.yaml").write_text(done.output)
    catalog = load_catalog(tmp_path)
    assert list(catalog.sizes) == [size["key"] for size in names]
    smallest = catalog.sizes[first["key"]]
    assert (smallest.memory, smallest.cpu) == (first["memory"], first["cpu_guarantee"])
    assert (smallest.cpu_limit or smallest.cpu) == first["cpu_limit"]
    assert catalog.defaults.placement is not None
    assert catalog.defaults.placement.node_selector == {"node.kubernetes.io/instance-type": TYPE}


def test_unknown_type_is_told_with_those_of_nearly_its_name() -> None:
    done = call_e2xhub("sizes", "n2-highmem4")
    assert (done.status, done.output) == (1, "")
    assert done.errors == (
        "type of node 'n2-highmem4' is not known (did you mean 'n2-highmem-4' or "
        "'n1-highmem-4'?); 'e2xhub sizes' lists the types, '--nodes FILE' and '--cluster' "
        "bring others\n"
    )


@pytest.mark.parametrize("number", [0, 100])
def test_number_that_cannot_be_is_wrong_usage(number: int) -> None:
    done = call_e2xhub("sizes", TYPE, "-n", number)
    assert (done.status, done.output) == (2, "")
    assert done.error_text.endswith(
        f"Invalid value for -n: {number} sizes cannot be made; expected 1 to 9, so that the "
        "smallest has at least 16 MiB and 0.01 CPU"
    )


@pytest.mark.parametrize("options", [["--as-catalog"], [TYPE, "--as-catalog", "--json"]])
def test_part_of_a_catalog_is_yaml_of_one_type(options: list[str]) -> None:
    done = call_e2xhub("sizes", *options)
    assert (done.status, done.output) == (2, "")
    assert "Invalid value for --as-catalog: needs NODE_TYPE, and no --json" in done.error_text


def test_nobody_at_all_is_wrong_usage() -> None:
    assert call_e2xhub("sizes", TYPE, "--people", 0).status == 2


def test_faults_of_a_file_are_told_with_their_lines(tmp_path: Path) -> None:
    file = tmp_path / "nodes.yaml"
    file.write_text("big:\n  available: {cpu: lots, memory: 1Gi}\n")
    done = call_e2xhub("sizes", "--nodes", file)
    assert (done.status, done.output) == (1, "")
    assert done.errors == (
        f"{file}:2: big.available.cpu: 'lots' is no amount of CPU; expected cores such as 3.92\n"
    )


async def test_nodes_of_a_cluster_are_measured(tmp_path: Path, cluster: NodesOfACluster) -> None:
    await cluster.add_node("one", "m5.large", cpu="1930m", memory="7Gi")
    await cluster.add_pod("daemon", "one", {"cpu": "180m", "memory": "1Gi"})
    await cluster.add_pod("alice", "one", {"cpu": "1"}, labels={"component": "singleuser-server"})
    done = await run_at(tmp_path, "--cluster")
    assert (done.status, done.errors) == (0, "")
    assert rows_of(done) == [["m5.large", "1.75", "6.00 GiB"]]
    told = (await run_at(tmp_path, "m5.large", "--cluster", "--no-margin", "--json")).json
    assert told["available"] == {"cpu": 1.75, "memory": 6 * 2**30, "pods": 28}
    assert told["sizes"][0]["cpu_guarantee"] == 0.21875


async def test_file_says_better_what_a_cluster_has(
    tmp_path: Path, cluster: NodesOfACluster, nodes: Path
) -> None:
    await cluster.add_node("one", TYPE)
    await cluster.add_node("two", "m5.large")
    done = await run_at(tmp_path, "--cluster", "--nodes", nodes)
    assert rows_of(done) == [[TYPE, "3.485", "27.29 GiB"], ["m5.large", "1.93", "7.00 GiB"]]


async def test_node_without_a_type_is_a_warning(tmp_path: Path, cluster: NodesOfACluster) -> None:
    await cluster.add_node("one", None)
    done = await run_at(tmp_path, "--cluster")
    assert (done.status, done.output) == (0, "No type of node is known.\n")
    assert done.errors == (
        "Warning: node one does not count: it has no label node.kubernetes.io/instance-type; "
        "name its type with 'kubectl label node one node.kubernetes.io/instance-type=TYPE'\n"
    )


async def test_cluster_that_refuses_is_told_with_the_right_that_is_needed(
    tmp_path: Path, cluster: NodesOfACluster
) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(kubeconfig.read_text().replace(cluster.server.token, "wrong"))
    done = await run_at(tmp_path, "--cluster")
    assert (done.status, done.output) == (1, "")
    assert done.errors == (
        "the cluster does not show its nodes and pods (401 Unauthorized); expected the right to "
        "list nodes, and pods in all namespaces\n"
    )


async def test_cluster_that_does_not_answer_is_told(
    tmp_path: Path, cluster: NodesOfACluster
) -> None:
    await cluster.server.stop()
    done = await run_at(tmp_path, "--cluster")
    assert (done.status, done.output) == (1, "")
    assert done.errors.startswith("the cluster does not answer: Cannot connect to host 127.0.0.1:")
    assert done.errors.endswith("; expected what 'kubectl version' reaches\n")


async def test_missing_cluster_is_told(tmp_path: Path) -> None:
    done = await run_at(tmp_path, "--cluster")
    assert (done.status, done.output) == (1, "")
    assert done.errors == (
        f"no cluster is configured: there is no file {tmp_path}/kubeconfig; expected a kubeconfig "
        "(KUBECONFIG or ~/.kube/config), or to run in a pod with a service account\n"
    )


async def test_kubeconfig_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "kubeconfig").write_text("{}")
    done = await run_at(tmp_path, "--cluster")
    assert (done.status, done.output) == (1, "")
    assert done.errors.startswith("no cluster is configured: Invalid kube-config file.")
