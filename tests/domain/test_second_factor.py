"""Codes of an app: which are accepted, when, and what a secret shows of itself."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.domain.second_factor import (
    MOST_ATTEMPTS,
    RECOVERY_CODES,
    STEP_SECONDS,
    TotpSecret,
    is_totp_code,
    make_recovery_codes,
    may_try,
)

# RFC 6238, appendix B: the secret of its SHA-1 vectors, whose last six digits are these.
RFC_SECRET = TotpSecret("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
RFC_VECTORS = [(59, "287082"), (1111111109, "081804"), (2000000000, "279037")]
NOW = datetime(2027, 2, 15, 8, 0, 10, tzinfo=timezone.utc)


@pytest.mark.parametrize(("at", "code"), RFC_VECTORS)
def test_codes_of_the_rfc_are_accepted_in_their_step(at: int, code: str) -> None:
    now = datetime.fromtimestamp(at, timezone.utc)
    assert RFC_SECRET.accepted_step(code, now) == at // STEP_SECONDS


@pytest.mark.parametrize(
    ("steps", "is_accepted"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)]
)
def test_code_of_the_steps_beside_is_accepted_and_none_further(
    steps: int, is_accepted: bool
) -> None:
    secret = TotpSecret.make()
    made_at = NOW + timedelta(seconds=steps * STEP_SECONDS)
    step = secret.accepted_step(pyotp.TOTP(secret.base32).at(made_at), NOW)
    assert step == (int(made_at.timestamp()) // STEP_SECONDS if is_accepted else None)


@pytest.mark.parametrize("write", [" {} ", "{} ", " {}"])
def test_spaces_around_a_code_do_not_matter(write: str) -> None:
    code = pyotp.TOTP(RFC_SECRET.base32).at(NOW)
    assert RFC_SECRET.accepted_step(write.format(code), NOW) is not None
    assert RFC_SECRET.accepted_step(f"{code[:3]} {code[3:]}", NOW) is not None


@given(st.text())
def test_what_is_not_six_ascii_digits_is_no_code(typed: str) -> None:
    digits = typed.strip().replace(" ", "")
    if not (len(digits) == 6 and digits.isascii() and digits.isdigit()):
        assert not is_totp_code(typed)
        assert RFC_SECRET.accepted_step(typed, NOW) is None


def test_digits_of_other_scripts_are_no_code() -> None:
    code = pyotp.TOTP(RFC_SECRET.base32).at(NOW)
    arabic = code.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))
    assert RFC_SECRET.accepted_step(arabic, NOW) is None


def test_app_is_told_who_and_where() -> None:
    uri = RFC_SECRET.provisioning_uri(username="petra", issuer="Uni Köln: E2X")
    parts = urlsplit(uri)
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert parts.path == "/Uni%20K%C3%B6ln%3A%20E2X:petra"
    assert parse_qs(parts.query) == {"secret": [RFC_SECRET.base32], "issuer": ["Uni Köln: E2X"]}


def test_secret_has_160_bits_and_is_shown_in_groups() -> None:
    secret = TotpSecret.make()
    assert len(secret.base32) * 5 == 160
    assert secret.reveal().replace(" ", "") == secret.base32
    assert {len(group) for group in secret.reveal().split()} == {4}


def test_secret_hides_itself() -> None:
    secret = TotpSecret.make()
    assert secret.base32 not in repr(secret)
    assert secret.base32 not in f"{secret}"


def test_recovery_codes_are_ten_and_all_different() -> None:
    codes = {code.code for code in make_recovery_codes()}
    assert len(codes) == RECOVERY_CODES


@pytest.mark.parametrize(
    ("attempts", "seconds", "may"),
    [
        (0, 0, True),
        (4, 0, True),
        (5, 29, False),
        (5, 30, True),
        (6, 59, False),
        (6, 60, True),
        (50, 14 * 60, False),
        (50, 15 * 60, True),
        (MOST_ATTEMPTS, 365 * 24 * 3600, False),
    ],
)
def test_each_wrong_code_makes_the_next_pause_longer(
    attempts: int, seconds: int, may: bool
) -> None:
    assert may_try(attempts, NOW - timedelta(seconds=seconds), NOW) is may
