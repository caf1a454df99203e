"""The bar that examinees have beside their work, in a real JupyterLab and a real Notebook 7."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone

import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.domain.roles import HubKind
from e2xhub.storage.exam_records import ExamRecords, open_exam_records
from e2xhub.storage.pepper_file import load_peppers
from tests.e2e.accessibility import find_barriers
from tests.e2e.conftest import OpenPage
from tests.e2e.pages import keep_screenshot, read_widest, sign_in, start_server, stop_countdown
from tests.hub.configured_hub import replace_file, wait_until
from tests.hub.console_browser import ConsoleBrowser
from tests.hub.demo_process import DemoProcess

pytestmark = [pytest.mark.hub, pytest.mark.e2e]

EXAM = ExamId.parse("ml-open")
EMMA = Username.parse("emma")
PHONE = 320
HOSTILE = "<img src=x onerror=alert(1)> مرحبا"
OpenLab = Callable[..., Page]
SetEnd = Callable[[timedelta], None]


@pytest.fixture(scope="module", autouse=True)
def nobody_keeps_a_server(demo: DemoProcess) -> Iterator[None]:
    """Afterwards: other modules use the same demo, and begin at the page of the start."""
    yield
    petra = ConsoleBrowser(demo.url(HubKind.EXAM))
    petra.begin("petra", demo.password)
    names = ["ben", "clara", "david", "emma", "felix", "otto"]
    answer = petra.act("stop-server", usernames=names)
    assert answer.status == 200, answer


@pytest.fixture(scope="module")
def records(demo: DemoProcess) -> Iterator[ExamRecords]:
    """The demo's records, as proctors change them."""
    opened = open_exam_records(demo.files.database_url, load_peppers(demo.files.pepper))
    yield opened
    opened.engine.dispose()


@pytest.fixture
def open_hub(demo: DemoProcess, open_page: OpenPage, records: ExamRecords) -> OpenLab:
    """Signs an examinee in: `open_hub(username, locale=…, width=…)`; the page is that of the
    server's start, or the server."""

    def open_it(username: str = "emma", **options: object) -> Page:
        person, now = Username.parse(username), datetime.now(timezone.utc)
        code = records.issue(EXAM, person, by="petra", now=now, replace=True)
        page = open_page(HubKind.EXAM, **options)
        sign_in(page, username, code.reveal())
        page.wait_for_url(re.compile("/(spawn|user)"))
        return page

    return open_it


@pytest.fixture
def open_lab(open_hub: OpenLab) -> OpenLab:
    """Opens JupyterLab with the bar, as `open_hub`."""

    def open_it(username: str = "emma", **options: object) -> Page:
        page = open_hub(username, **options)
        if "/spawn" in page.url:
            stop_countdown(page)
            start_server(page)
        expect(page.locator(".e2x-exam-bar")).to_be_visible()
        page.wait_for_selector("#jupyterlab-splash", state="hidden")
        # Until then JupyterLab itself takes the keyboard, for what it opens first.
        expect(page.locator(".jp-MainAreaWidget:visible").first).to_be_visible()
        return page

    return open_it


@pytest.fixture
def set_end(demo: DemoProcess) -> Iterator[SetEnd]:
    """Has the exam end in so long, until the test is over."""
    file = demo.university.catalog / "catalog.yaml"
    written = file.read_text(encoding="utf-8")

    def set_end(left: timedelta) -> None:
        declared = yaml.safe_load(written)
        exam = declared["exams"]["ml-open"]
        start = datetime.now(timezone.utc) + left - timedelta(minutes=exam["duration_minutes"])
        exam["start"] = start.isoformat(timespec="seconds")
        replace_file(file, yaml.safe_dump(declared))

    yield set_end
    replace_file(file, written)


def bar_of(page: Page) -> Locator:
    return page.locator(".e2x-exam-bar")


def announce(records: ExamRecords, text: str, username: Username | None = EMMA) -> None:
    records.announce(EXAM, username, text, by="petra", now=datetime.now(timezone.utc))


def write_in_a_new_file(page: Page, text: str) -> None:
    """Types into a new text file of JupyterLab, and does not save it."""
    launch = page.locator(".jp-LauncherCard:visible", has_text="Text File")
    if not launch.count():
        page.get_by_role("button", name="New Launcher", exact=True).click()
    launch.click()
    page.locator(".cm-content:visible").click()
    page.keyboard.type(text)


