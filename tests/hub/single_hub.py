"""One hub of its own beside the demo's three: with another catalog, roster or room."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from e2xhub.demo.campus import CampusFiles
from e2xhub.demo.hubs import DemoAccounts, HubPlan, HubProcess
from e2xhub.demo.proxy import ensure_proxy
from e2xhub.demo.sample_university import University
from e2xhub.domain.roles import HubKind
from e2xhub.storage.pepper_file import ensure_pepper
from tests.hub.demo_process import find_free_ports

PASSWORD = "of every account"  # not secret: the hub lives for one test


async def plan_hub(
    kind: HubKind, directory: Path, university: University, kubeconfig: Path
) -> HubPlan:
    """A hub of `kind` in `directory` that offers what `university` declares."""
    files = CampusFiles(directory=directory)
    directory.mkdir(exist_ok=True)
    ensure_pepper(files.pepper)
    files.write_environment(university)
    accounts = DemoAccounts(usernames=["theo"], password=PASSWORD)
    return HubPlan(
        kind=kind,
        port=find_free_ports(),
        directory=directory / "hub",
        university=university,
        kubeconfig=kubeconfig,
        proxy_command=await ensure_proxy(),
        accounts=None if kind is HubKind.EXAM else accounts,
        database_url=files.database_url,
        pepper_file=files.pepper,
    )


@asynccontextmanager
async def run_hub(plan: HubPlan) -> AsyncIterator[HubProcess]:
    """The hub, answering; its servers end with it."""
    hub = HubProcess(plan)
    try:
        await hub.start()
        await hub.wait_until_ready()
        yield hub
    finally:
        await hub.stop()
