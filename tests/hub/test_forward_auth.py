"""nginx in front of the hub: no request and no WebSocket of a session that is not open gets by."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.hub.configured_hub import wait_until
from tests.hub.demo_process import DemoProcess
from tests.hub.exam_sitting import OTHER_SEAT, SEAT, URI_HEADER, Examinee, Records
from tests.hub.exam_staff import OPEN, PASSWORD, PEOPLE, ExamHub, run_exam_hub
from tests.hub.http_session import HubSession
from tests.hub.reverse_proxy import run_nginx

pytestmark = pytest.mark.hub

HUB_PORT = 2  # after that of the proxy
FILES = "/user/alice/api/contents"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(
    demo: DemoProcess, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ExamHub]:
    """An exam hub."""
    async with run_exam_hub(
        tmp_path_factory.mktemp("forward-auth"), demo, second_factor="off"
    ) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def front(hub: ExamHub, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Where nginx answers for it."""
    directory: Path = tmp_path_factory.mktemp("nginx")
    port = hub.own.plan.port
    proxy, behind = (f"http://127.0.0.1:{port + more}" for more in (0, HUB_PORT))
    with run_nginx(directory, proxy=proxy, hub=behind) as url:
        yield url


@pytest.fixture(scope="module")
def alice(hub: ExamHub, front: str) -> Examinee:
    """An examinee who works behind nginx."""
    return Examinee(hub, "alice", url=front).sign_in().start()


@pytest.fixture
def paul(hub: ExamHub, front: str) -> Examinee:
    """Another one, who has not signed in yet."""
    if "paul" not in hub.own.roster.read_text(encoding="utf-8"):
        hub.put_on_roster(*PEOPLE, ("paul", OPEN, "student"))
    return Examinee(hub, "paul", url=front)


def _status(examinee: Examinee, path: str = FILES) -> int:
    return examinee.browser.call_api("GET", path).status


def test_examinee_works_and_nobody_at_another_seat_with_her_cookies(alice: Examinee) -> None:
    thief = alice.copy(seat=OTHER_SEAT)
    assert (_status(alice), _status(thief)) == (200, 403)
    assert "Sign in" in thief.browser.get("/hub/home").text


def test_who_is_not_signed_in_is_sent_to_the_sign_in_page(hub: ExamHub, front: str) -> None:
    nobody = Examinee(hub, "alice", url=front)
    assert nobody.browser.get("/user/alice/lab").url.startswith(f"{front}/hub/login")
    assert _status(nobody) == 401
    assert _status(nobody, "/user/somebody/api/contents") == 401


@pytest.mark.parametrize("path", ["/user/alice/lab", "/user/%61lice/lab", "/user/nobody/"])
def test_nobody_is_led_to_the_server_of_whoever_sat_there_before(
    hub: ExamHub, front: str, paul: Examinee, path: str
) -> None:
    page = paul.browser.get("/hub/login", {"next": path})
    fields = {"username": "paul", "password": hub.make_code("paul")}
    xsrf = paul.browser.xsrf_token("/hub/login")
    answer = paul.browser.post_form(page.url, {**fields, "_xsrf": xsrf})
    assert answer.status == 200
    assert not answer.url.startswith(f"{front}/user/")
    assert paul.browser.is_signed_in


@pytest.mark.parametrize(
    "path",
    [
        "//user/alice/api/contents",
        "//x/user/alice/api/contents",
        "/hub/../user/alice/api/contents",
        "/hub/%2e%2e/user/alice/api/contents",
        "/hub\\..\\user/alice/api/contents",
        "/%75ser/alice/api/contents",
        "/user/%61lice/api/contents",
        "/user%2falice/api/contents",
        "/user/alice%2fapi/contents",
        "/hub/%2e%2e%2fuser/alice/api/contents",
        "/.//user/alice/api/contents",
        "/services/..%2f/user/alice/api/contents",
    ],
)
def test_no_spelling_of_the_path_gets_by(alice: Examinee, path: str) -> None:
    thief = alice.copy(seat=OTHER_SEAT)
    headers = {URI_HEADER: "/hub/login", "X-Forwarded-For": SEAT, "X-Real-Ip": SEAT}
    assert thief.browser.get_with(path, headers).status in (400, 403)


async def test_websocket_of_a_copied_session_is_refused(alice: Examinee, front: str) -> None:
    opened = asyncio.Event()
    thief = alice.copy(seat=OTHER_SEAT)
    nobody = Examinee(alice.hub, "alice", url=front)
    assert await thief.hold_websocket(opened) == "refused with 403"
    assert await nobody.hold_websocket(opened) == "refused with 401"
    mine = asyncio.create_task(alice.hold_websocket(opened))
    await asyncio.wait_for(opened.wait(), 30)
    mine.cancel()


def test_questions_are_not_in_the_hubs_log(alice: Examinee, hub: ExamHub) -> None:
    assert alice.ask() == 200
    assert "/e2x/forward-auth" not in hub.own.log


def test_staff_work_as_without_it(hub: ExamHub, front: str) -> None:
    petra = hub.browser()
    petra.hub_url = front
    petra.begin("petra", PASSWORD)
    assert petra.get("/hub/e2x/probe").text.startswith("petra watches")


def test_new_code_shuts_the_server_within_seconds(alice: Examinee, hub: ExamHub) -> None:
    records = Records(hub)
    assert _status(alice) == 200
    records.change(records.all.issue, "alice", replace=True)
    wait_until(lambda: _status(alice) == 401, "nginx refuses the old session")
    assert alice.pod is not None
    again = Examinee(hub, "alice", url=alice.url, seat=OTHER_SEAT).sign_in()
    wait_until(again.open_server, "the new session is let in")
    assert _status(alice) == 401


def test_token_of_the_pod_does_not_get_by(alice: Examinee, hub: ExamHub, front: str) -> None:
    headers = {"Authorization": f"token {alice.pods_token}"}
    outside = HubSession(front, source_address=OTHER_SEAT, headers=headers)
    assert outside.call_api("GET", FILES).status == 401
