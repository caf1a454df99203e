"""A group of the sign-in service gives a server, and only what the catalog says of it."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from e2xhub.demo.hubs import HubPlan
from e2xhub.demo.sample_university import University
from e2xhub.domain.roles import HubKind
from tests.hub.demo_process import DemoProcess
from tests.hub.http_session import HubSession
from tests.hub.single_hub import PASSWORD, plan_hub, run_hub

pytestmark = pytest.mark.hub

SERVER = "/hub/api/users/theo/server"


async def test_member_of_a_group_starts_the_server_of_its_course(
    demo: DemoProcess, tmp_path: Path
) -> None:
    term = demo.only_term_id("databases")
    university = University(catalog=tmp_path / "catalog.yaml", roster=tmp_path / "roster.csv")
    shutil.copy(demo.university.catalog / "catalog.yaml", university.catalog)
    university.roster.write_text("username,course,term,role\n", encoding="utf-8")
    declared = yaml.safe_load(university.catalog.read_text(encoding="utf-8"))
    declared["groups"] = [{"pattern": "lms:{course}:{role}", "term": term}]
    university.catalog.write_text(yaml.safe_dump(declared), encoding="utf-8")
    kubeconfig = demo.directory / "cluster" / "kubeconfig"
    plan = await plan_hub(HubKind.ASSIGNMENT, tmp_path / "own", university, kubeconfig)
    groups = {"lms:databases:student": ["theo"], "lms:databases:grader2": ["theo"]}
    plan = replace(plan, groups=groups)
    async with run_hub(plan):
        await asyncio.to_thread(_start_what_the_group_gives, plan, demo, term)


def _start_what_the_group_gives(plan: HubPlan, demo: DemoProcess, term: str) -> None:
    theo = HubSession(plan.url)
    theo.sign_in("theo", PASSWORD)
    page = theo.get("/hub/spawn").text
    assert page.count('class="e2x-card"') == 1
    assert "Databases" in page
    refused = theo.call_api("POST", SERVER, {"profile": f"databases/{term}/grader"})
    assert refused.status == 403
    started = theo.call_api("POST", SERVER, {"profile": f"databases/{term}/student"})
    assert started.status in (201, 202), started
    assert demo.cluster.wait_for_pod("jupyter-assignment-theo")
