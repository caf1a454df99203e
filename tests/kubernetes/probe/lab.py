"""The laboratory: a whole probe by the command's own function, in a network of its own.

`python -m tests.kubernetes.probe.lab SCENARIO DIRECTORY` in new user, network, mount and process
namespaces; `laboratory.py` starts it so. The command prints JSON on standard output.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from kubernetes_asyncio.client import ApiClient, CoreV1Api
from kubernetes_asyncio.config import new_client_from_config
from traitlets.config import Config

from e2xhub.cli.lockdown_probe import run_probe_command
from e2xhub.demo.api.server import ApiServer
from e2xhub.demo.cluster import DemoCluster
from e2xhub.domain.offers import Registry
from e2xhub.domain.roles import HubKind
from e2xhub.errors import E2xHubError
from e2xhub.kubernetes.surroundings import Surroundings
from e2xhub.storage.catalog_files import load_catalog
from e2xhub.storage.roster.csv_reading import load_roster
from tests.kubernetes.probe.lab_network import (
    HUB,
    HUB_V6,
    NODE,
    PROXY_API,
    PROXY_PUBLIC,
    PUBLIC,
    Link,
    allow,
    build_world,
    open_world,
    run,
)
from tests.kubernetes.probe.lab_node import LabNode

NAMESPACE = "default"
_UNIVERSITY = Path(__file__).parents[2] / "university"
_OPEN = datetime(2027, 2, 15, 8, 0, tzinfo=timezone.utc)


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What the cluster's network plug-in does."""

    locks_after: float | None = None
    when_locked: Callable[[Link], None] = lambda _: None
    is_demo: bool = False


def _with_hole(link: Link) -> None:
    allow(link, PUBLIC)


def _with_own_node(link: Link) -> None:
    allow(link, NODE)


def _without_hub(link: Link) -> None:
    run("ip", "rule", "add", "pref", "5", "from", link.address, "to", HUB, "blackhole")


SCENARIOS = {
    "enforcing": Scenario(locks_after=0),
    "slow": Scenario(locks_after=1.5),
    "nothing": Scenario(),
    "demo": Scenario(is_demo=True),
    "hole": Scenario(locks_after=0, when_locked=_with_hole),
    "own-node": Scenario(locks_after=0, when_locked=_with_own_node),
    "no-hub": Scenario(locks_after=0, when_locked=_without_hub),
}


class Cluster(threading.Thread):
    """World, API server and node in a thread, while the command runs in the main one."""

    def __init__(self, scenario: Scenario, directory: Path) -> None:
        super().__init__(daemon=True)
        self._scenario, self._directory = scenario, directory
        self.kubeconfig = directory / "kubeconfig"
        self.is_ready = threading.Event()
        self.is_done = threading.Event()
        self.left: list[str] = []

    def run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        kept = await open_world()
        run_cluster = self._run_demo if self._scenario.is_demo else self._run_laboratory
        async with (
            run_cluster(),
            await new_client_from_config(config_file=str(self.kubeconfig)) as client,
        ):
            await _make_chart(client)
            self.is_ready.set()
            await asyncio.to_thread(self.is_done.wait)
            self.left = await _names_of_pods(client)
        del kept

    @asynccontextmanager
    async def _run_demo(self) -> AsyncIterator[None]:
        cluster = DemoCluster(directory=self._directory, images=["registry.example.org/*"])
        await cluster.start()
        try:
            yield
        finally:
            await cluster.stop()

    @asynccontextmanager
    async def _run_laboratory(self) -> AsyncIterator[None]:
        server = ApiServer(log_directory=self._directory / "logs")
        await server.start()
        server.write_kubeconfig(self.kubeconfig)
        async with await new_client_from_config(config_file=str(self.kubeconfig)) as client:
            node = LabNode(
                client,
                NAMESPACE,
                self._directory,
                locks_after=self._scenario.locks_after,
                when_locked=self._scenario.when_locked,
            )
            await node.start()
            try:
                yield
            finally:
                await node.stop()
        await server.stop()


async def _names_of_pods(client: ApiClient) -> list[str]:
    """The pods that are there when all had time to end."""
    for _ in range(40):
        listed = (await CoreV1Api(client).list_namespaced_pod(NAMESPACE)).items
        if not listed:
            break
        await asyncio.sleep(0.1)
    return [pod.metadata.name for pod in listed]


async def _make_chart(client: ApiClient) -> None:
    """What of the chart a probe looks for."""
    for name, addresses, ports in (
        ("hub", [HUB, HUB_V6], [8081]),
        ("proxy-public", [PROXY_PUBLIC], [80, 443]),
        ("proxy-api", [PROXY_API], [8001]),
    ):
        manifest: dict[str, Any] = {
            "metadata": {"name": name, "labels": {"app": "jupyterhub", "component": name}},
            "spec": {
                "clusterIP": addresses[0],
                "clusterIPs": addresses,
                "ipFamilyPolicy": "PreferDualStack",
                "ports": [{"name": f"port-{port}", "port": port} for port in ports],
            },
        }
        await CoreV1Api(client).create_namespaced_service(NAMESPACE, manifest)


def main(scenario: str, directory: Path) -> int:
    """Runs the command in a cluster of this kind; the exit status is the command's."""
    build_world(directory)
    cluster = Cluster(SCENARIOS[scenario], directory)
    cluster.start()
    assert cluster.is_ready.wait(30)
    try:
        status = _run_command()
    except E2xHubError as error:
        print(error, file=sys.stderr)
        status = 1
    finally:
        cluster.is_done.set()
        cluster.join(30)
    assert cluster.left == [], cluster.left
    return status


def _run_command() -> int:
    catalog = load_catalog(Path(os.environ.get("LAB_CATALOG", _UNIVERSITY / "catalog.yaml")))
    roster = load_roster(_UNIVERSITY / "roster", catalog)
    registry = Registry(catalog=catalog, roster=roster, hub=HubKind.EXAM)
    return run_probe_command(
        registry.authorize("alice", "exams/ml-pz1/student", _OPEN),
        catalog=catalog,
        config=Config(),
        surroundings=Surroundings(namespace=NAMESPACE, hub_namespace=NAMESPACE),
        public_urls=["https://exam.example.org"],
        settle_seconds=4,
        start_seconds=60,
        as_json=True,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
