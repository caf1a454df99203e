"""An examinee with a browser: signs in with the code on the slip, once, and sits the exam."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from e2xhub.domain.roles import HubKind
from tests.e2e.conftest import OpenPage
from tests.e2e.pages import (
    keep_screenshot,
    read_offers,
    read_widest,
    sign_in,
    start_server,
    stop_countdown,
)
from tests.hub.demo_process import DemoProcess

pytestmark = [pytest.mark.hub, pytest.mark.e2e]

PHONE = 320


def test_code_leads_to_the_exams_server_and_works_only_once(
    demo: DemoProcess, open_page: OpenPage
) -> None:
    code = demo.make_code("alice")
    page = open_page(HubKind.EXAM)
    keep_screenshot(page, "exam-login")
    sign_in(page, "alice", code.lower())
    stop_countdown(page)
    expect(page.get_by_role("heading", name="Your server")).to_be_visible()
    assert read_offers(page) == [
        ("Machine Learning, first exam", "student", "Machine Learning"),
    ]
    keep_screenshot(page, "exam-spawn")
    start_server(page)
    keep_screenshot(page, "exam-lab")

    second = open_page(HubKind.EXAM)
    sign_in(second, "alice", code)
    expect(second.get_by_role("alert")).to_have_text(
        "This username and code do not open an exam now. Check both, wait a moment, and try "
        "again. Then ask your proctor."
    )
    expect(second.locator("#username_input")).to_have_value("alice")
    expect(second.locator("#password_input")).to_have_value("")
    keep_screenshot(second, "exam-login-refused")


def test_german_phone_gets_a_german_login_page_that_fits(open_page: OpenPage) -> None:
    page = open_page(HubKind.EXAM, locale="de-DE", width=PHONE)
    expect(page.get_by_role("heading", name="Anmeldung zur Prüfung")).to_be_visible()
    expect(page.get_by_label("Einmal-Code")).to_be_visible()
    sign_in(page, "alice", "ABCDE-FGHJK")
    expect(page.get_by_role("alert")).to_contain_text("lässt sich jetzt keine Prüfung öffnen")
    keep_screenshot(page, "phone-exam-login-refused-german")
    assert read_widest(page) <= PHONE


def test_exam_login_is_used_with_the_keyboard_alone(demo: DemoProcess, open_page: OpenPage) -> None:
    page = open_page(HubKind.EXAM)
    page.keyboard.type("otto")
    page.keyboard.press("Tab")
    page.keyboard.type(demo.make_code("otto"))
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Your server")).to_be_visible()
