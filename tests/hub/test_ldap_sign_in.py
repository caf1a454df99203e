"""People sign in on a real hub with a real directory: groups, refusals, outages."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio

from tests.authenticators.ldap.people import GROUPS, PEOPLE, password_of
from tests.authenticators.ldap.slapd import Slapd, slapd
from tests.hub.configured_hub import OwnHub, wait_until
from tests.hub.demo_process import DemoProcess
from tests.hub.http_session import Answer, HubSession
from tests.hub.ldap_hub import run_ldap_hub, traits_of
from tests.log_search import SEARCH

pytestmark = pytest.mark.hub

WRONG = "The username or the password is wrong."
NOT_NOW = "Signing in is not possible at the moment. Please try again in a few minutes."
_SENTENCE = re.compile(r'id="login-error">(.*?)</p>', re.DOTALL)
_NAME = re.compile(r'name="username"\s+value="([^"]*)"')


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    """The university's."""
    with slapd(tmp_path_factory.mktemp("directory")) as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(
    tmp_path_factory: pytest.TempPathFactory, demo: DemoProcess, directory: Slapd
) -> AsyncIterator[OwnHub]:
    """A grading hub."""
    traits = traits_of(
        directory,
        user_search_base="dc=example,dc=org",
        admin_groups=[f"cn=admins,{GROUPS}"],
        blocked_users={"pia"},
        valid_username_regex=r"[a-zü][.a-zü0-9_-]*",
    )
    async with run_ldap_hub(tmp_path_factory.mktemp("hub"), demo, traits) as running:
        yield running


def try_to_sign_in(
    hub: OwnHub, username: str, password: str, language: str = "en"
) -> tuple[HubSession, Answer]:
    session = HubSession(hub.plan.url, headers={"Accept-Language": language})
    SEARCH.keep_secret(password)
    return session, session.sign_in(username, password)


def sign_in(hub: OwnHub, username: str) -> HubSession:
    session, answer = try_to_sign_in(hub, username, password_of(username))
    assert session.is_signed_in, answer
    return session


def sentence_of(answer: Answer) -> str:
    found = _SENTENCE.search(answer.text)
    return found.group(1) if found else ""


def known_of(session: HubSession) -> dict[str, Any]:
    """What the hub knows of who is signed in."""
    known: dict[str, Any] = session.call_api("GET", "/hub/api/user").json()
    return known


def groups_of(session: HubSession) -> set[str]:
    return set(known_of(session)["groups"])


# --- who somebody is


def test_group_of_the_directory_gives_the_server_of_a_grader(hub: OwnHub) -> None:
    gina = sign_in(hub, "gina")
    assert groups_of(gina) == {"graders", "observers"}
    assert gina.get("/hub/spawn").text.count('class="e2x-card"') == 1
    slug = f"databases/{hub.term}/grader"
    refused = gina.call_api(
        "POST", "/hub/api/users/gina/server", {"profile": hub.slug("databases")}
    )
    assert refused.status == 403
    started = gina.call_api("POST", "/hub/api/users/gina/server", {"profile": slug})
    assert started.status in (201, 202), started
    assert hub.cluster.wait_for_pod("jupyter-grading-gina")


def test_who_is_in_no_group_of_the_catalog_gets_no_server(hub: OwnHub) -> None:
    greta = sign_in(hub, "greta")
    assert groups_of(greta) == set()
    assert 'class="e2x-card"' not in greta.get("/hub/spawn").text


@pytest.mark.parametrize(("username", "is_admin"), [("ito", True), ("ben", False)])
def test_group_makes_admins_and_nobody_else_is_one(
    hub: OwnHub, username: str, is_admin: bool
) -> None:
    assert known_of(sign_in(hub, username))["admin"] is is_admin


def test_name_in_capitals_is_the_same_person(hub: OwnHub) -> None:
    session, _ = try_to_sign_in(hub, "GINA", password_of("gina"))
    assert known_of(session)["name"] == "gina"


# --- while somebody is signed in


def test_who_leaves_a_group_loses_what_it_gave(hub: OwnHub, directory: Slapd) -> None:
    jürgen = f"uid=jürgen,{PEOPLE}"
    member = f"dn: cn=graders,{GROUPS}\nchangetype: modify\n{{}}: member\nmember: {jürgen}\n"
    directory.change(member.format("add"))
    session = sign_in(hub, "jürgen")
    assert groups_of(session) == {"graders"}
    directory.change(member.format("delete"))
    wait_until(lambda: groups_of(session) == set(), "the end of a membership")
    assert 'class="e2x-card"' not in session.get("/hub/spawn").text


