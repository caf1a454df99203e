"""Signing in to an exam over HTTP: what admits, what refuses; a refusal consumes nothing."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from datetime import datetime, timezone
from typing import Any

import pytest
import sqlalchemy as sa
from prometheus_client import REGISTRY
from traitlets import TraitError

from e2xhub.authenticators.one_time_password import OneTimePasswordAuthenticator
from e2xhub.domain.room_codes import room_code_at
from e2xhub.domain.throttle import FREE_ATTEMPTS
from e2xhub.storage.exam_records import ExamRecords
from tests.authenticators.open_exam import (
    ALICE,
    ALSO_IN_THE_ROOM,
    CARLA,
    IN_THE_ROOM,
    OPEN,
    OUTSIDE,
    PROXY,
    TOMORROW,
    issue,
    make_desk,
    wait_for_lines,
)
from tests.authenticators.sign_in import SignIn, open_door

REFUSED = (200, None)


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
    engine = records.engine
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE one_time_passwords RENAME TO elsewhere"))
    assert await door.post("alice", slip) == (503, None)
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE elsewhere RENAME TO one_time_passwords"))
    settings["desk"].records.look()  # as the thread does that watches
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
    told = await wait_for_lines(caplog, 4)
    assert sorted(told) == [
        "(not on the roster) at 127.0.0.1 is not signed in: is no examinee of any exam",
        "alice at 127.0.0.1 is not signed in: typed a code that was used before",
        "alice at 127.0.0.2 is not signed in: is in no room of the exam",
        "alice is signed in to open",
    ]
    assert slip not in caplog.text
    assert slip.replace("-", "") not in caplog.text


async def test_proxy_that_is_not_believed_is_told_once_with_what_to_do(
    door: SignIn, records: ExamRecords, caplog: pytest.LogCaptureFixture
) -> None:
    """As where the pod of JupyterHub's proxy was made anew."""
    slip, headers = issue(records), [("X-Forwarded-For", f"<script>, {IN_THE_ROOM}")]
    for _ in range(2):
        assert await door.post("alice", slip, source=OUTSIDE, headers=headers) == REFUSED
    await door.post("alice", slip, source=OUTSIDE)
    await wait_for_lines(caplog, 3)
    assert [record.getMessage() for record in caplog.records if "X-Fo" in record.getMessage()] == [
        f"{OUTSIDE} is in no room of the exam, and says in X-Forwarded-For that it passes sign-ins "
        "on, which is believed of trusted_proxies alone. If it is a reverse proxy of yours, put "
        "its address into trusted_proxies, or the name of a headless Service of its pods "
        "(helm-values/proxy-pods.yaml); else somebody forges the header"
    ]
    assert "<script>" not in caplog.text


@pytest.mark.parametrize(
    ("source", "headers"),
    [
        (OUTSIDE, []),
        (OUTSIDE, [("X-Forwarded-For", "")]),
        (IN_THE_ROOM, [("X-Forwarded-For", "192.0.2.200")]),
    ],
)
async def test_nothing_is_told_of_proxies_where_there_seems_to_be_none(
    door: SignIn,
    records: ExamRecords,
    caplog: pytest.LogCaptureFixture,
    source: str,
    headers: list[tuple[str, str]],
) -> None:
    await door.post("alice", "00000-00000", source=source, headers=headers)
    await wait_for_lines(caplog, 1)
    assert "trusted_proxies" not in caplog.text


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


async def test_username_of_nobody_from_a_room_is_kept_for_the_proctors_there(
    settings: dict[str, Any], records: ExamRecords
) -> None:
    slip, desk = issue(records), settings["desk"]
    async with open_door(OneTimePasswordAuthenticator(**settings)) as door:
        for username, source in (
            ("alise", IN_THE_ROOM),
            ("alise", IN_THE_ROOM),
            ("alise", OUTSIDE),
            ("alice", ALSO_IN_THE_ROOM),
        ):
            await door.post(username, slip if username == "alice" else "00000-00000", source=source)
    found = desk.strangers.in_rooms_of(desk.registry.current, OPEN, datetime.now(timezone.utc))
    assert [(stranger.address, stranger.count) for stranger in found] == [(IN_THE_ROOM, 2)]


async def test_sign_ins_are_counted_by_their_result(
    door: SignIn, records: ExamRecords, caplog: pytest.LogCaptureFixture
) -> None:
    results = ("signed_in", "wrong_room", "used_code", "no_examinee", "other_door")
    before = [_count_of(result) for result in results]
    slip = issue(records)
    await door.post("alice", slip, source=OUTSIDE)
    await door.post("alice", slip)
    await door.post("alice", slip)
    await door.post("mallory", slip)
    await door.post("alice", slip, path="/tokens")
    await wait_for_lines(caplog, 4)
    assert [_count_of(it) - was for it, was in zip(results, before, strict=True)] == [1] * 5


def _count_of(result: str) -> float:
    found = REGISTRY.get_sample_value("e2xhub_sign_ins_total", {"result": result})
    assert found is not None, "a series begins at 0"
    return found


async def test_name_of_an_examinee_is_logged(
    door: SignIn, caplog: pytest.LogCaptureFixture
) -> None:
    assert await door.post("alice", "00000-00000", path="/hub/login") == REFUSED
    assert "Failed login for 'alice'" in caplog.text
    told = await wait_for_lines(caplog, 1)
    assert told == ["alice at 127.0.0.1 is not signed in: has no code yet"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"allow_examinees": False}, "is not admitted: allow_examinees is False"),
        ({"blocked_users": {"alice"}}, "is blocked by the hub"),
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
        told = await wait_for_lines(caplog, 1)
    assert told == [f"alice at 127.0.0.1 is not signed in: {reason}"]
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


