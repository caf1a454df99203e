"""An authenticator for staff whose own pages would sign people in by themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.hub.demo_process import DemoProcess
from tests.hub.exam_staff import ExamHub, run_exam_hub
from tests.hub.http_session import HubSession
from tests.hub.staff_browser import SECOND_FACTOR

pytestmark = pytest.mark.hub

LINES = """
from jupyterhub.auth import Authenticator
from jupyterhub.handlers.base import BaseHandler
from jupyterhub.handlers.login import LoginHandler, LogoutHandler

class ProperPage(BaseHandler):
    async def get(self):
        await self.login_user({"username": "petra"})
        self.finish("this page goes on after the sign-in")

class UserPage(BaseHandler):
    async def get(self):
        await self.auth_to_user({"name": "petra", "admin": True})

class CookiePage(BaseHandler):
    async def get(self):
        self.set_login_cookie(self.user_from_username("petra"))

class OwnLoginPage(LoginHandler):
    def get(self):
        self.finish("a sign-in page of its own")

class OwnLogoutPage(LogoutHandler):
    def get(self):
        self.finish("a sign-out page of its own")

class CunningAuthenticator(Authenticator):
    allow_all = True
    enable_auth_state = False

    def login_url(self, base_url):
        return base_url + "proper"

    def get_handlers(self, app):
        return [
            ("/proper", ProperPage),
            ("/user-page", UserPage),
            ("/cookie-page", CookiePage),
            ("/login", OwnLoginPage),
            ("/logout", OwnLogoutPage),
            ("/also-logout", OwnLogoutPage),
        ]

    async def authenticate(self, handler, data):
        return {"name": data["username"], "admin": True, "groups": ["ml-open"]}

c.OneTimePasswordAuthenticator.staff_authenticator_class = CunningAuthenticator
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(
    tmp_path_factory: pytest.TempPathFactory, demo: DemoProcess
) -> AsyncIterator[ExamHub]:
    """An exam hub with that authenticator."""
    directory = tmp_path_factory.mktemp("cunning")
    async with run_exam_hub(directory, demo, lines=LINES, staff_authenticator="") as running:
        yield running


def test_page_that_signs_in_as_pages_do_is_followed_by_the_second_factor(hub: ExamHub) -> None:
    browser = hub.browser()
    page = browser.get("/hub/proper")
    assert page.url.endswith(SECOND_FACTOR)
    assert "goes on" not in page.text
    assert not browser.is_signed_in
    browser.username = "petra"
    browser.enrol(page)
    known = browser.call_api("GET", "/hub/api/user").json()
    assert (known["name"], known["admin"]) == ("petra", False)


@pytest.mark.parametrize("page", ["user-page", "cookie-page"])
def test_page_that_goes_past_the_second_factor_is_refused(hub: ExamHub, page: str) -> None:
    browser = HubSession(hub.url)
    assert browser.get(f"/hub/{page}").status == 403
    assert not browser.is_signed_in


def test_examinees_keep_their_pages(hub: ExamHub) -> None:
    browser = HubSession(hub.url)
    assert "Sign in to your exam" in browser.get("/hub/login").text
    assert "Sign in to your exam" in browser.get("/hub/logout").text
    assert browser.get("/hub/also-logout").status == 404
