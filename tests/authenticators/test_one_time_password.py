"""Signing in to an exam over HTTP: what admits, what refuses; a refusal consumes nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from traitlets import TraitError

from e2xhub.authenticators.one_time_password import OneTimePasswordAuthenticator
from e2xhub.domain.catalog import Catalog
from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.domain.offers import Registry
from e2xhub.domain.roles import HubKind, Role
from e2xhub.domain.roster import ExamMembership, Roster
from e2xhub.storage.database import make_engine
from e2xhub.storage.exam_records import ExamRecords, open_exam_records
from tests.authenticators.sign_in import SignIn, open_door

IN_THE_ROOM, OUTSIDE, PROXY = "127.0.0.1", "127.0.0.2", "127.0.0.9"
REFUSED = (200, None)
OPEN, TOMORROW = ExamId.parse("open"), ExamId.parse("tomorrow")
ALICE = Username.parse("alice")


def make_registry(now: datetime) -> Registry:
    """Alice sits an exam that is open now and one that is tomorrow; Petra watches the first."""
    exam = {"course": "ml", "term": "now", "duration_minutes": 60, "rooms": ["lab"]}
    catalog = Catalog.model_validate(
        {
            "university": "U",
            "images": {"one": {"name": "one:1"}},
            "sizes": {"one": {"title": "One", "memory": "1G", "cpu": 1}},
            "rooms": {"lab": [f"{IN_THE_ROOM}/32", "192.0.2.0/24"]},
            "defaults": {"image": "one", "sizes": ["one"]},
            "courses": {
                "ml": {"title": "ML", "terms": {"now": {"start": now.date(), "end": now.date()}}}
            },
            "exams": {
                "open": {**exam, "title": "Open", "start": now - timedelta(minutes=30)},
                "tomorrow": {**exam, "title": "Tomorrow", "start": now + timedelta(days=1)},
            },
        }
    )
    rows = [("alice", OPEN, Role.STUDENT), ("alice", TOMORROW, Role.STUDENT)]
    rows += [("petra", OPEN, Role.PROCTOR), ("ben", TOMORROW, Role.STUDENT)]
    roster = Roster(
        ExamMembership(username=Username.parse(name), exam=exam_id, role=role)
        for name, exam_id, role in rows
    )
    return Registry(catalog=catalog, roster=roster, hub=HubKind.EXAM)


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, Any]:
    """The authenticator's traits."""
    pepper = tmp_path / "pepper"
    pepper.write_text("ab" * 32)
    pepper.chmod(0o600)
    return {
        "database_url": f"sqlite:///{tmp_path}/e2xhub.sqlite",
        "pepper_file": str(pepper),
        "registry": SimpleNamespace(current=make_registry(datetime.now(timezone.utc))),
    }


@pytest.fixture
def records(settings: dict[str, Any]) -> ExamRecords:
    """The records that `e2xhub password issue` writes."""
    return open_exam_records(settings["database_url"], Path(settings["pepper_file"]))


@pytest.fixture
async def door(settings: dict[str, Any], records: ExamRecords) -> AsyncIterator[SignIn]:
    """An exam hub's door that believes no proxy."""
    async with open_door(OneTimePasswordAuthenticator(**settings)) as opened:
        yield opened


@pytest.fixture
async def door_behind_a_proxy(settings: dict[str, Any]) -> AsyncIterator[SignIn]:
    """An exam hub's door that believes the proxy at `PROXY`."""
    authenticator = OneTimePasswordAuthenticator(**settings, trusted_proxies=[f"{PROXY}/32"])
    async with open_door(authenticator) as opened:
        yield opened


def issue(records: ExamRecords, exam: ExamId = OPEN, username: Username = ALICE) -> str:
    """The slip of a new password."""
    now = datetime.now(timezone.utc)
    issued = records.issue(exam, username, issued_by="petra", now=now, replace=False)
    return issued.reveal()


async def test_examinee_signs_in_once(door: SignIn, records: ExamRecords) -> None:
    slip = issue(records)
    assert await door.post("alice", slip) == (200, "alice")
    assert await door.post("alice", slip) == REFUSED


