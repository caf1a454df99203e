"""A grader with a browser grades, on the grading hub, what the sample's examinees handed in."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from e2xhub.domain.roles import HubKind
from tests.e2e.conftest import OpenPage
from tests.e2e.pages import keep_screenshot, read_offers, read_refusals, sign_in, wait_for_lab
from tests.hub.demo_process import DemoProcess

pytestmark = [pytest.mark.hub, pytest.mark.e2e]

EXAM = "Machine Learning, mock exam"
# A pod that starts, or a notebook that is run, while other tests keep the machine busy.
LONG_MILLISECONDS = 180_000.0


def open_formgrader(demo: DemoProcess, page: Page, username: str) -> None:
    """Signs in, chooses the exam and starts its server."""
    sign_in(page, username, demo.password)
    page.locator(".e2x-card", has_text=EXAM).locator("label.e2x-choice").click()
    keep_screenshot(page, f"spawn-grading-{username}")
    page.click("#e2x-start")
    page.wait_for_url("**/formgrader/manage_assignments**", timeout=LONG_MILLISECONDS)
    expect(page.locator("td.name", has_text="mock")).to_be_visible()


def press(page: Page, button: Locator, title: str) -> str:
    """Has nbgrader run a command, and closes what it says of it, which is under `title`."""
    button.click()
    said = page.locator(".modal.in")
    expect(said).to_be_visible(timeout=LONG_MILLISECONDS)
    expect(said.locator(".modal-title")).to_have_text(title)
    text = said.inner_text()
    said.locator("button.close").first.click()
    expect(said).to_have_count(0)
    return text


def run(page: Page, button: Locator) -> None:
    """Has nbgrader run a command that succeeds."""
    press(page, button, "Success")


def way_on(page: Page) -> Locator:
    """What stands in the corner of every page of the formgrader."""
    return page.locator("#e2xhub-bar")


def open_first_submission(page: Page) -> Locator:
    """Opens the first one to be graded by hand; the field of its points, filled in."""
    base = page.url.partition("/formgrader/")[0]
    page.goto(f"{base}/formgrader/gradebook/mock/mean")
    page.locator("td.name a").first.click()
    # Before, the page neither shows nor saves points: it loads them when all else is there.
    page.wait_for_function("window.formgrader?.grades?.loaded")
    return page.locator("input.score#what-is-a-mean")


def test_grader_grades_the_mock_exam_in_the_formgrader_and_an_observer_reads_it(
    demo: DemoProcess, open_page: OpenPage
) -> None:
    page = open_page(HubKind.GRADING, width=1400)
    open_formgrader(demo, page, "gina")
    run(page, page.locator("td.assign a"))
    run(page, page.locator("td.collect a"))
    expect(page.locator("td.num-submissions")).to_have_text("2")
    keep_screenshot(page, "formgrader-gina")

    page.locator("td.num-submissions a").click()
    for student in ("karl", "lena"):
        row = page.locator("tr", has=page.locator("td.student-id", has_text=student))
        run(page, row.locator("td.autograde a"))
        expect(row.locator("td.status")).to_have_text("needs manual grading")
    keep_screenshot(page, "formgrader-gina-submissions")

    score = open_first_submission(page)
    score.fill("3")
    with page.expect_response(lambda answer: answer.request.method == "PUT") as saved:
        score.blur()
    assert saved.value.ok
    keep_screenshot(page, "formgrader-gina-grades")

    page.goto(f"{page.url.partition('/formgrader/')[0]}/formgrader/manage_assignments")
    run(page, page.locator("td.generate-feedback a"))
    run(page, page.locator("td.release-feedback a"))
    exports = demo.directory.rglob("nfs.demo")
    released = {
        path.parent.name
        for export in exports
        for path in export.rglob("ml-mock/personalized-feedback/*/*.html")
    }
    assert released == {"karl", "lena"}

    observer = open_page(HubKind.GRADING, width=1400)
    open_formgrader(demo, observer, "oscar")
    refused = press(observer, observer.locator("td.collect a"), "Error")
    assert "You observe: you collect nothing and release nothing" in refused
    score = open_first_submission(observer)
    expect(score).to_have_value("3")
    expect(way_on(observer)).to_contain_text("nothing that you change is saved")
    score.fill("1")
    score.blur()
    expect(way_on(observer).get_by_role("alert")).to_have_text(
        "Not saved: you observe. Reload the page to see what is saved."
    )
    keep_screenshot(observer, "formgrader-oscar")
    observer.reload()
    expect(score).to_have_value("3")


def test_formgrader_leads_to_the_files_and_back_and_to_the_other_servers(
    demo: DemoProcess, open_page: OpenPage
) -> None:
    page = open_page(HubKind.GRADING, width=1400)
    sign_in(page, "gina", demo.password)
    page.wait_for_url("**/formgrader/manage_assignments**")
    with page.expect_popup() as opened:
        page.locator("td.name a").click()
    lab = opened.value
    wait_for_lab(lab)
    expect(lab.locator(".jp-DirListing-item", has_text="mean.ipynb")).to_be_visible()
    lab.locator(".lm-MenuBar-item", has_text="Nbgrader").click()
    keep_screenshot(lab, "grading-lab-menu")
    with lab.expect_popup() as opened:
        lab.locator(".lm-Menu-item:visible", has_text="Formgrader").click()
    formgrader = opened.value
    expect(formgrader.locator("td.name", has_text="mock")).to_be_visible()
    way_on(formgrader).get_by_role("link", name="Your servers").click()
    formgrader.wait_for_url("**/hub/home")
    keep_screenshot(formgrader, "grading-hub-home")

    way_on(page).get_by_role("link", name="Files and notebooks").click()
    wait_for_lab(page)


def test_no_other_page_can_frame_the_formgrader_of_a_server(
    demo: DemoProcess, open_page: OpenPage
) -> None:
    page = open_page(HubKind.GRADING)
    sign_in(page, "gina", demo.password)
    page.wait_for_url("**/formgrader/manage_assignments**")
    answer = page.request.get(page.url)
    assert answer.headers["content-security-policy"] == "frame-ancestors 'none'"


def test_grader_who_sat_the_exam_reads_why_it_is_not_offered(
    demo: DemoProcess, open_page: OpenPage
) -> None:
    page = open_page(HubKind.GRADING)
    sign_in(page, "gustav", demo.password)
    expect(page.locator(".e2x-refusals")).to_contain_text(EXAM)
    keep_screenshot(page, "spawn-grading-gustav")
    assert read_refusals(page) == [
        f"{EXAM}\nYou sit this exam, or sat it, and so you cannot grade it."
    ]
    assert EXAM not in [title for title, _, _ in read_offers(page)]


def test_the_same_in_german(demo: DemoProcess, open_page: OpenPage) -> None:
    page = open_page(HubKind.GRADING, locale="de-DE")
    sign_in(page, "gustav", demo.password)
    expect(page.locator(".e2x-refusals")).to_contain_text(
        "Sie schreiben diese Prüfung oder haben sie geschrieben und können sie darum nicht bewerten"
    )
