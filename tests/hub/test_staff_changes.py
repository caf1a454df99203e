"""What changes while staff are signed in: the roster, the hub itself, who uses the browser."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from e2xhub.domain.audit import Action
from tests.hub.demo_process import DemoProcess
from tests.hub.exam_staff import OPEN, PASSWORD, TOMORROW, ExamHub, run_exam_hub
from tests.hub.http_session import HubSession
from tests.hub.single_hub import run_hub
from tests.hub.staff_browser import SECOND_FACTOR, StaffBrowser

pytestmark = pytest.mark.hub

PETRA = ("petra", OPEN, "proctor")
ALICE = ("alice", OPEN, "student")
UNAVAILABLE = "Signing in is not possible at the moment. Wait a minute, then try again."


@pytest.fixture
async def hub(tmp_path: Path, demo: DemoProcess) -> AsyncIterator[ExamHub]:
    """An exam hub on which petra watches the open exam."""
    async with run_exam_hub(tmp_path, demo) as running:
        yield running


def sign_in(hub: ExamHub, username: str = "petra") -> StaffBrowser:
    browser = hub.browser()
    browser.sign_in_as_staff(username, PASSWORD)
    return browser


def status(browser: StaffBrowser, exam: str) -> int:
    return browser.get(f"/hub/e2x/probe/{exam}").status


async def test_roster_counts_at_each_request(hub: ExamHub) -> None:
    petra = sign_in(hub)
    assert status(petra, OPEN) == 200
    hub.put_on_roster(("petra", TOMORROW, "proctor"), ALICE)
    assert (status(petra, OPEN), status(petra, TOMORROW)) == (404, 200)
    known = petra.call_api("GET", "/hub/api/user").json()
    assert known["groups"] == [TOMORROW]
    assert f"custom:e2x:proctor!group={OPEN}" not in known["scopes"]
    hub.put_on_roster(PETRA, ("petra", TOMORROW, "student"), ALICE)
    for exam in (OPEN, TOMORROW):  # nobody is both
        assert "/hub/login" in petra.get(f"/hub/e2x/probe/{exam}").url
    hub.put_on_roster(ALICE)
    assert status(petra, OPEN) == 403


async def test_who_leaves_the_roster_between_the_factors_is_not_signed_in(hub: ExamHub) -> None:
    browser = hub.browser()
    page = browser.begin("petra", PASSWORD)
    hub.put_on_roster(ALICE)
    assert browser.enrol(page).status == 403
    assert not browser.is_signed_in
    assert "/hub/login" in browser.get(SECOND_FACTOR).url


async def test_examinees_session_opens_no_console_when_the_roster_changes(hub: ExamHub) -> None:
    """A code on a slip must not be worth a proctor's two factors."""
    alice = hub.examinee("alice")
    hub.put_on_roster(PETRA, ("alice", OPEN, "proctor"))
    for path in ("/hub/e2x/probe", f"/hub/e2x/probe/{OPEN}"):
        assert "watches" not in alice.get(path).text


async def test_restart_of_the_hub_keeps_proctors_in(tmp_path: Path, demo: DemoProcess) -> None:
    async with run_exam_hub(tmp_path, demo) as hub:
        petra = sign_in(hub)
        assert status(petra, OPEN) == 200
    async with run_hub(hub.own.plan):
        known = petra.call_api("GET", "/hub/api/user").json()
        assert f"custom:e2x:proctor!group={OPEN}" in known["scopes"]
        assert status(petra, OPEN) == 200
        second = hub.browser()
        second.use_app_of(petra)
        assert second.sign_in_as_staff("petra", PASSWORD).url.endswith("/hub/e2x/exams")


async def test_proctor_signs_in_where_an_examinee_was(hub: ExamHub) -> None:
    browser = hub.browser()
    browser.sign_in("alice", hub.make_code("alice"))
    before = browser.session_id
    browser.sign_in_as_staff("petra", PASSWORD)
    assert browser.call_api("GET", "/hub/api/user").json()["name"] == "petra"
    assert browser.session_id not in (before, "")
    assert status(browser, OPEN) == 200


async def test_session_that_was_there_before_is_not_taken_over(hub: ExamHub) -> None:
    """Somebody who has set a session id in the browser knows no session afterwards."""
    browser = hub.browser()
    browser.get("/hub/login")
    browser.set_cookie("jupyterhub-session-id", "chosen-by-somebody-else")
    browser.sign_in_as_staff("petra", PASSWORD)
    assert status(browser, OPEN) == 200
    assert browser.session_id != "chosen-by-somebody-else"


async def test_examinee_signs_in_where_a_proctor_was(hub: ExamHub) -> None:
    browser = sign_in(hub)
    fields = {"username": "alice", "password": hub.make_code("alice")}
    browser.post_form("/hub/login", {**fields, "_xsrf": browser.xsrf_token("/hub/login")})
    assert browser.call_api("GET", "/hub/api/user").json()["name"] == "alice"
    assert status(browser, OPEN) == 403


