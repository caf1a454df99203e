"""What the hub makes of a directory's answers; the directory is one that answers as it is told."""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from traitlets.config import Config

from e2xhub.authenticators.ldap.authenticator import LDAPAuthenticator
from e2xhub.authenticators.ldap.directory import DirectoryPerson
from e2xhub.authenticators.ldap.refusals import (
    AccountLocked,
    BadUsername,
    DirectoryUnavailable,
    EmptyPassword,
    FoundTwice,
    MustChangePassword,
    PasswordExpired,
    PersonGone,
    WrongCredentials,
)
from e2xhub.web.sign_in_refusals import SignInRefusedError
from tests.log_search import SEARCH

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "sign-in-with-ldap.md"
PEOPLE = "ou=people,dc=example,dc=org"
LOOK_UP = {"lookup_dn": True, "user_search_base": PEOPLE, "user_attribute": "uid"}
NOT_NOW = "Signing in is not possible at the moment. Please try again in a few minutes."
NOT_HERE = "Your account may not use this service."
PASSWORD = "Kennwort von Alice"
SEARCH.keep_secret(PASSWORD)


def person(username: str = "alice", **known: Any) -> DirectoryPerson:
    facts: dict[str, Any] = {
        "dn": f"uid={username},{PEOPLE}",
        "groups": (),
        "group_dns": (),
        "is_in_allowed_group": None,
        "is_admin": None,
        "attributes": {},
    }
    return DirectoryPerson(username=username, **{**facts, **known})


@dataclass
class ToldDirectory:
    """A directory that gives one answer to everything."""

    answer: DirectoryPerson | Exception | Callable[[], DirectoryPerson]
    asked: list[str] = field(default_factory=list)

    def sign_in(self, username: str, password: str) -> DirectoryPerson:
        return self.look_up(username)

    def look_up(self, username: str) -> DirectoryPerson:
        self.asked.append(username)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer() if callable(self.answer) else self.answer


@dataclass
class SignedIn:
    """Of JupyterHub's user, what a refresh asks for."""

    name: str = "alice"


def make(answer: Any, **traits: Any) -> LDAPAuthenticator:
    """An authenticator of a directory that answers `answer`."""
    known = {"server_address": "ldap.example.org", **LOOK_UP, **traits}
    made = LDAPAuthenticator(config=Config({"LDAPAuthenticator": known}))
    made.directory = ToldDirectory(answer)
    return made


async def sign_in(authenticator: LDAPAuthenticator, **fields: Any) -> Any:
    form = {"username": "alice", "password": PASSWORD, **fields}
    return await authenticator.get_authenticated_user(None, form)


# --- what the hub gets to know


async def test_hub_knows_name_groups_and_attributes_and_no_password() -> None:
    alice = person(
        groups=("graders", "maths"),
        group_dns=("cn=graders,dc=example,dc=org",),
        attributes={"mail": ("alice@example.org",)},
    )
    model = await sign_in(make(alice, allow_all=True))
    assert model == {
        "name": "alice",
        "admin": None,
        "groups": ["graders", "maths"],
        "auth_state": {
            "dn": f"uid=alice,{PEOPLE}",
            "ldap_groups": ["cn=graders,dc=example,dc=org"],
            "is_in_allowed_group": False,
            "user_attributes": {"mail": ["alice@example.org"]},
        },
    } | {name: model[name] for name in ("user_info",) if name in model}  # since JupyterHub 6
    assert PASSWORD not in repr(model)


@pytest.mark.parametrize(
    ("traits", "is_in_group", "admin"),
    [
        ({}, None, None),
        ({"admin_users": {"alice"}}, None, True),
        ({"admin_groups": ["cn=admins,dc=example,dc=org"]}, True, True),
        ({"admin_groups": ["cn=admins,dc=example,dc=org"]}, False, False),
        (
            {"admin_groups": ["cn=admins,dc=example,dc=org"], "admin_users": {"alice"}},
            False,
            True,
        ),
    ],
)
async def test_admin_groups_decide_who_is_admin_once_they_are_set(
    traits: dict[str, Any], is_in_group: bool | None, admin: bool | None
) -> None:
    model = await sign_in(make(person(is_admin=is_in_group), allow_all=True, **traits))
    assert model["admin"] is admin


async def test_name_that_can_be_no_hubs_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(SignInRefusedError) as refused:
        await sign_in(make(person("alice/../bob"), allow_all=True))
    assert refused.value.jupyterhub_message == "You cannot sign in now. Please ask the staff."
    assert "UnusableName: the directory's username 'alice/../bob' cannot be a hub's" in caplog.text


