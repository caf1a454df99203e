"""A code works in the exam's room only, and no header makes another place the room.

The browsers of these tests have different loopback addresses; the room is 127.5.0.0/16. The hub
believes its proxy (127.0.0.1) and nobody else.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from e2xhub.demo.campus import CampusFiles
from e2xhub.demo.hubs import HubPlan
from e2xhub.demo.sample_university import University
from e2xhub.domain.roles import HubKind
from tests.hub.demo_process import (
    DemoProcess,
    has_unused_code,
    read_environment,
    run_password_command,
)
from tests.hub.http_session import HubSession
from tests.hub.single_hub import plan_hub, run_hub
from tests.hub.test_exam_sign_in import REFUSED

pytestmark = pytest.mark.hub

IN_THE_ROOM = "127.5.0.1"
OUTSIDE = "127.0.0.9"
STUDENTS_SERVER = "127.100.0.7"
FAR_AWAY = "203.0.113.7"


@dataclass(frozen=True, kw_only=True)
class RoomHub:
    """An exam hub whose exam takes place in 127.5.0.0/16."""

    plan: HubPlan
    environment: dict[str, str]

    def browser(
        self, address: str, headers: Mapping[str, str], *, past_the_proxy: bool = False
    ) -> HubSession:
        """A browser with this address, which sends these headers."""
        port = self.plan.port + (2 if past_the_proxy else 0)
        url = f"http://127.0.0.1:{port}"
        return HubSession(url, source_address=address, headers=headers)

    def make_code(self, username: str) -> str:
        """A fresh code for the exam."""
        words = ("reissue", "ml-open", "--user", username, "--reason", "test")
        return run_password_command(self.environment, *words).strip()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(
    demo: DemoProcess, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[RoomHub]:
    """The hub, answering."""
    directory = tmp_path_factory.mktemp("rooms")
    university = _move_the_exam(demo.university, directory)
    kubeconfig = demo.directory / "cluster" / "kubeconfig"
    plan = await plan_hub(HubKind.EXAM, directory / "hub", university, kubeconfig)
    environment = read_environment(CampusFiles(directory=directory / "hub"))
    async with run_hub(plan):
        yield RoomHub(plan=plan, environment=environment)


def _move_the_exam(university: University, directory: Path) -> University:
    """The demo's university with its room in another network."""
    catalog = directory / "catalog.yaml"
    text = (university.catalog / "catalog.yaml").read_text(encoding="utf-8")
    before = 'main-hall: [127.0.0.0/8, "::1/128"]'
    assert before in text
    catalog.write_text(text.replace(before, "main-hall: [127.5.0.0/16]"), encoding="utf-8")
    shutil.copytree(university.roster, directory / "roster")
    return University(catalog=catalog, roster=directory / "roster")


FORGED: dict[str, Mapping[str, str]] = {
    "nothing": {},
    "X-Forwarded-For": {"X-Forwarded-For": IN_THE_ROOM},
    "X-Forwarded-For, two hops": {"X-Forwarded-For": f"{IN_THE_ROOM}, 127.0.0.1"},
    "X-Forwarded-For, mapped": {"X-Forwarded-For": f"::ffff:{IN_THE_ROOM}"},
    "X-Real-Ip": {"X-Real-Ip": IN_THE_ROOM},
    "both": {"X-Real-Ip": IN_THE_ROOM, "X-Forwarded-For": IN_THE_ROOM},
    "Forwarded": {"Forwarded": f"for={IN_THE_ROOM}"},
}


@pytest.mark.parametrize("address", [OUTSIDE, STUDENTS_SERVER])
@pytest.mark.parametrize("headers", FORGED.values(), ids=FORGED)
def test_nobody_gets_in_from_outside_whatever_a_header_says(
    hub: RoomHub, code_of_otto: str, address: str, headers: Mapping[str, str]
) -> None:
    browser = hub.browser(address, headers)
    assert browser.sign_in("otto", code_of_otto).refusal == REFUSED
    assert not browser.is_signed_in


@pytest.mark.parametrize("headers", FORGED.values(), ids=FORGED)
def test_nobody_gets_in_past_the_proxy(
    hub: RoomHub, code_of_otto: str, headers: Mapping[str, str]
) -> None:
    browser = hub.browser(OUTSIDE, headers, past_the_proxy=True)
    assert browser.sign_in("otto", code_of_otto).refusal == REFUSED


@pytest.fixture(scope="module")
def code_of_otto(hub: RoomHub) -> str:
    """A code that every test of this module leaves unused."""
    return hub.make_code("otto")


HARMLESS: dict[str, Mapping[str, str]] = {
    "nothing": {},
    "address outside": {"X-Forwarded-For": FAR_AWAY, "X-Real-Ip": FAR_AWAY},
    "no address": {"X-Forwarded-For": "<script>, unknown"},
}


@pytest.mark.parametrize("headers", HARMLESS.values(), ids=HARMLESS)
def test_nobody_in_the_room_is_locked_out_by_a_header(
    hub: RoomHub, headers: Mapping[str, str]
) -> None:
    browser = hub.browser(IN_THE_ROOM, headers)
    browser.sign_in("pia", hub.make_code("pia"))
    assert browser.is_signed_in
    listed = json.loads(run_password_command(hub.environment, "status", "ml-open", "--json"))
    (pia,) = (item for item in listed if item["username"] == "pia")
    assert pia["consumed_from"] == IN_THE_ROOM


def test_refused_attempts_have_used_nothing_up(hub: RoomHub, code_of_otto: str) -> None:
    hub.browser(OUTSIDE, {}).sign_in("otto", code_of_otto)
    assert has_unused_code(hub.environment, "otto")
    browser = hub.browser(IN_THE_ROOM, {})
    browser.sign_in("otto", code_of_otto)
    assert browser.is_signed_in
