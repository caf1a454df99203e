"""Somebody with sixty servers finds the right one: with a keyboard, on a phone, in German."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.accessibility import find_barriers
from tests.e2e.conftest import OpenPage
from tests.e2e.extra_courses import CONTACT, ZOES_OFFERS
from tests.e2e.pages import describe_focus, keep_screenshot, read_widest, sign_in
from tests.hub.demo_process import DemoProcess

pytestmark = [pytest.mark.hub, pytest.mark.e2e, pytest.mark.usefixtures("extra_courses")]

PHONE = 320


@pytest.fixture
def zoes_page(demo: DemoProcess, open_page: OpenPage) -> Page:
    """The spawn page of Zoe."""
    page = open_page()
    sign_in(page, "zoe", demo.password)
    expect(page.locator(".e2x-card")).to_have_count(ZOES_OFFERS)
    return page


def read_visible(page: Page) -> list[str]:
    """The titles of the cards that are in sight."""
    cards = page.locator(".e2x-card:visible")
    return cards.locator(".e2x-title").all_inner_texts()


def wait_until_in_sight(page: Page) -> None:
    """Returns when no other part of the page lies over the card that has the keyboard."""
    page.wait_for_function(
        """() => {
            const card = document.activeElement.closest(".e2x-card");
            const { left, top, bottom } = card.getBoundingClientRect();
            return [top + 3, bottom - 3].every(
                (y) => card.contains(document.elementFromPoint(left + 30, y)));
        }""",
        timeout=30_000,
    )


def test_offers_stand_by_term_with_the_running_one_first(
    zoes_page: Page, demo: DemoProcess
) -> None:
    running, over = demo.only_term("databases"), demo.only_term("programming")
    headings = zoes_page.locator(".e2x-term").all_inner_texts()
    assert [heading.strip() for heading in headings] == [running.title, f"{over.title} (over)"]
    assert zoes_page.is_checked("#e2x-offer-1")
    expect(zoes_page.locator(".e2x-contact")).to_have_text(f"Whom to ask: {CONTACT}")
    assert find_barriers(zoes_page) == []
    keep_screenshot(zoes_page, "spawn-zoe")


def test_search_finds_words_anywhere_and_keeps_the_chosen_card(zoes_page: Page) -> None:
    search = zoes_page.get_by_label("Search by course, term or role")
    search.fill("ubungen BIO")
    expect(zoes_page.locator("#e2x-found")).to_have_text(
        f"2 of {ZOES_OFFERS} servers. The chosen one stays in the list."
    )
    assert read_visible(zoes_page) == ["Algebra: Introduction"] + ["Biology: Übungen"] * 2
    assert find_barriers(zoes_page) == []
    keep_screenshot(zoes_page, "spawn-zoe-search")

    search.fill("nowhere")
    expect(zoes_page.locator("#e2x-found")).to_contain_text(f"0 of {ZOES_OFFERS} servers")
    assert read_visible(zoes_page) == ["Algebra: Introduction"]


def test_search_is_used_with_the_keyboard_alone(zoes_page: Page) -> None:
    zoes_page.focus("#e2x-words")
    zoes_page.keyboard.type("data semi")
    zoes_page.keyboard.press("Enter")
    assert zoes_page.url.endswith("/hub/spawn"), "Enter in the search starts nothing"
    chosen = zoes_page.locator(".e2x-card", has=zoes_page.locator("input:checked"))
    expect(chosen.locator(".e2x-title")).to_have_text("Data Mining: Seminar")
    assert describe_focus(zoes_page) == chosen.locator("input").get_attribute("id")
    assert read_visible(zoes_page) == ["Data Mining: Seminar"] * 2
    zoes_page.focus("#e2x-words")
    zoes_page.keyboard.press("Escape")
    assert len(read_visible(zoes_page)) == ZOES_OFFERS
    assert zoes_page.input_value("#e2x-words") == ""


def test_phone_searches_in_german(demo: DemoProcess, open_page: OpenPage) -> None:
    page = open_page(locale="de-DE", width=PHONE)
    sign_in(page, "zoe", demo.password)
    page.get_by_label("Suche nach Kurs, Semester oder Rolle").fill("chem lab studium")
    expect(page.locator("#e2x-found")).to_have_text(
        f"2 von {ZOES_OFFERS} Servern. Der gewählte bleibt in der Liste."
    )
    assert read_widest(page) <= PHONE
    assert find_barriers(page) == []
    keep_screenshot(page, "phone-spawn-zoe-search-german")


def test_page_without_a_script_is_complete(demo: DemoProcess, open_page: OpenPage) -> None:
    page = open_page(java_script_enabled=False)
    sign_in(page, "zoe", demo.password)
    expect(page.locator(".e2x-card")).to_have_count(ZOES_OFFERS)
    expect(page.locator("#e2x-search")).to_be_hidden()
    expect(page.get_by_role("button", name="Start")).to_be_visible()


def test_dark_page_has_contrast(demo: DemoProcess, open_page: OpenPage) -> None:
    page = open_page(color_scheme="dark")
    sign_in(page, "zoe", demo.password)
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    page.focus("#e2x-offer-1")
    assert find_barriers(page) == []
    keep_screenshot(page, "spawn-zoe-dark")


def test_page_at_two_hundred_percent_shows_everything(
    demo: DemoProcess, open_page: OpenPage
) -> None:
    page = open_page(width=1280, zoom=2)
    sign_in(page, "zoe", demo.password)
    page.fill("#e2x-words", "ethics")
    expect(page.locator("#e2x-found")).to_contain_text(f"10 of {ZOES_OFFERS} servers")
    assert read_widest(page) <= 1280 // 2
    page.focus("#e2x-offer-1")
    wait_until_in_sight(page)
    keep_screenshot(page, "spawn-zoe-200-percent")


def test_button_in_sight_does_not_cover_what_has_the_keyboard(zoes_page: Page) -> None:
    zoes_page.focus("#e2x-offer-1")
    for number in range(2, 16):
        zoes_page.keyboard.press("ArrowDown")
        expect(zoes_page.locator(f"#e2x-offer-{number}")).to_be_focused()
        wait_until_in_sight(zoes_page)
