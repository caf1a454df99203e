"""The cluster that the contract tests run against.

The demo cluster always; and, unchanged, any cluster that the kubeconfig file E2XHUB_TEST_KUBECONFIG
names. Pods use the image E2XHUB_TEST_IMAGE, which must have a `python3`.
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
from kubernetes_asyncio.client import ApiClient, ApiException, CoreV1Api, NetworkingV1Api
from kubernetes_asyncio.config import new_client_from_config, new_client_from_config_dict

from e2xhub.demo.api.server import ApiServer
from e2xhub.demo.node.images import Image
from e2xhub.demo.node.node import Node

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
    async with connect as api_client, _fresh_namespace(api_client) as namespace:
        yield Cluster(api_client=api_client, namespace=namespace, image=IMAGE)


@asynccontextmanager
async def _connect_to_demo(directory: Path) -> AsyncIterator[ApiClient]:
    server = ApiServer(log_directory=directory / "logs")
    await server.start()
    try:
        api_client = await new_client_from_config_dict(server.kubeconfig())
        async with api_client, _node(api_client, directory):
            yield api_client
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
async def _connect_to_real() -> AsyncIterator[ApiClient]:
    async with await new_client_from_config(config_file=KUBECONFIG) as api_client:
        yield api_client


@asynccontextmanager
async def _fresh_namespace(api_client: ApiClient) -> AsyncIterator[str]:
    core = CoreV1Api(api_client)
    created = await core.create_namespace({"metadata": {"generateName": "e2xhub-test-"}})
    name = created.metadata.name
    try:
        await asyncio.wait_for(_default_account(core, name), ACCOUNT_TIMEOUT_SECONDS)
        yield name
    finally:
        # a test may have deleted it
        with contextlib.suppress(ApiException):
            await core.delete_namespace(name)


async def _default_account(core: CoreV1Api, namespace: str) -> None:
    """Wait until the namespace takes pods: a controller makes the account that they need."""
    while True:
        with contextlib.suppress(ApiException):
            await core.read_namespaced_service_account("default", namespace)
            return
        await asyncio.sleep(0.2)
