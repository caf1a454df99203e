"""Termination messages: how a pod's container tells the cluster what it found."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Cluster
from .test_pod_contract import create, make_container, wait_for_phase

pytestmark = pytest.mark.usefixtures("ready_node")


async def last_words(cluster: Cluster, script: str, **fields: Any) -> str | None:
    name = await create(cluster, make_container(cluster, script, **fields))
    pod = await wait_for_phase(cluster, name, "Succeeded", "Failed")
    message: str | None = pod.status.container_statuses[0].state.terminated.message
    return message


WRITE = "open({!r}, 'w').write('internet=closed\\nhub=open')"


async def test_what_a_container_writes_before_its_end_is_its_message(cluster: Cluster) -> None:
    words = await last_words(cluster, WRITE.format("/dev/termination-log"))
    assert words == "internet=closed\nhub=open"


async def test_a_container_may_say_where_its_message_is(cluster: Cluster) -> None:
    script = WRITE.format("/tmp/found")
    words = await last_words(cluster, script, terminationMessagePath="/tmp/found")
    assert words == "internet=closed\nhub=open"


async def test_a_silent_container_has_no_message(cluster: Cluster) -> None:
    assert await last_words(cluster, "print('only in the log')") is None


@pytest.mark.parametrize(
    ("code", "expected"), [(3, "what went wrong\n"), (0, None)], ids=["failed", "succeeded"]
)
async def test_the_end_of_the_log_stands_in_for_the_message_of_a_failure(
    cluster: Cluster, code: int, expected: str | None
) -> None:
    words = await last_words(
        cluster,
        f"print('what went wrong'); raise SystemExit({code})",
        terminationMessagePolicy="FallbackToLogsOnError",
    )
    assert words == expected


async def test_a_long_message_is_cut(cluster: Cluster) -> None:
    words = await last_words(cluster, "open('/dev/termination-log', 'w').write('x' * 9000)")
    assert words is not None
    assert set(words) == {"x"}
    assert len(words) == 4096
