"""A student with a browser: the university's sign-in page, the course, and what can go wrong."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.accessibility import find_barriers
from tests.e2e.conftest import TIMEOUT_MILLISECONDS
from tests.e2e.pages import keep_screenshot, read_offers, read_widest, stop_countdown
from tests.hub.beside import run_beside
from tests.hub.demo_process import DemoProcess
from tests.hub.sign_on_hub import ENTITLEMENT, NOT_KNOWN, SignOnHub, run_sign_on_hub

pytestmark = [pytest.mark.hub, pytest.mark.e2e]

PHONE = 320
PEOPLE = {
    "s-mia": {"preferred_username": "mia", "eduperson_entitlement": [ENTITLEMENT]},
    "s-thief": {"preferred_username": "mia", "eduperson_entitlement": [ENTITLEMENT]},
}
SERVICE = "the university's sign-in"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory, demo: DemoProcess) -> Iterator[SignOnHub]:
    """A hub and the university's service."""
    directory = tmp_path_factory.mktemp("sign-on")
    with run_beside(run_sign_on_hub(directory, demo, PEOPLE)) as running:
        yield running


def open_hub(
    chromium: Browser, hub: SignOnHub, *, locale: str = "en-GB", width: int = 1000
) -> tuple[BrowserContext, Page]:
    context = chromium.new_context(locale=locale, viewport={"width": width, "height": 800})
    context.set_default_timeout(TIMEOUT_MILLISECONDS)
    page = context.new_page()
    page.goto(hub.url)
    return context, page


def sign_in_at_service(page: Page, subject: str) -> None:
    """Clicks through to the service, types who it is, and comes back."""
    page.get_by_role("button", name=SERVICE).click()
    page.wait_for_url("**/oauth2/authorize?**")
    page.locator("input[name=sub]").fill(subject)
    page.get_by_role("button", name="Authorize").click()


def test_student_signs_in_at_the_university_and_sees_the_course(
    chromium: Browser, hub: SignOnHub
) -> None:
    context, page = open_hub(chromium, hub)
    keep_screenshot(page, "single-sign-on-login")
    sign_in_at_service(page, "s-mia")
    page.wait_for_url("**/hub/spawn")
    stop_countdown(page)
    [(title, role, _)] = read_offers(page)
    assert title == "Databases"
    assert role == "student"
    assert find_barriers(page) == []
    keep_screenshot(page, "single-sign-on-course")
    context.close()

    thief_context, thief = open_hub(chromium, hub)
    sign_in_at_service(thief, "s-thief")
    expect(thief.locator(".e2x-page")).to_contain_text(NOT_KNOWN)
    assert "s-mia" not in thief.content()
    assert find_barriers(thief) == []
    keep_screenshot(thief, "single-sign-on-not-known")
    thief_context.close()


def test_german_phone_reads_why_it_did_not_work(chromium: Browser, hub: SignOnHub) -> None:
    context, page = open_hub(chromium, hub, locale="de-DE", width=PHONE)
    page.goto(f"{hub.url}hub/oauth_callback?error=access_denied")
    expect(page.locator(".e2x-page")).to_contain_text("Diese Anmeldung hat nicht geklappt.")
    assert find_barriers(page) == []
    assert read_widest(page) <= PHONE
    keep_screenshot(page, "phone-single-sign-on-german")
    page.get_by_role("button", name="Zur Startseite").click()
    page.wait_for_url("**/hub/login**")
    context.close()


def test_service_that_is_down_is_told_in_the_readers_language(
    chromium: Browser, tmp_path_factory: pytest.TempPathFactory, demo: DemoProcess
) -> None:
    directory = tmp_path_factory.mktemp("down")
    with run_beside(run_sign_on_hub(directory, demo, {}, issuer="http://127.0.0.1:1")) as down:
        context, page = open_hub(chromium, down, locale="de-DE")
        page.goto(f"{down.url}hub/oauth_login")
        expect(page.locator(".e2x-page")).to_contain_text(
            "Der Anmeldedienst ist gerade nicht erreichbar."
        )
        assert find_barriers(page) == []
        keep_screenshot(page, "single-sign-on-down-german")
        context.close()
