"""The audit log: who did what in an exam, or changed the members of a course.

Each entry vouches for all before it.

An entry's seal is an HMAC over the seal before it and its own content, with a key that is made from
the pepper. So whoever can write to the database, and does not have the pepper, can neither change,
insert nor remove an entry without being found. Cutting entries off the *end* leaves a shorter log
that is whole: against that, note the number and the seal of the last entry elsewhere (`anchor`).
"""

from __future__ import annotations

import hmac
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from enum import Enum
from typing import Any

FIRST_SEAL = bytes(32)
"""What stands before the first entry."""
_ANCHOR_DIGITS = 16
_ANCHOR = re.compile(rf"([1-9][0-9]{{0,17}})-([0-9A-F]{{{_ANCHOR_DIGITS}}})")


class Action(str, Enum):
    """What the log knows of."""

    ISSUED = "code issued"
    REISSUED = "code issued again"
    REVOKED = "code revoked"
    SIGNED_IN = "signed in"
    REFUSED = "sign-in refused"
    UNLOCKED = "unlocked"
    SESSION_ENDED = "session ended"
    SESSION_CUT = "cookies and tokens taken"
    EXTRA_TIME = "extra time"
    ANNOUNCED = "message"
    SUBMITTED = "submitted"
    FINISHED = "finished"
    SERVER_STOPPED = "server stopped"
    STAFF_SIGNED_IN = "staff signed in"
    STAFF_REFUSED = "staff sign-in refused"
    SECOND_FACTOR = "second factor"
    ROSTER_CHANGED = "members change"
    ROSTER_NOT_CHANGED = "members not changed"


@dataclass(frozen=True, kw_only=True)
class Event:
    """What happened; never a code, a key or a session's id."""

    action: Action
    actor: str
    """Who did it: a username, or a name in brackets such as `(exam clock)`."""
    exam: str = ""
    username: str = ""
    """The examinee that it is about."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """Numbers and short texts by name, and lists of usernames by role."""


@dataclass(frozen=True, kw_only=True)
class AuditEntry:
    """An event in the log."""

    number: int
    """From 1, without gaps."""
    at: datetime
    event: Event
    key_id: str
    """Which pepper its seal was made with."""
    seal: bytes


@dataclass(frozen=True, kw_only=True)
class AuditFault:
    """The first entry that is not what it was; what comes after it proves nothing."""

    number: int
    reason: str
    is_change: bool = True
    """False: whether somebody changed it cannot be told, because its key is not known."""
    anchors: tuple[str, ...] = ()
    """Those that do not fit, where nothing else is wrong with the entry."""

    def __str__(self) -> str:
        return f"entry {self.number}: {self.reason}"


def make_seal(key: bytes, before: bytes, number: int, at: datetime, event: Event) -> bytes:
    """The seal of an entry: 32 bytes."""
    content = {
        "number": number,
        "at": at.astimezone(timezone.utc).isoformat(timespec="microseconds"),
        "action": event.action.value,
        "actor": event.actor,
        "exam": event.exam,
        "username": event.username,
        "details": dict(event.details),
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hmac.digest(key, before + text.encode("ascii"), "sha256")


def anchor(number: int, seal: bytes) -> str:
    """What to note on paper of the last entry: `812-9F86D081884C7D65`."""
    return f"{number}-{seal.hex()[:_ANCHOR_DIGITS].upper()}"


def parse_anchor(text: str) -> str:
    """The anchor that somebody noted, as `anchor` writes it; raises ValueError for other texts."""
    written = text.strip().upper()
    if not _ANCHOR.fullmatch(written):
        raise ValueError(f"{text!r} is no anchor; expected one such as 812-9F86D081884C7D65")
    return written


def find_fault(
    entries: Iterable[AuditEntry | None],
    find_key: Callable[[str], bytes | None],
    *,
    anchors: Iterable[str] = (),
) -> AuditFault | None:
    """The first entry that is missing, changed or not in its place; None where the log is whole.

    An entry that cannot be read is None. `find_key` gives the key of a pepper by its id. `anchors`
    (in the form of `parse_anchor`) are those that were noted elsewhere: each has to be in the log.
    """
    noted = defaultdict[int, list[str]](list)
    for text in anchors:
        noted[int(text.partition("-")[0])].append(text)
    before, expected = FIRST_SEAL, 1
    for entry in entries:
        fault = _find_fault_of(entry, expected, before, find_key, noted.pop(expected, ()))
        if fault or entry is None:
            return fault
        before, expected = entry.seal, expected + 1
    if noted:
        beyond = tuple(text for texts in noted.values() for text in texts)
        reason = "it and what comes after it is missing"
        return AuditFault(number=expected, reason=reason, anchors=beyond)
    return None


def _find_fault_of(
    entry: AuditEntry | None,
    expected: int,
    before: bytes,
    find_key: Callable[[str], bytes | None],
    noted: Iterable[str],
) -> AuditFault | None:
    reason = _misplaced(entry, expected)
    if entry is None or reason:
        return AuditFault(number=expected, reason=reason)
    key = find_key(entry.key_id)
    if key is None:
        reason = f"its key {entry.key_id} is not known; add that pepper to the pepper file again"
        return AuditFault(number=expected, reason=reason, is_change=False)
    seal = make_seal(key, before, entry.number, entry.at, entry.event)
    if not hmac.compare_digest(seal, entry.seal):
        reason = "it was changed, or what was before it is missing"
        return AuditFault(number=expected, reason=reason)
    other = tuple(text for text in noted if text != anchor(entry.number, entry.seal))
    if other:
        reason = f"it is not the one that was noted as {other[0]}"
        return AuditFault(number=expected, reason=reason, anchors=other)
    return None


def _misplaced(entry: AuditEntry | None, expected: int) -> str:
    if entry is None:
        return "it was changed: it cannot be read"
    if entry.number > expected:
        return f"it is missing (the next one is {entry.number})"
    if entry.number < expected:
        return f"an entry with the number {entry.number} stands in its place"
    return ""
