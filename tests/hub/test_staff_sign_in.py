"""Staff on a real exam hub: two factors, their exams, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.hub.configured_hub import wait_until
from tests.hub.demo_process import DemoProcess, run_command
from tests.hub.exam_staff import OPEN, PASSWORD, TOMORROW, ExamHub, run_exam_hub
from tests.hub.http_session import HubSession
from tests.hub.staff_browser import SECOND_FACTOR, StaffBrowser, read_error, read_secret

pytestmark = pytest.mark.hub

REFUSED = "This username and password do not admit you here."
WRONG = "This code is not right, or was used before. Wait until your app shows a new one."
WAIT = "Too many attempts. Wait a minute, then try again."
NEITHER = "is neither proctor nor instructor of an exam that this hub serves"
BOTH = "watches ml-open and sits ml-tomorrow on the same hub; nobody may do both"
ELSEWHERE = "127.0.0.5"
SLUG = "exams/ml-open/student"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(
    tmp_path_factory: pytest.TempPathFactory, demo: DemoProcess
) -> AsyncIterator[ExamHub]:
    """An exam hub; each test is about people of its own."""
    async with run_exam_hub(tmp_path_factory.mktemp("staff"), demo) as running:
        yield running


def watches(browser: StaffBrowser, exam: str = OPEN) -> bool:
    """Whether the frame of the console lets this browser see the exam."""
    answer = browser.get(f"/hub/e2x/probe/{exam}")
    return answer.text.startswith(f"{browser.username} watches {exam}: Machine Learning")


def opens(session: HubSession, path: str) -> bool:
    answer = session.get(path)
    return answer.status == 200 and path in answer.url


def is_sent_to_sign_in(session: HubSession, path: str) -> bool:
    return "/hub/login" in session.get(path).url


# --- both factors


def test_proctor_enrols_and_is_in(hub: ExamHub) -> None:
    browser = hub.browser()
    page = browser.begin("petra", PASSWORD)
    assert page.url.endswith(SECOND_FACTOR)
    assert not browser.is_signed_in
    browser.enrol(page)
    assert browser.is_signed_in
    assert watches(browser)
    assert len(set(browser.recovery_codes)) == 10
    assert browser.get("/hub/e2x/probe").text == "petra watches ml-open"


def test_second_time_the_app_is_asked_and_no_secret_is_shown(hub: ExamHub) -> None:
    first, second = hub.browser(), hub.browser()
    first.sign_in_as_staff("anna", PASSWORD)
    page = second.begin("anna", PASSWORD)
    assert "secret" not in page.text
    assert first.secret not in page.text.replace(" ", "")
    second.use_app_of(first)
    second.type_code(page, second.next_code())
    assert watches(second)


def test_code_that_was_used_is_refused(hub: ExamHub) -> None:
    first, second = hub.browser(), hub.browser()
    first.sign_in_as_staff("bert", PASSWORD)
    second.use_app_of(first)
    page = second.begin("bert", PASSWORD)
    answer = second.type_code(page, second.last_code)
    assert (answer.status, read_error(answer)) == (403, WRONG)
    assert not second.is_signed_in


def test_recovery_code_opens_once(hub: ExamHub) -> None:
    first, second, third = hub.browser(), hub.browser(), hub.browser()
    first.sign_in_as_staff("carl", PASSWORD)
    code = first.recovery_codes[0]
    second.type_code(second.begin("carl", PASSWORD), code.lower())
    assert watches(second)
    assert read_error(third.type_code(third.begin("carl", PASSWORD), code)) == WRONG
    assert not third.is_signed_in


def test_six_wrong_codes_make_the_person_wait(hub: ExamHub) -> None:
    first, second = hub.browser(), hub.browser()
    first.sign_in_as_staff("dora", PASSWORD)
    page = second.begin("dora", PASSWORD)
    answers = [read_error(second.type_code(page, "x")) for _ in range(6)]
    assert answers == [WRONG] * 5 + [WAIT]
    second.use_app_of(first)
    assert read_error(second.type_code(page, second.next_code())) == WAIT
    assert not second.is_signed_in


def test_after_a_reset_the_person_enrols_again(hub: ExamHub) -> None:
    first, second = hub.browser(), hub.browser()
    first.sign_in_as_staff("emil", PASSWORD)
    done = run_command(hub.environment, "second-factor", "reset", "emil")
    assert done.stdout == "emil sets up a new second factor at the next sign-in.\n"
    page = second.begin("emil", PASSWORD)
    assert read_secret(page) != first.secret
    second.enrol(page)
    assert watches(second)


def test_secret_stays_the_same_until_it_is_confirmed(hub: ExamHub) -> None:
    browser = hub.browser()
    page = browser.begin("frida", PASSWORD)
    again = browser.get(SECOND_FACTOR)
    wrong = browser.type_code(again, "000000")
    assert read_secret(page) == read_secret(again) == read_secret(wrong)
    assert read_error(wrong) == WRONG
    assert not browser.is_signed_in


# --- nothing without both


def test_first_factor_alone_opens_nothing(hub: ExamHub) -> None:
    browser = hub.browser()
    browser.begin("hugo", PASSWORD)
    paths = ("/hub/home", "/hub/spawn", "/hub/e2x/probe", f"/hub/e2x/probe/{OPEN}")
    assert all(is_sent_to_sign_in(browser, path) for path in paths)


def test_second_factor_alone_opens_nothing(hub: ExamHub) -> None:
    known, stranger = hub.browser(), hub.browser()
    known.sign_in_as_staff("jana", PASSWORD)
    page = stranger.get("/hub/login")
    answer = stranger.type_code(page, known.next_code())
    assert "/hub/login" in answer.url
    assert is_sent_to_sign_in(stranger, SECOND_FACTOR)


def test_sign_in_that_began_at_another_address_is_not_continued(hub: ExamHub) -> None:
    browser = hub.browser()
    browser.begin("kurt", PASSWORD)
    browser.move_to(ELSEWHERE)
    assert is_sent_to_sign_in(browser, SECOND_FACTOR)


def test_wrong_password_is_refused_with_a_sentence(hub: ExamHub) -> None:
    browser = hub.browser(source_address="127.0.0.11")
    answer = browser.begin("hugo", "a wrong one")
    assert (answer.status, answer.refusal) == (403, REFUSED)
    assert 'id="e2x-staff" lang="en" open' in answer.text


def test_german_browser_reads_german(hub: ExamHub) -> None:
    browser = hub.browser(source_address="127.0.0.12", headers={"Accept-Language": "de-DE"})
    answer = browser.begin("hugo", "a wrong one")
    assert answer.refusal == "Mit diesem Benutzernamen und Passwort kommen Sie hier nicht hinein."


def test_guessing_passwords_at_one_address_has_to_wait_and_others_do_not(hub: ExamHub) -> None:
    guesser = hub.browser(source_address="127.0.0.13")
    answers = [guesser.begin("hugo", f"guess {number}").refusal for number in range(6)]
    assert answers == [REFUSED] * 5 + [WAIT]
    assert guesser.begin("hugo", PASSWORD).refusal == WAIT
    other = hub.browser(source_address="127.0.0.14")
    assert other.begin("hugo", PASSWORD).url.endswith(SECOND_FACTOR)


@pytest.mark.parametrize(
    ("username", "reason"),
    [("alice", NEITHER), ("gina", NEITHER), ("nobody", NEITHER), ("both", BOTH)],
)
def test_who_watches_no_exam_is_refused_with_the_right_password(
    hub: ExamHub, username: str, reason: str
) -> None:
    browser = hub.browser(source_address="127.0.0.15")
    assert browser.begin(username, PASSWORD).refusal == REFUSED
    assert f"{username} is not admitted as staff: {reason}" in hub.own.log
    assert is_sent_to_sign_in(browser, SECOND_FACTOR)


def test_staff_password_in_the_examinees_form_opens_nothing(hub: ExamHub) -> None:
    browser = hub.browser(source_address="127.0.0.16")
    browser.sign_in("petra", PASSWORD)
    assert not browser.is_signed_in


def test_form_without_the_pages_token_is_refused(hub: ExamHub) -> None:
    browser = hub.browser(source_address="127.0.0.17")
    browser.get("/hub/login")
    fields = {"username": "hugo", "password": PASSWORD}
    assert browser.post_form("/hub/e2x/staff-login", fields).status == 403
    assert is_sent_to_sign_in(browser, SECOND_FACTOR)


def test_token_api_takes_no_password_of_staff(hub: ExamHub) -> None:
    browser = hub.browser()
    browser.get("/hub/login")
    body = {"auth": {"username": "petra", "password": PASSWORD}}
    assert browser.call_api("POST", "/hub/api/users/petra/tokens", body).status == 403


# --- their exams, and nothing else


@pytest.fixture(scope="module")
def ito(hub: ExamHub) -> StaffBrowser:
    """The instructor of tomorrow's exam, signed in."""
    browser = hub.browser(source_address="127.0.0.21")
    browser.sign_in_as_staff("ito", PASSWORD)
    assert watches(browser, TOMORROW)
    return browser


