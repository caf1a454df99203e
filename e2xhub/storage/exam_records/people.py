"""What is kept of an examinee, beside the passwords: sessions, extra time, how far they are."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from e2xhub.domain.exam_records import ExamSession, SessionEnd
from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.domain.sessions import NewSession
from e2xhub.storage.exam_records.tables import TableFilter, examinees, used_room_codes
from e2xhub.storage.exam_records.tables import exam_sessions as sessions


def note(connection: Connection, exam: ExamId, username: Username, **values: Any) -> None:
    """Keeps `values` (columns of `examinees`) of a person."""
    mine = (examinees.c.exam == exam) & (examinees.c.username == username)
    if connection.execute(examinees.update().where(mine).values(**values)).rowcount == 0:
        connection.execute(examinees.insert().values(exam=exam, username=username, **values))


def refused_reasons(connection: Connection, exam: ExamId, username: Username) -> list[str]:
    """Why the last attempt of a person was refused, and, where it was a pause, the one before it;
    empty where it was not."""
    query = sa.select(examinees.c.refused_reason).where(
        examinees.c.exam == exam,
        examinees.c.username == username,
        examinees.c.refused_at.is_not(None),
    )
    found: str | None = connection.scalar(query)
    return found.split("\n") if found else []


def extra_minutes(connection: Connection, exam: ExamId, username: Username) -> int:
    """What proctors have granted a person so far."""
    query = sa.select(examinees.c.extra_minutes).where(
        examinees.c.exam == exam, examinees.c.username == username
    )
    return int(connection.scalar(query) or 0)


def add_extra_minutes(
    connection: Connection, exam: ExamId, username: Username, minutes: int
) -> int:
    """Adds to (or, below 0, takes from) what was granted before; what there is then, at least 0."""
    granted = max(0, extra_minutes(connection, exam, username) + minutes)
    note(connection, exam, username, extra_minutes=granted)
    return granted


def use_room_code(connection: Connection, exam: ExamId, username: Username, step: int) -> bool:
    """Whether this step of a room code is new for the person; it is used from now on."""
    values = {"exam": exam, "username": username, "step": step}
    known = sa.select(used_room_codes).filter_by(**values)
    if connection.execute(known).first():
        return False
    connection.execute(used_room_codes.insert().values(**values))
    return True


def open_session(
    connection: Connection, exam: ExamId, username: Username, session: NewSession, now: datetime
) -> None:
    """The browser that a person has signed in with is the only one from now on."""
    end_sessions(connection, exam, username, SessionEnd.SIGNED_IN_AGAIN, now)
    values = {"exam": exam, "username": username, **vars(session), "started_at": now}
    connection.execute(sessions.insert().values(**values))


def end_sessions(
    connection: Connection, exam: ExamId, username: Username, end: SessionEnd, now: datetime
) -> bool:
    """Ends the open session of a person in an exam; whether there was one."""
    is_mine = (sessions.c.exam == exam) & (sessions.c.username == username)
    return _end(connection, is_mine, end, now)


def end_session_of_browser(
    connection: Connection, digest: str, end: SessionEnd, now: datetime
) -> ExamSession | None:
    """Ends the open session of a browser, whoever's it is; the session, if there was one."""
    is_it = (sessions.c.digest == digest) & sessions.c.ended_at.is_(None)
    row = connection.execute(sa.select(sessions).where(is_it)).one_or_none()
    if row is None:
        return None
    _end(connection, is_it, end, now)
    return _as_session(row)


def signed_in_at(connection: Connection, exam: ExamId, username: Username) -> datetime | None:
    """When a person first signed in to an exam."""
    is_mine = (examinees.c.exam == exam) & (examinees.c.username == username)
    found: datetime | None = connection.scalar(sa.select(examinees.c.signed_in_at).where(is_mine))
    return found


def submitted_at(connection: Connection, exam: ExamId, username: Username) -> datetime | None:
    """When a person last said to have submitted."""
    is_mine = (examinees.c.exam == exam) & (examinees.c.username == username)
    found: datetime | None = connection.scalar(sa.select(examinees.c.submitted_at).where(is_mine))
    return found


def mark_cut(connection: Connection, ids: Iterable[int], now: datetime) -> None:
    """A hub has taken the cookies and tokens of these sessions."""
    connection.execute(sessions.update().where(sessions.c.id.in_(list(ids))).values(cut_at=now))


def load_sessions(connection: Connection, which: TableFilter) -> list[ExamSession]:
    """Those that are open, and those whose cookies and tokens no hub has taken yet."""
    query = sa.select(sessions).where(which(sessions), sessions.c.cut_at.is_(None))
    return [_as_session(row) for row in connection.execute(query.order_by(sessions.c.id))]


def _end(
    connection: Connection, which: sa.ColumnElement[bool], end: SessionEnd, now: datetime
) -> bool:
    """With the grace of `end`; without one, also those at once that were about to end."""
    ends_at = now + end.grace
    ended = connection.execute(
        sessions.update()
        .where(which, sessions.c.ended_at.is_(None))
        .values(ended_at=ends_at, end=end.value)
    )
    if ends_at == now:
        is_about_to = sessions.c.ended_at > now
        connection.execute(sessions.update().where(which, is_about_to).values(ended_at=now))
    return ended.rowcount > 0


def _as_session(row: sa.Row[tuple[object, ...]]) -> ExamSession:
    known = row._mapping
    same = ("id", "digest", "address", "safe_browser_way", "started_at", "ended_at")
    return ExamSession(
        exam=ExamId.parse(known["exam"]),
        username=Username.parse(known["username"]),
        end=SessionEnd(known["end"]) if known["end"] else None,
        **{name: known[name] for name in same},
    )
