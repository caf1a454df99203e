"""Pods of a probe in a cluster: what they tell, what becomes of those that fail, and their end."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from e2xhub.kubernetes.probe.running import PodRunner, ProbeError, addresses_of, deleting
from tests.kubernetes.conftest import Cluster

WRITE = (
    "import sys; open('/dev/termination-log', 'w').write(sys.argv[1]); sys.exit(int(sys.argv[2]))"
)

RUNS = pytest.mark.usefixtures("ready_node")


def pod(cluster: Cluster, *command: str, image: str | None = None, name: str = "probe") -> Any:
    return {
        "metadata": {"name": name},
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 1,
            "containers": [
                {
                    "name": "try",
                    "image": image or cluster.image,
                    "command": ["python3", "-I", "-c", *command],
                    "terminationMessagePolicy": "FallbackToLogsOnError",
                }
            ],
        },
    }


def runner_in(cluster: Cluster, told: list[str] | None = None, *, seconds: float = 60) -> PodRunner:
    return PodRunner(
        cluster.core,
        namespace=cluster.namespace,
        start_seconds=seconds,
        progress=(told if told is not None else []).append,
    )


async def wait_until_gone(cluster: Cluster) -> None:
    for _ in range(300):
        if not (await cluster.core.list_namespaced_pod(cluster.namespace)).items:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("pods are left")


async def run(cluster: Cluster, manifest: Any, *, seconds: float = 60) -> Any:
    runner = runner_in(cluster, seconds=seconds)
    async with deleting(runner):
        await runner.create(manifest)
        return await runner.wait_for_answer("probe", "try", seconds=30)


@RUNS
async def test_answer_is_what_the_container_has_written(cluster: Cluster) -> None:
    assert await run(cluster, pod(cluster, WRITE, '{"up": 1}', "0")) == {"up": 1}
    await wait_until_gone(cluster)


@RUNS
async def test_pod_has_an_address_while_it_runs(cluster: Cluster) -> None:
    runner = runner_in(cluster)
    async with deleting(runner):
        await runner.create(pod(cluster, WRITE, "{}", "0"))
        await runner.wait_for_answer("probe", "try", seconds=30)
        assert addresses_of(await runner.read("probe"))


@RUNS
@pytest.mark.parametrize(
    ("command", "words"),
    [
        ((WRITE, "no JSON", "0"), "container 'try' ended with 0: no JSON"),
        ((WRITE, '{"up": 1}', "3"), "container 'try' ended with 3: {\"up\": 1}"),
        (("raise ValueError('what a pity')",), "ValueError: what a pity"),
        (("pass",), "container 'try' ended with 0: Completed"),
    ],
)
async def test_container_that_tells_nothing_sensible_claims_nothing(
    cluster: Cluster, command: tuple[str, ...], words: str
) -> None:
    with pytest.raises(ProbeError, match=re.escape(words)) as caught:
        await run(cluster, pod(cluster, *command))
    assert "Nothing is known of the lockdown" in str(caught.value)
    await wait_until_gone(cluster)


@RUNS
async def test_image_that_cannot_be_pulled_ends_the_probe(cluster: Cluster) -> None:
    manifest = pod(cluster, "pass", image="registry.invalid/no-such-image:1")
    with pytest.raises(ProbeError, match=r"no-such-image"):
        await run(cluster, manifest)
    await wait_until_gone(cluster)


@RUNS
async def test_pod_that_fits_nowhere_is_waited_for_and_then_told_of(cluster: Cluster) -> None:
    manifest = pod(cluster, "pass")
    manifest["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "100000"}}
    with pytest.raises(ProbeError, match=r"it took too long .*Insufficient cpu"):
        await run(cluster, manifest, seconds=3)
    await wait_until_gone(cluster)


async def test_quota_without_room_is_told_in_the_clusters_words(cluster: Cluster) -> None:
    quota = {"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}
    await cluster.core.create_namespaced_resource_quota(cluster.namespace, quota)
    await asyncio.sleep(1)  # a cluster counts in a controller
    with pytest.raises(ProbeError, match=r"is refused by the cluster: 403: .*exceeded quota") as it:
        await run(cluster, pod(cluster, "pass"))
    assert str(it.value).endswith("Nothing was tried")


async def test_pod_that_somebody_deletes_ends_the_probe(cluster: Cluster) -> None:
    runner = runner_in(cluster)
    async with deleting(runner):
        await runner.create(pod(cluster, "import time; time.sleep(60)"))
        await cluster.core.delete_namespaced_pod("probe", cluster.namespace, grace_period_seconds=0)
        with pytest.raises(ProbeError, match=r"nobody else deletes it|is being deleted"):
            await runner.wait_for_answer("probe", "try", seconds=30)


@RUNS
async def test_pods_are_deleted_when_somebody_ends_the_command(cluster: Cluster) -> None:
    told: list[str] = []
    runner = runner_in(cluster, told)

    async def probe() -> None:
        async with deleting(runner):
            await runner.create(pod(cluster, "import time; time.sleep(60)"))
            await runner.wait_for_answer("probe", "try", seconds=30)

    task = asyncio.create_task(probe())
    while "pod probe: runs" not in told:
        await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()  # Ctrl-C, twice
    with pytest.raises(asyncio.CancelledError):
        await task
    await wait_until_gone(cluster)


async def test_pod_whose_request_was_given_up_is_deleted_as_well(cluster: Cluster) -> None:
    runner = runner_in(cluster)

    async def probe() -> None:
        async with deleting(runner):
            await runner.create(pod(cluster, "import time; time.sleep(60)"))

    task = asyncio.create_task(probe())
    await asyncio.sleep(0)
    task.cancel()  # the request is on its way
    with pytest.raises(asyncio.CancelledError):
        await task
    await wait_until_gone(cluster)
