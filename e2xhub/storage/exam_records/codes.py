"""The rows of one-time passwords."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from e2xhub.domain.exam_records import PasswordState, PasswordStatus
from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.domain.passwords import OneTimePassword, Peppers, hash_password, is_same_hash
from e2xhub.storage.exam_records.tables import TableFilter
from e2xhub.storage.exam_records.tables import one_time_passwords as passwords

PasswordRow = Row[tuple[object, ...]]
_ACTIVE = passwords.c.state == PasswordState.ACTIVE.value


def end_active(
    connection: Connection,
    exam: ExamId,
    username: Username,
    *,
    state: PasswordState,
    by: str,
    now: datetime,
    reason: str = "",
) -> bool:
    """Takes an active password out of use; whether there was one."""
    values = {"state": state.value, "ended_at": now, "ended_by": by}
    ended = connection.execute(
        passwords.update()
        .where(_of(exam, username), _ACTIVE)
        .values(**values, **({"reason": reason} if reason else {}))
    )
    return ended.rowcount > 0


def load_rows(
    connection: Connection, exams: Sequence[ExamId], username: Username
) -> Sequence[PasswordRow]:
    """All passwords of a person in `exams`, the newest first."""
    query = passwords.select().where(passwords.c.exam.in_(exams), passwords.c.username == username)
    return connection.execute(query.order_by(passwords.c.generation.desc())).all()


def is_active(row: PasswordRow) -> bool:
    """Whether this password opens something."""
    return bool(row.state == PasswordState.ACTIVE.value)


def matches(row: PasswordRow, password: OneTimePassword | None, peppers: Peppers) -> bool:
    """Whether `password` is the one of `row`; costs one hash, also where nothing can match."""
    pepper = peppers.find(row.pepper_key_id)
    found = hash_password(
        password if pepper else None,
        pepper=pepper or peppers.current,
        salt=row.salt,
        exam=row.exam,
        username=row.username,
        generation=row.generation,
    )
    return is_same_hash(found, row.hash)


def mark_used(connection: Connection, row: PasswordRow, consumed_from: str, now: datetime) -> bool:
    """Uses the password up; true for exactly one of several who try."""
    changed = connection.execute(
        passwords.update()
        .where(passwords.c.id == row.id, _ACTIVE)
        .values(state=PasswordState.USED.value, consumed_at=now, consumed_from=consumed_from)
    )
    return changed.rowcount == 1


def load_newest(connection: Connection, which: TableFilter) -> list[PasswordStatus]:
    """The newest password of each person, by username; `which` is of one exam."""
    last = sa.select(passwords.c.username, sa.func.max(passwords.c.generation).label("last"))
    latest = last.where(which(passwords)).group_by(passwords.c.username).subquery()
    is_latest = (passwords.c.username == latest.c.username) & (
        passwords.c.generation == latest.c.last
    )
    query = sa.select(passwords).join(latest, is_latest).where(which(passwords))
    return [_as_status(row) for row in connection.execute(query.order_by(passwords.c.username))]


def _of(exam: ExamId, username: Username) -> sa.ColumnElement[bool]:
    return (passwords.c.exam == exam) & (passwords.c.username == username)


def _as_status(row: PasswordRow) -> PasswordStatus:
    known = row._mapping
    same = ("username", "generation", "issued_at", "issued_by", "consumed_at", "consumed_from")
    more = ("ended_at", "ended_by", "reason")
    return PasswordStatus(
        state=PasswordState(known["state"]), **{name: known[name] for name in (*same, *more)}
    )
