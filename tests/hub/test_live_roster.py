"""A running hub takes a changed roster, never a faulty one, and goes on serving meanwhile."""

from __future__ import annotations

import asyncio
import shutil
import time
from pathlib import Path

import pytest

from e2xhub.demo.hubs import HubPlan
from e2xhub.demo.sample_university import University
from e2xhub.domain.roles import HubKind
from tests.hub.demo_process import DemoProcess
from tests.hub.http_session import HubSession
from tests.hub.single_hub import PASSWORD, plan_hub, run_hub

pytestmark = pytest.mark.hub

FAULTY = "theo,databases,%s,student\nnot a name,databases,%s,student\n"
MOST_SECONDS = 60


async def test_hub_serves_while_its_roster_is_replaced_a_hundred_times(
    demo: DemoProcess, tmp_path: Path
) -> None:
    university = University(catalog=tmp_path / "catalog.yaml", roster=tmp_path / "roster.csv")
    shutil.copy(demo.university.catalog / "catalog.yaml", university.catalog)
    term = demo.only_term_id("databases")
    write(university.roster, f"theo,databases,{term},student\n")
    kubeconfig = demo.directory / "cluster" / "kubeconfig"
    plan = await plan_hub(HubKind.ASSIGNMENT, tmp_path / "own", university, kubeconfig)
    async with run_hub(plan):
        await asyncio.to_thread(_replace_and_watch, plan, university.roster, term)
    log = (plan.directory / "hub.log").read_text(encoding="utf-8")
    assert f"{university.roster}:3: username 'not a name' cannot be used" in log


def _replace_and_watch(plan: HubPlan, roster: Path, term: str) -> None:
    theo = HubSession(plan.url)
    theo.sign_in("theo", PASSWORD)
    for number in range(100):
        row = f"theo,databases,{term},student\n"
        write(roster, FAULTY % (term, term) if number % 5 == 4 else row + f"s{number}{row[4:]}")
        page = theo.get("/hub/spawn")
        assert page.status == 200
        assert "Databases" in page.text
        assert "Machine Learning" not in page.text
    write(roster, FAULTY % (term, term))
    _wait_for_line(plan.directory / "hub.log", "keeps the last good catalog and roster")
    write(roster, f"theo,machine-learning,{term},student\ntheo,databases,{term},student\n")
    _wait_for_offer(theo, "Machine Learning")


def _wait_for_offer(session: HubSession, title: str) -> None:
    deadline = time.monotonic() + MOST_SECONDS
    while title not in session.get("/hub/spawn").text:
        assert time.monotonic() < deadline, f"{title} was never offered"
        time.sleep(0.2)


def _wait_for_line(log: Path, text: str) -> None:
    deadline = time.monotonic() + MOST_SECONDS
    while text not in log.read_text(encoding="utf-8"):
        assert time.monotonic() < deadline, f"the log never said {text!r}"
        time.sleep(0.2)


def write(roster: Path, rows: str) -> None:
    """Replaces the roster at once, as a careful program does."""
    new = roster.with_suffix(".new")
    new.write_text("username,course,term,role\n" + rows, encoding="utf-8")
    new.replace(roster)
