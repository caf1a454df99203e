"""An API server without any node for the tests of starts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from kubernetes_asyncio.client import CoreV1Api
from kubernetes_asyncio.config import new_client_from_config_dict
from kubespawner.clients import _client_cache

from e2xhub.demo.api.server import ApiServer
from tests.kubernetes.starts.bare_spawner import BareSpawner, make_spawner


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ApiServer]:
    """The demo cluster's API server; it can be stopped and started."""
    api_server = ApiServer(log_directory=tmp_path)
    await api_server.start()
    yield api_server
    await api_server.stop()


@pytest.fixture
async def api(server: ApiServer) -> AsyncIterator[CoreV1Api]:
    """A client of it, which KubeSpawner shares."""
    async with await new_client_from_config_dict(server.kubeconfig()) as client:
        shared = CoreV1Api(client)
        key = (asyncio.get_running_loop(), "CoreV1Api", (), ())
        _client_cache[key] = shared
        yield shared
        await BareSpawner._stop_all_reflectors()
        del _client_cache[key]


@pytest.fixture
def spawner(api: CoreV1Api) -> BareSpawner:
    """Alice's."""
    return make_spawner(api)
