"""Staff of an exam hub sign in with a directory: its sentences, its outages, and both factors."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from tests.authenticators.ldap.people import GROUPS, password_of
from tests.authenticators.ldap.slapd import Slapd, slapd
from tests.hub.demo_process import DemoProcess
from tests.hub.exam_staff import OPEN, TOMORROW, ExamHub, run_exam_hub
from tests.hub.ldap_hub import lines_for, traits_of
from tests.hub.staff_browser import SECOND_FACTOR

pytestmark = pytest.mark.hub

WRONG = "The username or the password is wrong."
NOT_NOW = "Signing in is not possible at the moment. Please try again in a few minutes."
NOT_HERE = "This username and password do not admit you here."


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    """The university's."""
    with slapd(tmp_path_factory.mktemp("directory")) as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(
    tmp_path_factory: pytest.TempPathFactory, demo: DemoProcess, directory: Slapd
) -> AsyncIterator[ExamHub]:
    """An exam hub; gina and lars watch an exam."""
    traits = traits_of(directory, admin_groups=[f"cn=graders,{GROUPS}"])
    place = tmp_path_factory.mktemp("staff")
    lines = lines_for(traits) + "\n"
    async with run_exam_hub(place, demo, lines=lines, staff_authenticator="e2x-ldap") as running:
        running.put_on_roster(
            ("gina", OPEN, "proctor"), ("lars", OPEN, "proctor"), ("alice", TOMORROW, "student")
        )
        yield running


def test_proctor_signs_in_with_both_factors_and_becomes_no_admin(hub: ExamHub) -> None:
    browser = hub.browser(source_address="127.0.0.31")
    page = browser.begin("gina", password_of("gina"))
    assert page.url.endswith(SECOND_FACTOR)
    assert not browser.is_signed_in
    browser.enrol(page)
    assert browser.get("/hub/e2x/probe").text == f"gina watches {OPEN}"
    assert not browser.call_api("GET", "/hub/api/user").json()["admin"]


def test_who_is_no_staff_is_refused_with_the_right_password(hub: ExamHub) -> None:
    browser = hub.browser(source_address="127.0.0.32")
    assert browser.begin("alice", password_of("alice")).refusal == NOT_HERE


@pytest.mark.parametrize(
    ("username", "password", "language", "sentence", "kind"),
    [
        ("gina", "a wrong one", "en", WRONG, "WrongCredentials: "),
        (
            "gina",
            "a wrong one",
            "de",
            "Der Benutzername oder das Passwort ist falsch.",
            "WrongCredentials: ",
        ),
        (
            "lars",
            password_of("lars"),
            "en",
            "This account is locked. Please ask the IT service desk.",
            "AccountLocked: ",
        ),
    ],
)
def test_refusal_has_its_own_sentence_and_is_in_both_logs(
    hub: ExamHub, username: str, password: str, language: str, sentence: str, kind: str
) -> None:
    browser = hub.browser(source_address="127.0.0.33", headers={"Accept-Language": language})
    answer = browser.begin(username, password)
    assert (answer.status, answer.refusal) == (403, sentence)
    assert f"{username} is not admitted as staff: {kind}" in hub.own.log
    last = hub.open_records().entries()[-1].event
    assert (last.actor, last.details["address"]) == (username, "127.0.0.33")
    assert last.details["reason"].startswith(kind)


def test_password_in_the_field_of_the_username_is_in_no_log(hub: ExamHub) -> None:
    browser = hub.browser(source_address="127.0.0.34")
    answer = browser.begin(password_of("gina"), "gina")
    assert (answer.status, answer.refusal) == (403, WRONG)
    assert password_of("gina") not in hub.own.log
    assert password_of("gina") not in answer.text
    assert "BadUsername: what was typed as a username (18 characters) is none here" in hub.own.log


def test_directory_that_is_away_is_503_and_nobody_is_refused(
    hub: ExamHub, directory: Slapd
) -> None:
    before = len(hub.open_records().entries())
    browser = hub.browser(source_address="127.0.0.35")
    directory.stop()
    try:
        answer = browser.begin("gina", password_of("gina"))
        assert (answer.status, answer.refusal) == (503, NOT_NOW)
        assert hub.browser().get("/hub/login").status == 200
    finally:
        directory.start()
    assert len(hub.open_records().entries()) == before
    assert browser.begin("gina", password_of("gina")).url.endswith(SECOND_FACTOR)