async def test_code_and_username_may_be_typed_carelessly(
    door: SignIn, records: ExamRecords
) -> None:
    typed = issue(records).lower().replace("-", " ")
    assert await door.post(" Alice ", f" {typed} ") == (200, "alice")


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("alice", "00000-00000"),
        ("alice", ""),
        ("alice", "\0" * 10),
        ("alice", "x" * 10_000),
        ("petra", None),
        ("ben", None),
        ("mallory", None),
        ("", None),
        ("-", None),
        ("../alice", None),
        ("alice' OR 1=1 --", None),
    ],
)
async def test_refused_attempt_consumes_nothing(
    door: SignIn, records: ExamRecords, username: str, password: str | None
) -> None:
    slip = issue(records)
    assert await door.post(username, slip if password is None else password) == REFUSED
    assert await door.post("alice", slip) == (200, "alice")


async def test_code_of_an_exam_that_is_not_open_is_refused_and_stays(
    door: SignIn, records: ExamRecords
) -> None:
    slip = issue(records, TOMORROW)
    assert await door.post("alice", slip) == REFUSED
    assert [item.state.value for item in records.status(TOMORROW)] == ["active"]


async def test_code_from_outside_the_room_is_refused_and_stays(
    door: SignIn, records: ExamRecords
) -> None:
    slip = issue(records)
    assert await door.post("alice", slip, source=OUTSIDE) == REFUSED
    assert await door.post("alice", slip, source=IN_THE_ROOM) == (200, "alice")


@pytest.mark.parametrize("name", ["X-Forwarded-For", "X-Real-Ip", "Forwarded", "X-Client-Ip"])
async def test_header_of_somebody_outside_is_not_believed(
    door: SignIn, records: ExamRecords, name: str
) -> None:
    forged = [(name, f"for={IN_THE_ROOM}" if name == "Forwarded" else IN_THE_ROOM)]
    assert await door.post("alice", issue(records), source=OUTSIDE, headers=forged) == REFUSED


@pytest.mark.parametrize(
    ("forwarded_for", "admitted"),
    [
        (["192.0.2.7"], True),
        (["10.9.9.9, 192.0.2.7"], True),
        (["192.0.2.7, 10.9.9.9"], False),
        (["192.0.2.7", "10.9.9.9"], False),
        (["192.0.2.7", "nonsense"], False),
        ([""], False),
        ([], False),
    ],
)
async def test_trusted_proxy_tells_the_room(
    door_behind_a_proxy: SignIn,
    records: ExamRecords,
    forwarded_for: list[str],
    admitted: bool,
) -> None:
    headers = [("X-Forwarded-For", value) for value in forwarded_for]
    headers.append(("X-Real-Ip", IN_THE_ROOM))
    found = await door_behind_a_proxy.post("alice", issue(records), source=PROXY, headers=headers)
    assert found == (200, "alice" if admitted else None)


async def test_another_handler_than_the_login_page_is_refused_and_consumes_nothing(
    door: SignIn, records: ExamRecords
) -> None:
    slip = issue(records)
    assert await door.post("alice", slip, path="/tokens") == REFUSED
    assert await door.post("alice", slip) == (200, "alice")


async def test_of_twenty_who_sign_in_at_once_one_is_admitted(
    door: SignIn, records: ExamRecords
) -> None:
    slip = issue(records)
    answers = await asyncio.gather(*(door.post("alice", slip) for _ in range(20)))
    assert sorted(answers, key=str) == [(200, "alice"), *[REFUSED] * 19]


async def test_database_that_does_not_answer_is_503_and_the_code_stays(
    door: SignIn, records: ExamRecords, settings: dict[str, Any]
) -> None:
    slip = issue(records)
    engine = make_engine(settings["database_url"])
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE one_time_passwords RENAME TO elsewhere"))
    assert await door.post("alice", slip) == (503, None)
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE elsewhere RENAME TO one_time_passwords"))
    engine.dispose()
    assert await door.post("alice", slip) == (200, "alice")


