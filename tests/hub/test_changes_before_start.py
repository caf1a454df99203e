"""What counts is the moment of the start: not the page's, nor that of the stored choice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.hub.configured_hub import OwnHub, wait_until
from tests.hub.demo_process import DemoProcess
from tests.hub.http_session import Answer, HubSession
from tests.hub.single_hub import run_hub
from tests.hub.test_enforcement import NOT_OFFERED, Way, every_way

pytestmark = pytest.mark.hub


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(demo: DemoProcess, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[OwnHub]:
    """An assignment hub whose roster and catalog change."""
    hub = await OwnHub.plan_in(tmp_path_factory.mktemp("changes"), demo, usernames=("wiebke",))
    hub.enrol("wiebke databases")
    async with run_hub(hub.plan):
        yield hub


@pytest.fixture
def wiebke(hub: OwnHub) -> HubSession:
    """A student who has the page of her course before her, on which it can be started."""
    hub.enrol("wiebke databases")
    session = hub.sign_in("wiebke")
    wait_until(lambda: hub.slug("databases") in session.get("/hub/spawn").text, "the offer")
    return session


@every_way
def test_somebody_who_leaves_the_roster_before_the_start_is_refused(
    hub: OwnHub, wiebke: HubSession, send: Way
) -> None:
    hub.enrol()
    wait_until(lambda: not _is_offered(hub, wiebke), "the change")
    _check_refused(hub, send(wiebke, {"profile": hub.slug("databases")}))


@every_way
def test_course_that_is_deleted_before_the_start_is_refused(
    hub: OwnHub, wiebke: HubSession, send: Way
) -> None:
    before = hub.catalog.read_bytes()
    hub.enrol()
    hub.change_catalog(_delete_databases)
    try:
        wait_until(lambda: not _is_offered(hub, wiebke), "the change")
        _check_refused(hub, send(wiebke, {"profile": hub.slug("databases")}))
    finally:
        hub.catalog.write_bytes(before)


def test_server_that_runs_is_not_started_again_as_another(hub: OwnHub, wiebke: HubSession) -> None:
    hub.enrol("wiebke databases", "wiebke machine-learning")
    wait_until(lambda: hub.slug("machine-learning") in wiebke.get("/hub/spawn").text, "the offers")
    client = wiebke.make_api_client()
    path = "/hub/api/users/wiebke/server"
    started = client.call_api("POST", path, {"profile": hub.slug("databases")})
    assert started.status in (201, 202), started
    course = _course_of_the_pod(hub)
    again = client.call_api("POST", path, {"profile": hub.slug("machine-learning")})
    assert again.status in (202, 400), again  # is starting, or runs
    wiebke.get("/hub/spawn", {"profile": hub.slug("machine-learning")})
    assert _course_of_the_pod(hub) == course == "databases"
    wait_until(lambda: client.call_api("DELETE", path).status in (202, 204), "its end")


def _course_of_the_pod(hub: OwnHub) -> Any:
    pod = hub.cluster.wait_for_pod("jupyter-assignment-wiebke")
    return pod["metadata"]["labels"]["e2xhub.org/course"]


def _delete_databases(catalog: dict[str, Any]) -> None:
    del catalog["courses"]["databases"]


def _is_offered(hub: OwnHub, session: HubSession) -> bool:
    return hub.slug("databases") in session.get("/hub/spawn").text


def _check_refused(hub: OwnHub, answer: Answer) -> None:
    assert (answer.status, answer.refusal) == (403, NOT_OFFERED)
    assert hub.cluster.pod("jupyter-assignment-wiebke") is None
