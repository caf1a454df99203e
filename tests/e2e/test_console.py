"""Two proctors with browsers and ten students in a real exam of the demo."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, expect

from e2xhub.domain.roles import HubKind
from tests.artefacts import make_artefact_path
from tests.e2e.accessibility import find_barriers
from tests.e2e.conftest import TIMEOUT_MILLISECONDS
from tests.e2e.console_exam import ConsoleExam, add_exam
from tests.e2e.pages import keep_screenshot, read_widest
from tests.hub.cluster_client import POLICIES
from tests.hub.configured_hub import wait_until
from tests.hub.demo_process import DemoProcess
from tests.hub.http_session import HubSession

pytestmark = [pytest.mark.hub, pytest.mark.e2e]

DESKTOP, TABLET, PHONE = 1280, 768, 320
SMALLEST_TARGET = 44
MANY = 500

OpenConsole = Callable[..., Page]


@pytest.fixture(scope="module")
def exam(demo: DemoProcess) -> ConsoleExam:
    """Ten examinees in two rooms."""
    return add_exam(demo, "os", examinees=10)


@pytest.fixture
def open_console(chromium: Browser) -> Iterator[OpenConsole]:
    """Signs a proctor in and opens the console of an exam, in a browser of its own.

    A script that fails, or that the policy of the page stops, fails the test.
    """
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def open_it(
        exam: ConsoleExam,
        proctor: str = "petra",
        *,
        part: str = "",
        width: int = DESKTOP,
        height: int = 800,
        locale: str = "en-GB",
        **options: object,
    ) -> Page:
        size = {"width": width, "height": height}
        context = chromium.new_context(locale=locale, viewport=size, **options)
        context.set_default_timeout(TIMEOUT_MILLISECONDS)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(f"{page.url}: {error}"))
        page.on("console", lambda told: _note_refusals(told.text, faults))
        page.goto(exam.demo.url(HubKind.EXAM))
        page.click("#e2x-staff summary")
        page.fill("#staff_username", proctor)
        page.fill("#staff_password", exam.demo.password)
        page.click("#staff_submit")
        page.wait_for_url("**/hub/e2x/exams")
        page.goto(exam.url + part)
        if not part:
            expect(page.locator("#rows tr")).to_have_count(len(exam.usernames))
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert faults == []


def _note_refusals(text: str, faults: list[str]) -> None:
    if "Content Security Policy" in text:
        faults.append(text)


def dialog(page: Page) -> Locator:
    return page.locator("dialog[open]")


def press(page: Page, name: str) -> None:
    """Presses a button of the dialog, as soon as it is armed."""
    dialog(page).get_by_role("button", name=name, exact=True).click()


def read_codes(page: Page) -> dict[str, str]:
    """The codes that are shown, by username."""
    rows = dialog(page).locator(".codes tbody tr").all()
    cells = [row.locator("td").all_inner_texts() for row in rows]
    return {row[1]: row[4] for row in cells}


def close_codes(
    page: Page, close: str = "Close for good", confirm: str = "Yes, close them for good"
) -> None:
    press(page, close)
    press(page, confirm)
    expect(dialog(page)).to_have_count(0)


def open_person(page: Page, username: str) -> None:
    page.locator(f'#rows tr[data-username="{username}"] button').click()
    expect(dialog(page).locator(".person")).to_be_visible()


def state_of(page: Page, username: str) -> Locator:
    return page.locator(f'#rows tr[data-username="{username}"] .state')


def test_two_proctors_bring_ten_students_into_the_exam(
    exam: ConsoleExam, open_console: OpenConsole
) -> None:
    petra = open_console(exam, "petra")
    peter = open_console(exam, "peter", locale="de-DE", width=TABLET, color_scheme="dark")
    expect(petra.locator("#reach")).to_have_text(
        "Servers will reach: the hub only (not yet checked)"
    )
    expect(peter.locator("#reach")).to_have_text(
        "Server werden erreichen: nur den Hub (noch nicht geprüft)"
    )
    assert find_barriers(petra) == []

    # One room each; each sees what the other does.
    petra.select_option("#room", label=exam.rooms[0])
    petra.click("#issue-button")
    expect(dialog(petra).get_by_label(f"Room {exam.rooms[0]} (5)")).to_be_checked()
    keep_screenshot(petra, "console-issue")
    press(petra, "Issue codes (5)")
    codes = read_codes_when_there(petra, 5)
    assert find_barriers(petra) == []
    keep_screenshot(petra, "console-codes")
    for username in codes:
        expect(state_of(peter, username)).to_have_text("Code ausgegeben")
    peter.click("#issue-button")
    expect(dialog(peter).get_by_label("Alle ohne Code (5)")).to_be_checked()
    press(peter, "Codes ausgeben (5)")
    codes |= read_codes_when_there(peter, 5)
    assert codes.keys() == set(exam.usernames)

    # Codes are not closed by a slip of the finger.
    petra.keyboard.press("Escape")
    press(petra, "No, back to the codes")
    for _ in range(3):
        petra.keyboard.press("Escape")
    expect(dialog(petra)).to_be_visible()
    # Some browsers ask at each Escape, others not at the second: codes or the question are there.
    back = dialog(petra).get_by_role("button", name="No, back to the codes", exact=True)
    if back.count():
        back.click()
    assert len(read_codes(petra)) == 5
    close_codes(petra)
    petra.select_option("#room", label="All rooms")

    # Ten students sign in with what they were given; one mistypes first.
    hub = exam.demo.url(HubKind.EXAM)
    late, *others = exam.usernames
    HubSession(hub).sign_in(late, "ABCDE-FGHJK")
    expect(petra.locator("#help")).to_contain_text("Typed a wrong code.")
    expect(petra.locator("#help")).to_contain_text("127.0.0.1")
    keep_screenshot(petra, "console-help")
    keep_screenshot(peter, "console-codes-tablet-dark-german")
    close_codes(peter, "Endgültig schließen", "Ja, endgültig schließen")
    assert read_widest(peter) <= TABLET
    assert find_barriers(peter) == []
    keep_screenshot(peter, "console-tablet-dark-german")
    browsers = {}
    for username in (late, *others):
        browsers[username] = HubSession(hub)
        browsers[username].sign_in(username, codes[username])
        assert browsers[username].is_signed_in
    for username in exam.usernames:
        expect(state_of(petra, username)).to_have_text("Signed in")
    expect(petra.locator("#help")).to_be_hidden()

    # A server comes up, the browser crashes, a new code brings the person back to it.
    answer = browsers[late].call_api("POST", f"/hub/api/users/{late}/server")
    assert answer.status in (201, 202)
    expect(state_of(peter, late)).to_have_text("Arbeitet")
    open_person(petra, late)
    keep_screenshot(petra, "console-person")
    press(petra, "New code")
    press(petra, "Issue a new code")
    expect(dialog(petra).get_by_role("alert")).to_have_text("Give a reason; it is kept in the log.")
    dialog(petra).get_by_label("Reason").fill("browser crashed")
    press(petra, "Issue a new code")
    code = dialog(petra).locator(".one-code .code")
    expect(code).to_have_text(re.compile("^[0-9A-Z]{5}-[0-9A-Z]{5}$"))
    assert find_barriers(petra) == []
    keep_screenshot(petra, "console-one-code")
    wait_until(lambda: not browsers[late].is_signed_in, "the grace of the old browser is over")
    again = HubSession(hub)
    again.sign_in(late, code.inner_text())
    assert again.is_signed_in
    close_codes(petra)
    expect(state_of(petra, late)).to_have_text("Working")


def read_codes_when_there(page: Page, count: int) -> dict[str, str]:
    expect(dialog(page).locator(".codes tbody tr")).to_have_count(count)
    return read_codes(page)


def test_proctor_with_an_old_list_cannot_issue_twice(
    demo: DemoProcess, open_console: OpenConsole
) -> None:
    exam = add_exam(demo, "twice", examinees=2)
    petra = open_console(exam)
    petra.click("#issue-button")
    expect(dialog(petra).get_by_role("button", name="Issue codes (2)")).to_be_enabled()
    exam.issue(exam.usernames[0])
    press(petra, "Issue codes (2)")
    expect(dialog(petra).get_by_role("alert")).to_have_text("Not done for 1:")
    expect(dialog(petra).locator(".refused")).to_contain_text("Was issued by a test just now")
    expect(dialog(petra).locator(".one-code")).to_contain_text(exam.usernames[1])


def test_what_is_lost_in_the_middle_is_done_again_and_only_once(
    demo: DemoProcess, open_console: OpenConsole
) -> None:
    exam = add_exam(demo, "lost", examinees=45, rooms=1)
    page = open_console(exam)

    # The answer of the second part is lost: its codes are made, and nobody has seen them.
    lose_answer(page, "issue", number=2)
    page.click("#issue-button")
    press(page, "Issue codes (45)")
    assert len(read_codes_when_there(page, 20)) == 20
    expect(dialog(page)).to_contain_text("They may have a code that nobody has seen.")
    assert asks_before_it_is_left(page)
    press(page, "Go on with the remaining 5")
    first = read_codes_when_there(page, 25)
    for username in exam.usernames[:20]:
        expect(state_of(page, username)).to_have_text("Code issued")
    press(page, "Issue new codes for these 20")
    codes = read_codes_when_there(page, 45)
    assert first.items() <= codes.items()
    assert codes.keys() == set(exam.usernames)
    close_codes(page)
    assert not asks_before_it_is_left(page)

    # Extra time of which nobody knows whether it was given is given once.
    lose_answer(page, "extra-time", number=2)
    page.click("#extra-button")
    dialog(page).get_by_label("Reason").fill("a fire alarm")
    press(page, "Give 15 minutes (45 people)")
    press(page, "Go on with the remaining 25")
    expect(dialog(page)).to_contain_text("Done for 25.")
    expect(dialog(page)).to_contain_text("20 people: Has other extra time by now (15 minutes")
    press(page, "Close")
    expect(page.locator("#rows .extra", has_text="+15 min")).to_have_count(45)

    # Those who are shown, with another code each; then the exam of all is ended, typed by hand.
    page.fill("#search", exam.usernames[0])
    page.click("#issue-button")
    dialog(page).get_by_label("Reason").fill("slip lost")
    press(page, "Issue new codes (1)")
    expect(dialog(page).locator(".one-code .code")).not_to_have_text(codes[exam.usernames[0]])
    close_codes(page)
    page.click("#finish-button")
    press(page, "Finish (1)")
    expect(dialog(page).get_by_role("alert")).to_contain_text("type the name of this exam: lost")
    dialog(page).get_by_label("To confirm").fill("lost")
    press(page, "Finish (1)")
    expect(state_of(page, exam.usernames[0])).to_have_text("Finished")
    press(page, "Close")

    # Signed out in the middle: that was not done, and nobody can do anything more here.
    page.context.clear_cookies()
    page.fill("#search", "")
    page.click("#message-button")
    dialog(page).get_by_label("Text").fill("Hello")
    press(page, "Send (45 people)")
    expect(dialog(page).get_by_role("link", name="Sign in again")).to_be_visible()
    press(page, "Close")
    expect(page.locator("#issue-button")).to_be_disabled()


def lose_answer(page: Page, action: str, *, number: int) -> None:
    """Has the hub do what it is asked for, and the page hear nothing of it, at one request."""
    seen = 0

    def handle(route: Route) -> None:
        nonlocal seen
        seen += 1
        if seen != number:
            route.continue_()
            return
        route.fetch()
        route.abort()

    page.route(f"**/{action}", handle)


def asks_before_it_is_left(page: Page) -> bool:
    return bool(
        page.evaluate(
            """() => {
              const event = new Event("beforeunload", { cancelable: true });
              window.dispatchEvent(event);
              return event.defaultPrevented;
            }"""
        )
    )


def test_proctor_is_told_that_the_connection_is_gone(
    demo: DemoProcess, open_console: OpenConsole
) -> None:
    exam = add_exam(demo, "offline", examinees=2)
    page = open_console(exam)
    expect(page.locator("#connection")).to_have_text("live")
    page.context.set_offline(True)
    expect(page.locator("#connection")).to_have_text(
        "No connection to the hub. What you see may be old."
    )
    keep_screenshot(page, "console-offline")
    exam.issue(exam.usernames[0])
    page.context.set_offline(False)
    expect(page.locator("#connection")).to_have_text("live")
    expect(state_of(page, exam.usernames[0])).to_have_text("Code issued")


def test_console_is_used_with_the_keyboard_alone(
    demo: DemoProcess, open_console: OpenConsole
) -> None:
    exam = add_exam(demo, "keys", examinees=2)
    page = open_console(exam)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="To the list")).to_be_focused()
    page.locator("#search").focus()
    page.keyboard.type("lovelace")
    expect(page.locator("#rows tr:visible")).to_have_count(1)
    button = page.get_by_role("button", name="Actions for Ada Lovelace")
    for _ in range(20):
        page.keyboard.press("Tab")
        if button.evaluate("it => it === document.activeElement"):
            break
    page.keyboard.press("Enter")
    expect(dialog(page)).to_be_visible()
    page.keyboard.press("Tab")
    expect(dialog(page).get_by_role("button", name="Issue a code")).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog(page).locator(".one-code")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog(page).get_by_role("button", name="No, back to the codes")).to_be_focused()
    expect(dialog(page).get_by_role("button", name="Yes, close them for good")).to_be_enabled()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(dialog(page)).to_have_count(0)
    expect(button).to_be_focused()


@pytest.mark.parametrize("locale", ["en-GB", "de-DE"])
@pytest.mark.parametrize("width", [TABLET, PHONE])
def test_console_fits_a_tablet_and_a_phone(
    exam: ConsoleExam, open_console: OpenConsole, width: int, locale: str
) -> None:
    """320 pixels are also what is left of 1280 at 400 %."""
    page = open_console(exam, width=width, has_touch=True, locale=locale)
    assert read_widest(page) <= width
    keep_screenshot(page, f"console-{width}-{locale}")
    assert find_barriers(page) == []
    small = page.evaluate(
        """most => [...document.querySelectorAll("button, a.button, input, select")]
        .filter(it => it.checkVisibility() && it.getBoundingClientRect().height < most)
        .map(it => it.outerHTML)""",
        SMALLEST_TARGET,
    )
    assert small == []
    open_person(page, exam.usernames[1])
    keep_screenshot(page, f"console-{width}-{locale}-person")
    assert read_widest(page) <= width


def test_proctor_reads_what_servers_reach_and_what_opens_their_network(
    demo: DemoProcess, open_console: OpenConsole
) -> None:
    licences = {"licence-server": {"addresses": ["10.3.4.5"], "ports": ["27000-27009"]}}
    exam = add_exam(
        demo,
        "wide",
        examinees=2,
        destinations=licences,
        reach={"licence-server": True},
        name_service=True,
    )
    petra = open_console(exam)
    peter = open_console(exam, "peter", locale="de-DE", width=PHONE, color_scheme="dark")
    places, orte = "the hub, licence-server, name service", "den Hub, licence-server, Namensdienst"
    expect(reach_of(petra)).to_have_text(f"Servers will reach: {places} (not yet checked)")
    expect(reach_of(peter)).to_have_text(f"Server werden erreichen: {orte} (noch nicht geprüft)")

    # A start is refused, and nobody has a server yet.
    student = HubSession(demo.url(HubKind.EXAM))
    student.sign_in(exam.usernames[0], demo.make_code(exam.usernames[0], exam.exam))
    with opening_the_internet(demo, exam, "from-the-cluster-team"):
        path = f"/hub/api/users/{student.username}/server"
        assert student.call_api("POST", path).status == 503
        expect(lock_warning(petra)).to_contain_text("The network of this exam is open wider")
        expect(lock_warning(peter)).to_contain_text("Das Netz dieser Prüfung ist weiter offen")
        trouble = petra.locator("#help-list li")
        expect(trouble).to_contain_text("The server did not start (NOT_SAFE).")
        expect(petra.locator("#help-title")).to_have_text("Need help (1)")
        expect(reach_of(petra)).to_have_text(f"Servers should reach: {places} (see the warning)")
        expect(reach_of(peter)).to_have_text(f"Server sollen nur erreichen: {orte} (siehe Warnung)")
        expect(spoken_alarm(petra)).to_contain_text("The network of this exam is open wider")
        note_what_is_said(petra)
        assert find_barriers(peter) == []
        lock_warning(petra).locator("summary").press("Enter")
        lock_warning(peter).get_by_text("Für die Administration (1)").click()
        for page in (petra, peter):
            expect(told_to_admins(page)).to_have_count(1)
            expect(told_to_admins(page)).to_contain_text("default/from-the-cluster-team lets the")
        assert find_barriers(petra) == []
        assert find_barriers(peter) == []
        assert read_widest(peter) <= PHONE
        keep_screenshot(petra, "console-lockdown")
        keep_screenshot(peter, "console-lockdown-320-dark-german")

        # What is being read aloud stays open when more is found.
        with opening_the_internet(demo, exam, "another-one"):
            expect(told_to_admins(petra)).to_have_count(2)
            expect(told_to_admins(petra).first).to_be_visible()
        expect(told_to_admins(petra)).to_have_count(1)
        assert petra.evaluate("window.said") == []
    expect(lock_warning(petra)).to_have_count(0)
    expect(spoken_alarm(petra)).to_have_text("")
    expect(lock_warning(peter)).to_have_count(0)
    assert student.call_api("POST", path).status in (201, 202)
    expect(state_of(petra, exam.usernames[0])).to_have_text("Working")
    expect(lock_warning(petra)).to_have_count(0)
    expect(trouble).to_have_count(0)
    expect(reach_of(petra)).to_have_text(f"Servers reach: {places}")
    expect(reach_of(peter)).to_have_text(f"Server erreichen: {orte}")
    keep_screenshot(peter, "console-reach-320-dark-german")


def test_destination_that_is_the_whole_internet_is_told_and_read_aloud(
    demo: DemoProcess, open_console: OpenConsole
) -> None:
    internet = {"slip-server": {"addresses": ["0.0.0.0/0"], "ports": ["443"]}}
    exam = add_exam(demo, "slip", examinees=1, destinations=internet, reach={"slip-server": True})
    petra, peter = open_console(exam), open_console(exam, "peter", locale="de-DE")
    expect(reach_of(petra)).to_contain_text("slip-server (4,294,967,296 addresses)")
    expect(reach_of(peter)).to_contain_text("slip-server (4.294.967.296 Adressen)")
    told = "may reach 4,294,967,296 addresses under the name slip-server"
    expect(petra.locator('#warnings [data-kind="wide-destination"]')).to_contain_text(told)
    expect(petra.get_by_role("status").filter(has_text=told)).to_have_count(1)
    expect(spoken_alarm(petra)).to_have_text("")
    assert find_barriers(petra) == []


def reach_of(page: Page) -> Locator:
    return page.locator("#reach")


def spoken_alarm(page: Page) -> Locator:
    return page.locator("#spoken-alarms[role=alert]")


def note_what_is_said(page: Page) -> None:
    """Keeps every change of what screen readers say at once in `window.said`."""
    page.evaluate(
        """() => {
            window.said = [];
            const alarms = document.getElementById("spoken-alarms");
            const note = () => window.said.push(alarms.textContent);
            new MutationObserver(note).observe(alarms, { childList: true, subtree: true });
        }"""
    )


def lock_warning(page: Page) -> Locator:
    return page.locator('#warnings [data-kind="lockdown"]')


def told_to_admins(page: Page) -> Locator:
    return lock_warning(page).locator("details[open] [lang=en] li")


@contextmanager
def opening_the_internet(demo: DemoProcess, exam: ConsoleExam, name: str) -> Iterator[None]:
    """A policy that somebody has applied, and takes away again."""
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name},
        "spec": {
            "podSelector": {"matchLabels": {"e2xhub.org/exam": exam.exam}},
            "policyTypes": ["Egress"],
            "egress": [{"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}],
        },
    }
    demo.cluster.request("POST", POLICIES, policy)
    try:
        yield
    finally:
        demo.cluster.delete_policy(name)


def test_hostile_names_are_text(exam: ConsoleExam, open_console: OpenConsole) -> None:
    page = open_console(exam)
    expect(page.locator("#rows")).to_contain_text("<script>document.title='run'</script>")
    assert page.title().startswith("Operating Systems & <Networks>")


def test_projector_is_read_from_the_last_row(demo: DemoProcess, open_console: OpenConsole) -> None:
    exam = add_exam(demo, "beamer", examinees=1, room_code=True)
    choice = open_console(exam, part="/projector")
    choice.get_by_role("link", name=exam.rooms[0]).click()
    expect(choice.locator("#code")).to_have_text(re.compile(r"^\d{3} \d{3}$"))
    assert find_barriers(choice) == []
    assert read_widest(choice) <= DESKTOP
    height = choice.locator("#code").evaluate("it => it.getBoundingClientRect().height")
    assert height >= 800 / 8
    keep_screenshot(choice, "projector")
    phone = open_console(exam, part=f"/projector/{exam.rooms[0]}", width=PHONE)
    expect(phone.locator("#code")).to_be_visible()
    assert read_widest(phone) <= PHONE


def test_list_of_exams_leads_to_the_console(exam: ConsoleExam, open_console: OpenConsole) -> None:
    page = open_console(exam, part="/..", locale="de-DE")
    expect(page.get_by_role("heading", name="Ihre Prüfungen")).to_be_visible()
    assert find_barriers(page) == []
    keep_screenshot(page, "exams-german")
    page.get_by_role("link", name=f"({exam.exam})").click()
    page.wait_for_url(f"**/{exam.exam}")


def test_five_hundred_examinees_are_no_burden(demo: DemoProcess, open_console: OpenConsole) -> None:
    """What it takes is kept in test-artefacts/console-500.json."""
    exam = add_exam(demo, "many", examinees=MANY, rooms=5)
    page = open_console(exam)
    begun = time.monotonic()
    page.reload()
    expect(page.locator("#rows tr")).to_have_count(MANY)
    shown = time.monotonic() - begun
    paint = page.evaluate(
        "performance.getEntriesByName('first-contentful-paint').map(it => it.startTime)[0]"
    )
    page.evaluate(_COUNT_LONG_TASKS)
    exam.issue(exam.usernames[0])
    expect(state_of(page, exam.usernames[0])).to_have_text("Code issued")
    page.fill("#search", "zoe MULLER -492")
    expect(page.locator("#rows tr:visible")).to_have_count(1)
    keep_screenshot(page, "console-500")
    measured = {
        "examinees": MANY,
        "first_paint_ms": round(paint),
        "all_rows_ms": round(shown * 1000),
        "longest_task_ms": page.evaluate("window.longestTask"),
    }
    path = Path(make_artefact_path("console-500.json"))
    path.write_text(json.dumps(measured) + "\n", encoding="utf-8")


_COUNT_LONG_TASKS = """
window.longestTask = 0;
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) {
    window.longestTask = Math.max(window.longestTask, Math.round(duration));
  }
}).observe({ type: "longtask" });
"""
