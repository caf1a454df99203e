"""A student whose term is over: reads what there is, and changes nothing."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import OpenPage
from tests.e2e.pages import keep_screenshot, read_widest, sign_in, start_server
from tests.hub.demo_process import DemoProcess

pytestmark = [pytest.mark.hub, pytest.mark.e2e]

PHONE = 320
HOME = "cluster/node/nfs/nfs.demo/export/homes/assignment/student/emil"


def test_ended_term_is_told_in_german_on_a_phone(demo: DemoProcess, open_page: OpenPage) -> None:
    page = open_page(locale="de-DE", width=PHONE)
    sign_in(page, "emil", demo.password)
    expect(page.locator(".e2x-over")).to_contain_text("Das Semester ist vorbei: Bis zum ")
    keep_screenshot(page, "spawn-ended-term-german-phone")
    assert read_widest(page) == PHONE


def test_student_of_an_ended_term_reads_and_cannot_write(
    demo: DemoProcess, open_page: OpenPage
) -> None:
    home = demo.directory / HOME
    home.mkdir(parents=True, exist_ok=True)
    (home / "my notes.txt").write_text("From last term", encoding="utf-8")
    page = open_page()
    sign_in(page, "emil", demo.password)
    expect(page.locator(".e2x-over")).to_contain_text("you can read everything until")
    keep_screenshot(page, "spawn-ended-term")
    start_server(page)
    page.dblclick('.jp-DirListing-item:has-text("my notes.txt")')
    expect(page.locator(".cm-content")).to_contain_text("From last term")
    page.click(".cm-content")
    page.keyboard.type("Too late. ")
    page.keyboard.press("Control+s")
    expect(page.get_by_text("my notes.txt is read-only.")).to_be_visible()
    keep_screenshot(page, "lab-ended-term")
    assert (home / "my notes.txt").read_text(encoding="utf-8") == "From last term"
