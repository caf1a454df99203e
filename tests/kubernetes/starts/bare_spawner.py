"""Spawners without an offer, and what their tests do to the cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub.objects import Hub, Server
from kubernetes_asyncio.client import CoreV1Api
from kubernetes_asyncio.config import ConfigException
from traitlets.config import Config

from e2xhub.kubernetes.starts import ExplainedSpawner, StartFailedError
from e2xhub.kubernetes.starts.failures import StartFailure

POD = "jupyter-alice"
HOLD = "e2xhub.test/hold"
MOST_SECONDS = 20.0


class BareSpawner(ExplainedSpawner):
    """Starts what KubeSpawner is configured to, without an offer."""

    async def load_user_options(self) -> None:
        """Nobody has chosen anything."""


def make_spawner(api: CoreV1Api, name: str = "alice", **settings: Any) -> BareSpawner:
    settings = {"namespace": "default", "start_timeout": 12, "image": "a:1", **settings}
    user = SimpleNamespace(name=name, escaped_name=name, id=1, groups=(), url=f"/user/{name}/")
    hub = Hub(ip="127.0.0.1", port=8081, base_url="/hub/")
    made = BareSpawner.__new__(BareSpawner)
    # The last thing that KubeSpawner's constructor does is to look for a cluster.
    with suppress(ConfigException):
        made.__init__(user=user, hub=hub, config=Config({"BareSpawner": settings}))  # type: ignore[misc]
    made.api = api
    made.server = Server(base_url=user.url)
    made.api_token, made.oauth_client_id = "secret", f"jupyterhub-user-{name}"
    return made


async def pod_names(api: CoreV1Api) -> list[str]:
    listed = await api.list_namespaced_pod("default")
    return [pod.metadata.name for pod in listed.items]


async def wait_until(condition: Callable[[], bool]) -> None:
    async def come_true() -> None:
        while not condition():
            await asyncio.sleep(0.02)

    await asyncio.wait_for(come_true(), MOST_SECONDS)


async def wait_for_pod(api: CoreV1Api) -> None:
    async def appear() -> None:
        while not await pod_names(api):
            await asyncio.sleep(0.02)

    await asyncio.wait_for(appear(), MOST_SECONDS)


async def set_status(api: CoreV1Api, *, name: str = POD, **status: Any) -> None:
    await api.patch_namespaced_pod_status(name, "default", {"status": status})


async def start_as_hub(spawner: BareSpawner) -> str:
    """Starts it as JupyterHub does, which cancels what takes too long."""
    return await asyncio.wait_for(spawner.start(), spawner.start_timeout)


async def fail(spawner: BareSpawner) -> StartFailure:
    with pytest.raises(StartFailedError) as caught:
        await start_as_hub(spawner)
    assert caught.value.jupyterhub_message == caught.value.failure.value
    return caught.value.failure


async def create_pod(api: CoreV1Api, name: str = POD, **metadata: Any) -> str:
    """A pod as KubeSpawner would have made it; returns its uid."""
    labels = {"component": "singleuser-server"}
    pod = {
        "metadata": {"name": name, "labels": labels, **metadata},
        "spec": {"containers": [{"name": "notebook", "image": "a:1"}]},
    }
    return str((await api.create_namespaced_pod("default", pod)).metadata.uid)


async def hold(api: CoreV1Api, name: str = POD) -> None:
    """Keeps the pod from going away, as where its node is lost."""
    await api.patch_namespaced_pod(name, "default", {"metadata": {"finalizers": [HOLD]}})


async def release(api: CoreV1Api, name: str = POD) -> None:
    """Lets the pod go that was held."""
    await api.patch_namespaced_pod(name, "default", {"metadata": {"finalizers": None}})


async def uid_of(api: CoreV1Api, name: str = POD) -> str:
    return str((await api.read_namespaced_pod(name, "default")).metadata.uid)


async def make_ready(api: CoreV1Api, **status: Any) -> None:
    """The pod runs; nothing listens in it."""
    container = {"name": "notebook", "image": "a:1", "imageID": "", "restartCount": 0}
    running = {"running": {"startedAt": "2026-11-20T12:00:00Z"}}
    await set_status(
        api,
        phase="Running",
        podIP="127.0.0.1",
        conditions=[
            {"type": "PodScheduled", "status": "True"},
            {"type": "Ready", "status": "True"},
        ],
        containerStatuses=[{**container, "ready": True, "state": running}],
        **status,
    )


async def give_up(starting: asyncio.Future[Any], spawner: BareSpawner) -> None:
    """Cancels the start, and waits until nothing of it is left."""
    starting.cancel()
    await asyncio.wait([starting])
    await wait_until(lambda: not spawner._removals)
