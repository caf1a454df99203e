"""JupyterHub's pages around the spawn page: progress, failure, errors, the person's servers."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from e2xhub.domain.roles import HubKind
from tests.e2e.accessibility import find_barriers
from tests.e2e.conftest import OpenPage
from tests.e2e.extra_courses import CONTACT
from tests.e2e.pages import keep_screenshot, read_widest, sign_in, stop_countdown
from tests.hub.demo_process import DemoProcess

pytestmark = [pytest.mark.hub, pytest.mark.e2e]

PHONE = 320


def test_german_phone_is_told_that_the_password_is_wrong(
    demo: DemoProcess, open_page: OpenPage
) -> None:
    page = open_page(locale="de-DE", width=PHONE)
    expect(page.get_by_label("Benutzername")).to_be_focused()
    assert find_barriers(page) == []
    assert read_widest(page) <= PHONE
    keep_screenshot(page, "phone-sign-in-german")
    page.keyboard.type("alice")
    page.keyboard.press("Tab")
    page.keyboard.type("wrong")
    page.get_by_role("button", name="Anzeigen").click()
    assert page.locator("#password_input").get_attribute("type") == "text"
    page.locator("#password_input").press("Enter")
    expect(page.get_by_role("alert")).to_have_text("Der Benutzername oder das Passwort ist falsch.")
    expect(page.locator("#username_input")).to_have_value("alice")
    expect(page.locator("#password_input")).to_be_focused()
    assert page.locator("#password_input").get_attribute("type") == "password"
    assert find_barriers(page) == []
    keep_screenshot(page, "phone-sign-in-refused-german")
    page.keyboard.type(demo.password)
    page.keyboard.press("Enter")
    page.wait_for_url("**/hub/**")
    expect(page.locator("#login_submit")).to_have_count(0)


@pytest.mark.usefixtures("extra_courses")
def test_start_that_fails_is_told_in_plain_words_and_can_be_tried_again(
    demo: DemoProcess, open_page: OpenPage
) -> None:
    page = open_page()
    sign_in(page, "yara", demo.password)
    page.wait_for_url("**/spawn-pending/**")
    expect(page.get_by_role("heading", name="Your server is starting")).to_be_visible()
    expect(page.get_by_role("status")).not_to_be_empty()
    assert find_barriers(page) == []
    keep_screenshot(page, "progress")

    expect(page.get_by_role("heading", name="The start has failed")).to_be_visible()
    expect(page.locator(".e2x-page")).to_contain_text(CONTACT)
    assert find_barriers(page) == []
    keep_screenshot(page, "failure")

    expect(page.locator(".e2x-course")).to_contain_text("A server that never answers, ")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", name="Your server")).to_be_visible()
    expect(page.locator("#e2x-auto")).to_be_hidden()
    expect(page.locator("#e2x-start")).to_be_enabled()


@pytest.mark.usefixtures("extra_courses")
def test_start_can_be_cancelled(demo: DemoProcess, open_page: OpenPage) -> None:
    page = open_page()
    sign_in(page, "yara", demo.password)
    stop_countdown(page)
    page.click("#e2x-start")
    page.wait_for_url("**/spawn-pending/**")
    expect(page.locator(".e2x-course")).to_contain_text("A server that never answers, ")
    keep_screenshot(page, "progress-with-course")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("status")).to_have_text("Is being cancelled …")
    page.wait_for_url("**/hub/home")
    page.wait_for_function(
        "() => { if (!document.querySelector('#stop')) return true; location.reload(); }"
    )
    expect(page.locator("#e2x-state")).to_have_text("It does not run. Your files are kept.")
    expect(page.locator(".e2x-last")).to_contain_text("Last time: A server that never answers, ")
    keep_screenshot(page, "home-after-cancel")


@pytest.mark.usefixtures("extra_courses")
def test_german_phone_reads_progress_and_failure_in_german(
    demo: DemoProcess, open_page: OpenPage
) -> None:
    page = open_page(locale="de-DE", width=PHONE)
    sign_in(page, "xaver", demo.password)
    page.click("#e2x-start")
    expect(page.get_by_role("heading", name="Ihr Server startet")).to_be_visible()
    assert read_widest(page) <= PHONE
    keep_screenshot(page, "phone-progress-german")
    expect(page.get_by_role("heading", name="Der Start ist fehlgeschlagen")).to_be_visible()
    assert read_widest(page) <= PHONE
    assert find_barriers(page) == []
    keep_screenshot(page, "phone-failure-german")


@pytest.mark.parametrize(
    ("path", "heading"),
    [("/hub/nowhere", "No such page"), ("/hub/admin", "No access")],
)
def test_error_is_told_in_plain_words(
    demo: DemoProcess, open_page: OpenPage, path: str, heading: str
) -> None:
    page = _open_as_vera(demo, open_page, path)
    expect(page.get_by_role("heading", name=heading)).to_be_visible()
    assert find_barriers(page) == []
    keep_screenshot(page, f"error-{heading.lower().replace(' ', '-')}")
    page.get_by_role("button", name="To your servers").click()
    expect(page.get_by_role("heading", name="Your server")).to_be_visible()


def test_page_of_a_server_that_does_not_run_says_so(demo: DemoProcess, open_page: OpenPage) -> None:
    page = _open_as_vera(demo, open_page, "/user/vera/lab")
    expect(page.get_by_role("heading", name="Your server is not running")).to_be_visible()
    assert find_barriers(page) == []
    keep_screenshot(page, "not-running")
    page.get_by_role("button", name="Start it").click()
    stop_countdown(page)


def test_home_is_used_with_the_keyboard_and_without_barriers(
    demo: DemoProcess, open_page: OpenPage
) -> None:
    page = _open_as_vera(demo, open_page, "/hub/home")
    expect(page.get_by_role("heading", name="Your server")).to_be_visible()
    assert find_barriers(page) == []
    keep_screenshot(page, "home")
    page.focus("#start")
    page.keyboard.press("Enter")
    stop_countdown(page)


@pytest.mark.parametrize("zoom", [1, 2])
def test_examinee_meets_no_barriers(demo: DemoProcess, open_page: OpenPage, zoom: int) -> None:
    page = open_page(HubKind.EXAM, width=1280, zoom=zoom)
    assert find_barriers(page) == []
    sign_in(page, "ben", "wrong")
    expect(page.get_by_role("alert")).to_be_visible()
    assert find_barriers(page) == []
    sign_in(page, "ben", demo.make_code("ben"))
    stop_countdown(page)
    assert find_barriers(page) == []
    assert read_widest(page) <= 1280 // zoom
    keep_screenshot(page, f"exam-spawn-zoom-{zoom}")


def _open_as_vera(demo: DemoProcess, open_page: OpenPage, path: str) -> Page:
    page = open_page()
    sign_in(page, "vera", demo.password)
    stop_countdown(page)
    page.goto(f"{demo.url(HubKind.ASSIGNMENT)}{path}")
    return page