def test_exam_of_others_is_as_one_that_does_not_exist(ito: StaffBrowser) -> None:
    for exam in (OPEN, "no-such-exam", "..", "ML-TOMORROW"):
        assert ito.get(f"/hub/e2x/probe/{exam}").status == 404


def test_examinee_may_watch_nothing(hub: ExamHub) -> None:
    alice = hub.examinee("alice")
    for path in ("/hub/e2x/probe", f"/hub/e2x/probe/{OPEN}"):
        assert alice.get(path).status == 403


def test_script_of_somebody_who_is_not_signed_in_gets_403(hub: ExamHub) -> None:
    answer = hub.browser().call_api("GET", f"/hub/e2x/probe/{OPEN}")
    assert answer.status == 403
    assert answer.json() == {"status": 403, "message": "Forbidden"}


def test_proctor_has_no_rights_of_an_admin(ito: StaffBrowser) -> None:
    known = ito.call_api("GET", "/hub/api/user").json()
    assert known["name"] == "ito"
    assert not known["admin"]
    assert known["groups"] == [TOMORROW]
    assert not [scope for scope in known["scopes"] if scope.startswith(("admin", "list", "tokens"))]
    assert f"custom:e2x:proctor!group={TOMORROW}" in known["scopes"]
    for method, path in (
        ("GET", "/hub/api/users"),
        ("GET", "/hub/api/users/alice"),
        ("POST", "/hub/api/users/alice/server"),
        ("DELETE", "/hub/api/users/alice/server"),
        ("GET", f"/hub/api/groups/{OPEN}"),
        ("POST", f"/hub/api/groups/{OPEN}/users"),
    ):
        assert ito.call_api(method, path).status in (403, 404), path


