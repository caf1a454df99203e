"""The rotating code that the projector of a room shows: who types it is in the room now.

RFC 6238 with steps of a minute; each step is accepted once per person (section 5.2), where the
sign-in is stored. The secret of a room is made from the pepper, so nothing is stored for it.
"""

from __future__ import annotations

import base64
import hmac
import re
from datetime import datetime

import pyotp

from e2xhub.domain.passwords import Pepper

STEP_SECONDS = 60
DIGITS = 6
_STEPS_BEFORE = 1  # the code changed while somebody typed it
_TYPED = re.compile(r"([0-9]{3}) ?([0-9]{3})")


def room_code_at(pepper: Pepper, exam: str, room: str, now: datetime) -> str:
    """The code that is shown at `now`: six digits."""
    return _generator(pepper, exam, room).at(now)


def accepted_step(
    pepper: Pepper, exam: str, rooms: tuple[str, ...], typed: str, now: datetime
) -> int | None:
    """The step whose code of one of `rooms` was typed; None where it is no code of now."""
    found = _TYPED.fullmatch(typed.strip())
    if not found:
        return None
    code = "".join(found.groups())
    current = int(now.timestamp()) // STEP_SECONDS
    accepted = None
    for room in rooms:
        generator = _generator(pepper, exam, room)
        for step in range(current - _STEPS_BEFORE, current + 1):
            if hmac.compare_digest(generator.generate_otp(step), code):
                accepted = step
    return accepted


def _generator(pepper: Pepper, exam: str, room: str) -> pyotp.TOTP:
    secret = bytes.fromhex(pepper.digest("room code", exam, room))
    return pyotp.TOTP(base64.b32encode(secret).decode(), digits=DIGITS, interval=STEP_SECONDS)
