"""What an examinee reads beside the work: remaining time, the proctors' messages, what is noted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from e2xhub.domain.exam_records import (
    Announcement,
    ExamineeRecord,
    ExamSession,
    RecordsView,
    SessionEnd,
)
from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.domain.offers import Registry
from e2xhub.domain.roles import Role

_LEAST_POLL_SECONDS = 5
_POLLS_PER_SECOND = 60
# Whoever is about to be signed out hears at once if that is taken back.
_POLL_SECONDS_AT_LAST = 2
_WHY = {SessionEnd.REISSUED: "reissued", SessionEnd.FINISHED: "finished"}


@dataclass(frozen=True, kw_only=True)
class ExamineeView:
    """One person's exam at one moment."""

    exam: ExamId
    username: Username
    title: str
    starts_at: datetime
    ends_at: datetime
    """With all extra time."""
    announcements: tuple[Announcement, ...]
    record: ExamineeRecord
    poll_seconds: int
    """How long a browser waits until it asks again: longer where many ask."""
    signs_out_at: datetime | None = None
    """When the browser that asks is signed out, which is decided; None: it is not."""
    signs_out_why: str | None = None
    """`reissued`, `finished` (see `SessionEnd`), or None where it is not."""


def find_exam(
    registry: Registry, records: RecordsView, username: Username, now: datetime
) -> ExamId | None:
    """The exam that `username` is in: the one that the person has signed in to last.

    None where the person is no examinee who has signed in.
    """
    found = [
        (record.session is not None, registry.is_open_for(exam, username, now), signed_in_at, exam)
        for exam in _exams_of(registry, username)
        if (record := records.exam(exam).examinee(username))
        and (signed_in_at := record.session.started_at if record.session else record.signed_in_at)
    ]
    return max(found)[-1] if found else None


def view_exam(
    registry: Registry,
    records: RecordsView,
    username: Username,
    now: datetime,
    *,
    digest: str | None = None,
) -> ExamineeView | None:
    """What `username` reads at `now`; None as for `find_exam`.

    `digest` is that of the browser's session, see `domain.sessions`.
    """
    exam = find_exam(registry, records, username, now)
    if exam is None:
        return None
    known, declared = records.exam(exam), registry.catalog.exams[exam]
    ending = _find_ending(records, username, now, digest)
    often = max(_LEAST_POLL_SECONDS, len(records.sessions) // _POLLS_PER_SECOND)
    return ExamineeView(
        exam=exam,
        username=username,
        title=declared.title,
        starts_at=declared.start.astimezone(registry.time_zone),
        ends_at=registry.ends_for(exam, username).astimezone(registry.time_zone),
        announcements=tuple(known.announcements_for(username)),
        record=known.examinee(username),
        poll_seconds=_POLL_SECONDS_AT_LAST if ending else often,
        signs_out_at=ending.ended_at if ending else None,
        signs_out_why=_WHY[ending.end] if ending and ending.end else None,
    )


def _find_ending(
    records: RecordsView, username: Username, now: datetime, digest: str | None
) -> ExamSession | None:
    """The session of a browser that may still be used, and soon no more."""
    session = records.find_session(digest, now) if digest else None
    if session is None or session.username != username or session.end not in _WHY:
        return None
    return session


def _exams_of(registry: Registry, username: Username) -> list[ExamId]:
    memberships = registry.roster.exam_memberships_of(username, Role.STUDENT)
    return [item.exam for item in memberships if registry.serves_exam(item.exam)]
