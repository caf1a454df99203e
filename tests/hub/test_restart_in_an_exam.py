"""A hub that is started again in the middle of an exam: nobody at work notices."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from e2xhub.domain.audit import Action
from e2xhub.domain.identifiers import ExamId
from e2xhub.domain.throttle import FREE_ATTEMPTS
from tests.hub.configured_hub import wait_until
from tests.hub.demo_process import DemoProcess
from tests.hub.exam_sitting import OTHER_SEAT, Examinee, Records
from tests.hub.exam_staff import OPEN, SHARED_PASSWORD, ExamHub, run_exam_hub
from tests.hub.single_hub import run_hub

pytestmark = pytest.mark.hub

AS_ON_A_CLUSTER = f"{SHARED_PASSWORD}\nc.JupyterHub.cleanup_servers = False\n"
WRONG = "00000-00000"


async def test_hub_that_starts_again_leaves_everything_as_it_was(
    demo: DemoProcess, tmp_path: Path
) -> None:
    async with run_exam_hub(tmp_path, demo, lines=AS_ON_A_CLUSTER) as hub:
        records = Records(hub)
        people = [(name, OPEN, "student") for name in ("alice", "ben", "clara")]
        await asyncio.to_thread(hub.put_on_roster, *people)
        alice, uid = await asyncio.to_thread(_begin, hub)
        clara = await asyncio.to_thread(Examinee(hub, "clara").sign_in)
        locked = hub.make_code("ben")
        await asyncio.to_thread(_guess, hub, "ben")
    records.change(records.all.issue, "clara", replace=True)  # while no hub is there
    before = records.all.entries()
    async with run_hub(hub.own.plan):
        await asyncio.to_thread(_go_on, alice, uid)
        await asyncio.to_thread(_is_still_locked_out, hub, locked)
        await asyncio.to_thread(_is_cut, clara, records)
        await asyncio.to_thread(_stop, alice)
    after = records.all.entries()
    assert after[: len(before)] == before
    assert records.all.find_audit_fault() is None


def _begin(hub: ExamHub) -> tuple[Examinee, str]:
    alice = Examinee(hub, "alice").sign_in().start()
    note = {"type": "file", "format": "text", "content": "half done"}
    assert alice.browser.call_api("PUT", "/user/alice/api/contents/a.txt", note).status == 201
    assert alice.pod
    return alice, alice.pod["metadata"]["uid"]


def _guess(hub: ExamHub, username: str) -> None:
    for _ in range(FREE_ATTEMPTS + 1):
        Examinee(hub, username).browser.sign_in(username, WRONG)


def _go_on(alice: Examinee, uid: str) -> None:
    """With the browser that she had, without another code, in the server that she had."""
    wait_until(lambda: alice.reaches_server, "the server is reached again")
    assert alice.browser.is_signed_in
    assert alice.ask() == 200
    assert alice.copy(seat=OTHER_SEAT).ask() == 403
    read = alice.browser.call_api("GET", "/user/alice/api/contents/a.txt")
    assert read.json()["content"] == "half done"
    assert alice.pod
    assert alice.pod["metadata"]["uid"] == uid


def _is_still_locked_out(hub: ExamHub, code: str) -> None:
    ben = Examinee(hub, "ben")
    ben.browser.sign_in("ben", code)
    assert not ben.browser.is_signed_in


def _is_cut(clara: Examinee, records: Records) -> None:
    wait_until(lambda: not clara.browser.is_signed_in, "the session is over")

    def is_noted() -> bool:
        entries = records.all.entries(ExamId.parse(OPEN))
        return any(
            entry.event.action is Action.SESSION_CUT and entry.event.username == "clara"
            for entry in entries
        )

    wait_until(is_noted, "the hub has cut what ended while it was away")


def _stop(alice: Examinee) -> None:
    alice.browser.call_api("DELETE", "/hub/api/users/alice/server")
    wait_until(lambda: alice.pod is None, "the server has stopped")