def test_who_is_deleted_is_signed_out(hub: OwnHub, directory: Slapd) -> None:
    entry = f"uid=nova,{PEOPLE}"
    directory.change(
        f"dn: {entry}\nchangetype: add\nobjectClass: inetOrgPerson\ncn: Nova\nsn: Nova\n"
        f"uid: nova\nuserPassword: {password_of('nova')}\n"
    )
    session = sign_in(hub, "nova")
    directory.change(f"dn: {entry}\nchangetype: delete\n")
    wait_until(lambda: not session.is_signed_in, "the end of a session")
    (line,) = [line for line in hub.log.splitlines() if "nova has to sign in again: " in line]
    assert "has uid=nova" in line
    assert "/hub/login" in session.get("/hub/home").url
    assert "Traceback" not in hub.log


# --- refusals


@pytest.mark.parametrize(
    ("username", "password", "status", "sentence", "logged"),
    [
        ("alice", "a wrong one", 403, WRONG, "WrongCredentials: "),
        ("nobody", "a wrong one", 403, WRONG, "WrongCredentials: "),
        ("alice", "", 403, WRONG, "EmptyPassword: "),
        (
            "*)(uid=*",
            "a wrong one",
            403,
            WRONG,
            "BadUsername: what was typed as a username (8 characters) is none here",
        ),
        (
            "zoe",
            password_of("zoe"),
            403,
            "This username belongs to several people. Please ask the IT service desk.",
            "FoundTwice: ",
        ),
        (
            "lars",
            password_of("lars"),
            403,
            "This account is locked. Please ask the IT service desk.",
            "AccountLocked: ",
        ),
        (
            "erik",
            password_of("erik"),
            403,
            "Your password has expired. Please change it, then sign in here.",
            "PasswordExpired: ",
        ),
        (
            "mia",
            password_of("mia"),
            403,
            "You have to change your password before you can sign in here.",
            "MustChangePassword: ",
        ),
    ],
)
def test_refusal_is_one_sentence_and_one_line_in_the_log(
    hub: OwnHub, username: str, password: str, status: int, sentence: str, logged: str
) -> None:
    before = len(hub.log)
    session, answer = try_to_sign_in(hub, username, password)
    assert (answer.status, sentence_of(answer)) == (status, sentence)
    assert logged.partition(":")[0] not in answer.text
    shown = _NAME.search(answer.text)
    assert shown
    assert shown.group(1) == username
    assert not session.is_signed_in
    lines = [line for line in hub.log[before:].splitlines() if "is refused: " in line]
    (line,) = lines
    assert f"A sign-in at 127.0.0.1 is refused: {logged}" in line


def test_blocked_person_reads_that_the_account_may_not_come_in(hub: OwnHub) -> None:
    _, answer = try_to_sign_in(hub, "pia", password_of("pia"))
    assert (answer.status, sentence_of(answer)) == (403, "Your account may not use this service.")
    assert "pia is not admitted: is in blocked_users" in hub.log


def test_german_browser_reads_german(hub: OwnHub) -> None:
    _, wrong = try_to_sign_in(hub, "alice", "a wrong one", "de-DE")
    assert sentence_of(wrong) == "Der Benutzername oder das Passwort ist falsch."
    _, blocked = try_to_sign_in(hub, "pia", password_of("pia"), "de-DE")
    assert sentence_of(blocked) == "Ihr Konto darf diesen Dienst nicht nutzen."


@pytest.mark.parametrize(
    "given", [{"username": "ben", "password": "a wrong one"}, {"username": 5, "password": []}]
)
def test_token_api_refuses_as_the_page_does(hub: OwnHub, given: dict[str, object]) -> None:
    """What may be anything there; JupyterHub has no sentence for it."""
    before = len(hub.log)
    session = HubSession(hub.plan.url)
    session.get("/hub/login")
    answer = session.call_api("POST", "/hub/api/users/ben/tokens", {"auth": given})
    assert answer.status == 403
    assert "A sign-in at 127.0.0.1 is refused: " in hub.log[before:]
    assert "Traceback" not in hub.log


# --- the directory is away


def test_directory_that_is_away_is_503_others_go_on_and_it_comes_back(
    hub: OwnHub, directory: Slapd
) -> None:
    gina = sign_in(hub, "gina")
    directory.stop()
    try:
        session, answer = try_to_sign_in(hub, "ben", password_of("ben"))
        assert (answer.status, sentence_of(answer)) == (503, NOT_NOW)
        assert not session.is_signed_in
        assert groups_of(gina) == {"graders", "observers"}
        wait_until(lambda: gina.is_signed_in and "cannot be asked about people" in hub.log, "it")
    finally:
        directory.start()

    def is_back() -> bool:
        return try_to_sign_in(hub, "ben", password_of("ben"))[0].is_signed_in

    wait_until(is_back, "a directory that is back")
    assert "The directory answers again, after " in hub.log