async def test_log_tells_the_reason_and_never_the_code(
    door: SignIn, records: ExamRecords, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    slip = issue(records)
    await door.post("alice", slip, source=OUTSIDE)
    await door.post("mallory", slip)
    await door.post("alice", slip)
    await door.post("alice", slip)
    told = [record.getMessage() for record in caplog.records if record.name == "traitlets"]
    assert told == [
        "alice is not signed in: is at 127.0.0.2, in no room of open",
        "mallory is not signed in: is no examinee of any exam",
        "alice is signed in to open",
        "alice is not signed in: has no such code, or it was used",
    ]
    assert slip not in caplog.text
    assert slip.replace("-", "") not in caplog.text


@pytest.mark.parametrize("typed", ["mallory", "petra", "ABCDE-FGHJK", "../x", "x" * 100, ""])
async def test_name_that_no_exams_roster_has_is_not_logged(
    door: SignIn, records: ExamRecords, caplog: pytest.LogCaptureFixture, typed: str
) -> None:
    caplog.set_level(logging.INFO)
    slip = issue(records)
    for name in (typed, slip):
        assert await door.post(name, slip, path="/hub/login") == REFUSED
    for text in (typed[:16], slip, slip.replace("-", "").lower()):
        assert not text or text not in caplog.text
    told = [record.getMessage() for record in caplog.records if "ailed" in record.getMessage()]
    assert told == ["Failed login for '(not on the roster)'"] * 2


async def test_name_of_an_examinee_is_logged(
    door: SignIn, caplog: pytest.LogCaptureFixture
) -> None:
    assert await door.post("alice", "00000-00000", path="/hub/login") == REFUSED
    assert "Failed login for 'alice'" in caplog.text
    assert "alice is not signed in: has no such code, or it was used" in caplog.text


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"allow_examinees": False}, "is not admitted: allow_examinees is False"),
        ({"blocked_users": {"alice"}}, "is blocked"),
    ],
)
async def test_whoever_may_not_enter_is_refused_before_a_password_is_touched(
    settings: dict[str, Any],
    records: ExamRecords,
    caplog: pytest.LogCaptureFixture,
    change: dict[str, Any],
    reason: str,
) -> None:
    slip = issue(records)
    async with open_door(OneTimePasswordAuthenticator(**settings, **change)) as closed:
        assert await closed.post("alice", slip) == REFUSED
    assert f"alice is not signed in: {reason}" in caplog.text
    assert [item.state.value for item in records.status(OPEN)] == ["active"]
    async with open_door(OneTimePasswordAuthenticator(**settings)) as opened:
        assert await opened.post("alice", slip) == (200, "alice")


@pytest.mark.parametrize(
    ("username", "open_to_all", "allowed"),
    [
        ("alice", True, True),
        ("ben", True, True),
        ("petra", True, False),
        ("mallory", True, False),
        ("alice", False, False),
    ],
)
async def test_examinees_are_allowed_and_nobody_else(
    settings: dict[str, Any], username: str, open_to_all: bool, allowed: bool
) -> None:
    authenticator = OneTimePasswordAuthenticator(**settings, allow_examinees=open_to_all)
    assert await authenticator.check_allowed(username) is allowed


def test_users_of_yesterday_are_not_allowed_by_themselves(settings: dict[str, Any]) -> None:
    authenticator = OneTimePasswordAuthenticator(**settings, allowed_users={"alice"})
    assert authenticator.allow_existing_users is False


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"database_url": "nonsense"},
            r"this is no URL of a database; expected one such as postgresql\+psycopg://",
        ),
        (
            {"database_url": "sqlite:////no/such/directory/x"},
            r"the database sqlite:////no/such/directory/x cannot be used \(OperationalError\)",
        ),
        ({"pepper_file": "/no/such/file"}, r"/no/such/file: the pepper cannot be read"),
    ],
)
def test_hub_that_could_not_check_codes_does_not_start(
    settings: dict[str, Any], change: dict[str, str], message: str
) -> None:
    with pytest.raises(TraitError, match=message):
        OneTimePasswordAuthenticator(**{**settings, **change})


@pytest.mark.parametrize("trait", ["registry", "database_url", "pepper_file"])
def test_hub_without_a_needed_trait_does_not_start(settings: dict[str, Any], trait: str) -> None:
    del settings[trait]
    with pytest.raises(TraitError) as caught:
        OneTimePasswordAuthenticator(**settings)
    assert str(caught.value) == (
        f"OneTimePasswordAuthenticator.{trait} is not set; "
        'call e2xhub.configure(c, hub="exam", …) in the hub\'s configuration'
    )
