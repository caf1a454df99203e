"""A running server whose owner may no longer have it is reported, and stopped where so declared."""

from __future__ import annotations

import asyncio
import re
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from tests.hub.configured_hub import OwnHub, wait_until
from tests.hub.demo_process import DemoProcess
from tests.hub.http_session import HubSession
from tests.hub.single_hub import run_hub

pytestmark = pytest.mark.hub

QUICK_LOOKS = """
c.Spawner.poll_interval = 1
c.JupyterHub.authenticate_prometheus = False
c.JupyterHub.cleanup_servers = False
"""
LEFT = "neither roster nor groups offer it any more, or the catalog has none such"
USERNAMES = ("nora", "milo")


async def _plan(demo: DemoProcess, directory: Path, **settings: Any) -> OwnHub:
    hub = await OwnHub.plan_in(directory, demo, usernames=USERNAMES, lines=QUICK_LOOKS, **settings)
    hub.change_catalog(_stop_databases_at_once)
    return hub


def _stop_databases_at_once(catalog: dict[str, Any]) -> None:
    catalog["courses"]["databases"]["stop_after_minutes"] = 0


def _start(hub: OwnHub, username: str, course: str) -> HubSession:
    session = hub.sign_in(username)
    path = f"/hub/api/users/{username}/server"
    answer = session.make_api_client().call_api("POST", path, {"profile": hub.slug(course)})
    assert answer.status in (201, 202), answer
    wait_until(lambda: _is_ready(session), f"the server of {username} is ready")
    return session


def _is_ready(session: HubSession) -> bool:
    model = session.call_api("GET", "/hub/api/user").json()
    return any(server["ready"] for server in model["servers"].values())


def _stop(session: HubSession) -> None:
    session.call_api("DELETE", f"/hub/api/users/{session.username}/server")
    wait_until(lambda: not _has_server(session), "the server is stopped")


def _has_server(session: HubSession) -> bool:
    return bool(session.call_api("GET", "/hub/api/user").json()["servers"])


def _metric(hub: OwnHub, name: str) -> float:
    text = HubSession(hub.plan.url).get("/hub/metrics").text
    found = re.search(rf"^{name} (\S+)$", text, re.MULTILINE)
    assert found, f"no metric {name}"
    return float(found.group(1))


def _reports(hub: OwnHub, username: str) -> list[str]:
    """What the hub has reported about this person's server, without the time of the line."""
    beginning = f"server {username} runs "
    lines = [line.partition(beginning) for line in hub.log.splitlines()]
    return [found + rest for _, found, rest in lines if found]


def _wait_for_reports(hub: OwnHub, username: str, number: int = 1) -> list[str]:
    wait_until(lambda: len(_reports(hub, username)) >= number, f"report {number} of {username}")
    return _reports(hub, username)


async def test_server_of_somebody_who_left_is_reported_once_and_goes_on(
    demo: DemoProcess, tmp_path: Path
) -> None:
    hub = await _plan(demo, tmp_path)
    hub.enrol("nora machine-learning", "milo machine-learning")
    async with run_hub(hub.plan):
        await asyncio.to_thread(_leave_and_come_back, hub)


def _leave_and_come_back(hub: OwnHub) -> None:
    nora = _start(hub, "nora", "machine-learning")
    assert _metric(hub, "e2xhub_servers_not_offered") == 0
    hub.enrol("milo machine-learning")
    (report,) = _wait_for_reports(hub, "nora")
    assert re.fullmatch(
        rf"server nora runs {hub.slug('machine-learning')}, which is not offered to its owner any "
        rf"more \(seen since \d{{4}}-\d\d-\d\d \d\d:\d\d UTC\): {LEFT}; it goes on until somebody "
        r"stops it \(the catalog sets no stop_after_minutes\)",
        report,
    )
    assert _metric(hub, "e2xhub_servers_not_offered") == 1
    looks = 3
    time.sleep(looks)  # of a second each: the hub has looked again, and has nothing new to say
    assert len(_reports(hub, "nora")) == 1
    assert _is_ready(nora)
    hub.enrol("nora machine-learning")
    wait_until(lambda: "server nora is offered to its owner again" in hub.log, "the end of it")
    assert _metric(hub, "e2xhub_servers_not_offered") == 0
    assert _metric(hub, "e2xhub_servers_stopped_total") == 0
    _stop(nora)


async def test_server_is_stopped_where_the_catalog_says_so_and_nothing_is_left(
    demo: DemoProcess, tmp_path: Path
) -> None:
    hub = await _plan(demo, tmp_path)
    hub.enrol("nora databases", "milo databases")
    async with run_hub(hub.plan):
        await asyncio.to_thread(_leave_and_be_stopped, hub)


