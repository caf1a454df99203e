"""A start that fails or is given up leaves no pod, and touches nobody else's.

Nothing schedules the pods: each test says itself what becomes of them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import ServerDisconnectedError
from kubernetes_asyncio.client import ApiException, CoreV1Api

from e2xhub.kubernetes.starts.failures import StartFailure
from tests.kubernetes.starts.bare_spawner import (
    HOLD,
    POD,
    BareSpawner,
    create_pod,
    fail,
    give_up,
    hold,
    make_spawner,
    pod_names,
    release,
    uid_of,
    wait_for_pod,
    wait_until,
)

Create = Callable[..., Awaitable[Any]]


async def test_start_that_is_given_up_while_its_pod_is_sent_leaves_none(
    spawner: BareSpawner, api: CoreV1Api
) -> None:
    starting = spawner.start()
    await wait_until(lambda: spawner._attempt.creating is not None)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    await wait_until(lambda: not spawner._removals)
    assert await pod_names(api) == []


async def test_start_that_is_given_up_before_the_answer_comes_leaves_none(
    spawner: BareSpawner, api: CoreV1Api
) -> None:
    create: Create = api.create_namespaced_pod

    async def answer_late(*args: Any) -> Any:
        created = await create(*args)
        await asyncio.sleep(1)
        return created

    api.create_namespaced_pod = answer_late
    starting = spawner.start()
    await wait_for_pod(api)
    await give_up(starting, spawner)
    assert await pod_names(api) == []


async def test_start_that_is_given_up_ends_at_once(spawner: BareSpawner, api: CoreV1Api) -> None:
    starting = spawner.start()
    await wait_for_pod(api)
    await hold(api)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(starting, 4)  # and not when the start's time is over
    assert list(spawner._removals) == [f"default/{POD}"]
    await release(api)
    await wait_until(lambda: not spawner._removals)
    assert await pod_names(api) == []


async def test_next_start_waits_until_the_pod_of_the_one_before_is_gone(
    spawner: BareSpawner, api: CoreV1Api
) -> None:
    first = spawner.start()
    await wait_for_pod(api)
    await hold(api)
    old = await uid_of(api)
    first.cancel()
    await asyncio.wait([first])
    second = make_spawner(api)
    starting = second.start()
    await asyncio.sleep(1)
    assert second._attempt.creating is None
    await release(api)
    await wait_until(lambda: second._attempt.pod_uid is not None)
    assert await uid_of(api) == second._attempt.pod_uid != old
    await give_up(starting, second)


# --- the pod of the start before


async def test_previous_pod_that_does_not_end_is_told_before_the_hub_gives_up(
    api: CoreV1Api,
) -> None:
    old = await create_pod(api, finalizers=[HOLD])
    began = time.monotonic()
    assert await fail(make_spawner(api, start_timeout=12)) is StartFailure.PREVIOUS_NOT_ENDED
    assert time.monotonic() - began < 12
    assert await uid_of(api) == old
    await release(api)


async def test_pod_of_a_failed_start_that_does_not_end_keeps_nobody_waiting(
    api: CoreV1Api,
) -> None:
    spawner = make_spawner(api, start_timeout=10)
    failing = asyncio.create_task(fail(spawner))
    await wait_for_pod(api)
    await hold(api)
    assert await failing is StartFailure.TOO_SLOW
    assert list(spawner._removals) == [f"default/{POD}"]
    assert await fail(make_spawner(api, start_timeout=8)) is StartFailure.PREVIOUS_NOT_ENDED
    await release(api)
    await wait_until(lambda: not spawner._removals)


async def test_previous_pod_is_replaced_once_it_has_ended(
    spawner: BareSpawner, api: CoreV1Api
) -> None:
    old = await create_pod(api, finalizers=[HOLD])
    starting = spawner.start()
    await asyncio.sleep(1)
    await release(api)
    await wait_until(lambda: spawner._attempt.pod_uid is not None)
    assert await uid_of(api) != old
    await give_up(starting, spawner)


async def test_pod_of_its_own_in_a_full_quota_is_replaced(
    spawner: BareSpawner, api: CoreV1Api
) -> None:
    old = await create_pod(api)
    quota = {"metadata": {"name": "full"}, "spec": {"hard": {"pods": "1"}}}
    await api.create_namespaced_resource_quota("default", quota)
    starting = spawner.start()
    await wait_until(lambda: spawner._attempt.pod_uid is not None)
    assert await uid_of(api) != old
    await give_up(starting, spawner)


async def test_other_conflict_leaves_the_pod_of_that_name_alone(api: CoreV1Api) -> None:
    old = await create_pod(api)

    async def conflict(*_args: Any) -> None:
        error = ApiException(status=409, reason="Conflict")
        error.body = '{"message": "Operation cannot be fulfilled on resourcequotas \\"full\\""}'
        raise error

    api.create_namespaced_pod = conflict
    assert await fail(make_spawner(api, start_timeout=4)) is StartFailure.TOO_SLOW
    assert await uid_of(api) == old


# --- answers that are lost


def gateway_timeout() -> ApiException:
    return ApiException(status=504, reason="Gateway Timeout")


@pytest.mark.parametrize("make_error", [ServerDisconnectedError, gateway_timeout])
async def test_pod_is_deleted_where_the_answer_to_its_creation_is_lost(
    spawner: BareSpawner, api: CoreV1Api, make_error: Callable[[], Exception]
) -> None:
    create: Create = api.create_namespaced_pod

    async def lose_the_answer(*args: Any) -> None:
        await create(*args)
        raise make_error()

    api.create_namespaced_pod = lose_the_answer
    assert await fail(spawner) is StartFailure.CLUSTER_UNREACHABLE
    assert await pod_names(api) == []


async def test_pod_is_deleted_where_a_later_request_is_refused(
    spawner: BareSpawner, api: CoreV1Api
) -> None:
    create: Create = api.create_namespaced_pod
    asked = 0

    async def answer_late_and_refuse_then(*args: Any) -> None:
        nonlocal asked
        asked += 1
        if asked > 1:
            raise ApiException(status=403, reason="Forbidden")
        await create(*args)
        raise asyncio.TimeoutError

    api.create_namespaced_pod = answer_late_and_refuse_then
    assert await fail(spawner) is StartFailure.SETUP_WRONG
    assert await pod_names(api) == []


async def test_refused_start_deletes_nothing(spawner: BareSpawner, api: CoreV1Api) -> None:
    old = await create_pod(api)

    async def refuse(*_args: Any) -> None:
        raise ApiException(status=422, reason="Invalid")

    api.create_namespaced_pod = refuse
    assert await fail(spawner) is StartFailure.SETUP_WRONG
    assert await uid_of(api) == old


# --- somebody else


async def test_pod_that_somebody_deletes_is_told(spawner: BareSpawner, api: CoreV1Api) -> None:
    failing = asyncio.create_task(fail(spawner))
    await wait_until(lambda: spawner._attempt.is_seen)
    await api.delete_namespaced_pod(POD, "default", grace_period_seconds=0)
    assert await failing is StartFailure.INTERRUPTED


async def test_pod_that_somebody_puts_in_its_place_is_left_alone(
    spawner: BareSpawner, api: CoreV1Api
) -> None:
    failing = asyncio.create_task(fail(spawner))
    await wait_until(lambda: spawner._attempt.is_seen)
    await api.delete_namespaced_pod(POD, "default", grace_period_seconds=0)
    other = await create_pod(api)
    assert await failing is StartFailure.INTERRUPTED
    assert await uid_of(api) == other


# --- JupyterHub's own stop


async def test_stop_after_a_failed_start_does_not_keep_the_reason_back(api: CoreV1Api) -> None:
    spawner = make_spawner(api, start_timeout=120)
    await create_pod(api, finalizers=[HOLD])

    async def refuse(*_args: Any) -> None:
        raise ApiException(status=422, reason="Invalid")

    api.create_namespaced_pod = refuse
    await fail(spawner)
    began = time.monotonic()
    with pytest.raises(asyncio.TimeoutError):
        await spawner.stop()
    assert time.monotonic() - began < 20
    await release(api)