def find_barriers_of_the_bar(page: Page) -> list[str]:
    found = Axe().run(page, context=".e2x-exam-bar").response["violations"]
    return [f"{item['id']}: {[node['html'] for node in item['nodes']]}" for item in found]


def test_message_is_shown_beside_the_work_and_does_not_take_the_keyboard(
    demo: DemoProcess, records: ExamRecords, open_lab: OpenLab
) -> None:
    page = open_lab()
    bar = bar_of(page)
    expect(bar).to_contain_text("Machine Learning, first exam")
    expect(bar).to_contain_text(re.compile(r"\d+:\d\d:\d\d left, until \d\d:\d\d"))
    keep_screenshot(page, "exam-bar-lab")

    write_in_a_new_file(page, "one ")
    announce(records, HOSTILE)
    expect(bar.locator(".e2x-exam-text")).to_have_text(HOSTILE)
    page.keyboard.type("two")
    expect(page.locator(".cm-content")).to_have_text("one two")
    expect(bar.get_by_role("alert").filter(has_text="مرحبا")).to_have_count(1)
    assert find_barriers_of_the_bar(page) == []
    keep_screenshot(page, "exam-bar-message")

    # What was typed before the message came was saved by it.
    (saved,) = (demo.directory / "cluster").rglob("homes/exam/ml-open/emma/untitled.txt")
    assert saved.read_text(encoding="utf-8").startswith("one ")

    bar.get_by_role("button", name="I have read it").click()
    expect(bar.locator(".e2x-exam-panel").first).to_be_hidden()
    bar.get_by_role("button", name="Messages (1)").press("Enter")
    expect(bar.locator(".e2x-exam-text")).to_have_text(HOSTILE)
    page.keyboard.press("Escape")
    expect(bar.locator(".e2x-exam-text")).to_be_hidden()


def test_what_was_read_is_not_shown_again_when_the_page_is_opened_anew(
    records: ExamRecords, open_lab: OpenLab
) -> None:
    announce(records, "To be read first.")
    announce(records, "To be read once.")
    page = open_lab()
    bar = bar_of(page)
    for text in ("To be read first.", "To be read once."):
        expect(bar.locator(".e2x-exam-text", has_text=text)).to_be_visible()
    unread = bar.get_by_role("button", name="I have read it")
    unread.first.focus()
    for left in range(unread.count(), 0, -1):
        expect(unread).to_have_count(left)
        expect(unread.first).to_be_focused()
        page.keyboard.press("Enter")
    expect(bar.get_by_role("button", name=re.compile("Messages"))).to_be_focused()
    page.reload()
    expect(bar.get_by_role("button", name=re.compile("Messages"))).to_be_visible()
    expect(bar.get_by_text("To be read once.").first).to_be_hidden()


