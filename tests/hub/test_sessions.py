"""An examinee has one session, at one seat, until a new code is issued or the exam is over."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.hub.configured_hub import wait_until
from tests.hub.demo_process import DemoProcess
from tests.hub.exam_sitting import OTHER_SEAT, SEAT, Examinee, Records
from tests.hub.exam_staff import ExamHub, run_exam_hub

pytestmark = pytest.mark.hub


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(
    demo: DemoProcess, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ExamHub]:
    async with run_exam_hub(tmp_path_factory.mktemp("sessions"), demo) as running:
        yield running


@pytest.fixture(scope="module")
def records(hub: ExamHub) -> Records:
    return Records(hub)


def test_first(hub: ExamHub, records: Records) -> None:
    alice = Examinee(hub, "alice").sign_in().start()
    assert alice.ask() == 200
    alice.browser.move_to(OTHER_SEAT)
    assert alice.ask() == 403
    assert not alice.browser.is_signed_in
    alice.browser.move_to(SEAT)
    assert alice.browser.is_signed_in
    assert alice.ask() == 200
    records.change(records.all.issue, "alice", replace=True)
    import time
    t = time.time()
    wait_until(lambda: alice.ask() == 401, "x")
    print("forward", time.time() - t)
    wait_until(lambda: not alice.browser.is_signed_in, "x")
    print("hub", time.time() - t)
    wait_until(lambda: not alice.reaches_server, "x")
    print("server", time.time() - t)
    import subprocess,urllib.request
    t=time.time()
    pod=hub.own.cluster.pod("jupyter-exam-alice")
    tok={e["name"]:e.get("value") for e in pod["spec"]["containers"][0]["env"]}["JUPYTERHUB_API_TOKEN"]
    for _ in range(200): alice.browser.get_with("/hub/api/user", {"Authorization": "token "+tok}).status
    print("api", (time.time()-t)/200)
    t=time.time()
    for _ in range(200): alice.ask()
    print("fa", (time.time()-t)/200)
    print(pod["spec"]["containers"][0]["args"])
    assert 0
