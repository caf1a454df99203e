"""Staff who sign in through their university's OpenID Connect service, on a real hub."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.hub.demo_process import DemoProcess
from tests.hub.exam_staff import OPEN, ExamHub, run_exam_hub
from tests.hub.http_session import Answer
from tests.hub.sign_in_service import run_sign_in_service
from tests.hub.staff_browser import SECOND_FACTOR, StaffBrowser

pytestmark = pytest.mark.hub

# What the service says of people does not count: everybody is in the group of an exam's proctors.
CLAIMS = {"groups": [OPEN, "teachers"]}
PEOPLE = {
    "s-1": {"preferred_username": "petra", **CLAIMS},
    "s-2": {"preferred_username": "alice", **CLAIMS},
    "s-3": {"preferred_username": "anna", **CLAIMS},
    "s-4": {"preferred_username": "bert", **CLAIMS},
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(
    tmp_path_factory: pytest.TempPathFactory, demo: DemoProcess
) -> AsyncIterator[ExamHub]:
    """An exam hub whose staff sign in through the service."""
    directory = tmp_path_factory.mktemp("service")
    with run_sign_in_service(directory / "service.log", PEOPLE) as url:
        lines = f"""
c.GenericOAuthenticator.client_id = "hub"
c.GenericOAuthenticator.client_secret = "not secret here"
c.GenericOAuthenticator.authorize_url = "{url}/oauth2/authorize"
c.GenericOAuthenticator.token_url = "{url}/oauth2/token"
c.GenericOAuthenticator.userdata_url = "{url}/userinfo"
c.GenericOAuthenticator.username_claim = "preferred_username"
c.GenericOAuthenticator.scope = ["openid", "profile"]
c.GenericOAuthenticator.login_service = "our service"
c.GenericOAuthenticator.allow_all = True
c.GenericOAuthenticator.manage_groups = True
c.GenericOAuthenticator.auth_state_groups_key = "oauth_user.groups"
c.GenericOAuthenticator.admin_users = {{"anna"}}
"""
        async with run_exam_hub(
            directory, demo, lines=lines, staff_authenticator="generic-oauth"
        ) as running:
            yield running


def go_to_service(browser: StaffBrowser) -> Answer:
    """The page of the service, to which the sign-in page leads."""
    page = browser.get("/hub/login")
    assert "Sign in as staff with our service" in page.text
    return browser.get("/hub/oauth_login")


def begin(browser: StaffBrowser, subject: str, username: str) -> Answer:
    """Signs in at the service and comes back."""
    browser.username = username
    return browser.post_form(go_to_service(browser).url, {"sub": subject})


def test_proctor_signs_in_through_the_service_and_the_second_factor(hub: ExamHub) -> None:
    browser = hub.browser()
    page = begin(browser, "s-1", "petra")
    assert page.url.endswith(SECOND_FACTOR)
    assert not browser.is_signed_in
    browser.enrol(page)
    assert browser.get("/hub/e2x/probe").text == "petra watches ml-open"


def test_groups_of_the_service_and_its_admins_have_no_rights_here(hub: ExamHub) -> None:
    browser = hub.browser()
    browser.enrol(begin(browser, "s-3", "anna"))
    known = browser.call_api("GET", "/hub/api/user").json()
    assert known["groups"] == [OPEN]
    assert known["admin"] is False
    assert not [scope for scope in known["scopes"] if scope.startswith("admin")]


def test_student_with_an_account_at_the_service_is_refused(hub: ExamHub) -> None:
    browser = hub.browser()
    answer = begin(browser, "s-2", "alice")
    assert answer.status == 403
    assert not browser.is_signed_in
    assert "/hub/login" in browser.get(SECOND_FACTOR).url
    assert "alice is not admitted as staff: is neither proctor nor instructor" in hub.own.log


def test_answer_of_the_service_in_another_browser_is_refused(hub: ExamHub) -> None:
    """Signing somebody else in with one's own account (login CSRF)."""
    mine, victim = hub.browser(), hub.browser()
    service = go_to_service(mine).url
    state = service.partition("state=")[2].partition("&")[0]
    answer = victim.get("/hub/oauth_callback", {"code": "stolen", "state": state})
    assert answer.status == 400
    assert "/hub/login" in victim.get(SECOND_FACTOR).url


def test_page_asked_for_before_the_sign_in_opens_after_it(hub: ExamHub) -> None:
    browser = hub.browser()
    browser.username = "bert"
    service = browser.get("/hub/oauth_login", {"next": f"/hub/e2x/exams/{OPEN}"})
    page = browser.post_form(service.url, {"sub": "s-4"})
    answer = browser.enrol(page)
    assert f'href="/hub/e2x/exams/{OPEN}"' in answer.text


def test_signing_out_leads_to_the_hubs_own_page(hub: ExamHub) -> None:
    assert hub.browser().get("/hub/logout").url.endswith("/hub/login")
