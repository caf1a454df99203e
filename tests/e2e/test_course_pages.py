"""Instructors with browsers at the pages of their courses; small, by key, dark, in German."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.artefacts import make_artefact_path
from tests.e2e.accessibility import find_barriers
from tests.e2e.conftest import TIMEOUT_MILLISECONDS
from tests.e2e.pages import keep_screenshot, read_widest, sign_in
from tests.hub.beside import run_beside
from tests.hub.course_hub import COURSE, CourseHub, run_course_hub
from tests.hub.demo_process import DemoProcess
from tests.hub.single_hub import PASSWORD

pytestmark = [pytest.mark.hub, pytest.mark.e2e]

DESKTOP, PHONE = 1280, 320
SMALLEST_TARGET = 44
TALLEST_ROW = 220
SECONDS_UNTIL_OFFERED = 5
MANY = 2000

OpenCourse = Callable[..., Page]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory, demo: DemoProcess) -> Iterator[CourseHub]:
    """An assignment hub."""
    with run_beside(run_course_hub(tmp_path_factory.mktemp("course-pages"), demo)) as running:
        yield running


@pytest.fixture
def open_course(chromium: Browser, hub: CourseHub) -> Iterator[OpenCourse]:
    """Signs somebody in and opens the page of the course, in a browser of its own.

    A script that fails, or that the policy of the page stops, fails the test.
    """
    hub.reset()
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def open_it(
        username: str = "anna",
        path: str | None = None,
        *,
        width: int = DESKTOP,
        height: int = 800,
        locale: str = "en-GB",
        **options: Any,
    ) -> Page:
        context = chromium.new_context(
            locale=locale, viewport={"width": width, "height": height}, **options
        )
        context.set_default_timeout(TIMEOUT_MILLISECONDS)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(f"{page.url}: {error}"))
        page.on("console", lambda told: faults.append(told.text) if "Policy" in told.text else None)
        page.goto(f"{hub.own.plan.url}hub/login")
        sign_in(page, username, PASSWORD)
        page.wait_for_url("**/hub/spawn**")
        page.goto(hub.own.plan.url.rstrip("/") + (hub.path if path is None else path))
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert faults == []


def rows(page: Page) -> list[str]:
    """The usernames that are shown, from top to bottom."""
    return page.locator("#rows tr:not([hidden]) .cell-name").all_inner_texts()


def read_tallest_row(page: Page) -> float:
    """In pixels: names are not broken letter by letter for want of width."""
    boxes = [row.bounding_box() for row in page.locator("#rows tr:not([hidden])").all()]
    return max(box["height"] for box in boxes if box)


def upload(page: Page, text: str | bytes, *, name: str = "list.csv") -> None:
    """Chooses a file and asks what it would change."""
    page.click(".sections a[href='#upload']")
    content = text.encode() if isinstance(text, str) else text
    page.set_input_files("#file", {"name": name, "mimeType": "text/csv", "buffer": content})
    page.click("#preview-button")


# --- the way of an instructor


def test_page_says_that_no_reverse_proxy_asks_once_its_browser_has_found_out(
    open_course: OpenCourse, hub: CourseHub
) -> None:
    page = open_course()
    expect(page.locator("#shared-origin")).to_be_visible()
    expect(page.locator("#shared-origin")).to_contain_text("pages of students' servers could act")
    assert "No reverse proxy asks this hub about requests to servers" in hub.own.log


def test_list_of_courses_leads_to_the_course(open_course: OpenCourse, hub: CourseHub) -> None:
    page = open_course(path="/hub/home")
    page.get_by_role("link", name="Your courses").click()
    expect(page.locator(".card")).to_have_count(1)
    expect(page.locator(".card")).to_contain_text("Instructor · Members: 5")
    assert find_barriers(page) == []
    keep_screenshot(page, "courses-list")
    page.click(".card-link")
    page.wait_for_url(f"**{hub.path}")
    expect(page.locator("#shown")).to_have_text("5 of 5 members")
    keep_screenshot(page, "courses-members")


def test_student_of_an_uploaded_list_sees_the_course_within_seconds(
    open_course: OpenCourse,
) -> None:
    nora = open_course("nora", "/hub/spawn")
    expect(nora.get_by_text("Databases")).to_have_count(0)
    page = open_course()
    upload(page, "username,role\nnora,student\nivan,grader\ntheo,student\n")
    expect(page.locator(".summary")).to_have_text(
        "Would be added: 2, removed: 0, get another role: 0. As the list says already: 1."
    )
    expect(page.locator("#preview h3")).to_be_focused()
    keep_screenshot(page, "courses-preview")
    assert find_barriers(page) == []
    page.click("#apply-button")
    expect(page.locator("#result-text")).to_contain_text("Done: 2 added, 0 removed")
    told = time.monotonic()
    while "Databases" not in nora.content():
        assert time.monotonic() - told < SECONDS_UNTIL_OFFERED
        nora.reload()
    assert {"nora", "ivan"} <= set(rows(page))


def test_instructor_adds_removes_and_takes_back_with_the_keyboard_alone(
    open_course: OpenCourse,
) -> None:
    page = open_course()
    expect(page.locator("#shown")).to_have_text("5 of 5 members")
    page.focus("#add-button")
    page.keyboard.press("Enter")
    page.keyboard.type("nora")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.locator("dialog [type=submit]")).to_be_enabled()
    page.locator("dialog select").focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#result-text")).to_contain_text("nora is a member now (Student).")
    expect(page.locator("#result")).to_be_focused()
    page.focus("#search")
    page.keyboard.type("nor")
    assert rows(page) == ["nora"]
    page.get_by_role("button", name="Remove nora (Student)").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#dialog-title")).to_have_text("Remove nora (Student)?")
    expect(page.locator("dialog [type=submit]")).to_be_enabled()
    page.locator("dialog [type=submit]").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#result-text")).to_contain_text("nora is no member any more (Student).")
    expect(page.locator("#result")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("#undo-button")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#result-text")).to_contain_text("nora is a member now (Student).")
    expect(page.locator("#undo-button")).to_be_hidden()
    expect(page.locator("#rows tr:not([hidden])")).to_have_count(1)


def test_wrong_username_is_told_in_the_dialog_and_stays_there(open_course: OpenCourse) -> None:
    page = open_course()
    page.click("#add-button")
    page.fill("dialog input", "no name")
    page.locator("dialog [type=submit]:enabled").click()
    expect(page.locator("dialog .error")).to_have_text("This is no username.")
    assert page.input_value("dialog input") == "no name"
    assert find_barriers(page) == []


def test_second_instructor_is_shown_the_difference_of_now(open_course: OpenCourse) -> None:
    anna, anton = open_course("anna"), open_course("anton")
    for page in (anna, anton):
        upload(page, "username\nnora\nivan\n")
        expect(page.locator("#apply-button")).to_be_visible()
    anton.click("#apply-button")
    expect(anton.locator("#result-text")).to_contain_text("Done: 2 added")
    anna.click("#apply-button")
    expect(anna.locator("#preview .warning")).to_contain_text("Somebody else has changed the list")
    expect(anna.locator(".summary")).to_contain_text(
        "Nothing would change. As the list says already: 2."
    )
    expect(anna.locator("#apply-button")).to_have_count(0)
    keep_screenshot(anna, "courses-changed-meanwhile")


def test_many_are_removed_only_after_a_second_question(
    open_course: OpenCourse, hub: CourseHub
) -> None:
    page = open_course()
    hub.reset(*((f"t{number}", "student") for number in range(10)))
    page.click(".sections a[href='#upload']")
    page.check("#remove-missing")
    upload(page, "username\ntheo\n")
    expect(page.locator("details:has(.removed) summary").first).to_contain_text("Removed: 10")
    page.click("#apply-button")
    expect(page.locator("#dialog-title")).to_have_text("Remove so many?")
    keep_screenshot(page, "courses-loss")
    page.get_by_role("button", name="Cancel").click()
    assert len(hub.browser("anton").usernames()) == 15
    page.click("#apply-button")
    page.locator("dialog [type=submit]:enabled").click()
    expect(page.locator("#result-text")).to_contain_text("Done: 0 added, 10 removed")


def test_hostile_list_is_text_and_changes_nothing(open_course: OpenCourse, hub: CourseHub) -> None:
    lines = [
        "<img src=x onerror=alert(1)>,student",
        '"=HYPERLINK(""http://x"")",student',
        "\u202eanna,student",
        "nora,king</li><script>alert(2)</script>",
        *(f"not a name {number},student" for number in range(10_000)),
    ]
    page = open_course()
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    upload(page, "username,role\n" + "\n".join(lines))
    expect(page.locator(".summary")).to_contain_text("The list has faults: 10004.")
    expect(page.locator(".faults li")).to_have_count(200)
    expect(page.locator("#preview img, #preview script")).to_have_count(0)
    expect(page.locator("#preview")).to_contain_text("… and 9804 more")
    expect(page.locator("#apply-button")).to_have_count(0)
    keep_screenshot(page, "courses-faults")
    assert find_barriers(page) == []
    assert "nora" not in hub.browser("anton").usernames()


def test_pasted_lines_need_no_file(open_course: OpenCourse) -> None:
    page = open_course()
    page.click(".sections a[href='#upload']")
    page.fill("#pasted", "nora\nivan, grader")
    page.click("#preview-button")
    expect(page.locator(".summary")).to_contain_text("Would be added: 2")


def test_dropped_file_is_taken(open_course: OpenCourse) -> None:
    page = open_course()
    page.click(".sections a[href='#upload']")
    page.evaluate(
        """() => {
          const transfer = new DataTransfer();
          transfer.items.add(new File(["username\\nnora\\n"], "dropped.csv"));
          document.getElementById("drop").dispatchEvent(
            new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
        }"""
    )
    expect(page.locator("#file-name")).to_have_text("Chosen: dropped.csv")
    page.click("#preview-button")
    expect(page.locator(".summary")).to_contain_text("Would be added: 1")


def test_corrected_file_is_chosen_again(open_course: OpenCourse, tmp_path: Path) -> None:
    page = open_course()
    page.click(".sections a[href='#upload']")
    file = tmp_path / "list.csv"
    file.write_text("username;role\nNora N;student\n")
    choose(page, file)
    page.click("#preview-button")
    expect(page.locator(".summary")).to_contain_text("The list has faults: 1.")
    file.write_text("username;role\nnora;student\n")
    os.utime(file, (time.time() + 5,) * 2)
    page.click("#preview-button")
    expect(page.locator("#upload-error")).to_have_text(
        "The file has changed since you chose it. Choose it again."
    )
    choose(page, file)
    page.click("#preview-button")
    expect(page.locator(".summary")).to_contain_text("Would be added: 1")


def choose(page: Page, file: Path) -> None:
    """Chooses a file as a person does, by the browser's dialog."""
    with page.expect_file_chooser() as chooser:
        page.click("#file")
    chooser.value.set_files(file)


def test_file_stays_where_no_other_is_chosen_and_can_be_taken_away(open_course: OpenCourse) -> None:
    page = open_course()
    upload(page, "username\nnora\n")
    expect(page.locator("#apply-button")).to_be_visible()
    for event in ("click", "cancel"):
        page.evaluate(f"document.getElementById('file').dispatchEvent(new Event('{event}'))")
    expect(page.locator("#file-name")).to_have_text("Chosen: list.csv")
    page.fill("#pasted", "ivan")
    page.click("#preview-button")
    expect(page.locator("#upload-error")).to_have_text("Choose a file or paste lines, not both.")
    page.click("#no-file")
    expect(page.locator("#no-file")).to_be_hidden()
    page.click("#preview-button")
    expect(page.locator("li.added")).to_have_text(["+ivan Student"])


def test_list_is_undone_at_once_or_from_the_history(
    open_course: OpenCourse, hub: CourseHub
) -> None:
    page = open_course()
    hub.reset(*((f"t{number}", "student") for number in range(10)))
    for way in ("result", "history"):
        page.click(".sections a[href='#upload']")
        page.check("#remove-missing")
        upload(page, "username\ntheo\n")
        page.click("#apply-button")
        expect(page.get_by_role("link", name="Save the members of now as CSV")).to_be_visible()
        page.locator("dialog [type=submit]:enabled").click()
        expect(page.locator("#result-text")).to_contain_text("Done: 0 added, 10 removed")
        if way == "result":
            page.click("#undo-button")
        else:
            page.click(".sections a[href='#history']")
            newest = page.locator(".history > li").first
            expect(newest.get_by_role("link", name="Save as CSV")).to_be_visible()
            keep_screenshot(page, "courses-history-undo")
            assert find_barriers(page) == []
            newest.get_by_role("button", name="Undo").click()
            page.locator("dialog [type=submit]:enabled").click()
        expect(page.locator("#result-text")).to_contain_text("Done: 10 added, 0 removed")
        expect(page.locator("#result")).to_be_focused()
        expect(page.locator("#shown")).to_have_text("15 of 15 members")


def test_undo_that_removes_many_is_asked_about_twice(open_course: OpenCourse) -> None:
    page = open_course()
    for way in ("result", "history"):
        page.click(".sections a[href='#upload']")
        upload(page, "username\n" + "".join(f"t{number}\n" for number in range(10)))
        page.click("#apply-button")
        expect(page.locator("#result-text")).to_contain_text("Done: 10 added, 0 removed")
        if way == "result":
            page.click("#undo-button")
        else:
            page.click(".sections a[href='#history']")
            newest = page.locator(".history > li").first
            newest.get_by_role("button", name="Undo").click()
            expect(page.locator("dialog form > p").first).to_contain_text(
                "Will be removed: 10, added again: 0"
            )
            keep_screenshot(page, "courses-undo")
            assert find_barriers(page) == []
            page.locator("dialog [type=submit]:enabled").click()
        expect(page.locator("#dialog-title")).to_have_text("Remove so many?")
        expect(page.locator("dialog form > p").first).to_contain_text("Is this the right change?")
        page.locator("dialog [type=submit]:enabled").click()
        expect(page.locator("#result-text")).to_contain_text("Done: 0 added, 10 removed")
        expect(page.locator("#shown")).to_have_text("5 of 5 members")


def test_student_who_becomes_a_grader_has_one_role_or_both(open_course: OpenCourse) -> None:
    page = open_course()
    expect(page.locator("#shown")).to_have_text("5 of 5 members")
    page.click("#add-button")
    page.fill("dialog input", "Theo")
    page.select_option("dialog select", "grader")
    page.locator("dialog [type=submit]:enabled").click()
    expect(page.locator("dialog form > p").first).to_have_text(
        "theo is in this course already, as: Student."
    )
    keep_screenshot(page, "courses-two-roles")
    assert find_barriers(page) == []
    page.get_by_label("Grader instead of Student").check()
    page.locator("dialog [type=submit]:enabled").click()
    expect(page.locator("#result-text")).to_contain_text(
        "theo has another role now: Grader, no longer Student."
    )
    page.click("#undo-button")
    expect(page.locator("#result-text")).to_contain_text("Student, no longer Grader.")


def test_list_that_gives_a_second_role_can_replace_the_first(open_course: OpenCourse) -> None:
    page = open_course()
    upload(page, "username,role\ntheo,grader\nivan,grader\n")
    expect(page.locator("#preview .warning")).to_contain_text("have another role in this course")
    keep_screenshot(page, "courses-list-two-roles")
    assert find_barriers(page) == []
    page.get_by_label("Give them the new role instead of the one they have").check()
    expect(page.locator(".summary")).to_contain_text("get another role: 1.")
    page.click("#apply-button")
    expect(page.locator("#result-text")).to_contain_text(
        "Done: 1 added, 0 removed, 1 with another role."
    )
    assert rows(page).count("theo") == 1


def test_role_is_changed_in_the_row_and_nobody_who_was_changed_is_hidden(
    open_course: OpenCourse,
) -> None:
    page = open_course()
    page.select_option("#role", "student")
    page.get_by_role("button", name="Change the role of theo (Student)").click()
    page.select_option("dialog select", "observer")
    page.locator("dialog [type=submit]:enabled").click()
    expect(page.locator("#result-text")).to_contain_text(
        "theo has another role now: Observer, no longer Student."
    )
    expect(page.locator("#role")).to_have_value("")
    expect(page.locator("tr[data-key='observer roster theo']")).to_be_visible()
    page.fill("#search", "ann")
    page.click("#add-button")
    page.fill("dialog input", "nora")
    page.locator("dialog [type=submit]:enabled").click()
    expect(page.locator("tr[data-key='student roster nora']")).to_be_visible()
    expect(page.locator("#search")).to_have_value("")


def test_what_was_pasted_is_there_again_after_signing_in(open_course: OpenCourse) -> None:
    page = open_course()
    page.click(".sections a[href='#upload']")
    page.fill("#pasted", "nora\nivan")
    page.check("#remove-missing")
    other = page.context.new_page()
    other.goto(page.url.partition("/hub/")[0] + "/hub/logout")
    page.click("#preview-button")
    expect(page.locator("#signed-out")).to_be_visible()
    page.locator("#signed-out a").click()
    sign_in(page, "anna", PASSWORD)
    expect(page.locator("#pasted")).to_have_value("nora\nivan")
    expect(page.locator("#upload")).to_be_visible()
    expect(page.locator("#remove-missing")).to_be_checked()


# --- who sees what


def test_grader_sees_why_nothing_can_be_changed(open_course: OpenCourse) -> None:
    page = open_course("gina")
    expect(page.locator("#read-only")).to_have_text(
        "Only the instructors of this course can change its members."
    )
    expect(page.locator("#rows tr")).to_have_count(5)
    expect(page.locator("#rows button, #rows .more")).to_have_count(0)
    expect(page.locator("#add-button, #upload")).to_have_count(0)
    keep_screenshot(page, "courses-read-only")
    assert find_barriers(page) == []


def test_each_part_of_the_page_has_an_address_and_going_back_works(
    open_course: OpenCourse,
) -> None:
    page = open_course()
    for part, told in (
        ("settings", "image"),
        ("problems", "No problems were found."),
        ("history", "anna"),
    ):
        page.click(f".sections a[href='#{part}']")
        expect(page.locator(f"#{part}-content")).to_contain_text(told)
        expect(page.locator(f"#{part}-title")).to_be_focused()
        assert find_barriers(page) == []
        keep_screenshot(page, f"courses-{part}")
    page.go_back()
    expect(page.locator("#problems")).to_be_visible()
    expect(page.locator("#history")).to_be_hidden()


# --- everybody


def test_german_phone_dark_and_magnified(open_course: OpenCourse) -> None:
    phone = open_course(width=PHONE, locale="de-DE", color_scheme="dark", device_scale_factor=2)
    expect(phone.locator("#shown")).to_have_text("5 von 5 Mitgliedern")
    for part in ("members", "upload", "settings", "problems", "history"):
        phone.click(f".sections a[href='#{part}']")
        phone.wait_for_load_state("networkidle")
        assert read_widest(phone) <= PHONE, part
        if part == "members":
            assert read_tallest_row(phone) <= TALLEST_ROW
        assert find_barriers(phone) == [], part
        keep_screenshot(phone, f"courses-phone-{part}")
    phone.click(".sections a[href='#upload']")
    phone.fill("#pasted", "nora\nivan, grader\nkein name")
    phone.click("#preview-button")
    expect(phone.locator(".summary")).to_contain_text("Die Liste hat Fehler: 1.")
    assert read_widest(phone) <= PHONE
    keep_screenshot(phone, "courses-phone-preview")


@pytest.mark.parametrize("part", ["members", "upload"])
def test_what_is_pressed_is_large_enough_for_a_finger(open_course: OpenCourse, part: str) -> None:
    page = open_course(width=PHONE)
    page.click(f".sections a[href='#{part}']")
    pressed = page.locator("button:visible, a.button:visible, select:visible, .sections a:visible")
    for item in pressed.all():
        box = item.bounding_box()
        assert box
        assert box["height"] >= SMALLEST_TARGET, item.inner_text()


def test_two_thousand_members_are_searched(open_course: OpenCourse, hub: CourseHub) -> None:
    """What the search takes is kept in test-artefacts/course-2000.json."""
    page = open_course()
    hub.reset(*((f"student{number:04}", "student") for number in range(MANY)))
    page.reload()
    expect(page.locator("#shown")).to_have_text(f"{MANY + 5} of {MANY + 5} members")
    longest = page.evaluate(
        """() => {
          const search = document.getElementById("search");
          const times = [];
          for (const text of ["s", "st", "student19", "student1999", ""]) {
            const before = performance.now();
            search.value = text;
            search.dispatchEvent(new Event("input"));
            document.body.offsetHeight;
            times.push(performance.now() - before);
          }
          return Math.max(...times);
        }"""
    )
    measured = {"members": MANY, "longest_search_ms": round(longest)}
    path = Path(make_artefact_path("course-2000.json"))
    path.write_text(json.dumps(measured) + "\n", encoding="utf-8")
    page.fill("#search", "student1999")
    assert rows(page) == ["student1999"]
    page.fill("#search", "")
    page.select_option("#role", "instructor")
    assert rows(page) == ["anna", "anton"]


def test_course_page_is_named_after_the_course(open_course: OpenCourse) -> None:
    page = open_course()
    assert page.title() == "Databases"
    assert COURSE in page.url
