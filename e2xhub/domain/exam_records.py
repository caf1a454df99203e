"""What is known of an exam while it is held: who has a code, who is in, and what proctors did.

Frozen values, as `storage.exam_records` reads them. No code and no session is in them: both are
stored as hashes only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from unicodedata import category

from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.errors import E2xHubError

REASON_MAX = 500
"""Characters of a reason."""
ANNOUNCEMENT_MAX = 1000
"""Characters of a message to examinees."""
_LINE_BREAKS = "\n\r\t"


class UnfitTextError(E2xHubError):
    """A reason or a message is too long, or has characters that no text has."""


def check_text(text: str, most: int) -> str:
    """`text`; raises UnfitTextError where it has more than `most` characters, or such as steer a
    terminal or a database."""
    if len(text) > most:
        raise UnfitTextError(f"the text has {len(text)} characters; expected at most {most}")
    if any(category(letter) in ("Cc", "Cs") for letter in text if letter not in _LINE_BREAKS):
        raise UnfitTextError("the text has control characters; expected letters and line breaks")
    return text


_GRACE = timedelta(seconds=20)  # four looks of the bar in the examinee's page


class PasswordState(str, Enum):
    """Where a password is in its life; only an active one opens anything."""

    ACTIVE = "active"
    USED = "used"
    REPLACED = "replaced"
    REVOKED = "revoked"


class SessionEnd(str, Enum):
    """Why a session is over."""

    SIGNED_IN_AGAIN = "signed in again"
    REISSUED = "a new code was issued"
    REVOKED = "the code was revoked"
    FINISHED = "the exam was finished"
    EXAM_ENDED = "the exam has ended"
    SIGNED_OUT = "signed out"
    TAKEN_OVER = "somebody else signed in with the same browser"

    @property
    def grace(self) -> timedelta:
        """How long the browser may still save what is open: none where somebody is to be kept
        out, or time is up."""
        is_for_honest_people = self in (SessionEnd.REISSUED, SessionEnd.FINISHED)
        return _GRACE if is_for_honest_people else timedelta(0)


@dataclass(frozen=True, kw_only=True)
class PasswordStatus:
    """What may be shown of a password; the code itself is not stored."""

    username: str
    generation: int
    """1 for the first code of a person in an exam, one more for each that replaced it."""
    state: PasswordState
    issued_at: datetime
    issued_by: str
    consumed_at: datetime | None
    consumed_from: str | None
    ended_at: datetime | None = None
    """When it was replaced or revoked."""
    ended_by: str | None = None
    reason: str = ""
    """Why it was issued, or revoked, as the proctor put it."""


@dataclass(frozen=True, kw_only=True)
class ExamSession:
    """A browser that an examinee has signed in with."""

    id: int
    exam: ExamId
    username: Username
    digest: str
    """Of the session's id, see `domain.sessions`; 64 hexadecimal digits."""
    address: str
    safe_browser_way: str
    """How Safe Exam Browser has shown the exam's keys at sign-in: the value of a
    `domain.safe_exam_browser.SebWay`; empty: it has not."""
    started_at: datetime
    ended_at: datetime | None = None
    end: SessionEnd | None = None

    def is_over(self, now: datetime) -> bool:
        """Whether nobody may use it any more at `now`."""
        return self.ended_at is not None and now >= self.ended_at


@dataclass(frozen=True, kw_only=True)
class RefusedSignIn:
    """The last attempt to sign in that was refused, since the last one that was not."""

    at: datetime
    address: str
    reason: str
    """The value of an `domain.exam_entry.EntryRefusal`."""
    before: str = ""
    """The same of the attempt before the person had to wait; empty: there was none."""


@dataclass(frozen=True, kw_only=True)
class Announcement:
    """What proctors tell one examinee, or all."""

    number: int
    """Larger for later ones."""
    username: str | None
    """None: it is for all."""
    text: str
    sent_by: str
    sent_at: datetime


