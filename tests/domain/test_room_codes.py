"""The code on the projector: six digits that change each minute, for one room of one exam."""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.domain.passwords import Pepper
from e2xhub.domain.room_codes import STEP_SECONDS, accepted_step, room_code_at

PEPPER = Pepper(b"p" * 32)
NOW = datetime(2027, 2, 15, 8, 0, 30, tzinfo=timezone.utc)
STEP = int(NOW.timestamp()) // STEP_SECONDS
SHOWN = room_code_at(PEPPER, "ml-pz1", "lab", NOW)


def accept(typed: str, now: datetime = NOW, rooms: tuple[str, ...] = ("lab",)) -> int | None:
    return accepted_step(PEPPER, "ml-pz1", rooms, typed, now)


def test_code_is_six_digits_and_stays_for_a_minute() -> None:
    assert len(SHOWN) == 6
    assert SHOWN.isdecimal()
    for seconds, same in [(-30, True), (29, True), (30, False), (-31, False)]:
        moment = NOW + timedelta(seconds=seconds)
        assert (room_code_at(PEPPER, "ml-pz1", "lab", moment) == SHOWN) is same


@pytest.mark.parametrize(
    ("seconds", "accepted"),
    [(-31, False), (0, True), (29, True), (30, True), (89, True), (90, False)],
)
def test_code_is_accepted_in_its_minute_and_the_next(seconds: int, accepted: bool) -> None:
    assert accept(SHOWN, NOW + timedelta(seconds=seconds)) == (STEP if accepted else None)


@pytest.mark.parametrize(
    "typed", [SHOWN, f"{SHOWN[:3]} {SHOWN[3:]}", f"  {SHOWN}\n", f"\u2003{SHOWN}\u00a0"]
)
def test_spaces_do_not_matter(typed: str) -> None:
    assert accept(typed) == STEP


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "12345",
        SHOWN + "0",
        SHOWN[:5],
        f"{SHOWN[:2]} {SHOWN[2:]}",
        "\u0661" * 6,
        "six dig",
        "-" * 6,
    ],
)
def test_other_text_is_no_code(typed: str) -> None:
    assert accept(typed) is None


@given(st.text(max_size=20))
def test_nothing_but_the_two_codes_of_now_is_accepted(typed: str) -> None:
    before = room_code_at(PEPPER, "ml-pz1", "lab", NOW - timedelta(seconds=STEP_SECONDS))
    known = {SHOWN, before}
    assert accept(typed) is None or typed.strip().replace(" ", "") in known


def test_code_is_of_one_room_of_one_exam_under_one_pepper() -> None:
    assert accept(SHOWN, rooms=("hall",)) is None
    assert accept(SHOWN, rooms=()) is None
    assert accept(SHOWN, rooms=("hall", "lab")) == STEP
    assert accepted_step(PEPPER, "ml-pz2", ("lab",), SHOWN, NOW) is None
    assert accepted_step(Pepper(b"q" * 32), "ml-pz1", ("lab",), SHOWN, NOW) is None


def test_names_that_join_to_the_same_text_have_different_codes() -> None:
    one = [room_code_at(PEPPER, "ab", "c", NOW + timedelta(minutes=it)) for it in range(3)]
    other = [room_code_at(PEPPER, "a", "bc", NOW + timedelta(minutes=it)) for it in range(3)]
    assert one != other


def test_code_is_a_totp_of_rfc_6238() -> None:
    """Computed as RFC 4226, section 5.3, says, for the steps of RFC 6238."""
    secret = bytes.fromhex(PEPPER.digest("room code", "ml-pz1", "lab"))
    digest = hmac.digest(secret, STEP.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 15
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    assert f"{number % 1_000_000:06}" == SHOWN
