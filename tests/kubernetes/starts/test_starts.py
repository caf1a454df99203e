"""A start that fails or is given up leaves no pod, against an API server without any node.

Nothing schedules the pods: each test says itself what becomes of them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub.objects import Hub, Server
from kubernetes_asyncio.client import CoreV1Api
from kubernetes_asyncio.config import ConfigException, new_client_from_config_dict
from kubespawner.clients import _client_cache
from traitlets.config import Config

from e2xhub.demo.api.server import ApiServer
from e2xhub.kubernetes.starts import ExplainedSpawner, StartFailedError
from e2xhub.kubernetes.starts.failures import StartFailure

POD = "jupyter-alice"
NO_NODE = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."
HOLD = "e2xhub.test/hold"
MOST_SECONDS = 20.0


class BareSpawner(ExplainedSpawner):
    """Starts what KubeSpawner is configured to, without an offer."""

    async def load_user_options(self) -> None:
        """Nobody has chosen anything."""


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


def make_spawner(api: CoreV1Api, **settings: Any) -> BareSpawner:
    settings = {"namespace": "default", "start_timeout": 12, "image": "a:1", **settings}
    user = SimpleNamespace(name="alice", escaped_name="alice", id=1, groups=(), url="/user/alice/")
    hub = Hub(ip="127.0.0.1", port=8081, base_url="/hub/")
    made = BareSpawner.__new__(BareSpawner)
    # The last thing that KubeSpawner's constructor does is to look for a cluster.
    with suppress(ConfigException):
        made.__init__(user=user, hub=hub, config=Config({"BareSpawner": settings}))  # type: ignore[misc]
    made.api = api
    made.server = Server(base_url=user.url)
    made.api_token, made.oauth_client_id = "secret", "jupyterhub-user-alice"
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


async def set_status(api: CoreV1Api, **status: Any) -> None:
    await api.patch_namespaced_pod_status(POD, "default", {"status": status})


async def fail(spawner: BareSpawner) -> StartFailure:
    with pytest.raises(StartFailedError) as caught:
        await spawner.start()
    assert caught.value.jupyterhub_message == caught.value.failure.value
    return caught.value.failure


async def test_hopeless_pod_is_deleted_before_the_person_is_told(
    spawner: BareSpawner, api: CoreV1Api, caplog: pytest.LogCaptureFixture
) -> None:
    failing = asyncio.create_task(fail(spawner))
    await wait_for_pod(api)
    waiting = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}
    status = {"name": "notebook", "image": "a:1", "imageID": "", "restartCount": 1, "ready": False}
    await set_status(api, containerStatuses=[{**status, "state": waiting}])
    assert await failing is StartFailure.SERVER_ENDED
    assert await pod_names(api) == []
    said = [record for record in caplog.records if "did not start" in record.getMessage()]
    assert [(record.levelno, record.getMessage()) for record in said] == [
        (
            logging.WARNING,
            "alice did not start, SERVER_ENDED: pod default/jupyter-alice, offer none: "
            "container notebook: CrashLoopBackOff: back-off 10s",
        )
    ]


async def test_time_that_is_over_is_told_with_what_the_pod_waited_for(
    api: CoreV1Api,
) -> None:
    failing = asyncio.create_task(fail(make_spawner(api, start_timeout=4)))
    await wait_for_pod(api)
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    message = "0/1 nodes are available: 1 Insufficient memory."
    await set_status(api, conditions=[{**condition, "message": message}])
    assert await failing is StartFailure.NO_ROOM
    assert await pod_names(api) == []


async def add_event(api: CoreV1Api, reason: str, message: str) -> None:
    pod = await api.read_namespaced_pod(POD, "default")
    involved = {"kind": "Pod", "name": POD, "namespace": "default", "uid": pod.metadata.uid}
    event = {
        "metadata": {"generateName": "event-"},
        "involvedObject": involved,
        "reason": reason,
        "message": message,
        "type": "Warning",
        "lastTimestamp": "2026-11-20T12:00:00Z",
    }
    await api.create_namespaced_event("default", event)


async def test_volume_that_is_not_mounted_is_told_when_the_time_is_over(
    api: CoreV1Api, caplog: pytest.LogCaptureFixture
) -> None:
    failing = asyncio.create_task(fail(make_spawner(api, start_timeout=4)))
    await wait_for_pod(api)
    await set_status(api, conditions=[{"type": "PodScheduled", "status": "True"}])
    await add_event(api, "FailedMount", "mount.nfs: Connection timed out")
    assert await failing is StartFailure.VOLUME_MISSING
    assert "FailedMount: mount.nfs: Connection timed out" in caplog.text


async def test_machine_that_is_coming_is_told_and_waited_for(api: CoreV1Api) -> None:
    spawner = make_spawner(api, start_timeout=6, scale_up_seconds=1.0)
    failing = asyncio.create_task(fail(spawner))
    await wait_for_pod(api)
    await add_event(api, "TriggeredScaleUp", "pod triggered scale-up: 1->2")
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    await set_status(api, conditions=[{**condition, "message": NO_NODE}])
    told = [event["message"] async for event in spawner.progress()]
    assert told[-1] == ("Another machine is being started for you. This can take a few minutes.")
    assert await failing is StartFailure.NO_ROOM


async def test_words_of_a_container_stay_on_their_line_of_the_log(
    spawner: BareSpawner, api: CoreV1Api, caplog: pytest.LogCaptureFixture
) -> None:
    failing = asyncio.create_task(fail(spawner))
    await wait_for_pod(api)
    forged = "x\n[I 2026-11-20 app] alice is an admin" + "!" * 5000
    ended = {"terminated": {"exitCode": 1, "reason": "Error", "message": forged}}
    status = {"name": "notebook", "image": "a:1", "imageID": "", "restartCount": 0, "ready": False}
    await set_status(api, phase="Failed", containerStatuses=[{**status, "state": ended}])
    assert await failing is StartFailure.SERVER_ENDED
    (line,) = [item.getMessage() for item in caplog.records if "did not" in item.getMessage()]
    assert "\n" not in line
    assert len(line) < 2200


async def test_pod_that_nothing_is_known_of_is_too_slow(api: CoreV1Api) -> None:
    assert await fail(make_spawner(api, start_timeout=2)) is StartFailure.TOO_SLOW
    assert await pod_names(api) == []


async def test_machine_that_nobody_brings_is_not_waited_for_longer_than_configured(
    api: CoreV1Api,
) -> None:
    failing = asyncio.create_task(fail(make_spawner(api, scale_up_seconds=1.0)))
    await wait_for_pod(api)
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    await set_status(api, conditions=[{**condition, "message": NO_NODE}])
    assert await failing is StartFailure.NO_SUCH_MACHINE


async def test_start_that_is_given_up_while_its_pod_is_sent_leaves_none(
    spawner: BareSpawner, api: CoreV1Api
) -> None:
    starting = spawner.start()
    await wait_until(lambda: spawner._creating is not None)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    await wait_until(lambda: not spawner._removals)
    assert await pod_names(api) == []


async def test_start_that_is_given_up_ends_at_once(spawner: BareSpawner, api: CoreV1Api) -> None:
    starting = spawner.start()
    await wait_for_pod(api)
    await api.patch_namespaced_pod(POD, "default", {"metadata": {"finalizers": [HOLD]}})
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(starting, 1)
    assert list(spawner._removals) == [f"default/{POD}"]
    await api.patch_namespaced_pod(POD, "default", {"metadata": {"finalizers": None}})
    await wait_until(lambda: not spawner._removals)
    assert await pod_names(api) == []


async def test_next_start_waits_until_the_pod_of_the_one_before_is_gone(
    spawner: BareSpawner, api: CoreV1Api
) -> None:
    first = spawner.start()
    await wait_for_pod(api)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    old = (await api.read_namespaced_pod(POD, "default")).metadata.uid
    second = make_spawner(api)
    starting = second.start()
    await wait_until(lambda: second._created)
    assert (await api.read_namespaced_pod(POD, "default")).metadata.uid != old
    starting.cancel()
    await asyncio.wait([starting])
    await wait_until(lambda: not spawner._removals)


async def test_previous_pod_that_does_not_end_is_told(api: CoreV1Api) -> None:
    old = {
        "metadata": {
            "name": POD,
            "finalizers": [HOLD],
            "labels": {"component": "singleuser-server"},
        },
        "spec": {"containers": [{"name": "notebook", "image": "a:1"}]},
    }
    await api.create_namespaced_pod("default", old)
    spawner = make_spawner(api, start_timeout=4)
    assert await fail(spawner) is StartFailure.PREVIOUS_NOT_ENDED
    await api.patch_namespaced_pod(POD, "default", {"metadata": {"finalizers": None}})


async def test_pod_of_its_own_in_a_full_quota_is_replaced(
    spawner: BareSpawner, api: CoreV1Api
) -> None:
    labels = {"component": "singleuser-server"}
    left = {
        "metadata": {"name": POD, "labels": labels},
        "spec": {"containers": [{"name": "notebook", "image": "a:1"}]},
    }
    created = await api.create_namespaced_pod("default", left)
    quota = {"metadata": {"name": "full"}, "spec": {"hard": {"pods": "1"}}}
    await api.create_namespaced_resource_quota("default", quota)
    starting = spawner.start()
    await wait_until(lambda: spawner._created)
    pod = await api.read_namespaced_pod(POD, "default")
    assert pod.metadata.uid != created.metadata.uid
    starting.cancel()
    await asyncio.wait([starting])
    await wait_until(lambda: not spawner._removals)


async def test_refused_pod_is_not_logged_with_its_secrets(
    spawner: BareSpawner, api: CoreV1Api, caplog: pytest.LogCaptureFixture
) -> None:
    quota = {"metadata": {"name": "full"}, "spec": {"hard": {"pods": "0"}}}
    await api.create_namespaced_resource_quota("default", quota)
    assert await fail(spawner) is StartFailure.QUOTA_FULL
    assert "exceeded quota: full" in caplog.text
    assert "secret" not in caplog.text


async def test_hub_starts_servers_again_when_the_api_is_back(
    spawner: BareSpawner, api: CoreV1Api, server: ApiServer
) -> None:
    await server.stop()
    assert await fail(spawner) is StartFailure.CLUSTER_UNREACHABLE
    await server.start()
    again = make_spawner(api)
    starting = again.start()
    await wait_until(lambda: again._is_seen)
    starting.cancel()
    await asyncio.wait([starting])
    await wait_until(lambda: not again._removals)
    assert await pod_names(api) == []


async def test_error_of_a_hook_is_unexpected_and_leaves_no_pod(api: CoreV1Api) -> None:
    def fail_in_the_hook(_spawner: Any, _pod: Any) -> None:
        raise KeyError("nothing of that name")

    spawner = make_spawner(api)
    spawner.after_pod_created_hook = fail_in_the_hook
    assert await fail(spawner) is StartFailure.UNEXPECTED
    assert await pod_names(api) == []


async def test_progress_ends_with_the_start_and_never_goes_back(api: CoreV1Api) -> None:
    spawner = make_spawner(api, start_timeout=2)
    failing = asyncio.create_task(fail(spawner))
    await wait_for_pod(api)
    told = [event async for event in spawner.progress()]
    assert [event["message"] for event in told] == [
        "Your server has been requested.",
        "Your server is waiting for a free place.",
    ]
    assert [event["progress"] for event in told] == [5, 10]
    await failing
