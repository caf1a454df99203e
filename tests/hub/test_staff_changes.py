"""What changes while staff are signed in: the roster, the hub itself, who uses the browser."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.hub.demo_process import DemoProcess
from tests.hub.exam_staff import OPEN, PASSWORD, TOMORROW, ExamHub, run_exam_hub
from tests.hub.single_hub import run_hub
from tests.hub.staff_browser import SECOND_FACTOR, StaffBrowser

pytestmark = pytest.mark.hub

PETRA = ("petra", OPEN, "proctor")
ALICE = ("alice", OPEN, "student")


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
    assert (status(petra, OPEN), status(petra, TOMORROW)) == (403, 403)
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


async def test_signing_out_ends_it(hub: ExamHub) -> None:
    browser = sign_in(hub)
    browser.get("/hub/logout")
    assert "/hub/login" in browser.get(f"/hub/e2x/probe/{OPEN}").url


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
