"""Signing in to an exam through the real proxy: a code opens the door once, for its owner."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from e2xhub.domain.roles import HubKind
from tests.hub.demo_process import DemoProcess
from tests.hub.http_session import HubSession

pytestmark = pytest.mark.hub

REFUSED = (
    "This username and code do not open an exam now. Check both, wait a moment, and try again. "
    "Then ask your proctor."
)
REFUSED_IN_GERMAN = (
    "Mit diesem Benutzernamen und Code lässt sich jetzt keine Prüfung öffnen. Prüfen Sie beides, "
    "warten Sie einen Moment und versuchen Sie es noch einmal. Fragen Sie dann die Aufsicht."
)


@pytest.fixture
def browser(demo: DemoProcess) -> HubSession:
    """A browser at the exam hub; nobody is signed in."""
    return HubSession(demo.url(HubKind.EXAM))


def _try_code(demo: DemoProcess, username: str, code: str) -> HubSession:
    session = HubSession(demo.url(HubKind.EXAM))
    session.sign_in(username, code)
    return session


def test_code_signs_its_examinee_in_and_is_used_then(
    demo: DemoProcess, browser: HubSession
) -> None:
    code = demo.make_code("alice")
    assert demo.has_unused_code("alice")
    browser.sign_in("alice", code)
    assert browser.is_signed_in
    assert not demo.has_unused_code("alice")


def test_used_code_is_refused_with_a_sentence(demo: DemoProcess, browser: HubSession) -> None:
    code = demo.make_code("ben")
    assert _try_code(demo, "ben", code).is_signed_in
    answer = browser.sign_in("ben", code)
    assert answer.refusal == REFUSED
    assert not browser.is_signed_in


def test_code_of_which_many_try_to_make_use_at_once_lets_one_in(demo: DemoProcess) -> None:
    code = demo.make_code("clara")
    with ThreadPoolExecutor(8) as threads:
        tries = [threads.submit(_try_code, demo, "clara", code) for _ in range(8)]
    assert sum(each.result().is_signed_in for each in tries) == 1


def test_wrong_code_is_refused_and_the_right_one_stays_valid(
    demo: DemoProcess, browser: HubSession
) -> None:
    demo.make_code("david")
    assert browser.sign_in("david", "AAAAA-AAAAA").refusal == REFUSED
    assert not browser.is_signed_in
    assert demo.has_unused_code("david")


def test_code_of_somebody_else_is_refused(demo: DemoProcess, browser: HubSession) -> None:
    code = demo.make_code("emma")
    assert browser.sign_in("felix", code).refusal == REFUSED
    assert demo.has_unused_code("emma")


def test_code_that_was_replaced_is_refused(demo: DemoProcess, browser: HubSession) -> None:
    old = demo.make_code("emma")
    demo.make_code("emma")
    assert browser.sign_in("emma", old).refusal == REFUSED


@pytest.mark.parametrize("username", ["karl", "gina", "petra", "nobody", "../otto", "ötto", " "])
def test_who_is_no_examinee_reads_the_same_sentence(browser: HubSession, username: str) -> None:
    assert browser.sign_in(username, "ABCDE-FGHJK").refusal == REFUSED
    assert not browser.is_signed_in


def test_code_of_tomorrows_exam_opens_nothing_today(demo: DemoProcess, browser: HubSession) -> None:
    code = demo.make_code("ralf", exam="ml-tomorrow")
    assert browser.sign_in("ralf", code).refusal == REFUSED
    assert demo.has_unused_code("ralf", exam="ml-tomorrow")


def _with_similar_letters(code: str) -> str:
    return code.replace("0", "O").replace("1", "l")


WRITTEN = {
    "lower case": str.lower,
    "without hyphen": lambda code: code.replace("-", ""),
    "with spaces": lambda code: f" {code.replace('-', '  ')} ",
    "similar letters": _with_similar_letters,
    "all of it": lambda code: _with_similar_letters(code).lower().replace("-", " "),
}


@pytest.mark.parametrize("write", WRITTEN.values(), ids=WRITTEN)
def test_how_a_code_is_written_does_not_matter(
    demo: DemoProcess, browser: HubSession, write: object
) -> None:
    assert callable(write)
    code = demo.make_code("otto")
    browser.sign_in("otto", write(code))
    assert browser.is_signed_in


def test_german_browser_reads_german(demo: DemoProcess) -> None:
    browser = HubSession(demo.url(HubKind.EXAM), headers={"Accept-Language": "de-DE,de;q=0.9"})
    page = browser.get("/hub/login")
    assert "Anmeldung zur Prüfung" in page.text
    assert browser.sign_in("alice", "ABCDE-FGHJK").refusal == REFUSED_IN_GERMAN


# --- the token API is a second door to `authenticate`


def test_token_api_takes_no_code_and_uses_none_up(demo: DemoProcess, browser: HubSession) -> None:
    code = demo.make_code("pia")
    path = "/hub/api/users/pia/tokens"
    body = {"auth": {"username": "pia", "password": code}}
    assert browser.call_api("POST", path, body).status == 403
    assert demo.has_unused_code("pia")
    browser.sign_in("pia", code)
    assert browser.is_signed_in


def test_code_in_a_link_or_without_the_pages_token_is_refused(
    demo: DemoProcess, browser: HubSession
) -> None:
    code = demo.make_code("pia")
    fields = {"username": "pia", "password": code}
    browser.get("/hub/login", fields)
    answer = browser.post_form("/hub/login", fields)
    assert answer.status == 403
    assert not browser.is_signed_in
    assert demo.has_unused_code("pia")


def test_codes_are_in_no_log(demo: DemoProcess, browser: HubSession) -> None:
    code = demo.make_code("felix")
    browser.sign_in("alice", code)
    browser.sign_in("felix", code)
    assert browser.is_signed_in
    written = demo.hub_log(HubKind.EXAM) + demo.printed
    assert code not in written
    assert code.replace("-", "") not in written
