"""Two tabs: what runs in one, and who has signed out in the other."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from e2xhub.domain.roles import HubKind
from tests.e2e.accessibility import find_barriers
from tests.e2e.conftest import OpenPage
from tests.e2e.pages import keep_screenshot, read_widest, sign_in, start_server, wait_for_lab
from tests.hub.demo_process import DemoProcess

pytestmark = [pytest.mark.hub, pytest.mark.e2e]

PHONE = 320


@pytest.fixture
def hub_url(demo: DemoProcess) -> str:
    """Where the pages of the assignment hub begin."""
    return f"{demo.url(HubKind.ASSIGNMENT)}/hub"


def open_second_tab(page: Page) -> Page:
    """The spawn page once more, in the same browser."""
    second = page.context.new_page()
    second.goto(page.url)
    second.wait_for_selector("#e2x-start")
    return second


def choose(page: Page, title: str) -> None:
    """Chooses the card with this title."""
    page.locator(".e2x-choice", has_text=title).click()


def test_start_in_a_second_tab_tells_what_runs_and_leads_there(
    demo: DemoProcess, open_page: OpenPage, hub_url: str
) -> None:
    page = open_page()
    sign_in(page, "alice", demo.password)
    second = open_second_tab(page)
    choose(page, "Machine Learning")
    start_server(page)

    choose(second, "Databases")
    second.click("#e2x-start")
    expect(second.get_by_role("heading", name="You have a server already")).to_be_visible()
    course = f"Machine Learning, {demo.only_term('databases').title}"
    expect(second.locator(".e2x-page p").first).to_have_text(
        f"{course} is running. To start another server, stop this one first. Your files stay."
    )
    assert find_barriers(second) == []
    keep_screenshot(second, "error-runs-already")
    second.get_by_role("button", name="To your servers").click()
    expect(second.locator("#e2x-state")).to_have_text(f"{course} is running.")
    expect(second.locator("#e2x-stopping")).to_contain_text("Your files stay.")
    assert find_barriers(second) == []
    keep_screenshot(second, "home-running")
    second.go_back()
    second.get_by_role("button", name="Open it").click()
    wait_for_lab(second)

    second.goto(f"{hub_url}/home")
    second.click("#stop")
    expect(second.locator("#e2x-state")).to_have_text("It does not run. Your files are kept.")
    expect(second.locator("#e2x-stopping")).to_be_hidden()


def test_who_has_signed_out_in_another_tab_is_asked_to_sign_in(
    demo: DemoProcess, open_page: OpenPage, hub_url: str
) -> None:
    page = open_page(locale="de-DE", width=PHONE)
    sign_in(page, "alice", demo.password)
    second = open_second_tab(page)
    page.goto(f"{hub_url}/logout")
    second.click("#e2x-start")
    expect(second.get_by_role("heading", name="Bitte melden Sie sich neu an")).to_be_visible()
    assert read_widest(second) <= PHONE
    assert find_barriers(second) == []
    keep_screenshot(second, "phone-error-signed-out-german")
    second.get_by_role("button", name="Anmelden").click()
    sign_in(second, "alice", demo.password)
    expect(second.get_by_role("heading", name="Ihr Server")).to_be_visible()


def test_who_has_signed_in_again_in_another_tab_is_told_that_the_page_is_old(
    demo: DemoProcess, open_page: OpenPage, hub_url: str
) -> None:
    page = open_page()
    sign_in(page, "alice", demo.password)
    second = open_second_tab(page)
    page.goto(f"{hub_url}/logout")
    page.goto(f"{hub_url}/login")
    sign_in(page, "alice", demo.password)
    page.wait_for_selector("#e2x-start")
    second.click("#e2x-start")
    expect(second.get_by_role("heading", name="This page is too old")).to_be_visible()
    second.get_by_role("button", name="To your servers").click()
    expect(second.get_by_role("heading", name="Your server")).to_be_visible()
