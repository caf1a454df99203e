"""What JupyterHub remembers of the last start decides nothing at the next one."""

from __future__ import annotations

import asyncio
import shutil
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
ENDED = "Ended on 31 March 2021."


async def test_server_of_the_last_term_does_not_start_from_stored_options(
    demo: DemoProcess, tmp_path: Path
) -> None:
    university = University(catalog=tmp_path / "catalog.yaml", roster=demo.university.roster)
    shutil.copy(demo.university.catalog / "catalog.yaml", university.catalog)
    kubeconfig = demo.directory / "cluster" / "kubeconfig"
    plan = await plan_hub(HubKind.ASSIGNMENT, tmp_path / "own", university, kubeconfig)
    async with run_hub(plan):
        await asyncio.to_thread(_start_and_check, plan, demo)
    _end_the_term(university.catalog)
    async with run_hub(plan):
        await asyncio.to_thread(_check_refused, plan, demo)


def _start_and_check(plan: HubPlan, demo: DemoProcess) -> None:
    theo = _sign_in(plan)
    slug = f"databases/{demo.only_term_id('databases')}/student"
    answer = theo.call_api("POST", SERVER, {"profile": slug})
    assert answer.status in (201, 202), answer
    assert demo.cluster.pod("jupyter-assignment-theo")


def _check_refused(plan: HubPlan, demo: DemoProcess) -> None:
    theo = _sign_in(plan)
    answer = theo.call_api("POST", SERVER)
    assert (answer.status, answer.refusal) == (403, ENDED)
    assert theo.get("/hub/spawn").text.count(ENDED) == 1
    assert demo.cluster.pod("jupyter-assignment-theo") is None


def _sign_in(plan: HubPlan) -> HubSession:
    session = HubSession(plan.url)
    session.sign_in("theo", PASSWORD)
    assert session.is_signed_in
    return session


def _end_the_term(catalog: Path) -> None:
    declared = yaml.safe_load(catalog.read_text(encoding="utf-8"))
    (term,) = declared["courses"]["databases"]["terms"].values()
    term.update(start="2020-10-01", end="2021-03-31")
    catalog.write_text(yaml.safe_dump(declared), encoding="utf-8")
