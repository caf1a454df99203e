"""A student with a browser: signs in, reads what there is, works, stops, comes back."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from e2xhub.domain.catalog import Term
from e2xhub.domain.roles import HubKind
from tests.e2e.conftest import OpenPage
from tests.e2e.pages import (
    describe_focus,
    keep_screenshot,
    read_offers,
    read_refusals,
    read_widest,
    sign_in,
    start_server,
    wait_for_lab,
)
from tests.hub.demo_process import DemoProcess

pytestmark = [pytest.mark.hub, pytest.mark.e2e]

PHONE = 320


@pytest.fixture(scope="module")
def this_term(demo: DemoProcess) -> Term:
    """The term of today."""
    return demo.only_term("databases")


@pytest.fixture(scope="module")
def next_term(demo: DemoProcess) -> Term:
    """The term after it."""
    return demo.only_term("statistics")


def test_student_sees_exactly_their_courses_and_when_the_others_open(
    demo: DemoProcess, open_page: OpenPage, this_term: Term, next_term: Term
) -> None:
    page = open_page()
    keep_screenshot(page, "login")
    sign_in(page, "alice", demo.password)
    expect(page.get_by_role("heading", name="Choose your server")).to_be_visible()
    assert read_offers(page) == [
        ("Machine Learning", "student", this_term.title),
        ("Databases", "student", this_term.title),
    ]
    opens = f"{next_term.start:%-d %B %Y}"
    assert read_refusals(page) == [f"Statistics, {next_term.title}\nOpens on {opens}."]
    keep_screenshot(page, "spawn-alice")


def test_work_is_still_there_after_the_server_was_stopped(
    demo: DemoProcess, open_page: OpenPage
) -> None:
    page = open_page()
    sign_in(page, "ben", demo.password)
    start_server(page)
    _write_file_in_a_terminal(page, "echo 'what ben found out' > notes.txt")
    keep_screenshot(page, "lab-ben")

    page.goto(f"{demo.url(HubKind.ASSIGNMENT)}/hub/home")
    keep_screenshot(page, "control-panel-ben")
    page.click("#stop")
    expect(page.locator("#stop")).to_be_hidden()
    page.click("#start")
    page.wait_for_url("**/hub/spawn**")
    start_server(page)
    page.locator(".jp-DirListing-item", has_text="notes.txt").dblclick()
    expect(page.locator(".jp-FileEditor .cm-content")).to_contain_text("what ben found out")
    keep_screenshot(page, "lab-ben-again")


def _write_file_in_a_terminal(page: Page, command: str) -> None:
    page.locator(".jp-LauncherCard", has_text="Terminal").click()
    page.wait_for_selector(".jp-Terminal .xterm-helper-textarea", state="attached")
    page.locator(".jp-Terminal").click()
    page.keyboard.type(command)
    page.keyboard.press("Enter")
    written = page.locator(".jp-DirListing-item", has_text="notes.txt")
    for _ in range(100):
        page.get_by_role("button", name="Refresh the file browser.").click()
        if written.count():
            return
        page.wait_for_timeout(200)
    raise AssertionError("the terminal has written no file")


def test_student_without_an_open_course_reads_when_it_opens(
    demo: DemoProcess, open_page: OpenPage, next_term: Term
) -> None:
    page = open_page()
    sign_in(page, "nina", demo.password)
    expect(page.get_by_role("heading", name="Nothing to start at the moment")).to_be_visible()
    opens = f"{next_term.start:%-d %B %Y}"
    assert read_offers(page) == []
    assert read_refusals(page) == [
        f"Statistics, {next_term.title}\nOpens on {opens}.",
        f"Machine Learning, {next_term.title}\nOpens on {opens}.",
    ]
    expect(page.locator("#e2x-start")).to_have_count(0)
    keep_screenshot(page, "spawn-nina")


def test_who_only_sits_an_exam_reads_that_it_is_elsewhere(
    demo: DemoProcess, open_page: OpenPage
) -> None:
    page = open_page()
    sign_in(page, "pia", demo.password)
    expect(page.locator(".e2x")).to_contain_text("Nothing on this hub is meant for you")
    keep_screenshot(page, "spawn-pia")


def test_german_browser_gets_german(
    demo: DemoProcess, open_page: OpenPage, next_term: Term
) -> None:
    page = open_page(locale="de-DE")
    sign_in(page, "alice", demo.password)
    expect(page.get_by_role("heading", name="Wählen Sie Ihren Server")).to_be_visible()
    expect(page.get_by_role("button", name="Starten")).to_be_visible()
    expect(page.locator(".e2x")).to_have_attribute("lang", "de")
    assert [role for _, role, _ in read_offers(page)] == ["Studium"] * 2
    opens = f"{next_term.start:%d.%m.%Y}"
    assert read_refusals(page) == [f"Statistics, {next_term.title}\nBeginnt am {opens}."]
    keep_screenshot(page, "spawn-alice-german")


def test_link_to_a_course_of_others_is_refused_on_the_page(
    demo: DemoProcess, open_page: OpenPage
) -> None:
    page = open_page()
    sign_in(page, "alice", demo.password)
    page.wait_for_selector(".e2x")
    page.goto(f"{demo.url(HubKind.ASSIGNMENT)}/hub/spawn?profile=exams/ml-open/student")
    expect(page.get_by_role("alert")).to_have_text(
        "You cannot start this server. Choose one from the list."
    )
    assert len(read_offers(page)) == 2
    keep_screenshot(page, "spawn-alice-refused")


def test_server_is_chosen_and_started_with_the_keyboard_alone(
    demo: DemoProcess, open_page: OpenPage
) -> None:
    page = open_page()
    expect(page.locator("#username_input")).to_be_focused()
    page.keyboard.type("clara")
    page.keyboard.press("Tab")
    page.keyboard.type(demo.password)
    page.keyboard.press("Enter")
    page.wait_for_selector(".e2x")

    _press_tab_until(page, "e2x-offer-1")
    keep_screenshot(page, "spawn-clara-keyboard")
    page.keyboard.press("Tab")
    expect(page.locator("#e2x-size-1")).to_be_focused()
    page.keyboard.press("ArrowDown")
    assert page.input_value("#e2x-size-1") == "large"
    _press_tab_until(page, "e2x-offer-1", key="Shift+Tab")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#e2x-offer-2")).to_be_focused()
    assert page.is_checked("#e2x-offer-2")
    _press_tab_until(page, "e2x-start")
    page.keyboard.press("Space")
    wait_for_lab(page)
    pod = demo.cluster.pod("jupyter-assignment-clara")
    assert pod is not None
    assert pod["metadata"]["labels"]["e2xhub.org/course"] == "databases"


def _press_tab_until(page: Page, element_id: str, *, key: str = "Tab") -> None:
    for _ in range(20):
        if describe_focus(page) == element_id:
            return
        page.keyboard.press(key)
    raise AssertionError(f"{element_id} cannot be reached with {key}")


def test_phone_shows_every_page_without_scrolling_sideways(
    demo: DemoProcess, open_page: OpenPage
) -> None:
    page = open_page(width=PHONE)
    keep_screenshot(page, "phone-login")
    assert read_widest(page) <= PHONE
    sign_in(page, "alice", demo.password)
    page.wait_for_selector(".e2x-card")
    keep_screenshot(page, "phone-spawn")
    assert read_widest(page) <= PHONE
