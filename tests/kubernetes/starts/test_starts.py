"""A start that fails ends soon, with a reason, against an API server without any node.

Nothing schedules the pods: each test says itself what becomes of them.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from kubernetes_asyncio.client import CoreV1Api

from e2xhub.demo.api.server import ApiServer
from e2xhub.domain.exam_board import FailedStart
from e2xhub.kubernetes.starts.failures import StartFailure
from tests.kubernetes.starts.bare_spawner import (
    POD,
    BareSpawner,
    fail,
    give_up,
    make_ready,
    make_spawner,
    pod_names,
    set_status,
    start_as_hub,
    wait_for_pod,
    wait_until,
)

NO_NODE = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."


async def test_hopeless_pod_is_deleted_before_the_person_is_told(
    spawner: BareSpawner, api: CoreV1Api, caplog: pytest.LogCaptureFixture
) -> None:
    failing = asyncio.create_task(fail(spawner))
    await wait_for_pod(api)
    waiting = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}
    status = {"name": "notebook", "image": "a:1", "imageID": "", "restartCount": 1, "ready": False}
    await set_status(api, containerStatuses=[{**status, "state": waiting}])
    assert await failing is StartFailure.SERVER_ENDED
    assert spawner.failed_start == FailedStart(slug="", kind="SERVER_ENDED")
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
    failing = asyncio.create_task(fail(make_spawner(api, start_timeout=10)))
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
    failing = asyncio.create_task(fail(make_spawner(api, start_timeout=10)))
    await wait_for_pod(api)
    await set_status(api, conditions=[{"type": "PodScheduled", "status": "True"}])
    await add_event(api, "FailedMount", "mount.nfs: Connection timed out")
    assert await failing is StartFailure.VOLUME_MISSING
    assert "FailedMount: mount.nfs: Connection timed out" in caplog.text


async def test_machine_that_is_coming_is_told_and_waited_for(api: CoreV1Api) -> None:
    spawner = make_spawner(api, start_timeout=12, scale_up_seconds=1.0)
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


async def test_server_that_does_not_answer_is_told_with_the_seconds_that_were_waited(
    api: CoreV1Api, caplog: pytest.LogCaptureFixture
) -> None:
    failing = asyncio.create_task(fail(make_spawner(api, http_timeout=2)))
    await wait_for_pod(api)
    await make_ready(api)
    assert await failing is StartFailure.NO_ANSWER
    assert "no answer within 2 seconds; see the log of its container" in caplog.text
    assert await pod_names(api) == []


async def test_server_that_runs_has_all_of_its_http_timeout(api: CoreV1Api) -> None:
    spawner = make_spawner(api, start_timeout=12, http_timeout=120)
    starting = asyncio.create_task(start_as_hub(spawner))
    await wait_for_pod(api)
    await make_ready(api)
    # From here on JupyterHub waits itself, for `http_timeout`.
    assert await starting == "http://127.0.0.1:8888"
    assert await pod_names(api) == [POD]


async def test_pod_that_is_ready_at_the_last_moment_is_not_given_up(api: CoreV1Api) -> None:
    spawner = make_spawner(api, start_timeout=13, http_timeout=120)
    starting = asyncio.create_task(start_as_hub(spawner))
    await wait_for_pod(api)
    await asyncio.sleep(5)  # given up after 8; slow machines need the rest
    await make_ready(api)
    assert await starting == "http://127.0.0.1:8888"


async def test_program_beside_the_server_may_end_twice(
    spawner: BareSpawner, api: CoreV1Api
) -> None:
    starting = spawner.start()
    await wait_for_pod(api)
    waiting = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}
    status = {"name": "e2x-side-app", "image": "a:1", "imageID": "", "restartCount": 1}
    await set_status(api, containerStatuses=[{**status, "ready": False, "state": waiting}])
    await asyncio.wait([starting], timeout=3)
    assert not starting.done()
    await give_up(starting, spawner)


async def test_machine_that_nobody_brings_is_not_waited_for_longer_than_configured(
    api: CoreV1Api,
) -> None:
    failing = asyncio.create_task(fail(make_spawner(api, scale_up_seconds=1.0)))
    await wait_for_pod(api)
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    await set_status(api, conditions=[{**condition, "message": NO_NODE}])
    assert await failing is StartFailure.NO_SUCH_MACHINE


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
    await wait_until(lambda: again._attempt.is_seen)
    await give_up(starting, again)
    assert await pod_names(api) == []


async def test_error_of_a_hook_is_unexpected_and_leaves_no_pod(api: CoreV1Api) -> None:
    def fail_in_the_hook(_spawner: Any, _pod: Any) -> None:
        raise KeyError("nothing of that name")

    spawner = make_spawner(api)
    spawner.after_pod_created_hook = fail_in_the_hook
    assert await fail(spawner) is StartFailure.UNEXPECTED
    assert await pod_names(api) == []


async def test_progress_ends_with_the_start_and_never_goes_back(api: CoreV1Api) -> None:
    spawner = make_spawner(api, start_timeout=10)
    failing = asyncio.create_task(fail(spawner))
    await wait_for_pod(api)
    told = [event async for event in spawner.progress()]
    assert [event["message"] for event in told] == [
        "Your server has been requested.",
        "Your server is waiting for a free place.",
    ]
    assert [event["progress"] for event in told] == [5, 10]
    await failing
