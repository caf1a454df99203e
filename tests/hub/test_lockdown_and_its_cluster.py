"""Where the cluster does not let a hub lock its exam: no server starts, and the reason is told."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.hub.cluster_client import Manifest
from tests.hub.configured_hub import OwnHub, wait_until
from tests.hub.demo_process import DemoProcess
from tests.hub.exam_sitting import Examinee
from tests.hub.exam_staff import ExamHub
from tests.hub.hub_account import (
    ALL_VERBS,
    HubAccount,
    address_of,
    write_kubeconfig_for_port,
)
from tests.hub.locked_exam import INTERNET, POLICY, Room, plan_locked_hub, put_on_roster
from tests.hub.single_hub import run_hub
from tests.hub.stalling_network import StallingNetwork

pytestmark = pytest.mark.hub

RIGHTS = "get, list, watch, create, update and delete on networkpolicies (helm-values/rbac.yaml)"
SOON = "c.KubeSpawner.k8s_api_request_retry_timeout = 5\n"


@asynccontextmanager
async def run_with(own: OwnHub, kubeconfig: Path, *students: str) -> AsyncIterator[ExamHub]:
    """The planned hub with another way to its cluster."""
    changed = replace(own, plan=replace(own.plan, kubeconfig=kubeconfig))
    async with run_hub(changed.plan):
        await asyncio.to_thread(put_on_roster, changed, students)
        yield ExamHub(changed)


def administrators(demo: DemoProcess) -> Path:
    return demo.directory / "cluster" / "kubeconfig"


async def test_hub_without_a_right_says_which_and_starts_once_it_has_it(
    demo: DemoProcess, tmp_path: Path
) -> None:
    account = HubAccount(cluster=demo.cluster, name="exam-hub").make()
    own = await plan_locked_hub(tmp_path, demo)
    kubeconfig = account.write_kubeconfig(administrators(demo), tmp_path / "kubeconfig")
    async with run_with(own, kubeconfig, "uwe") as hub:
        await asyncio.to_thread(_is_told_which_rights, Room(hub), account)


def _is_told_which_rights(room: Room, account: HubAccount) -> None:
    uwe = room.sign_in("uwe")
    before = room.hub.own.log
    room.is_refused(uwe)
    cannot_watch = ("the NetworkPolicies cannot be watched: 403 Forbidden", RIGHTS)
    room.wait_for_log("uwe is not started", *cannot_watch, since=before)
    room.wait_for_fault(*cannot_watch)

    account.allow(["get", "list", "watch"])
    before = room.hub.own.log
    room.is_refused(uwe)
    cannot_make = (f"NetworkPolicy default/{POLICY} could not be ensured: 403 Forbidden", RIGHTS)
    room.wait_for_log("uwe is not started", *cannot_make, since=before)
    room.wait_for_fault("the last start was refused", *cannot_make)

    account.allow(ALL_VERBS)
    uwe.start()
    assert room.policy()
    room.wait_until_quiet()
    stop(uwe)


def stop(examinee: Examinee) -> None:
    examinee.browser.call_api("DELETE", f"/hub/api/users/{examinee.username}/server")
    wait_until(lambda: examinee.pod is None, "the server has stopped")


async def test_namespace_that_does_not_exist_is_named(demo: DemoProcess, tmp_path: Path) -> None:
    lines = 'c.KubeSpawner.namespace = "no-such-namespace"\n'
    own = await plan_locked_hub(tmp_path, demo, lines=lines)
    async with run_with(own, administrators(demo), "vera") as hub:
        await asyncio.to_thread(_is_told_that_there_is_no_namespace, Room(hub))


def _is_told_that_there_is_no_namespace(room: Room) -> None:
    vera = room.sign_in("vera")
    room.is_refused(vera)
    missing = "404 Not Found; expected the namespace no-such-namespace to exist"
    room.wait_for_log("vera is not started", missing)
    room.wait_for_fault("the last start was refused", missing)


async def test_api_server_that_does_not_answer_starts_nobody(
    demo: DemoProcess, tmp_path: Path
) -> None:
    own = await plan_locked_hub(tmp_path, demo, lines=SOON)
    network = StallingNetwork(*address_of(administrators(demo)))
    async with network.run():
        kubeconfig = write_kubeconfig_for_port(
            administrators(demo), network.port, tmp_path / "kubeconfig"
        )
        async with run_with(own, kubeconfig, "wim") as hub:
            room = await asyncio.to_thread(Room, hub)
            wim = await asyncio.to_thread(room.sign_in, "wim")
            network.stall()
            await asyncio.to_thread(_is_told_that_nobody_answers, room, wim)
            network.flow()
            await asyncio.to_thread(_starts_after_all, room, wim)


def _is_told_that_nobody_answers(room: Room, wim: Examinee) -> None:
    room.is_refused(wim)
    not_ensured = f"NetworkPolicy default/{POLICY} could not be ensured in 5 s"
    room.wait_for_log("wim is not started", not_ensured, "API server does not answer")
    room.petra.wait_for_warning("lockdown-unknown")


def _starts_after_all(room: Room, wim: Examinee) -> None:
    wim.start()
    room.wait_until_quiet()
    room.petra.wait_for_warning("lockdown-unknown", is_there=False)
    stop(wim)


async def test_hub_that_starts_again_locks_what_was_opened_in_between(
    demo: DemoProcess, tmp_path: Path
) -> None:
    own = await plan_locked_hub(tmp_path, demo)
    async with run_with(own, administrators(demo), "xaver") as hub:
        room = await asyncio.to_thread(Room, hub)
        xaver = await asyncio.to_thread(_begin, room)
        written = await asyncio.to_thread(room.policy)
    assert written
    await asyncio.to_thread(_open_the_internet, room, written)
    async with run_hub(hub.own.plan):
        await asyncio.to_thread(_is_locked_again, room, xaver, written)
        await asyncio.to_thread(room.delete_policy, POLICY)
        await asyncio.to_thread(_is_locked_again, room, xaver, written)
        await asyncio.to_thread(stop, xaver)


def _begin(room: Room) -> Examinee:
    return room.sign_in("xaver").start()


def _open_the_internet(room: Room, written: Manifest) -> None:
    opened = copy.deepcopy(written)
    opened["spec"]["egress"] = [INTERNET]
    room.replace(opened)


def _is_locked_again(room: Room, xaver: Examinee, written: Manifest) -> None:
    def is_as_written() -> bool:
        policy = room.policy()
        return policy is not None and policy["spec"] == written["spec"]

    wait_until(is_as_written, "the policy is put right, though nobody starts a server")
    wait_until(lambda: xaver.reaches_server, "the server is reached again")
