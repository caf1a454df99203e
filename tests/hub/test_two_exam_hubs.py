"""Two exam hubs, two processes, on one PostgreSQL, which dies in the middle."""

from __future__ import annotations

import signal
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import pytest_asyncio

from e2xhub.demo.campus import CampusFiles
from e2xhub.demo.hubs import HubPlan
from e2xhub.domain.roles import HubKind
from tests.hub.configured_hub import wait_until
from tests.hub.demo_process import DemoProcess, read_environment, run_password_command
from tests.hub.http_session import Answer, HubSession
from tests.hub.single_hub import plan_hub, run_hub
from tests.storage.postgresql import PostgreSQL, postgresql

pytestmark = pytest.mark.hub

UNAVAILABLE = "Signing in is not possible at the moment. Your code stays valid."
AT_ONCE = 25


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    """The database server; each test leaves it running."""
    with postgresql() as started:
        yield started


@dataclass(frozen=True, kw_only=True)
class TwoHubs:
    """Both hubs, and the command line that belongs to them."""

    plans: tuple[HubPlan, ...]
    environment: dict[str, str]

    def make_code(self, username: str) -> str:
        """A fresh code for the exam that is open."""
        words = ("reissue", "ml-open", "--user", username, "--reason", "test")
        return run_password_command(self.environment, *words).strip()

    def sign_in(self, hub: int, username: str, code: str, address: str) -> tuple[bool, Answer]:
        """Whether somebody at `address` is signed in at one of the hubs afterwards."""
        browser = HubSession(self.plans[hub].url, source_address=address)
        answer = browser.sign_in(username, code)
        return browser.is_signed_in, answer

    def log(self, hub: int) -> str:
        """What a hub has logged."""
        return (self.plans[hub].directory / "hub.log").read_text(encoding="utf-8")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hubs(
    demo: DemoProcess, server: PostgreSQL, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[TwoHubs]:
    """Two hubs that answer."""
    directory = tmp_path_factory.mktemp("two")
    plans = [await _plan(demo, server, directory / name) for name in ("one", "other")]
    plans[1] = replace(plans[1], pepper_file=plans[0].pepper_file)
    environment = read_environment(CampusFiles(directory=directory / "one"))
    async with AsyncExitStack() as stack:
        for plan in plans:
            await stack.enter_async_context(run_hub(plan))
        environment["E2XHUB_DATABASE_URL"] = server.url
        yield TwoHubs(plans=tuple(plans), environment=environment)


async def _plan(demo: DemoProcess, server: PostgreSQL, directory: Path) -> HubPlan:
    kubeconfig = demo.directory / "cluster" / "kubeconfig"
    plan = await plan_hub(HubKind.EXAM, directory, demo.university, kubeconfig)
    return replace(plan, database_url=server.url)


def test_code_opens_once_for_fifty_at_both_hubs(hubs: TwoHubs) -> None:
    code = hubs.make_code("alice")
    with ThreadPoolExecutor(2 * AT_ONCE) as threads:
        tries = [
            threads.submit(hubs.sign_in, hub, "alice", code, f"127.1.{hub}.{number + 1}")
            for number in range(AT_ONCE)
            for hub in range(2)
        ]
    assert sum(each.result()[0] for each in tries) == 1


def test_guesses_at_one_hub_count_at_the_other(hubs: TwoHubs) -> None:
    code = hubs.make_code("ben")
    for number in range(5):
        hubs.sign_in(number % 2, "ben", "00000-00000", "127.2.0.1")
    is_in, answer = hubs.sign_in(1, "ben", code, "127.2.0.1")
    assert (is_in, answer.status) == (False, 403)
    assert hubs.sign_in(0, "ben", code, "127.2.0.2")[0], "the neighbour is not held up"


def test_dead_database_is_503_nothing_is_used_up_and_it_works_again(
    hubs: TwoHubs, server: PostgreSQL
) -> None:
    code = hubs.make_code("clara")
    server.end(signal.SIGQUIT)
    try:
        for hub in range(2):
            is_in, answer = hubs.sign_in(hub, "clara", code, "127.3.0.1")
            assert (is_in, answer.status) == (False, 503)
            assert UNAVAILABLE in answer.text
    finally:
        server.start()
    deadline = time.monotonic() + 60
    while not (found := hubs.sign_in(0, "clara", code, "127.3.0.1"))[0]:
        assert found[1].status == 503
        assert time.monotonic() < deadline, "the hub does not find its database again"
        time.sleep(0.5)
    wait_until(lambda: "answers again" in hubs.log(1), "the other hub finds it, too")
    for hub in range(2):
        assert code not in hubs.log(hub)
        assert "The database of the exam records does not answer" in hubs.log(hub)