async def test_signing_out_ends_it_for_a_copy_of_the_cookies_too(hub: ExamHub) -> None:
    browser, copied = sign_in(hub), hub.browser()
    copied.copy_cookies(browser)
    copied.username = "petra"
    assert status(copied, OPEN) == 200
    browser.get("/hub/logout")
    for each in (browser, copied):
        assert "/hub/login" in each.get(f"/hub/e2x/probe/{OPEN}").url


async def test_new_sign_in_ends_the_earlier_session(hub: ExamHub) -> None:
    first, second = sign_in(hub), hub.browser()
    second.use_app_of(first)
    second.sign_in_as_staff("petra", PASSWORD)
    assert status(second, OPEN) == 200
    assert "/hub/login" in first.get(f"/hub/e2x/probe/{OPEN}").url


async def test_copied_cookies_open_nothing_at_another_address(hub: ExamHub) -> None:
    browser, copied = sign_in(hub), hub.browser(source_address="127.0.0.5")
    copied.copy_cookies(browser)
    copied.username = "petra"
    for _ in range(2):
        assert "/hub/login" in copied.get(f"/hub/e2x/probe/{OPEN}").url
        assert copied.call_api("GET", "/hub/api/user").status == 403
    assert status(browser, OPEN) == 200
    told = "its cookie comes from another address than the one of the sign-in"
    assert hub.own.log.count(f"session of petra is refused: {told} (127.0.0.5)") == 1
    entries = [item.event for item in hub.open_records().entries()]
    refused = [item for item in entries if item.action is Action.STAFF_REFUSED]
    assert [(item.actor, dict(item.details)) for item in refused] == [
        ("petra", {"address": "127.0.0.5", "reason": told})
    ]


async def test_hub_whose_servers_share_its_host_says_so(hub: ExamHub) -> None:
    told = "No reverse proxy asks this hub about requests to servers"
    page = sign_in(hub).get(f"/hub/e2x/exams/{OPEN}").text
    assert told not in hub.own.log
    (values,) = re.findall(r'<script type="application/json" id="page">(.*?)</script>', page)
    probe = json.loads(values)["probe"]
    assert "/hub/login?next=" in HubSession(hub.own.plan.url).get(probe["address"]).url
    host = hub.own.plan.url.rstrip("/")
    for _ in range(2):
        with urlopen(Request(host + probe["end"], data=probe["name"].encode())) as answer:
            assert json.load(answer) == {"is_open": True}
    assert hub.own.log.count(told) == 1


async def test_staff_begin_with_their_exams(hub: ExamHub) -> None:
    browser = sign_in(hub)
    for path in ("/", "/hub/", "/hub/login"):
        assert browser.get(path).url.endswith("/hub/e2x/exams")


async def test_audit_log_tells_both_factors_and_no_secret_is_anywhere(hub: ExamHub) -> None:
    browser = sign_in(hub)
    browser.begin("petra", "a mistyped password")
    browser.begin("my password in the wrong field", "petra")
    records = hub.open_records()
    told = [(item.event.action.value, item.event.actor) for item in records.entries()]
    assert told == [
        ("second factor", "petra"),
        ("second factor", "petra"),
        ("staff signed in", "petra"),
        ("staff sign-in refused", "petra"),
        ("staff sign-in refused", "(not on the roster)"),
    ]
    written = hub.own.log + "".join(str(item) for item in records.entries())
    secrets = (PASSWORD, browser.secret, *browser.recovery_codes, browser.last_code)
    for secret in (*secrets, "a mistyped password", "my password in the wrong field"):
        assert secret not in written


async def test_second_factor_can_be_left_to_the_service(tmp_path: Path, demo: DemoProcess) -> None:
    async with run_exam_hub(tmp_path, demo, second_factor="off") as hub:
        browser = hub.browser()
        assert browser.begin("petra", PASSWORD).url.endswith("/hub/e2x/exams")
        assert status(browser, OPEN) == 200
        alice = hub.browser()
        assert alice.begin("alice", PASSWORD).status == 403
        assert not alice.is_signed_in


async def test_hub_without_a_method_for_staff_admits_none(
    tmp_path: Path, demo: DemoProcess
) -> None:
    async with run_exam_hub(tmp_path, demo, staff_authenticator="") as hub:
        browser = hub.browser()
        page = browser.get("/hub/login")
        assert "e2x-staff" not in page.text
        assert browser.begin("petra", PASSWORD).status == 404
        assert browser.get(SECOND_FACTOR).status == 404


async def test_nobody_gets_in_while_the_database_does_not_answer(hub: ExamHub) -> None:
    petra = sign_in(hub)
    waiting = hub.browser(headers={"Accept-Language": "de"})
    page = waiting.begin("petra", PASSWORD)
    waiting.use_app_of(petra)
    code = waiting.next_code()
    with hub.without_table("second_factors"):
        answer = waiting.type_code(page, code)
        assert answer.status == 503
        assert "Die Anmeldung ist gerade nicht möglich." in answer.text
        assert not waiting.is_signed_in
    with hub.without_table("sign_in_counts"):
        refused = hub.browser().begin("petra", PASSWORD)
        assert (refused.status, refused.refusal) == (503, UNAVAILABLE)
    assert "no such table: second_factors" in hub.own.log
    waiting.type_code(page, code)
    assert status(waiting, OPEN) == 200
