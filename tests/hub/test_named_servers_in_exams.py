"""An exam hub has no named servers, even where an admin has switched JupyterHub's on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import jupyterhub
import pytest
import pytest_asyncio

from e2xhub.demo.campus import CampusFiles
from e2xhub.demo.sample_university import University
from e2xhub.domain.roles import HubKind
from tests.hub.configured_hub import OwnHub, replace_file, wait_until
from tests.hub.demo_process import DemoProcess, read_environment, run_password_command
from tests.hub.http_session import HubSession
from tests.hub.single_hub import run_hub

pytestmark = pytest.mark.hub

SWITCHED_ON = """
c.JupyterHub.allow_named_servers = True
c.E2xSpawner.named_servers = 5
c.Spawner.poll_interval = 1
"""
NOT_IN_AN_EXAM = "In an exam there is only the one server without a name."
CHOICE = {"profile": "exams/ml-open/student"}
SERVER = "/hub/api/users/quirin/servers/second"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(demo: DemoProcess, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[OwnHub]:
    """An exam hub on which an admin has switched named servers on, after e2xhub's lines."""
    directory = tmp_path_factory.mktemp("exam")
    hub = await OwnHub.plan_in(directory, demo, kind=HubKind.EXAM, usernames=(), lines=SWITCHED_ON)
    roster = directory / "roster"
    roster.mkdir()
    _examine(roster, "quirin")
    university = University(catalog=hub.catalog, roster=roster)
    hub.change_catalog(lambda catalog: catalog["exams"]["ml-open"].update(stop_after_minutes=0))
    hub = replace(hub, plan=replace(hub.plan, university=university), roster=roster)
    CampusFiles(directory=directory / "own").write_environment(university)
    async with run_hub(hub.plan):
        yield hub


@pytest.fixture(scope="module")
def quirin(hub: OwnHub) -> HubSession:
    """An examinee who has signed in."""
    session = HubSession(hub.plan.url)
    environment = read_environment(CampusFiles(directory=hub.plan.directory.parent))
    words = ("reissue", "ml-open", "--user", "quirin", "--reason", "test")
    session.sign_in("quirin", run_password_command(environment, *words).strip())
    assert session.is_signed_in
    return session


def test_api_starts_none(hub: OwnHub, quirin: HubSession) -> None:
    answer = quirin.call_api("POST", SERVER, CHOICE)
    assert (answer.status, answer.refusal) == (403, NOT_IN_AN_EXAM)
    assert _pods(hub) == []


def test_link_starts_none(hub: OwnHub, quirin: HubSession) -> None:
    answer = quirin.get("/hub/spawn/quirin/second", CHOICE)
    assert answer.status == 403
    assert NOT_IN_AN_EXAM in answer.text
    assert _pods(hub) == []


def test_page_offers_none(quirin: HubSession) -> None:
    answer = quirin.get("/hub/spawn/quirin/second")
    assert answer.status == 403
    assert NOT_IN_AN_EXAM in answer.text


def test_form_starts_none(hub: OwnHub, quirin: HubSession) -> None:
    path = "/hub/spawn/quirin/second?_xsrf=" + quirin.xsrf_token("/hub/")
    answer = quirin.post_form(path, CHOICE)
    assert (answer.status, answer.refusal) == (403, NOT_IN_AN_EXAM)
    assert _pods(hub) == []


@pytest.mark.skipif(jupyterhub.version_info[0] < 6, reason="JupyterHub 5 stores no options")
def test_one_that_is_stored_does_not_start(hub: OwnHub, quirin: HubSession) -> None:
    stored = {"user_options": CHOICE, "display_name": "Second"}
    quirin.call_api("PUT", "/hub/api/users/quirin/servers/stored", stored)
    quirin.call_api("PATCH", "/hub/api/users/quirin/servers/stored", {"user_options": CHOICE})
    answer = quirin.call_api("POST", "/hub/api/users/quirin/servers/stored")
    assert (answer.status, answer.refusal) == (403, NOT_IN_AN_EXAM)
    assert _pods(hub) == []


def test_examinee_who_is_taken_off_is_stopped_where_the_catalog_says_so(
    hub: OwnHub, quirin: HubSession
) -> None:
    answer = quirin.call_api("POST", "/hub/api/users/quirin/server", CHOICE)
    assert answer.status in (201, 202), answer
    wait_until(lambda: _pods(hub) == ["jupyter-exam-quirin"], "the exam's server runs")
    _examine(hub.roster, "pia")
    wait_until(lambda: _pods(hub) == [], "the exam's server is stopped")
    assert "server quirin runs exams/ml-open/student, which is not offered" in hub.log
    wait_until(lambda: _try_again(quirin) in (403, 404), "she may not start it again")
    assert _pods(hub) == []


def _try_again(session: HubSession) -> int:
    return session.call_api("POST", "/hub/api/users/quirin/server", CHOICE).status


def _examine(roster: Path, *usernames: str) -> None:
    """Makes these all examinees that there are."""
    rows = [f"{username},ml-open,student\n" for username in usernames]
    replace_file(roster / "exams.csv", "username,exam,role\n" + "".join(rows))


def _pods(hub: OwnHub) -> list[str]:
    return [name for name in hub.cluster.pod_names() if name.startswith("jupyter-exam-quirin")]
