"""Whether a browser that wants to reach an examinee's server is the one that signed in.

A session is bound to the address from which it was made: a copied cookie is worth nothing on
another machine. Its id is stored as a digest only.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import Enum

from e2xhub.domain.exam_records import ExamSession
from e2xhub.domain.rooms import Address


class SessionFault(str, Enum):
    """Why a browser is not let through; for the log and the proctor."""

    UNKNOWN = "has no session that is open"
    FOREIGN = "has a session of somebody else"
    OTHER_ADDRESS = "comes from another address than the one of its sign-in"


@dataclass(frozen=True, kw_only=True)
class NewSession:
    """The browser of a sign-in."""

    digest: str
    address: str
    safe_browser_way: str = ""
    """As in `ExamSession`."""


def digest_of(session_id: str) -> str:
    """What is stored of a session's id, which is random and long: 64 hexadecimal digits."""
    return hashlib.sha256(b"e2xhub session\0" + session_id.encode()).hexdigest()


def find_fault(
    session: ExamSession | None, *, username: str, address: Address | None
) -> SessionFault | None:
    """Why the browser at `address` with `session` may not be `username`; None: it may.

    An address that cannot be told (None) is another one.
    """
    if session is None:
        return SessionFault.UNKNOWN
    if session.username != username:
        return SessionFault.FOREIGN
    if address is None or str(address) != session.address:
        return SessionFault.OTHER_ADDRESS
    return None
