"""What an examinee reads beside the work: remaining time, the proctors' messages, what is noted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from e2xhub.domain.exam_records import Announcement, ExamineeRecord, RecordsView
from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.domain.offers import Registry
from e2xhub.domain.roles import Role

_LEAST_POLL_SECONDS = 5
_POLLS_PER_SECOND = 40


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
    registry: Registry, records: RecordsView, username: Username, now: datetime
) -> ExamineeView | None:
    """What `username` reads at `now`; None as for `find_exam`."""
    exam = find_exam(registry, records, username, now)
    if exam is None:
        return None
    known, declared = records.exam(exam), registry.catalog.exams[exam]
    return ExamineeView(
        exam=exam,
        username=username,
        title=declared.title,
        starts_at=declared.start.astimezone(registry.time_zone),
        ends_at=registry.ends_for(exam, username).astimezone(registry.time_zone),
        announcements=tuple(known.announcements_for(username)),
        record=known.examinee(username),
        poll_seconds=max(_LEAST_POLL_SECONDS, len(records.sessions) // _POLLS_PER_SECOND),
    )


def _exams_of(registry: Registry, username: Username) -> list[ExamId]:
    memberships = registry.roster.exam_memberships_of(username, Role.STUDENT)
    return [item.exam for item in memberships if registry.serves_exam(item.exam)]
