"""The demo's node as a whole: what it promises beyond what every kubelet does."""

from __future__ import annotations

import asyncio
import random
import shutil
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from kubernetes_asyncio.client import ApiClient, ApiException, CoreV1Api, V1Pod
from kubernetes_asyncio.config import new_client_from_config_dict

from e2xhub.demo.api.server import ApiServer
from e2xhub.demo.node.images import Image
from e2xhub.demo.node.node import Node
from tests.programs import skip_or_fail

PATH = f"{Path(sys.executable).parent}:/usr/bin:/bin"
IMAGE = Image(command=["sleep", "600"], environment={"PATH": PATH, "HOME": "/home/jovyan"})


@dataclass(frozen=True)
class Demo:
    """An API server without a node, and directories for one."""

    api_client: ApiClient
    directory: Path

    @property
    def core(self) -> CoreV1Api:
        return CoreV1Api(self.api_client)

    def make_node(self, **options: Any) -> Node:
        return Node(
            api_client=self.api_client,
            name="demo-node",
            state_directory=self.directory / "state",
            log_directory=self.directory / "logs",
            **{"images": {"jupyter/*": IMAGE}, **options},
        )

    async def create(self, name: str, script: str = "", **fields: Any) -> None:
        """Create a pod; without a script it runs the image's command."""
        command = {"command": ["sh", "-c", script]} if script else {}
        container = {"name": "main", "image": "jupyter/base", **command}
        container |= fields.pop("container", {})
        spec = {"containers": [container], "terminationGracePeriodSeconds": 5, **fields}
        pod = {"metadata": {"name": name}, "spec": spec}
        await self.core.create_namespaced_pod("default", pod)

    async def wait_for(self, name: str, condition: Callable[[V1Pod], Any]) -> V1Pod:
        deadline = time.monotonic() + 60
        while not condition(pod := await self.core.read_namespaced_pod(name, "default")):
            assert time.monotonic() < deadline, pod.status
            await asyncio.sleep(0.02)
        return pod

    async def wait_for_phase(self, name: str, phase: str) -> V1Pod:
        return await self.wait_for(name, lambda pod: pod.status.phase == phase)

    async def read_log(self, name: str) -> str:
        return str(await self.core.read_namespaced_pod_log(name, "default"))

    async def delete(self, name: str) -> None:
        await self.core.delete_namespaced_pod(name, "default")
        await self.wait_until_gone(name)

    async def wait_until_gone(self, name: str) -> None:
        deadline = time.monotonic() + 60
        while True:
            try:
                await self.core.read_namespaced_pod(name, "default")
            except ApiException:
                return
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)


StartNode = Callable[..., Awaitable[Node]]


@pytest.fixture
async def demo(tmp_path: Path) -> AsyncIterator[Demo]:
    server = ApiServer(log_directory=tmp_path / "logs")
    await server.start()
    async with await new_client_from_config_dict(server.kubeconfig()) as api_client:
        yield Demo(api_client, tmp_path)
    await server.stop()


@pytest.fixture
async def start_node(demo: Demo) -> AsyncIterator[StartNode]:
    nodes = []

    async def start(**options: Any) -> Node:
        node = demo.make_node(**options)
        nodes.append(node)
        await node.start()
        return node

    yield start
    for node in nodes:
        await node.stop()