def test_examinee_says_to_have_submitted_with_the_keyboard(
    records: ExamRecords, open_lab: OpenLab
) -> None:
    page = open_lab("clara")
    bar = bar_of(page)
    bar.get_by_role("button", name="I have submitted", exact=True).press("Enter")
    expect(bar.get_by_role("button", name="Yes, I have submitted")).to_be_focused()
    announce(records, "While you answer.", Username.parse("clara"))
    expect(bar.get_by_role("alert").filter(has_text="While you answer.")).to_have_count(1)
    expect(bar.get_by_role("button", name="Yes, I have submitted")).to_be_focused()
    keep_screenshot(page, "exam-bar-submit")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(bar.get_by_role("button", name="I have submitted", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    said = bar.get_by_role("button", name=re.compile(r"Submitted at \d\d:\d\d"))
    expect(said).to_be_focused()
    expect(bar.get_by_text("While you answer.").last).to_be_visible()
    assert who_said(records, "clara") == ["clara"]


def who_said(records: ExamRecords, username: str) -> list[str]:
    """Who said that `username` has submitted."""
    return [
        entry.event.actor
        for entry in records.entries(EXAM)
        if entry.event.action.value == "submitted" and entry.event.username == username
    ]


def test_work_is_saved_before_the_end(
    demo: DemoProcess, open_lab: OpenLab, set_end: SetEnd
) -> None:
    page = open_lab("otto")
    write_in_a_new_file(page, "unsaved")
    set_end(timedelta(seconds=80))
    bar = bar_of(page)
    expect(bar.get_by_role("alert").filter(has_text="Your exam ends at")).to_be_visible()
    (file,) = (demo.directory / "cluster").rglob("homes/exam/ml-open/otto/untitled.txt")
    assert file.read_text(encoding="utf-8") == ""
    expect(bar).to_have_class(re.compile("e2x-exam-now"))
    wait_until(lambda: file.read_text(encoding="utf-8") == "unsaved", "work is saved")
    expect(bar.get_by_role("status")).to_have_text(re.compile(r"Saved at \d\d:\d\d"))
    assert find_barriers_of_the_bar(page) == []
    keep_screenshot(page, "exam-bar-end")


def test_last_minutes_are_announced(open_lab: OpenLab, set_end: SetEnd) -> None:
    page = open_lab()
    alert = bar_of(page).get_by_role("alert")
    set_end(timedelta(minutes=10, seconds=15))
    expect(alert.filter(has_text="10 minutes left.")).to_be_visible()
    keep_screenshot(page, "exam-bar-ten-minutes")
    set_end(timedelta(minutes=5, seconds=15))
    expect(alert.filter(has_text="5 minutes left.")).to_be_visible()
    bar_of(page).get_by_role("button", name="Close").click()
    expect(alert.filter(has_text="5 minutes left.")).to_have_count(0)


def test_hub_that_cannot_be_reached_is_told_until_it_answers_again(open_lab: OpenLab) -> None:
    page = open_lab()
    alert = bar_of(page).get_by_role("alert").filter(has_text="The hub cannot be reached.")
    page.route("**/hub/e2x/examinee", lambda route: route.abort())
    expect(alert).to_be_visible()
    page.unroute("**/hub/e2x/examinee")
    expect(alert).to_have_count(0)
    expect(bar_of(page)).to_contain_text("left, until")


def test_notebook_7_has_it_too(demo: DemoProcess, open_lab: OpenLab) -> None:
    page = open_lab()
    page.goto(f"{demo.url(HubKind.EXAM)}/user/emma/tree")
    expect(bar_of(page)).to_contain_text("Machine Learning, first exam")
    top = page.locator("#main").bounding_box()
    strip = bar_of(page).bounding_box()
    assert top is not None
    assert strip is not None
    assert top["y"] == pytest.approx(strip["height"], abs=1)
    keep_screenshot(page, "exam-bar-notebook")


def test_german_phone_shows_it_in_german_and_whole(open_lab: OpenLab) -> None:
    page = open_lab(locale="de-DE", width=PHONE)
    bar = bar_of(page)
    expect(bar.get_by_role("button", name=re.compile("abgegeben|Abgegeben"))).to_be_visible()
    assert bar.get_attribute("lang") == "de"
    box = bar.bounding_box()
    assert box is not None
    assert box["width"] <= PHONE
    keep_screenshot(page, "exam-bar-phone-german")


def test_hubs_own_pages_show_it(demo: DemoProcess, records: ExamRecords, open_hub: OpenLab) -> None:
    announce(records, "Wait for the bell.", Username.parse("david"))
    page = open_hub("david")
    expect(bar_of(page)).to_contain_text("Wait for the bell.")
    stop_countdown(page)
    assert find_barriers(page) == []
    assert read_widest(page) <= 1000
    keep_screenshot(page, "exam-bar-spawn-page")
    page.goto(f"{demo.url(HubKind.EXAM)}/hub/home")
    expect(bar_of(page)).to_contain_text("Wait for the bell.")


def test_who_gets_a_new_code_is_told_before_and_work_is_saved(
    demo: DemoProcess, records: ExamRecords, open_lab: OpenLab
) -> None:
    page = open_lab("felix")
    bar, alert = bar_of(page), bar_of(page).get_by_role("alert")
    write_in_a_new_file(page, "unsaved")
    felix, now = Username.parse("felix"), datetime.now(timezone.utc)
    records.issue(EXAM, felix, by="petra", now=now, replace=True)
    expect(alert.filter(has_text="A new code was issued for you")).to_be_visible()
    expect(bar).to_contain_text(re.compile(r"You will be signed out in \d+ s\."))
    expect(bar.get_by_role("status")).to_have_text(re.compile(r"Saved at \d\d:\d\d"))
    (file,) = (demo.directory / "cluster").rglob("homes/exam/ml-open/felix/untitled.txt")
    assert file.read_text(encoding="utf-8") == "unsaved"
    assert find_barriers_of_the_bar(page) == []
    keep_screenshot(page, "exam-bar-signing-out")
    page.keyboard.type(" until the last moment")
    expect(alert.filter(has_text="What you type now is not kept.")).to_be_visible()
    assert file.read_text(encoding="utf-8") == "unsaved until the last moment"


def test_nobody_types_on_after_the_sign_out_and_everything_can_be_copied(
    demo: DemoProcess, records: ExamRecords, open_lab: OpenLab
) -> None:
    page = open_lab("otto")
    write_in_a_new_file(page, "kept")
    otto, now = Username.parse("otto"), datetime.now(timezone.utc)
    records.finish(EXAM, otto, by="petra", now=now, reason="test")
    bar = bar_of(page)
    expect(bar).to_contain_text("Your exam is being ended by a proctor")
    expect(bar).to_contain_text("You are signed out. What you type now is not kept.")
    page.keyboard.type("lost")
    page.keyboard.press("Control+S")
    text = page.locator(".cm-content:visible")
    expect(text).to_have_text("kept")
    page.keyboard.press("Control+A")
    assert page.evaluate("getSelection().toString()") == "kept"
    # JupyterLab's own message that it cannot save is no news; it has one button.
    page.evaluate(
        """() => {
            const dialog = document.createElement("div");
            dialog.className = "jp-Dialog";
            dialog.innerHTML = "<p class='jp-Dialog-footer'><button>Dismiss</button></p>";
            dialog.querySelector("button").onclick = () => dialog.remove();
            document.body.append(dialog);
        }"""
    )
    expect(page.locator(".jp-Dialog:visible")).to_have_count(0)
    expect(page.locator(".jp-Dialog")).to_have_count(0)
    expect(bar.get_by_role("status")).to_have_text("")
    expect(bar.get_by_role("button", name="Close")).to_be_hidden()
    assert find_barriers_of_the_bar(page) == []
    keep_screenshot(page, "exam-bar-signed-out")
    page.goto(f"{demo.url(HubKind.EXAM)}/hub/login")
    expect(page.get_by_text("Your exam was ended by a proctor.")).to_be_visible()
    assert find_barriers(page) == []


def test_page_opens_again_for_who_signs_in_with_the_new_code(
    demo: DemoProcess, records: ExamRecords, open_lab: OpenLab
) -> None:
    page = open_lab("clara")
    write_in_a_new_file(page, "before")
    clara, now = Username.parse("clara"), datetime.now(timezone.utc)
    code = records.issue(EXAM, clara, by="petra", now=now, replace=True)
    expect(bar_of(page)).to_contain_text("What you type now is not kept.")
    other = page.context.new_page()
    other.goto(f"{demo.url(HubKind.EXAM)}/hub/login")
    expect(other.get_by_text("A new code was issued for you: sign in with it.")).to_be_visible()
    sign_in(other, "clara", code.reveal())
    other.wait_for_url(re.compile("/(spawn|user)"))
    page.bring_to_front()
    expect(bar_of(page)).not_to_contain_text("What you type now is not kept.")
    page.locator(".cm-content:visible").click()
    page.keyboard.press("End")
    page.keyboard.type(" and after")
    expect(page.locator(".cm-content:visible")).to_have_text("before and after")


def test_save_that_fails_is_not_called_saved(open_lab: OpenLab, records: ExamRecords) -> None:
    page = open_lab("ben")
    write_in_a_new_file(page, "unsaved")
    page.route("**/api/contents/**", lambda route: route.abort())
    announce(records, "Save now.", Username.parse("ben"))
    bar = bar_of(page)
    expect(
        bar.get_by_role("alert").filter(has_text="Not everything could be saved.")
    ).to_be_visible()
    expect(bar.get_by_role("status")).to_have_text("")