def _leave_and_be_stopped(hub: OwnHub) -> None:
    nora, milo = _start(hub, "nora", "databases"), _start(hub, "milo", "databases")
    hub.enrol("milo databases")
    wait_until(lambda: not _has_server(nora), "the server of nora is stopped")
    assert hub.cluster.pod("jupyter-assignment-nora") is None
    assert nora.get("/user/nora/api").status in (424, 503)
    assert _tokens(nora) == []
    assert _metric(hub, "e2xhub_servers_stopped_total") == 1
    assert _metric(hub, "e2xhub_servers_not_offered") == 0
    (report,) = _reports(hub, "nora")
    assert f"{LEFT}; it is stopped at " in report
    again = nora.call_api("POST", "/hub/api/users/nora/server", {"profile": hub.slug("databases")})
    assert again.status == 403
    assert _is_ready(milo)
    hub.enrol("milo databases", "nora databases")
    wait_until(lambda: "Databases" in nora.get("/hub/spawn").text, "nora may start again")
    _stop(_start(hub, "nora", "databases"))
    _stop(milo)


def _tokens(session: HubSession) -> list[str]:
    """The notes of the person's tokens that a server has."""
    listed = session.call_api("GET", f"/hub/api/users/{session.username}/tokens").json()
    notes = [token["note"] for token in listed["api_tokens"]]
    return [note for note in notes if note.startswith("Server at")]


async def test_nobody_is_stopped_because_of_a_fault_in_the_files(
    demo: DemoProcess, tmp_path: Path
) -> None:
    hub = await _plan(demo, tmp_path)
    hub.enrol("nora databases")
    async with run_hub(hub.plan):
        await asyncio.to_thread(_break_the_files, hub)


def _break_the_files(hub: OwnHub) -> None:
    nora = _start(hub, "nora", "databases")
    hub.enrol("not a name databases")
    wait_until(lambda: "keeps the last good catalog and roster" in hub.log, "the fault is seen")
    looks = 3
    time.sleep(looks)  # of a second each
    assert _is_ready(nora)
    assert _reports(hub, "nora") == []
    _stop(nora)


async def test_hub_that_starts_again_knows_since_when(demo: DemoProcess, tmp_path: Path) -> None:
    hub = await _plan(demo, tmp_path)
    hub.change_catalog(_stop_machine_learning_after_an_hour)
    hub.enrol("nora machine-learning")
    async with run_hub(hub.plan):
        await asyncio.to_thread(_leave, hub)
    before = _reports(hub, "nora")
    # The catalog has another say now; what counts is what the server was started with.
    hub.change_catalog(_stop_databases_at_once)
    async with run_hub(hub.plan):
        after = await asyncio.to_thread(_wait_for_reports, hub, "nora", 2)
        assert after == [*before, *before]
        assert await asyncio.to_thread(_metric, hub, "e2xhub_servers_not_offered") == 1
        await asyncio.to_thread(_stop, await asyncio.to_thread(hub.sign_in, "nora"))
        assert await asyncio.to_thread(_metric, hub, "e2xhub_servers_not_offered") == 0


def _stop_machine_learning_after_an_hour(catalog: dict[str, Any]) -> None:
    catalog["courses"]["machine-learning"]["stop_after_minutes"] = 60


def _leave(hub: OwnHub) -> None:
    _start(hub, "nora", "machine-learning")
    hub.enrol()
    (report,) = _wait_for_reports(hub, "nora")
    assert "it is stopped at " in report


async def test_server_that_writes_when_its_term_is_only_readable_is_stopped(
    demo: DemoProcess, tmp_path: Path
) -> None:
    hub = await _plan(demo, tmp_path)
    hub.enrol("nora databases", "milo databases")
    async with run_hub(hub.plan):
        await asyncio.to_thread(_end_the_term, hub)


def _end_the_term(hub: OwnHub) -> None:
    nora = _start(hub, "nora", "databases")
    ended_on = datetime.now(timezone.utc).date() - timedelta(days=2)

    def end(catalog: dict[str, Any]) -> None:
        catalog["courses"]["databases"]["archive_days"] = 30
        catalog["courses"]["databases"]["terms"][hub.term]["end"] = ended_on

    hub.change_catalog(end)
    wait_until(lambda: not _has_server(nora), "the server that writes is stopped")
    (report,) = _reports(hub, "nora")
    ended = f"Ended on {ended_on:%Y-%m-%d}; it may only read now, and was started to write; "
    assert ended in report
    reading = _start(hub, "nora", "databases")
    looks = 3
    time.sleep(looks)  # of a second each
    assert _is_ready(reading)
    assert len(_reports(hub, "nora")) == 1
    _stop(reading)