@dataclass(frozen=True, kw_only=True)
class ExamineeRecord:
    """What is known of one examinee in one exam."""

    password: PasswordStatus | None = None
    """The newest one."""
    session: ExamSession | None = None
    """The open one: there is never more than one."""
    signed_in_at: datetime | None = None
    """When the person first signed in to this exam."""
    extra_minutes: int = 0
    """Extra time that proctors granted, beside the catalog's."""
    submitted_at: datetime | None = None
    finished_at: datetime | None = None
    is_locked: bool = False
    """Whether there were so many attempts that a proctor has to unlock the person."""
    refused: RefusedSignIn | None = None


NOTHING_KNOWN = ExamineeRecord()


@dataclass(frozen=True, kw_only=True)
class ExamRecord:
    """What is known of one exam."""

    examinees: Mapping[str, ExamineeRecord] = field(default_factory=dict)
    """By username; somebody who is missing has no code yet."""
    announcements: tuple[Announcement, ...] = ()
    """In their order."""

    def examinee(self, username: str) -> ExamineeRecord:
        """What is known of `username`."""
        return self.examinees.get(username, NOTHING_KNOWN)

    def announcements_for(self, username: str) -> list[Announcement]:
        """What `username` is to read."""
        return [item for item in self.announcements if item.username in (None, username)]


NOTHING_RECORDED = ExamRecord()


@dataclass(frozen=True, kw_only=True)
class RecordsView:
    """All exams at one moment; immutable."""

    revision: int = 0
    """The number of the last entry of the audit log; every change has one."""
    exams: Mapping[str, ExamRecord] = field(default_factory=dict)
    sessions: Mapping[str, ExamSession] = field(default_factory=dict)
    """The open sessions, by digest."""
    ending: Mapping[str, ExamSession] = field(default_factory=dict)
    """Sessions whose end has a grace (`ended_at` is its end), by digest, until a hub has taken
    their cookies and tokens."""
    to_cut: tuple[ExamSession, ...] = ()
    """All others that are over, and of which a hub has not taken the cookies and tokens yet."""

    def exam(self, exam: str) -> ExamRecord:
        """What is known of `exam`."""
        return self.exams.get(exam, NOTHING_RECORDED)

    def find_session(self, digest: str, now: datetime) -> ExamSession | None:
        """The session with this digest that may still be used at `now`."""
        session = self.sessions.get(digest) or self.ending.get(digest)
        return None if session is None or session.is_over(now) else session

    def due_to_cut(self, now: datetime) -> list[ExamSession]:
        """Those whose cookies and tokens have to be taken at `now`."""
        return [*self.to_cut, *(it for it in self.ending.values() if it.is_over(now))]

    def changes(self) -> ExamChanges:
        """What in it decides who may start a server."""
        found = [
            ((ExamId(exam), Username(username)), person)
            for exam, record in self.exams.items()
            for username, person in record.examinees.items()
        ]
        return ExamChanges(
            extra_minutes={key: known.extra_minutes for key, known in found if known.extra_minutes},
            finished=frozenset(key for key, known in found if known.finished_at),
            signed_in=frozenset(key for key, known in found if known.signed_in_at),
            in_session=frozenset(key for key, known in found if known.session),
        )


_Examinee = tuple[ExamId, Username]


@dataclass(frozen=True, kw_only=True)
class ExamChanges:
    """What happened in exams that decides who may start a server."""

    extra_minutes: Mapping[_Examinee, int] = field(default_factory=dict)
    """Beside the catalog's."""
    finished: frozenset[_Examinee] = frozenset()
    signed_in: frozenset[_Examinee] | None = None
    """Who has signed in to which exam; None where nobody counts that, as on the command line."""
    in_session: frozenset[_Examinee] | None = None
    """Who has a session that is open, in which exam; None as above."""
    sat: Mapping[str, frozenset[ExamId]] = field(default_factory=dict)
    """For who grades: the exams for which somebody was ever given a code, by the `directory_key`
    of the username; also after they have left the roster."""
    is_readable: bool = True
    """False where the records cannot be read: nobody knows then who has sat what."""


NO_CHANGES = ExamChanges()
