"""A proctor with a browser: password, picture for the app, recovery codes; small, by key, dark."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pyotp
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.accessibility import find_barriers
from tests.e2e.pages import keep_screenshot, read_widest
from tests.hub.beside import run_beside
from tests.hub.demo_process import DemoProcess
from tests.hub.exam_staff import PASSWORD, ExamHub, run_exam_hub

pytestmark = [pytest.mark.hub, pytest.mark.e2e]

PHONE = 320
SPACES = re.compile(r"\s")


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory, demo: DemoProcess) -> Iterator[ExamHub]:
    """An exam hub; each test is about people of its own."""
    with run_beside(run_exam_hub(tmp_path_factory.mktemp("staff"), demo)) as running:
        yield running


def open_login(
    chromium: Browser, hub: ExamHub, faults: list[str], *, locale: str = "en-GB", width: int = 1000
) -> tuple[BrowserContext, Page]:
    context = chromium.new_context(locale=locale, viewport={"width": width, "height": 800})
    page = context.new_page()
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if "Policy" in said.text else None)
    page.goto(f"{hub.url}hub/login")
    return context, page


def read_secret(page: Page) -> str:
    return SPACES.sub("", page.locator(".secret").inner_text())


def code_of(secret: str, steps: int = 0) -> str:
    return pyotp.TOTP(secret).at(int(time.time()) + 30 * steps)


def test_proctor_enrols_with_the_keyboard_and_reads_the_recovery_codes(
    chromium: Browser, hub: ExamHub
) -> None:
    faults: list[str] = []
    context, page = open_login(chromium, hub, faults)
    page.get_by_text("Staff: sign in here").focus()
    page.keyboard.press("Enter")
    keep_screenshot(page, "staff-login")
    page.keyboard.press("Tab")
    page.keyboard.type("petra")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Set up your second factor")).to_be_visible()
    expect(page.get_by_role("img", name="QR code of your secret")).to_be_visible()
    assert find_barriers(page) == []
    keep_screenshot(page, "staff-enrolment")
    secret = read_secret(page)

    page.keyboard.type("000000")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("This code is not right")
    assert find_barriers(page) == []
    assert read_secret(page) == secret
    page.keyboard.type(code_of(secret))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    expect(page.locator(".recovery-codes li")).to_have_count(10)
    assert find_barriers(page) == []
    keep_screenshot(page, "staff-recovery-codes")
    page.get_by_role("link", name="I have noted them").click()
    page.wait_for_url("**/hub/e2x/exams")
    context.close()

    again, page = open_login(chromium, hub, faults, width=PHONE)
    page.get_by_text("Staff: sign in here").click()
    page.locator("#staff_username").fill("petra")
    page.locator("#staff_password").fill(PASSWORD)
    page.locator("#staff_submit").click()
    expect(page.get_by_role("heading", name="Second factor")).to_be_visible()
    assert find_barriers(page) == []
    assert read_widest(page) <= PHONE
    keep_screenshot(page, "phone-staff-check")
    page.get_by_label("Code").fill("000 000")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("This code is not right")
    keep_screenshot(page, "phone-staff-check-refused")
    page.get_by_label("Code").fill(code_of(secret, 1))
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/hub/e2x/exams")
    again.close()
    assert faults == []


def test_german_phone_enrols_on_pages_that_fit(chromium: Browser, hub: ExamHub) -> None:
    faults: list[str] = []
    context, page = open_login(chromium, hub, faults, locale="de-DE", width=PHONE)
    page.get_by_text("Aufsicht und Lehrende: hier anmelden").click()
    assert find_barriers(page) == []
    assert read_widest(page) <= PHONE
    keep_screenshot(page, "phone-staff-login-german")
    page.locator("#staff_username").fill("anna")
    page.locator("#staff_password").fill("falsch")
    page.locator("#staff_submit").click()
    expect(page.get_by_role("alert")).to_contain_text("kommen Sie hier nicht hinein")
    expect(page.locator("#staff_password")).to_be_visible()
    page.locator("#staff_password").fill(PASSWORD)
    page.locator("#staff_submit").click()
    expect(page.get_by_role("heading", name="Zweiten Faktor einrichten")).to_be_visible()
    assert find_barriers(page) == []
    assert read_widest(page) <= PHONE
    keep_screenshot(page, "phone-staff-enrolment-german")
    page.get_by_label("sechs Ziffern").fill(code_of(read_secret(page)))
    page.get_by_role("button", name="Bestätigen").click()
    expect(page.get_by_role("heading", name="Ihre Ersatzcodes")).to_be_visible()
    assert read_widest(page) <= PHONE
    keep_screenshot(page, "phone-staff-recovery-codes-german")
    context.close()
    assert faults == []


def test_pages_are_read_in_the_dark_too(chromium: Browser, hub: ExamHub) -> None:
    context = chromium.new_context(color_scheme="dark", viewport={"width": 600, "height": 800})
    page = context.new_page()
    page.goto(f"{hub.url}hub/login")
    page.get_by_text("Staff: sign in here").click()
    page.locator("#staff_username").fill("bert")
    page.locator("#staff_password").fill(PASSWORD)
    page.locator("#staff_submit").click()
    expect(page.get_by_role("heading", name="Set up your second factor")).to_be_visible()
    assert find_barriers(page) == []
    keep_screenshot(page, "staff-enrolment-dark")
    context.close()