# --- who comes in: the table of the page


def rows_of_the_page() -> list[tuple[str, ...]]:
    text = PAGE.read_text(encoding="utf-8").partition("## Who is admitted")[2]
    rows = re.findall(r"^\| ((?:yes|no) \|.*) \|$", text, re.MULTILINE)
    return [tuple(cell.strip() for cell in row.split("|")) for row in rows]


def test_page_says_who_is_admitted() -> None:
    assert len(rows_of_the_page()) == 9
    assert {row[4] for row in rows_of_the_page()} == {"yes", "no"}


@pytest.mark.parametrize("row", rows_of_the_page(), ids="-".join)
async def test_admission_is_as_the_page_says(
    row: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    allows_all, is_named, is_in_group, is_blocked, is_admitted = (c == "yes" for c in row[:5])
    authenticator = make(
        person(is_in_allowed_group=is_in_group),
        allow_all=allows_all,
        allowed_users={"alice"} if is_named else {"somebody"},
        allowed_groups=["cn=staff,dc=example,dc=org"],
        blocked_users={"alice"} if is_blocked else set(),
    )
    if is_admitted:
        model = await sign_in(authenticator)
        assert model["name"] == "alice"
        assert authenticator.judge("alice", model).value == row[5]
        return
    with pytest.raises(SignInRefusedError) as refused:
        await sign_in(authenticator)
    assert (refused.value.status_code, refused.value.sentence) == (403, NOT_HERE)
    assert f"alice is not admitted: {row[5]}" in caplog.messages


async def test_nobody_is_admitted_by_default() -> None:
    with pytest.raises(SignInRefusedError):
        await sign_in(make(person()))


# --- refusals


@pytest.mark.parametrize(
    ("refusal", "status", "sentence"),
    [
        (WrongCredentials, 403, "The username or the password is wrong."),
        (EmptyPassword, 403, "The username or the password is wrong."),
        (FoundTwice, 403, FoundTwice.sentence),
        (AccountLocked, 403, "This account is locked. Please ask the IT service desk."),
        (PasswordExpired, 403, PasswordExpired.sentence),
        (MustChangePassword, 403, MustChangePassword.sentence),
        (DirectoryUnavailable, 503, NOT_NOW),
    ],
)
async def test_refusal_has_its_sentence_and_one_line_in_the_log(
    refusal: type[Any], status: int, sentence: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(SignInRefusedError) as refused:
        await sign_in(make(refusal("ldap.example.org:389: the reason"), allow_all=True))
    assert (refused.value.status_code, refused.value.sentence) == (status, sentence)
    assert refused.value.is_outage == (status == 503)
    assert refused.value.reason is None  # what an HTTPError calls so is sent to the browser
    assert caplog.messages == [
        f"A sign-in at (no address) is refused: {refusal.__name__}: "
        "ldap.example.org:389: the reason"
    ]


async def test_what_was_typed_as_a_username_is_not_logged_where_it_is_none(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with pytest.raises(SignInRefusedError) as refused:
        await sign_in(make(BadUsername(characters=18, fault="it is odd")), username=PASSWORD)
    assert refused.value.sentence == "The username or the password is wrong."
    assert caplog.messages == [
        "A sign-in at (no address) is refused: BadUsername: what was typed as a username "
        "(18 characters) is none here: it is odd"
    ]
    assert PASSWORD not in refused.value.cause


async def test_unexpected_error_is_an_outage_and_its_text_is_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with pytest.raises(SignInRefusedError) as refused:
        await sign_in(make(RuntimeError(f"bind with {PASSWORD}")))
    assert (refused.value.status_code, refused.value.sentence) == (503, NOT_NOW)
    (line,) = caplog.messages
    assert re.fullmatch(
        r"A sign-in at \(no address\) is refused: DirectoryUnavailable: unexpected RuntimeError at "
        r"\S+/test_authenticator\.py:\d+",
        line,
    )


@pytest.mark.parametrize(
    "form", [None, {}, {"username": 5, "password": ["x"]}, {"username": None}, ["alice", "x"]]
)
async def test_form_that_is_none_reaches_the_directory_as_empty_texts(form: Any) -> None:
    authenticator = make(EmptyPassword("no password was typed"))
    with pytest.raises(SignInRefusedError):
        await authenticator.authenticate(None, form)
    assert authenticator.directory.asked == [""]


# --- a directory that hangs


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What a directory waits for that hangs; open at the end, so that no thread stays."""
    gate = threading.Event()
    yield gate
    gate.set()


async def test_sign_in_ends_in_time_though_the_directory_hangs(gate: threading.Event) -> None:
    def hang() -> DirectoryPerson:
        gate.wait()
        return person()

    authenticator = make(hang, total_seconds=0.5, max_threads=1, max_waiting=0)
    with pytest.raises(SignInRefusedError) as late:
        await sign_in(authenticator)
    with pytest.raises(SignInRefusedError) as full:
        await sign_in(authenticator)
    assert "not done within 1 s; 1 at a time" in late.value.cause
    assert "1 calls are being made or wait already; 1 at a time" in full.value.cause
    assert late.value.status_code == full.value.status_code == 503


# --- while somebody is signed in


async def test_groups_and_rights_are_asked_anew() -> None:
    authenticator = make(
        person(groups=("graders",), is_admin=False, is_in_allowed_group=True),
        admin_groups=["cn=admins,dc=example,dc=org"],
        allowed_groups=["cn=staff,dc=example,dc=org"],
    )
    model = await authenticator.refresh_user(SignedIn())
    assert (model["name"], model["groups"], model["admin"]) == ("alice", ["graders"], False)


async def test_user_of_the_hub_is_looked_up_under_the_directorys_name() -> None:
    authenticator = make(person("a.mueller"), allow_all=True, username_map={"a.mueller": "alice"})
    model = await authenticator.refresh_user(SignedIn())
    assert authenticator.directory.asked == ["a.mueller"]
    assert model["name"] == "alice"


@pytest.mark.parametrize(
    ("answer", "traits", "reason"),
    [
        (PersonGone("uid=alice is gone"), {"allow_all": True}, "uid=alice is gone"),
        (AccountLocked("uid=alice is locked"), {"allow_all": True}, "uid=alice is locked"),
        (
            person(is_in_allowed_group=False),
            {"allowed_groups": ["cn=staff,dc=example,dc=org"]},
            "is admitted by none of allow_all, allowed_users and allowed_groups",
        ),
        (person(), {"allow_all": True, "blocked_users": {"alice"}}, "is in blocked_users"),
        (
            person(),
            {"username_map": {"a": "alice", "b": "alice"}},
            "username_map maps 'a', 'b' to 'alice'",
        ),
    ],
)
async def test_whoever_would_not_come_in_any_more_is_signed_out(
    answer: Any, traits: dict[str, Any], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert await make(answer, **traits).refresh_user(SignedIn()) is False
    assert caplog.messages == [f"alice has to sign in again: {reason}"]


async def test_outage_signs_nobody_out_before_the_time_is_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    down = DirectoryUnavailable("ldap.example.org:389 does not answer")
    authenticator = make(down, allow_all=True, keep_seconds=3600)
    assert await authenticator.refresh_user(SignedIn()) is True
    assert await authenticator.refresh_user(SignedIn()) is True
    assert await authenticator.refresh_user(SignedIn("bob")) is True
    assert len(caplog.messages) == 1
    assert await make(down, keep_seconds=0).refresh_user(SignedIn()) is True  # known from now on


@dataclass
class FloodedDirectory:
    """Sign-ins wait for the gate; who is signed in has left."""

    gate: threading.Event
    looked_up: list[str] = field(default_factory=list)

    def sign_in(self, username: str, password: str) -> DirectoryPerson:
        self.gate.wait()
        raise WrongCredentials("nobody")

    def look_up(self, username: str) -> DirectoryPerson:
        self.looked_up.append(username)
        raise PersonGone(f"{username} has left")


async def test_flood_of_sign_ins_keeps_nobody_signed_in(
    gate: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    authenticator = make(person(), allow_all=True, max_threads=2, max_waiting=1)
    await sign_in(authenticator)
    authenticator.directory = FloodedDirectory(gate)
    flood = [asyncio.ensure_future(sign_in(authenticator)) for _ in range(10)]
    await asyncio.sleep(0)
    assert await authenticator.refresh_user(SignedIn()) is False
    assert "alice has to sign in again: alice has left" in caplog.messages
    gate.set()
    refused = await asyncio.gather(*flood, return_exceptions=True)
    assert {type(error) for error in refused} == {SignInRefusedError}


async def test_requests_of_one_person_take_one_place(gate: threading.Event) -> None:
    def wait() -> DirectoryPerson:
        gate.wait()
        return person()

    authenticator = make(wait, allow_all=True, max_threads=1, max_waiting=1)
    many = [asyncio.ensure_future(authenticator.refresh_user(SignedIn())) for _ in range(20)]
    other = asyncio.ensure_future(authenticator.refresh_user(SignedIn("bob")))
    await asyncio.sleep(0)
    many[0].cancel()  # a request that goes away takes the answer from nobody
    gate.set()
    models = await asyncio.gather(*many[1:], other)
    assert [model["name"] for model in models] == ["alice"] * 19 + ["bob"]
    assert authenticator.directory.asked == ["alice", "bob"]


async def test_refreshes_have_as_many_threads_as_sign_ins_besides(gate: threading.Event) -> None:
    begun = threading.Semaphore(0)

    def wait() -> DirectoryPerson:
        begun.release()
        gate.wait()
        return person()

    authenticator = make(wait, allow_all=True, max_threads=2)
    asked = [asyncio.ensure_future(sign_in(authenticator)) for _ in range(5)]
    names = ("alice", "bob", "carol", "dave", "eve")
    asked += [asyncio.ensure_future(authenticator.refresh_user(SignedIn(name))) for name in names]
    await asyncio.sleep(0)
    assert all([await asyncio.to_thread(begun.acquire, timeout=30) for _ in range(4)])
    assert not await asyncio.to_thread(begun.acquire, timeout=0.1)
    gate.set()
    await asyncio.gather(*asked)


@pytest.mark.parametrize(
    ("traits", "stays", "line"),
    [
        ({}, True, "carol stays signed in unasked, this time: "),
        ({"auth_refresh_age": 0}, True, "carol stays signed in unasked, this time: "),
        ({"keep_seconds": 0}, False, "carol has to sign in again: the hub was too busy to ask: "),
    ],
    ids=["", "auth_refresh_age", "keep_seconds"],
)
async def test_hub_that_is_too_busy_to_ask_is_no_outage(
    traits: dict[str, int],
    stays: bool,
    line: str,
    gate: threading.Event,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def wait() -> DirectoryPerson:
        gate.wait()
        return person()

    authenticator = make(
        person("carol"),
        allow_all=True,
        max_threads=1,
        max_waiting=1,
        **traits,
    )
    await sign_in(authenticator)
    authenticator.directory = ToldDirectory(wait)
    others = [
        asyncio.ensure_future(authenticator.refresh_user(SignedIn(name)))
        for name in ("alice", "bob")
    ]
    await asyncio.sleep(0)
    assert await authenticator.refresh_user(SignedIn("carol")) is stays
    assert caplog.messages[-1] == f"{line}2 calls are being made or wait already; 1 at a time"
    gate.set()
    await asyncio.gather(*others)


async def test_whoever_is_gone_does_not_come_back_through_an_outage(
    caplog: pytest.LogCaptureFixture,
) -> None:
    authenticator = make(PersonGone("uid=alice is gone"), allow_all=True)
    assert await authenticator.refresh_user(SignedIn()) is False
    authenticator.directory = ToldDirectory(DirectoryUnavailable("down"))
    assert await authenticator.refresh_user(SignedIn()) is False
    assert caplog.messages[-1] == (
        "alice has to sign in again: the directory does not know them: down"
    )


async def test_right_password_of_somebody_who_may_not_come_in_is_no_way_back() -> None:
    groups = ["cn=staff,dc=example,dc=org"]
    authenticator = make(person(is_in_allowed_group=False), allowed_groups=groups)
    assert await authenticator.refresh_user(SignedIn()) is False
    with pytest.raises(SignInRefusedError):
        await sign_in(authenticator)
    authenticator.directory = ToldDirectory(DirectoryUnavailable("down"))
    assert await authenticator.refresh_user(SignedIn()) is False


async def test_without_a_look_up_nothing_is_asked_about_who_is_signed_in() -> None:
    authenticator = make(person(), lookup_dn=False, bind_dn_template=f"uid={{username}},{PEOPLE}")
    assert await authenticator.refresh_user(SignedIn()) is True
    assert authenticator.directory.asked == []


# --- what the admin is told


@pytest.mark.parametrize(
    ("traits", "warning"),
    [
        (
            {"tls_strategy": "insecure"},
            "LDAPAuthenticator.tls_strategy is 'insecure': every password crosses the network in "
            "the clear",
        ),
        (
            {"verify_certificates": False},
            "LDAPAuthenticator.verify_certificates is False: every password is sent to whoever "
            "poses as the directory; set ca_file instead",
        ),
    ],
)
def test_unsafe_connection_is_told_at_the_start(
    traits: dict[str, Any], warning: str, caplog: pytest.LogCaptureFixture
) -> None:
    make(person(), **traits)
    assert warning in caplog.messages
