"""A directory that takes connections and never answers holds nobody up but who asks it."""

from __future__ import annotations

import asyncio
import statistics
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.authenticators.ldap.odd_servers import OddServer, odd_server, say_nothing
from tests.hub.configured_hub import OwnHub
from tests.hub.demo_process import DemoProcess
from tests.hub.http_session import Answer, HubSession
from tests.hub.ldap_hub import run_ldap_hub

pytestmark = pytest.mark.hub

ANSWER_SECONDS = 3.0
NAMES = ("alice", "ben", "gina")
PASSWORD = "not sent to anybody"
NOT_NOW = "Signing in is not possible at the moment. Please try again in a few minutes."
SOON_SECONDS = 0.1
"""In which the hub answers others while a directory hangs."""
MOST_TIMES_SLOWER = 5
"""The hub itself is at work on the sign-ins, and the machine has other tests to run."""
NOISE_SECONDS = 0.1
NUMBER_WITHOUT = 100


@pytest.fixture
def silent() -> Iterator[OddServer]:
    """Takes connections, and never says anything."""
    with odd_server(say_nothing) as server:
        yield server


def sign_in(hub: OwnHub, username: str) -> Answer:
    return HubSession(hub.plan.url).sign_in(username, PASSWORD)


def sign_in_all(hub: OwnHub) -> asyncio.Future[list[Answer]]:
    """Everybody at the same time."""
    return asyncio.gather(*(asyncio.to_thread(sign_in, hub, name) for name in NAMES))


def ask_health(hub: OwnHub) -> float:
    """How many seconds the hub's health took."""
    began = time.monotonic()
    with urllib.request.urlopen(hub.plan.url.rstrip("/") + "/hub/health", timeout=30) as answer:
        assert answer.status == 200
    return time.monotonic() - began


async def ask_often(hub: OwnHub) -> list[float]:
    """The seconds of each look at the hub's health while nobody signs in."""
    return [await _ask_and_rest(hub) for _ in range(NUMBER_WITHOUT)]


async def ask_until_done(hub: OwnHub, signing_in: asyncio.Future[Any]) -> list[float]:
    """The same while somebody signs in."""
    taken = []
    while not signing_in.done():
        taken.append(await _ask_and_rest(hub))
    return taken


async def _ask_and_rest(hub: OwnHub) -> float:
    seconds = await asyncio.to_thread(ask_health, hub)
    await asyncio.sleep(0.01)
    return seconds


async def test_others_are_answered_while_a_sign_in_hangs(
    tmp_path: Path, demo: DemoProcess, silent: OddServer
) -> None:
    traits = {
        "server_address": str(silent.address),
        "bind_dn_template": "uid={username},ou=people,dc=example,dc=org",
        "answer_seconds": ANSWER_SECONDS,
        "total_seconds": 3 * ANSWER_SECONDS,
        "allow_all": True,
    }
    async with run_ldap_hub(tmp_path, demo, traits) as hub:
        await check_others_are_answered(hub)
        await check_one_sign_in_asks_a_server_that_is_known_to_be_silent(hub, silent)


async def check_others_are_answered(hub: OwnHub) -> None:
    without = await ask_often(hub)
    began = time.monotonic()
    signing_in = sign_in_all(hub)
    taken = await ask_until_done(hub, signing_in)
    assert time.monotonic() - began >= ANSWER_SECONDS
    assert [answer.status for answer in await signing_in] == [503] * 3
    assert all(NOT_NOW in answer.text for answer in await signing_in)
    check_as_fast(without, taken)


def check_as_fast(without: list[float], taken: list[float]) -> None:
    """Half of the answers are soon, nine of ten as soon as ever, and none waited for a sign-in."""
    print(f"health without and with sign-ins that hang: {told(without)}; {told(taken)}")
    assert len(taken) >= 20
    assert statistics.median(taken) < SOON_SECONDS
    for find in (statistics.median, ninth_decile):
        assert find(taken) < MOST_TIMES_SLOWER * find(without) + NOISE_SECONDS
    assert max(taken) < ANSWER_SECONDS


def ninth_decile(values: list[float]) -> float:
    return statistics.quantiles(values, n=10)[-1]


def told(values: list[float]) -> str:
    numbers = (statistics.median(values), ninth_decile(values), max(values))
    half, nine, most = (f"{1000 * number:.0f}" for number in numbers)
    return f"{len(values)} times, median {half} ms, 90 % {nine} ms, all {most} ms"


async def check_one_sign_in_asks_a_server_that_is_known_to_be_silent(
    hub: OwnHub, silent: OddServer
) -> None:
    """The one that tries whether it speaks again; the others do not wait for it."""
    before = silent.connections
    answers = await sign_in_all(hub)
    assert [answer.status for answer in answers] == [503] * 3
    assert silent.connections == before + 1
