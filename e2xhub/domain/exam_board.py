"""The proctors' board of an exam: one row for each examinee, with the state that the person is in.

What is known of somebody comes from four places (roster, catalog, exam records, the hub's servers);
here it becomes one word, so that a proctor sees at a glance who is in and who needs help.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from e2xhub.domain.exam_records import ExamineeRecord, PasswordState
from e2xhub.domain.examinee_names import Name, name_in
from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.domain.offers import Registry
from e2xhub.domain.roles import Role
from e2xhub.domain.roster import ExamMembership, Roster

IDLE_AFTER = timedelta(minutes=6)
"""A hub hears of activity every 5 minutes; with less, everybody would seem to be idle."""


class ExamineeState(str, Enum):
    """Where somebody is on the way through an exam."""

    NOT_ISSUED = "not-issued"
    """Has no code yet."""
    ISSUED = "issued"
    """Has a code, and has not signed in with it."""
    REVOKED = "revoked"
    """Had a code that a proctor has revoked; gets in with a new one."""
    SIGNED_IN = "signed-in"
    """Is in, and has no server that runs."""
    READY = "ready"
    """Is in, with a running server."""
    IDLE = "idle"
    """Is in, but the server has not heard of the person for a while."""
    SIGNED_OUT = "signed-out"
    """Was in and is not any more; gets in with a new code."""
    SUBMITTED = "submitted"
    """Says that everything is submitted, and has not come back since."""
    OVER = "over"
    """Was in, and the person's time is over."""
    FINISHED = "finished"
    """A proctor, or the clock, has ended the exam for the person."""


class ServerState(str, Enum):
    """What the hub knows of somebody's server."""

    NONE = "none"
    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"


@dataclass(frozen=True, kw_only=True)
class FailedStart:
    """A server's last start, which failed or was refused; forgotten when one succeeds."""

    slug: str
    """Of the offer that was to be started."""
    kind: str
    """The word by which the hub's log and docs/troubleshooting.md have the reason."""


@dataclass(frozen=True, kw_only=True)
class ServerStatus:
    """The server of one examinee at one moment."""

    state: ServerState = ServerState.NONE
    last_activity: datetime | None = None
    """With time zone; the hub hears of it every 5 minutes."""
    failure: str = ""
    """The kind of the last start that failed, until one succeeds; empty: none has."""


NO_SERVER = ServerStatus()


@dataclass(frozen=True, kw_only=True)
class BoardRow:
    """One examinee, as proctors see the person."""

    username: Username
    name: Name
    room: str
    """As the roster has it; empty: none."""
    seat: str
    state: ExamineeState
    server: ServerStatus
    record: ExamineeRecord
    ends_at: datetime
    """With all extra time."""
    extra_minutes: int
    """All extra time, the catalog's and what proctors granted."""

    @property
    def needs_help(self) -> bool:
        """Whether somebody stands before a closed door."""
        is_refused = self.record.is_locked or self.record.refused is not None
        return is_refused or bool(self.failed_start)

    @property
    def failed_start(self) -> str:
        """Why somebody who is in has no server (`ServerStatus.failure`); empty: nothing failed."""
        return self.server.failure if self.state is ExamineeState.SIGNED_IN else ""


def examinees_of(roster: Roster, exam: ExamId) -> tuple[ExamMembership, ...]:
    """Everybody who sits `exam`, each once; goes through the whole roster, which may take long."""
    found: dict[Username, ExamMembership] = {}
    for username in roster.usernames:
        for membership in roster.exam_memberships_of(username, Role.STUDENT):
            if membership.exam == exam:
                found.setdefault(membership.username, membership)
    return tuple(found.values())


def make_row(
    registry: Registry,
    membership: ExamMembership,
    record: ExamineeRecord,
    server: ServerStatus,
    now: datetime,
) -> BoardRow:
    """The row of one examinee at `now`."""
    exam, username = membership.exam, membership.username
    ends_at = registry.ends_for(exam, username)
    extra = ends_at - registry.catalog.exams[exam].ends_at
    return BoardRow(
        username=username,
        name=name_in(membership.attributes),
        room=membership.attributes.get("room", ""),
        seat=membership.attributes.get("seat", ""),
        state=decide_state(record, server, ends_at, now),
        server=server,
        record=record,
        ends_at=ends_at,
        extra_minutes=round(extra / timedelta(minutes=1)),
    )


def decide_state(
    record: ExamineeRecord, server: ServerStatus, ends_at: datetime, now: datetime
) -> ExamineeState:
    """The one word for somebody; what is later on the way through an exam counts."""
    if record.finished_at:
        return ExamineeState.FINISHED
    if has_submitted(record):
        return ExamineeState.SUBMITTED
    if record.signed_in_at and now >= ends_at:
        return ExamineeState.OVER
    if record.session:
        return _state_inside(record.session.started_at, server, now)
    return _state_outside(record)


def has_submitted(record: ExamineeRecord) -> bool:
    """Whether the person said so after the last code and the last sign-in.

    Whoever comes back goes on working: what was said before would hide that.
    """
    if record.submitted_at is None:
        return False
    password, session = record.password, record.session
    later = [password.issued_at, password.consumed_at] if password else []
    later += [session.started_at] if session else []
    return all(record.submitted_at >= at for at in later if at)


def _state_inside(signed_in_at: datetime, server: ServerStatus, now: datetime) -> ExamineeState:
    if server.state is not ServerState.READY:
        return ExamineeState.SIGNED_IN
    last = max(signed_in_at, server.last_activity or signed_in_at)
    return ExamineeState.IDLE if now - last >= IDLE_AFTER else ExamineeState.READY


def _state_outside(record: ExamineeRecord) -> ExamineeState:
    if record.password is None:
        return ExamineeState.NOT_ISSUED
    if record.password.state is PasswordState.ACTIVE:
        return ExamineeState.ISSUED
    if record.password.state is PasswordState.USED:
        return ExamineeState.SIGNED_OUT
    return ExamineeState.REVOKED
