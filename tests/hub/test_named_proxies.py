"""A hub that knows its proxy by name believes what is at that name, and nobody else.

The name is `localhost`: nginx and JupyterHub's proxy come from 127.0.0.1. The exam's room is
127.5.0.0/16.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.hub.configured_hub import wait_until
from tests.hub.demo_process import DemoProcess
from tests.hub.exam_sitting import SEAT, Examinee
from tests.hub.exam_staff import ExamHub, run_exam_hub
from tests.hub.http_session import HubSession
from tests.hub.reverse_proxy import run_nginx
from tests.hub.test_exam_sign_in import REFUSED

pytestmark = pytest.mark.hub

HUB_PORT = 2  # after that of the proxy
OUTSIDE, STUDENTS_SERVER = "127.0.0.9", "127.100.0.7"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(
    demo: DemoProcess, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ExamHub]:
    """An exam hub whose proxies are named, and whose exam has one room."""
    directory = tmp_path_factory.mktemp("named")
    async with run_exam_hub(
        directory, demo, second_factor="off", trusted_proxies=["localhost"]
    ) as running:
        running.own.change_catalog(_move_the_exam)
        wait_until(lambda: "took catalog and roster" in running.own.log, "the room")
        yield running


def _move_the_exam(catalog: dict[str, Any]) -> None:
    assert catalog["rooms"] == {"main-hall": ["127.0.0.0/8", "::1/128"]}
    catalog["rooms"]["main-hall"] = ["127.5.0.0/16"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def front(hub: ExamHub, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Where nginx answers for it."""
    directory: Path = tmp_path_factory.mktemp("nginx")
    port = hub.own.plan.port
    proxy, behind = (f"http://127.0.0.1:{port + more}" for more in (0, HUB_PORT))
    with run_nginx(directory, proxy=proxy, hub=behind) as url:
        yield url


def test_name_is_looked_up_before_anybody_signs_in(hub: ExamHub) -> None:
    assert "trusted_proxies: 'localhost' stands for 127.0.0.1" in hub.own.log


def test_examinee_in_the_room_signs_in_behind_both_proxies(hub: ExamHub, front: str) -> None:
    alice = Examinee(hub, "alice", url=front, seat=SEAT).sign_in()
    assert alice.browser.is_signed_in


@pytest.mark.parametrize("source", [OUTSIDE, STUDENTS_SERVER])
@pytest.mark.parametrize("past", [0, HUB_PORT], ids=["by the proxy", "past the proxy"])
def test_header_of_another_peer_makes_no_room(hub: ExamHub, source: str, past: int) -> None:
    url = f"http://127.0.0.1:{hub.own.plan.port + past}"
    browser = HubSession(url, source_address=source, headers={"X-Forwarded-For": SEAT})
    assert browser.sign_in("alice", hub.make_code("alice")).refusal == REFUSED
    assert not browser.is_signed_in
    wait_until(
        lambda: (
            f"{source} is in no room of the exam, and says in X-Forwarded-For that it "
            "passes sign-ins on" in hub.own.log
        ),
        "the line of the log",
    )


def test_header_that_a_browser_sends_does_not_get_past_nginx(hub: ExamHub, front: str) -> None:
    browser = HubSession(front, source_address=OUTSIDE, headers={"X-Forwarded-For": SEAT})
    assert browser.sign_in("alice", hub.make_code("alice")).refusal == REFUSED