def find_processes(marker: str) -> list[Path]:
    """The processes on this machine that mention the marker in command line or environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            text = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue
        if marker.encode() in text:
            found.append(process)
    return found


def pick_network() -> str:
    """A loopback network that other tests on this machine hardly use at the same time."""
    return f"127.{random.randint(128, 254)}.{random.randint(0, 255)}"


async def test_the_node_registers_itself_ready(demo: Demo, start_node: StartNode) -> None:
    await start_node(labels={"pool": "exam"}, allocatable={"cpu": "4", "memory": "8Gi"})
    node = await demo.core.read_node("demo-node")
    assert node.metadata.labels["pool"] == "exam"
    assert node.metadata.labels["kubernetes.io/hostname"] == "demo-node"
    assert node.status.allocatable["memory"] == "8Gi"
    assert [(c.type, c.status) for c in node.status.conditions] == [("Ready", "True")]


async def test_a_pod_without_a_command_runs_the_images(demo: Demo, start_node: StartNode) -> None:
    image = Image(command=["sh", "-c", "echo by the image"], environment={"PATH": PATH})
    await start_node(images={"jupyter/*": image})
    await demo.create("alice", restartPolicy="Never")
    await demo.wait_for_phase("alice", "Succeeded")
    assert await demo.read_log("alice") == "by the image\n"


async def test_an_exact_image_name_comes_before_a_pattern(
    demo: Demo, start_node: StartNode
) -> None:
    exact = Image(command=["sh", "-c", "echo exact"], environment={"PATH": PATH})
    await start_node(images={"*": IMAGE, "jupyter/base": exact})
    await demo.create("alice", restartPolicy="Never")
    await demo.wait_for_phase("alice", "Succeeded")
    assert await demo.read_log("alice") == "exact\n"


async def test_pods_get_addresses_of_their_own_from_the_range(
    demo: Demo, start_node: StartNode
) -> None:
    network = pick_network()
    await start_node(address_range=f"{network}.0/24")
    addresses = []
    for name in ("alice", "bob"):
        await demo.create(name)
        pod = await demo.wait_for_phase(name, "Running")
        addresses.append(pod.status.pod_ip)
    assert addresses == [f"{network}.1", f"{network}.2"]


async def test_an_address_is_free_again_when_the_pod_is_gone(
    demo: Demo, start_node: StartNode
) -> None:
    await start_node(address_range=f"{pick_network()}.0/31")
    for name in ("alice", "bob", "carol"):
        await demo.create(name)
        await demo.wait_for_phase(name, "Running")
        await demo.delete(name)


async def test_the_wildcard_address_becomes_the_pods_own(demo: Demo, start_node: StartNode) -> None:
    await start_node()
    env = [{"name": "JUPYTERHUB_SERVICE_URL", "value": "http://0.0.0.0:8888/user/alice/"}]
    script = "echo $JUPYTERHUB_SERVICE_URL --ip=0.0.0.0 0.0.0.0/0"
    await demo.create("alice", script, restartPolicy="Never", container={"env": env})
    pod = await demo.wait_for_phase("alice", "Succeeded")
    address = pod.status.pod_ip
    expected = f"http://{address}:8888/user/alice/ --ip={address} 0.0.0.0/0\n"
    assert await demo.read_log("alice") == expected


@pytest.mark.parametrize("isolate", [True, False])
async def test_stop_leaves_no_process_and_the_pods_in_the_api(demo: Demo, isolate: bool) -> None:
    marker = f"marker-{demo.directory}"
    node = demo.make_node(isolate=isolate)
    await node.start()
    script = f"(setsid sleep 600 &); trap '' TERM; : {marker}; while :; do sleep 1; done"
    await demo.create("alice", script)
    await demo.wait_for_phase("alice", "Running")
    assert find_processes(marker)
    await node.stop()
    assert find_processes(marker) == []
    assert (await demo.core.read_namespaced_pod("alice", "default")).status.phase == "Running"


async def test_a_pod_that_vanishes_from_the_api_is_killed(
    demo: Demo, start_node: StartNode
) -> None:
    await start_node()
    marker = f"marker-{demo.directory}"
    await demo.create("alice", f"trap '' TERM; : {marker}; while :; do sleep 1; done")
    await demo.wait_for_phase("alice", "Running")
    await demo.core.delete_namespaced_pod("alice", "default", grace_period_seconds=0)
    deadline = time.monotonic() + 5
    while find_processes(marker):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def test_a_claim_is_bound_and_keeps_its_files(demo: Demo, start_node: StartNode) -> None:
    await start_node()
    volumes = [{"name": "home", "persistentVolumeClaim": {"claimName": "claim-alice"}}]
    mounts = [{"name": "home", "mountPath": "/home/jovyan"}]
    fields = {"volumes": volumes, "container": {"volumeMounts": mounts}, "restartPolicy": "Never"}
    await demo.create("first", "echo work > notebook", **fields)
    await demo.wait_for("first", lambda pod: pod.status.conditions)
    resources = {"requests": {"storage": "1Gi"}}
    claim = {"accessModes": ["ReadWriteOnce"], "resources": resources}
    await demo.core.create_namespaced_persistent_volume_claim(
        "default", {"metadata": {"name": "claim-alice"}, "spec": claim}
    )
    await demo.wait_for_phase("first", "Succeeded")
    bound = await demo.core.read_namespaced_persistent_volume_claim("claim-alice", "default")
    assert bound.status.phase == "Bound"
    assert bound.status.capacity == {"storage": "1Gi"}
    await demo.delete("first")
    await demo.create("second", "cat notebook", **fields)
    await demo.wait_for_phase("second", "Succeeded")
    assert await demo.read_log("second") == "work\n"


async def test_volumes_live_below_the_state_directory(demo: Demo, start_node: StartNode) -> None:
    await start_node()
    volumes = [
        {"name": "nfs", "nfs": {"server": "nfs.uni.example", "path": "/export"}},
        {"name": "host", "hostPath": {"path": "/data/sets"}},
    ]
    mounts = [
        {"name": "nfs", "mountPath": "/home/jovyan", "subPath": "homes/alice"},
        {"name": "host", "mountPath": "/srv/data"},
    ]
    script = "touch /home/jovyan/x /srv/data/y"
    container = {"volumeMounts": mounts}
    await demo.create("alice", script, volumes=volumes, container=container, restartPolicy="Never")
    await demo.wait_for_phase("alice", "Succeeded")
    state = demo.directory / "state"
    assert (state / "nfs/nfs.uni.example/export/homes/alice/x").exists()
    assert (state / "host/data/sets/y").exists()


async def test_the_pods_own_files_go_with_the_pod(demo: Demo, start_node: StartNode) -> None:
    await start_node()
    mounts = [{"name": "v", "mountPath": "/srv/v"}]
    volumes = [{"name": "v", "emptyDir": {}}]
    await demo.create("alice", volumes=volumes, container={"volumeMounts": mounts})
    await demo.wait_for_phase("alice", "Running")
    pods = demo.directory / "state" / "pods"
    assert len(list(pods.iterdir())) == 1
    await demo.delete("alice")
    assert list(pods.iterdir()) == []


async def test_the_log_outlives_the_pod(demo: Demo, start_node: StartNode) -> None:
    await start_node()
    await demo.create("alice", "echo last words", restartPolicy="Never")
    pod = await demo.wait_for_phase("alice", "Succeeded")
    await demo.delete("alice")
    directory = demo.directory / "logs" / f"default_alice_{pod.metadata.uid}"
    assert (directory / "main" / "0.log").read_text() == "last words\n"


async def test_a_pod_waits_until_another_frees_its_resources(
    demo: Demo, start_node: StartNode
) -> None:
    await start_node(allocatable={"cpu": "4", "memory": "8Gi", "pods": "10"})
    fields = {"container": {"resources": {"requests": {"memory": "5Gi"}}}}
    await demo.create("alice", **fields)
    await demo.wait_for_phase("alice", "Running")
    await demo.create("bob", **fields)
    pod = await demo.wait_for("bob", lambda pod: pod.status.conditions)
    message = "0/1 nodes are available: 1 Insufficient memory."
    assert pod.status.conditions[0].message == message
    await demo.delete("alice")
    await demo.wait_for_phase("bob", "Running")


async def test_pods_that_exist_before_the_node_are_run(demo: Demo, start_node: StartNode) -> None:
    await demo.create("alice")
    await start_node()
    await demo.wait_for_phase("alice", "Running")


async def test_other_users_files_cannot_be_read_by_their_path_on_the_machine(
    demo: Demo, start_node: StartNode
) -> None:
    node = await start_node()
    if "namespaces" not in node.isolation:
        skip_or_fail(node.isolation)
    other = demo.directory / "state" / "nfs" / "server" / "homes" / "bob"
    other.mkdir(parents=True)
    (other / "exam.txt").write_text("bob's answers")
    script = f"cat {other}/exam.txt; ls {demo.directory}/logs; exit 0"
    await demo.create("alice", script, restartPolicy="Never")
    await demo.wait_for_phase("alice", "Succeeded")
    log = await demo.read_log("alice")
    assert "bob's answers" not in log
    assert log.count("No such file or directory") == 2


async def test_the_container_knows_its_user_by_name(demo: Demo, start_node: StartNode) -> None:
    node = await start_node()
    if "namespaces" not in node.isolation:
        skip_or_fail(node.isolation)
    fields = {"restartPolicy": "Never", "securityContext": {"runAsUser": 2000, "runAsGroup": 2000}}
    await demo.create("alice", "whoami; id -u; id -g", **fields)
    await demo.wait_for_phase("alice", "Succeeded")
    assert await demo.read_log("alice") == "jovyan\n2000\n2000\n"


async def test_without_isolation_the_pod_is_told_so(demo: Demo, start_node: StartNode) -> None:
    node = await start_node(isolate=False)
    assert node.isolation.startswith("containers are not isolated")
    await demo.create("alice", "echo $HOME", restartPolicy="Never")
    await demo.wait_for_phase("alice", "Succeeded")
    events = (await demo.core.list_namespaced_event("default")).items
    assert [e.message for e in events if e.reason == "NotIsolated"] == [node.isolation]


async def test_without_isolation_mount_paths_are_rewritten(
    demo: Demo, start_node: StartNode
) -> None:
    await start_node(isolate=False)
    volumes = [
        {"name": "nfs", "nfs": {"server": "server", "path": "/"}},
        {"name": "shared", "emptyDir": {}},
    ]
    mounts = [
        {"name": "nfs", "mountPath": "/home/jovyan", "subPath": "homes/alice"},
        {"name": "shared", "mountPath": "/home/jovyan/shared"},
        {"name": "nfs", "mountPath": "/srv/exchange", "subPath": "exchange"},
    ]
    env = [{"name": "NBGRADER_EXCHANGE", "value": "/srv/exchange/ml"}]
    script = (
        'mkdir -p "$NBGRADER_EXCHANGE" && touch x "$HOME/y" /srv/exchange/ml/z shared/s'
        " && ls /home/jovyan/shared && pwd"
    )
    container = {"volumeMounts": mounts, "env": env, "workingDir": "/home/jovyan"}
    await demo.create("alice", script, volumes=volumes, container=container, restartPolicy="Never")
    await demo.wait_for_phase("alice", "Succeeded")
    server = demo.directory / "state" / "nfs" / "server"
    home = server / "homes" / "alice"
    assert await demo.read_log("alice") == f"s\n{home}\n"
    assert sorted(path.name for path in home.iterdir()) == ["shared", "x", "y"]
    assert (server / "exchange" / "ml" / "z").exists()


async def test_the_node_follows_the_pods_again_after_losing_the_history(
    demo: Demo, start_node: StartNode, tmp_path: Path
) -> None:
    server = ApiServer(log_directory=tmp_path / "other-logs", history_size=2)
    await server.start()
    async with await new_client_from_config_dict(server.kubeconfig()) as api_client:
        small = Demo(api_client, tmp_path / "other")
        node = small.make_node()
        await node.start()
        try:
            for name in ("alice", "bob", "carol"):
                await small.create(name)
            for name in ("alice", "bob", "carol"):
                await small.wait_for_phase(name, "Running")
        finally:
            await node.stop()
            await server.stop()
    shutil.rmtree(tmp_path / "other")
