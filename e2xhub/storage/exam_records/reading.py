"""Reads what is known of exams into one immutable view.

The audit log says whom a change was about, so that of five hundred examinees only those are read
anew who did something.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from e2xhub.domain.exam_records import (
    Announcement,
    ExamineeRecord,
    ExamRecord,
    ExamSession,
    RecordsView,
    RefusedSignIn,
)
from e2xhub.domain.passwords import Peppers
from e2xhub.storage.exam_records import attempts, audit_log, codes, people
from e2xhub.storage.exam_records.tables import (
    announcements,
    exam_sessions,
    examinees,
    one_time_passwords,
)

_Row = sa.Row[tuple[object, ...]]
_MOST_BY_NAME = 200  # for more, an exam is read as a whole


@dataclass(frozen=True, kw_only=True)
class _Change:
    """Whom of an exam to read anew."""

    exam: str
    usernames: frozenset[str] | None
    """None: all."""

    def of(self, table: sa.Table) -> sa.ColumnElement[bool]:
        """The rows of `table` that it is about."""
        is_it = table.c.exam == self.exam
        return is_it if self.usernames is None else is_it & table.c.username.in_(self.usernames)

    def is_about(self, exam: str, username: str) -> bool:
        """Whether this person is read anew."""
        return exam == self.exam and (self.usernames is None or username in self.usernames)


def load_view(
    connection: Connection, peppers: Peppers, before: RecordsView, now: datetime
) -> RecordsView:
    """The view of `now`; `before` itself where nothing has changed."""
    revision = audit_log.last_number(connection)
    if revision == before.revision and before.revision:
        return before
    if revision < before.revision:  # another database has taken this one's place
        before = RecordsView()
    changes = _find_changes(connection, before)
    locked = attempts.load_locked(connection, now)
    known = [*before.sessions.values(), *before.ending.values(), *before.to_cut]
    sessions = [item for item in known if not _is_changed(item, changes)]
    exams = dict(before.exams)
    for change in changes:
        renewed = people.load_sessions(connection, change.of)
        sessions += renewed
        is_in = {str(item.username): item for item in renewed if item.ended_at is None}
        people_of_it = _load_examinees(connection, change, is_in, locked, peppers)
        exams[change.exam] = _renew(connection, change, exams.get(change.exam), people_of_it)
    return RecordsView(
        revision=revision,
        exams=exams,
        sessions={item.digest: item for item in sessions if item.ended_at is None},
        ending={item.digest: item for item in sessions if item.end and item.end.grace},
        to_cut=tuple(item for item in sessions if item.end and not item.end.grace),
    )


def _find_changes(connection: Connection, before: RecordsView) -> list[_Change]:
    if not before.revision:
        tables = (one_time_passwords, examinees, exam_sessions, announcements)
        query = sa.union(*(sa.select(table.c.exam) for table in tables))
        return [_Change(exam=exam, usernames=None) for exam in connection.scalars(query)]
    found: defaultdict[str, set[str]] = defaultdict(set)
    for exam, username in audit_log.find_changed(connection, before.revision):
        found[exam].add(username)
    # Who is locked is so in every exam, whichever one the entry is about.
    for username in set().union(*found.values()):
        for exam, record in before.exams.items():
            if username in record.examinees:
                found[exam].add(username)
    return [
        _Change(exam=exam, usernames=frozenset(names) if len(names) <= _MOST_BY_NAME else None)
        for exam, names in found.items()
        if exam
    ]


def _is_changed(session: ExamSession, changes: Collection[_Change]) -> bool:
    return any(change.is_about(session.exam, session.username) for change in changes)


def _renew(
    connection: Connection,
    change: _Change,
    before: ExamRecord | None,
    people_of_it: dict[str, ExamineeRecord],
) -> ExamRecord:
    kept = before.examinees if before and change.usernames is not None else {}
    return ExamRecord(
        examinees={**kept, **people_of_it},
        announcements=_load_announcements(connection, change.exam),
    )


def _load_examinees(
    connection: Connection,
    change: _Change,
    is_in: dict[str, ExamSession],
    locked: Collection[str],
    peppers: Peppers,
) -> dict[str, ExamineeRecord]:
    passwords = codes.load_newest(connection, change.of)
    newest = {status.username: status for status in passwords}
    rows = connection.execute(sa.select(examinees).where(change.of(examinees)))
    known = {row.username: row for row in rows}

    def is_locked(username: str) -> bool:
        # Most of the time nobody is, and a digest costs a little.
        return bool(locked) and attempts.person_key(peppers.current, username) in locked

    return {
        username: ExamineeRecord(
            password=newest.get(username),
            session=is_in.get(username),
            is_locked=is_locked(username),
            **_columns_of(known.get(username)),
        )
        for username in {*newest, *known}
    }


def _columns_of(row: _Row | None) -> dict[str, Any]:
    if row is None:
        return {}
    kept = ("extra_minutes", "signed_in_at", "submitted_at", "finished_at")
    reason, _, reason_before = (row.refused_reason or "").partition("\n")
    refused = row.refused_at and RefusedSignIn(
        at=row.refused_at, address=row.refused_from or "", reason=reason, before=reason_before
    )
    return {**{name: row._mapping[name] for name in kept}, "refused": refused}


def _load_announcements(connection: Connection, exam: str) -> tuple[Announcement, ...]:
    query = sa.select(announcements).where(announcements.c.exam == exam)
    return tuple(
        Announcement(
            number=row.id,
            username=row.username,
            text=row.text,
            sent_by=row.sent_by,
            sent_at=row.sent_at,
        )
        for row in connection.execute(query.order_by(announcements.c.id))
    )