def test_hub_without_a_desk_does_not_start() -> None:
    with pytest.raises(TraitError) as caught:
        OneTimePasswordAuthenticator()
    assert str(caught.value) == (
        "OneTimePasswordAuthenticator.desk is not set; "
        'call e2xhub.configure(c, hub="exam", …) in the hub\'s configuration'
    )


# --- attempts


async def test_right_code_is_refused_after_too_many_wrong_ones(
    door: SignIn, records: ExamRecords
) -> None:
    slip = issue(records)
    for _ in range(FREE_ATTEMPTS):
        assert await door.post("alice", "00000-00000") == REFUSED
    assert await door.post("alice", slip) == REFUSED
    # Whoever sits elsewhere in the room is another matter, and so is another person at this desk.
    assert await door.post("carla", issue(records, username=CARLA)) == (200, "carla")
    assert await door.post("alice", slip, source=ALSO_IN_THE_ROOM) == (200, "alice")


async def test_limit_outlives_the_hub(settings: dict[str, Any], records: ExamRecords) -> None:
    slip = issue(records)
    async with open_door(OneTimePasswordAuthenticator(**settings)) as before:
        for _ in range(FREE_ATTEMPTS):
            await before.post("alice", "00000-00000")
    async with open_door(OneTimePasswordAuthenticator(desk=make_desk(records))) as after:
        assert await after.post("alice", slip) == REFUSED
        records.unlock(OPEN, ALICE, by="petra", now=datetime.now(timezone.utc))
        assert await after.post("alice", slip) == (200, "alice")


async def test_proctor_reads_the_true_reason_at_once(
    settings: dict[str, Any], records: ExamRecords, caplog: pytest.LogCaptureFixture
) -> None:
    issue(records)
    async with open_door(OneTimePasswordAuthenticator(**settings)) as door:
        await door.post("alice", "00000-00000")
        await wait_for_lines(caplog, 1)
    known = settings["desk"].records.current.exam(OPEN).examinee("alice").refused
    assert (known.reason, known.address) == ("typed a wrong code", IN_THE_ROOM)


# --- what an exam may demand besides


async def test_room_code_is_demanded_besides_and_accepted_once(records: ExamRecords) -> None:
    desk = make_desk(records, {"room_code": True})
    code = room_code_at(records.peppers.current, OPEN, "lab", datetime.now(timezone.utc))
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    async with open_door(OneTimePasswordAuthenticator(desk=desk)) as door:
        slip = issue(records)
        assert await door.post("alice", slip) == REFUSED
        assert await door.post("alice", slip, room_code=wrong) == REFUSED
        assert await door.post("alice", slip, room_code=f"{code[:3]} {code[3:]}") == (200, "alice")
        again = issue(records, replace=True)
        assert await door.post("alice", again, room_code=code) == REFUSED
        other = issue(records, username=CARLA)
        assert await door.post("carla", other, room_code=code) == (200, "carla")


SEB_KEY = "c0" * 32
PUBLIC_URL = "https://exams.example.org/"


def shown_by_script(key: str, url: str = f"{PUBLIC_URL}login") -> dict[str, str]:
    """What the script of the sign-in page posts."""
    shown = hashlib.sha256(f"{url}{key}".encode()).hexdigest()
    return {"seb_config_key_hash": shown, "seb_page_url": url}


@pytest.mark.parametrize(
    ("shown", "admitted"),
    [
        (shown_by_script(SEB_KEY), True),
        (shown_by_script("ab" * 32), False),
        (shown_by_script(SEB_KEY, "https://evil.example.org/login"), False),
        ({}, False),
    ],
)
async def test_safe_exam_browser_is_demanded_where_the_exam_says_so(
    records: ExamRecords, shown: dict[str, str], admitted: bool
) -> None:
    demands = {"safe_exam_browser": {"config_keys": [SEB_KEY]}}
    desk = make_desk(records, demands, public_url=PUBLIC_URL)
    slip = issue(records)
    async with open_door(OneTimePasswordAuthenticator(desk=desk)) as door:
        assert await door.post("alice", slip, **shown) == (200, "alice" if admitted else None)
    state = records.status(OPEN)[0].state.value
    assert state == ("used" if admitted else "active")


async def test_session_is_bound_to_its_address(settings: dict[str, Any], door: SignIn) -> None:
    slip = issue(settings["desk"].records.records)
    await door.post("alice", slip, source=ALSO_IN_THE_ROOM)
    (session,) = settings["desk"].records.current.sessions.values()
    assert (session.exam, session.username, session.address) == (OPEN, ALICE, ALSO_IN_THE_ROOM)


async def test_sign_in_with_a_browser_of_somebody_else_ends_that_session(
    settings: dict[str, Any], door: SignIn, records: ExamRecords
) -> None:
    await door.post("alice", issue(records))
    (of_alice,) = door.session_ids
    slip = issue(records, username=CARLA)
    assert await door.post("carla", slip, session_id=of_alice) == (200, "carla")
    current = settings["desk"].records.current
    assert [session.username for session in current.sessions.values()] == [CARLA]
    assert [session.username for session in current.to_cut] == [ALICE]
