"""The cluster that the contract tests run against.

The demo cluster always; and, unchanged, any cluster that the kubeconfig file E2XHUB_TEST_KUBECONFIG
names. Pods use the image E2XHUB_TEST_IMAGE, which must have a `python3`. An API server without a
node will do for all tests but those that run pods: they are skipped there.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from kubernetes_asyncio.client import (
    ApiClient,
    ApiException,
    CoreV1Api,
    NetworkingV1Api,
    VersionApi,
)
from kubernetes_asyncio.config import new_client_from_config, new_client_from_config_dict

from e2xhub.demo.api.server import ApiServer
from e2xhub.demo.node.images import Image
from e2xhub.demo.node.node import Node

from .manifests import make_pod

KUBECONFIG = os.environ.get("E2XHUB_TEST_KUBECONFIG")
IMAGE = os.environ.get("E2XHUB_TEST_IMAGE", "python:3.12-slim")
CLUSTERS = ["demo", "real"] if KUBECONFIG else ["demo"]
ACCOUNT_TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A cluster, with a namespace that the test has to itself."""

    api_client: ApiClient
    namespace: str
    image: str
    minor_version: int
    kubeconfig: Path
    """What other programs find the cluster with."""

    def need_version(self, minor_version: int, what: str) -> None:
        """Skip the test where the cluster is older than Kubernetes 1.`minor_version`."""
        if self.minor_version < minor_version:
            pytest.skip(f"Kubernetes 1.{self.minor_version} has no {what}; 1.{minor_version} has")

    @property
    def core(self) -> CoreV1Api:
        return CoreV1Api(self.api_client)

    @property
    def networking(self) -> NetworkingV1Api:
        return NetworkingV1Api(self.api_client)


@pytest.fixture(params=CLUSTERS)
async def cluster(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Cluster]:
    """A cluster with a fresh namespace, on the demo and on the real one."""
    connect = _connect_to_demo(tmp_path) if request.param == "demo" else _connect_to_real()
    async with connect as (api_client, kubeconfig), _fresh_namespace(api_client) as namespace:
        version = await VersionApi(api_client).get_code()
        yield Cluster(
            api_client=api_client,
            namespace=namespace,
            image=IMAGE,
            # a provider's cluster may call itself "31+"
            minor_version=int(version.minor.rstrip("+")),
            kubeconfig=kubeconfig,
        )


@pytest.fixture
async def ready_node(cluster: Cluster) -> None:
    """A node that runs pods; where a real cluster has none, the test is skipped."""
    for node in (await cluster.core.list_node()).items:
        conditions = {entry.type: entry.status for entry in node.status.conditions or ()}
        if conditions.get("Ready") == "True":
            return
    pytest.skip("the cluster has no node that is ready, so no pod runs on it")


@asynccontextmanager
async def _connect_to_demo(directory: Path) -> AsyncIterator[tuple[ApiClient, Path]]:
    server = ApiServer(log_directory=directory / "logs")
    await server.start()
    try:
        api_client = await new_client_from_config_dict(server.kubeconfig())
        kubeconfig = directory / "kubeconfig"
        server.write_kubeconfig(kubeconfig)
        async with api_client, _node(api_client, directory):
            yield api_client, kubeconfig
    finally:
        await server.stop()


@asynccontextmanager
async def _node(api_client: ApiClient, directory: Path) -> AsyncIterator[None]:
    """The demo cluster's node: it runs the pods of the tests."""
    programs = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    image = Image(command=["python3"], environment={"PATH": programs, "HOME": "/home/jovyan"})
    node = Node(
        api_client=api_client,
        name="demo-node",
        state_directory=directory / "state",
        log_directory=directory / "logs",
        images={IMAGE: image},
    )
    await node.start()
    try:
        yield
    finally:
        await node.stop()


@asynccontextmanager
async def _connect_to_real() -> AsyncIterator[tuple[ApiClient, Path]]:
    assert KUBECONFIG is not None
    async with await new_client_from_config(config_file=KUBECONFIG) as api_client:
        yield api_client, Path(KUBECONFIG)


@asynccontextmanager
async def _fresh_namespace(api_client: ApiClient) -> AsyncIterator[str]:
    core = CoreV1Api(api_client)
    created = await core.create_namespace({"metadata": {"generateName": "e2xhub-test-"}})
    name = created.metadata.name
    try:
        await asyncio.wait_for(_until_it_takes_pods(core, name), ACCOUNT_TIMEOUT_SECONDS)
        yield name
    finally:
        # a test may have deleted it
        with contextlib.suppress(ApiException):
            await core.delete_namespace(name)


async def _until_it_takes_pods(core: CoreV1Api, namespace: str) -> None:
    """Wait for the controllers that make the account, and its token, that pods need."""
    while True:
        with contextlib.suppress(ApiException):
            await core.create_namespaced_pod(namespace, make_pod(), dry_run="All")
            return
        await asyncio.sleep(0.2)
