"""A sign-in service that is down, hangs, or says what it must not be believed."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.hub.beside import run_beside
from tests.hub.demo_process import DemoProcess, find_free_ports
from tests.hub.forging_service import LEFT_OUT, ForgingService
from tests.hub.http_session import HubSession
from tests.hub.sign_on_hub import (
    ASKED_AGAIN,
    HUB_REFUSED,
    NOT_DONE,
    SECRET,
    UNAVAILABLE,
    SignOnHub,
    follow,
    plan_sign_on_hub,
)
from tests.hub.single_hub import run_hub

pytestmark = pytest.mark.hub


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lied_to(
    tmp_path_factory: pytest.TempPathFactory, demo: DemoProcess
) -> AsyncIterator[tuple[SignOnHub, ForgingService]]:
    """A hub and its service, which answers."""
    directory = tmp_path_factory.mktemp("lied-to")
    with ForgingService().running() as service:
        own = await plan_sign_on_hub(directory, demo, service.url)
        async with run_hub(own.plan):
            yield SignOnHub(own=own, service=service.url), service


@pytest.fixture
def hub(lied_to: tuple[SignOnHub, ForgingService]) -> SignOnHub:
    return lied_to[0]


@pytest.fixture
def service(lied_to: tuple[SignOnHub, ForgingService]) -> ForgingService:
    """It tells the truth, until a test says otherwise."""
    lied_to[1].tell_truth()
    return lied_to[1]


def test_service_that_tells_the_truth_is_believed(hub: SignOnHub, service: ForgingService) -> None:
    browser, _ = follow(hub)
    assert browser.call_api("GET", "/hub/api/user").json()["name"] == "mallory"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"id_token": {"aud": "another hub"}}, "Audience doesn't match"),
        ({"id_token": {"aud": ["hub", "b"], "azp": "b"}}, "its id token is for another client"),
        ({"id_token": {"iss": "https://evil.example.org"}}, "Invalid issuer"),
        ({"id_token": {"exp": 1_700_000_000}}, "Signature has expired"),
        ({"id_token": {"sub": "s-alice"}}, "the user information is about 's-mallory'"),
        ({"person": {"sub": "s-alice"}}, "the user information is about 's-alice'"),
        ({"person": {"sub": None}}, "the user information is about 'None'"),
        ({"token": {"id_token": None}}, "its id token is not for this hub"),
        ({"token": {"id_token": LEFT_OUT}}, "its id token is not for this hub"),
        ({"person": {"sub": LEFT_OUT}}, "the user information is about 'None'"),
        ({"token": {"id_token": "a.b.c"}}, "its id token is not for this hub"),
        ({"token": {"access_token": ["a"]}}, "the token endpoint gave no usable access token"),
        ({"token": {"token_type": None}}, "the token endpoint gave no usable access token"),
        ({"token": {"error_description": "no"}}, "the token endpoint gave no access token"),
    ],
)
def test_answer_about_somebody_else_signs_nobody_in(
    hub: SignOnHub, service: ForgingService, change: dict[str, dict[str, Any]], reason: str
) -> None:
    for name, claims in change.items():
        getattr(service, name).update(claims)
    before = len(hub.own.log)
    browser, answer = follow(hub)
    assert (answer.status, hub.sentence(answer)) == (403, NOT_DONE)
    assert not browser.is_signed_in
    assert reason in hub.own.log[before:]
    assert "Traceback" not in hub.own.log[before:]


@pytest.mark.parametrize("person", [[], "a text", None, 7])
def test_person_that_is_no_object_signs_nobody_in(
    hub: SignOnHub, service: ForgingService, person: Any
) -> None:
    service.person = person
    browser, answer = follow(hub)
    assert (answer.status, hub.sentence(answer)) == (403, NOT_DONE)
    assert not browser.is_signed_in


def test_endless_answer_is_not_read(hub: SignOnHub, service: ForgingService) -> None:
    service.padding = b" " * 3_000_000
    _, answer = follow(hub)
    assert (answer.status, hub.sentence(answer)) == (403, NOT_DONE)
    assert "has more than 2000000 bytes" in hub.own.log


@pytest.mark.parametrize(("status", "shown"), [(404, 403), (400, 403), (500, 503), (503, 503)])
def test_refusal_and_outage_of_the_service_are_told_apart(
    hub: SignOnHub, service: ForgingService, status: int, shown: int
) -> None:
    service.status = status
    _, answer = follow(hub)
    assert answer.status == shown
    assert hub.sentence(answer) == (NOT_DONE if shown == 403 else UNAVAILABLE)


def test_service_that_does_not_accept_the_hub_blames_no_person(
    hub: SignOnHub, service: ForgingService
) -> None:
    """Whoever begins again and again would not come in."""
    service.status = 401
    service.token["error"] = "invalid_client"
    before = len(hub.own.log)
    _, answer = follow(hub)
    assert (answer.status, hub.sentence(answer)) == (503, HUB_REFUSED)
    assert "does not accept this hub as its client 'hub' (invalid_client)" in hub.own.log[before:]
    assert SECRET not in hub.own.log


def test_others_are_answered_while_the_service_hangs(
    hub: SignOnHub, service: ForgingService
) -> None:
    service.hangs.set()
    with ThreadPoolExecutor(1) as pool:
        began = time.monotonic()
        waiting = pool.submit(follow, hub)
        answered = 0
        while not waiting.done():
            assert HubSession(hub.url).get("/hub/health").status == 200
            answered += 1
            time.sleep(0.1)
        _, answer = waiting.result()
    service.hangs.clear()
    assert (answer.status, hub.sentence(answer)) == (503, UNAVAILABLE)
    assert 5 < time.monotonic() - began < 40
    assert answered > 20


@pytest.fixture
def late(tmp_path: Path, demo: DemoProcess) -> Iterator[SignOnHub]:
    """A hub whose service is not there yet."""
    port = find_free_ports()
    service = f"http://127.0.0.1:{port}"
    with run_beside(_run_alone(tmp_path, demo, service)) as hub:
        yield hub


@asynccontextmanager
async def _run_alone(directory: Path, demo: DemoProcess, service: str) -> AsyncIterator[SignOnHub]:
    own = await plan_sign_on_hub(directory, demo, service, lines=ASKED_AGAIN)
    async with run_hub(own.plan):
        yield SignOnHub(own=own, service=service)


def test_hub_starts_without_its_service_and_signs_in_when_it_is_there(late: SignOnHub) -> None:
    assert "The sign-in service is not usable" in late.own.log
    answer = HubSession(late.url).get("/hub/oauth_login")
    assert (answer.status, late.sentence(answer)) == (503, UNAVAILABLE)
    port = int(late.service.rpartition(":")[2])
    service = ForgingService(port)
    service.document["issuer"] = "http://127.0.0.1:1"
    with service.running():
        answer = HubSession(late.url).get("/hub/oauth_login")
        assert (answer.status, late.sentence(answer)) == (503, UNAVAILABLE)
        assert "it says that its issuer is 'http://127.0.0.1:1'" in late.own.log
        service.tell_truth()
        browser, _ = follow(late)
        assert browser.is_signed_in
    time.sleep(1)  # what was asked is older than auth_refresh_age
    assert browser.get("/hub/spawn").status == 200
    assert "mallory and others stay signed in unasked" in late.own.log
