"""What happens to the watches that all starts share, none of them takes from another."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from kubernetes_asyncio.client import CoreV1Api
from kubespawner.reflector import ResourceReflector

from tests.kubernetes.starts.bare_spawner import (
    HOLD,
    BareSpawner,
    create_pod,
    give_up,
    make_spawner,
    pod_names,
    release,
    uid_of,
    wait_until,
)

BOBS_POD = "jupyter-bob"
LIST_SECONDS = 1.5


@pytest.fixture
def large_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Listing takes its time from now on."""
    load = ResourceReflector._list_and_update

    async def load_slowly(self: ResourceReflector, *args: Any) -> Any:
        await asyncio.sleep(LIST_SECONDS)
        return await load(self, *args)

    monkeypatch.setattr(ResourceReflector, "_list_and_update", load_slowly)


async def begin(api: CoreV1Api) -> tuple[BareSpawner, asyncio.Future[str]]:
    """Alice's start, whose pod is known and waits."""
    alice = make_spawner(api, start_timeout=60)
    starting = alice.start()
    await wait_until(lambda: alice._attempt.is_seen)
    return alice, starting


async def expect_to_go_on(
    api: CoreV1Api, alice: BareSpawner, starting: asyncio.Future[str], *, seconds: float
) -> None:
    await asyncio.wait([starting], timeout=seconds)
    assert not starting.done()
    assert await uid_of(api) == alice._attempt.pod_uid
    await give_up(starting, alice)


async def test_server_that_does_not_stop_ends_nobody_elses_start(
    api: CoreV1Api, request: pytest.FixtureRequest
) -> None:
    await create_pod(api, BOBS_POD, finalizers=[HOLD])
    bob = make_spawner(api, "bob", start_timeout=3)
    stopping = asyncio.ensure_future(bob.stop())
    alice, starting = await begin(api)
    request.getfixturevalue("large_namespace")
    # KubeSpawner opens another watch where a pod does not disappear.
    with pytest.raises(asyncio.TimeoutError):
        await stopping
    await expect_to_go_on(api, alice, starting, seconds=1)
    await release(api, BOBS_POD)


async def test_pods_are_known_while_another_watch_is_opened(
    api: CoreV1Api, request: pytest.FixtureRequest
) -> None:
    alice, starting = await begin(api)
    request.getfixturevalue("large_namespace")
    opening = asyncio.create_task(alice._start_watching_pods(replace=True))
    await asyncio.sleep(LIST_SECONDS / 2)
    assert not opening.done()
    assert list(alice.pod_reflector.pods) == ["default/jupyter-alice"]
    assert await alice.poll() is None
    await opening
    assert list(alice.pod_reflector.pods) == ["default/jupyter-alice"]
    await give_up(starting, alice)


async def test_list_of_pods_that_is_older_than_what_it_said_ends_no_start(api: CoreV1Api) -> None:
    alice, starting = await begin(api)
    alice.pod_reflector.resources = {}
    await expect_to_go_on(api, alice, starting, seconds=4)


async def test_watch_that_ended_is_opened_again_and_breaks_no_stop(api: CoreV1Api) -> None:
    await create_pod(api, BOBS_POD, finalizers=[HOLD])
    bob = make_spawner(api, "bob")
    stopping = asyncio.ensure_future(bob.stop(now=True))
    await wait_until(lambda: bob.pod_reflector is not None)
    ended = bob.pod_reflector
    ended.watch_task.cancel()
    await asyncio.wait([ended.watch_task])
    alice, enough_time = make_spawner(api), asyncio.Event()

    async def take_time() -> None:
        await enough_time.wait()

    # As where a NetworkPolicy is made first.
    alice.load_user_options = take_time  # type: ignore[method-assign]
    starting = alice.start()
    await asyncio.sleep(1)
    assert not stopping.done()
    enough_time.set()
    await wait_until(lambda: alice._attempt.is_seen)
    assert alice.pod_reflector is not ended
    await release(api, BOBS_POD)
    await asyncio.wait_for(stopping, 30)
    await give_up(starting, alice)


async def test_watch_that_could_not_be_opened_leaves_the_one_before(
    api: CoreV1Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, starting = await begin(api)

    async def fail_to_load(*_args: Any) -> None:
        raise OSError("no route to host")

    with monkeypatch.context() as outage:
        outage.setattr(ResourceReflector, "_list_and_update", fail_to_load)
        with pytest.raises(OSError, match="no route to host"):
            await make_spawner(api, "bob")._start_watching_pods(replace=True)
    await expect_to_go_on(api, alice, starting, seconds=3)


@pytest.mark.usefixtures("large_namespace")
async def test_start_that_is_given_up_does_not_take_the_watch_from_the_others(
    api: CoreV1Api,
) -> None:
    first = make_spawner(api, "bob").start()
    await asyncio.sleep(LIST_SECONDS / 3)
    alice = make_spawner(api)
    starting = alice.start()
    await asyncio.sleep(LIST_SECONDS / 3)
    first.cancel()
    await wait_until(lambda: alice._attempt.is_seen)
    assert await pod_names(api) == ["jupyter-alice"]
    await give_up(starting, alice)


async def test_watch_is_opened_once_for_all_who_ask_at_the_same_time(api: CoreV1Api) -> None:
    spawners = [make_spawner(api, name) for name in ("alice", "bob", "carol")]
    opened = await asyncio.gather(*(spawner._start_watching_pods() for spawner in spawners))
    assert len({id(watch) for watch in opened}) == 1
    again = await asyncio.gather(
        *(spawner._start_watching_pods(replace=True) for spawner in spawners)
    )
    assert {id(watch) for watch in again} == {id(spawners[0].pod_reflector)}
    assert again[0] is not opened[0]
    assert opened[0].watch_task is None  # it does not go on asking the cluster