def test_proctor_makes_no_token(ito: StaffBrowser) -> None:
    answer = ito.call_api("POST", "/hub/api/users/ito/tokens", {"note": "mine"})
    assert answer.status == 403


def test_proctor_has_no_server(ito: StaffBrowser) -> None:
    assert ito.call_api("POST", "/hub/api/users/ito/server").status in (400, 403)
    assert not ito.call_api("GET", "/hub/api/user").json()["servers"]


def test_proctor_opens_no_students_server(hub: ExamHub) -> None:
    """The proctor of the very exam that the student sits."""
    alice = hub.examinee("alice")
    started = alice.call_api("POST", "/hub/api/users/alice/server", {"profile": SLUG})
    assert started.status in (201, 202), started
    wait_until(lambda: opens(alice, "/user/alice/lab"), "alice's server")
    browser = hub.browser(source_address="127.0.0.24")
    browser.sign_in_as_staff("lena", PASSWORD)
    assert watches(browser)
    for path in ("/user/alice/lab", "/user/alice/api/contents", "/hub/user/alice/lab"):
        assert browser.get(path).status in (403, 404), path
    assert browser.call_api("GET", "/user/alice/api/contents").status == 403
    assert browser.call_api("DELETE", "/hub/api/users/alice/server").status in (403, 404)
    assert opens(alice, "/user/alice/lab")


def test_page_asked_for_before_the_sign_in_opens_after_it(hub: ExamHub, ito: StaffBrowser) -> None:
    browser = hub.browser(source_address="127.0.0.22")
    browser.use_app_of(ito)
    page = browser.begin("ito", PASSWORD, next_path=f"/hub/e2x/exams/{TOMORROW}")
    answer = browser.type_code(page, browser.next_code())
    ito.use_app_of(browser)
    assert answer.url.endswith(f"/hub/e2x/exams/{TOMORROW}")


@pytest.mark.parametrize(
    ("recovery_code", "elsewhere"),
    [
        (0, "https://example.org/"),
        (1, "//example.org/"),
        (2, "/user/alice/lab"),
        (3, "/hub/home"),
        (4, "/hub/e2x/../../user/alice/static/x.html"),
        (5, f"/hub/e2x/exams/{TOMORROW}/%2e%2e/%2e%2e/%2e%2e/%2e%2e/user/alice/x"),
    ],
)
def test_sign_in_leads_nowhere_but_to_the_pages_of_staff(
    hub: ExamHub, ito: StaffBrowser, recovery_code: int, elsewhere: str
) -> None:
    browser = hub.browser(source_address="127.0.0.23")
    page = browser.begin("ito", PASSWORD, next_path=elsewhere)
    answer = browser.type_code(page, ito.recovery_codes[recovery_code])
    assert browser.is_signed_in
    assert answer.url.endswith("/hub/e2x/exams")


@pytest.mark.parametrize(
    ("recovery_code", "elsewhere"),
    [(6, "/user/alice/lab"), (7, "/hub/e2x/../../user/alice/x.html")],
)
def test_link_to_the_sign_in_page_leads_who_is_signed_in_no_further(
    hub: ExamHub, ito: StaffBrowser, recovery_code: int, elsewhere: str
) -> None:
    browser = hub.browser(source_address="127.0.0.25")
    browser.type_code(browser.begin("ito", PASSWORD), ito.recovery_codes[recovery_code])
    assert browser.is_signed_in
    assert browser.get("/hub/login", {"next": elsewhere}).url.endswith("/hub/e2x/exams")
