"""Who has one offer need not press anything, and can stop it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.accessibility import find_barriers
from tests.e2e.conftest import OpenPage
from tests.e2e.pages import (
    keep_screenshot,
    sign_in,
    start_server,
    stop_countdown,
    wait_for_lab,
)
from tests.hub.demo_process import DemoProcess

pytestmark = [pytest.mark.hub, pytest.mark.e2e]

LONGER_THAN_THE_COUNTDOWN_MILLISECONDS = 6500.0
WAITS = "It waits until you press Start."


def test_only_offer_starts_by_itself(demo: DemoProcess, open_page: OpenPage) -> None:
    page = open_page()
    sign_in(page, "quentin", demo.password)
    expect(page.locator("#e2x-auto p").first).to_contain_text("Starts by itself in ")
    keep_screenshot(page, "spawn-automatic")
    wait_for_lab(page)


def test_cancelled_start_waits_for_the_person(demo: DemoProcess, open_page: OpenPage) -> None:
    page = open_page()
    sign_in(page, "rosa", demo.password)
    expect(page.locator("#e2x-auto [role=status]")).to_contain_text("Starts by itself in ")
    stop_countdown(page)
    expect(page.locator("#e2x-auto [role=status]")).to_have_text(WAITS)
    expect(page.locator("#e2x-start")).to_be_focused()
    assert find_barriers(page) == []
    keep_screenshot(page, "spawn-automatic-cancelled")
    _expect_that_it_waits(page)
    start_server(page)


@pytest.mark.parametrize("deed", ["a key", "the page is pressed", "the size gets the focus"])
def test_any_sign_of_the_person_stops_the_countdown(
    demo: DemoProcess, open_page: OpenPage, deed: str
) -> None:
    page = open_page()
    sign_in(page, "karl", demo.password)
    page.wait_for_selector("#e2x-auto")
    if deed == "a key":
        page.keyboard.press("Tab")
    elif deed == "the page is pressed":
        page.click("h1")
    else:
        page.focus("select")
    expect(page.locator("#e2x-auto p").first).to_have_text(WAITS)
    _expect_that_it_waits(page)


def test_countdown_waits_for_somebody_who_looks(demo: DemoProcess, open_page: OpenPage) -> None:
    page = open_page()
    page.add_init_script("Object.defineProperty(document, 'hidden', { get: () => true })")
    sign_in(page, "lena", demo.password)
    page.wait_for_selector("#e2x-auto")
    _expect_that_it_waits(page)


def test_refused_start_does_not_start_again(demo: DemoProcess, open_page: OpenPage) -> None:
    page = open_page()
    sign_in(page, "sam", demo.password)
    stop_countdown(page)
    page.goto(f"{page.url}?profile=exams/ml-open/student")
    expect(page.get_by_role("alert")).to_contain_text("You cannot start this server.")
    expect(page.locator("#e2x-auto")).to_be_hidden()
    _expect_that_it_waits(page)


def test_page_without_a_script_waits(demo: DemoProcess, open_page: OpenPage) -> None:
    page = open_page(java_script_enabled=False)
    sign_in(page, "sam", demo.password)
    expect(page.get_by_role("button", name="Start")).to_be_visible()
    expect(page.locator("#e2x-auto")).to_be_hidden()


def _expect_that_it_waits(page: Page) -> None:
    """The page is still there after the time in which it would have started the server."""
    page.wait_for_timeout(LONGER_THAN_THE_COUNTDOWN_MILLISECONDS)
    assert "/hub/spawn" in page.url
    assert "/spawn-pending" not in page.url
