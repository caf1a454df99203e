"""The second factor of staff: six digits of an app (RFC 6238), or a recovery code.

How often somebody may try, and that each step and each recovery code is accepted once, is decided
where they are stored (`storage.second_factors`), in the statement that marks them as used.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyotp

from e2xhub.domain.passwords import OneTimePassword
from e2xhub.domain.throttle import pause_after

STEP_SECONDS = 30
DIGITS = 6
RECOVERY_CODES = 10
MOST_ATTEMPTS = 100
"""Wrong ones in a row; then an admin resets the person (NIST SP 800-63B, section 5.2.2)."""
_STEPS_AROUND = 1  # clocks differ, and people type slowly (RFC 6238, section 5.2)
_GROUPS_OF = 4
_TYPED = re.compile(r"[0-9]{3} ?[0-9]{3}")


@dataclass(frozen=True, repr=False)
class TotpSecret:
    """What an app and the hub share; shows itself only when asked (`reveal`)."""

    base32: str

    @classmethod
    def make(cls) -> TotpSecret:
        """A new random secret: 160 bits, as RFC 4226 recommends."""
        return cls(pyotp.random_base32())

    def reveal(self) -> str:
        """The form for typing: groups of four."""
        groups = range(0, len(self.base32), _GROUPS_OF)
        return " ".join(self.base32[start : start + _GROUPS_OF] for start in groups)

    def provisioning_uri(self, *, username: str, issuer: str) -> str:
        """What the QR code says: https://github.com/google/google-authenticator/wiki/Key-Uri-Format."""
        return self._totp().provisioning_uri(name=username, issuer_name=issuer)

    def accepted_step(self, typed: str, now: datetime) -> int | None:
        """The step whose code was typed, the newest where several have it; None: it is none of now.

        Takes the same time for every code.
        """
        if not is_totp_code(typed):
            return None
        code, totp = typed.strip().replace(" ", ""), self._totp()
        current, found = int(now.timestamp()) // STEP_SECONDS, None
        for step in range(current - _STEPS_AROUND, current + _STEPS_AROUND + 1):
            if hmac.compare_digest(totp.generate_otp(step), code):
                found = step
        return found

    def _totp(self) -> pyotp.TOTP:
        return pyotp.TOTP(self.base32, digits=DIGITS, interval=STEP_SECONDS)

    def __repr__(self) -> str:
        return "TotpSecret(**********)"


def is_totp_code(typed: str) -> bool:
    """Whether `typed` looks like six digits of an app, and not like a recovery code."""
    return bool(_TYPED.fullmatch(typed.strip()))


def make_recovery_codes() -> tuple[OneTimePassword, ...]:
    """New random ones: 50 bits each, in the alphabet of examinees' codes."""
    codes: dict[str, OneTimePassword] = {}
    while len(codes) < RECOVERY_CODES:
        made = OneTimePassword.make()
        codes[made.code] = made
    return tuple(codes.values())


def may_try(attempts: int, last_at: datetime | None, now: datetime) -> bool:
    """Whether one more attempt may be made after `attempts` in a row that were wrong.

    The first few come without a pause, then each pause is twice as long as the one before.
    """
    if attempts >= MOST_ATTEMPTS:
        return False
    pause = pause_after(attempts) if last_at else timedelta(0)
    return last_at is None or now >= last_at + pause
