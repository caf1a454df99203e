"""Appends to the audit log, and reads it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from e2xhub.domain.audit import Action, AuditEntry, Event, make_seal
from e2xhub.domain.passwords import Pepper
from e2xhub.domain.roster_log import ROSTER_ACTIONS
from e2xhub.errors import E2xHubError
from e2xhub.storage.exam_records.tables import audit, audit_end

_PURPOSE = "audit log"
_READ_AT_ONCE = 1000
_AT_ONCE_MILLISECONDS = 500
# What the driver or `_as_entry` raises where somebody wrote something else into the table.
_UNREADABLE = (
    *(ValueError, TypeError, LookupError, AttributeError, sa.exc.DataError),
    *(OverflowError, MemoryError, RecursionError),
)
_TYPES = {"number": int, "actor": str, "exam": str, "username": str, "key_id": str, "seal": bytes}


class UnreadableEntryError(E2xHubError):
    """Somebody changed the audit log into something that it cannot have."""


def seal_key(pepper: Pepper) -> bytes:
    """The key of the seals."""
    return pepper.derive(_PURPOSE)


def lock_end(connection: Connection) -> None:
    """Makes every other writer wait until this transaction is over."""
    if connection.dialect.name == "sqlite":
        # Python's driver would begin only with the first statement that writes.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(sa.select(audit_end).with_for_update())


def lock_end_at_once(connection: Connection) -> None:
    """As `lock_end`; raises OperationalError where another writer keeps the lock for long."""
    if connection.dialect.name == "sqlite":
        patience = connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one()
        connection.exec_driver_sql(f"PRAGMA busy_timeout={_AT_ONCE_MILLISECONDS}")
        try:
            lock_end(connection)
        finally:
            connection.exec_driver_sql(f"PRAGMA busy_timeout={patience}")
    else:
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {_AT_ONCE_MILLISECONDS}")
        lock_end(connection)


def append(connection: Connection, pepper: Pepper, event: Event, now: datetime) -> None:
    """Appends `event`; the transaction has called `lock_end` before."""
    end = connection.execute(sa.select(audit_end)).one()
    number = end.number + 1
    seal = make_seal(seal_key(pepper), end.seal, number, now, event)
    connection.execute(
        audit.insert().values(
            number=number,
            at=now,
            action=event.action.value,
            actor=event.actor,
            exam=event.exam,
            username=event.username,
            details=_write_details(event.details),
            key_id=pepper.key_id,
            seal=seal,
        )
    )
    connection.execute(audit_end.update().values(number=number, seal=seal))


def _write_details(details: Mapping[str, Any]) -> str:
    return json.dumps(dict(details), sort_keys=True)


def last_number(connection: Connection) -> int:
    """The number of the last entry; 0 where there is none."""
    return int(connection.scalar(sa.select(audit_end.c.number)) or 0)


def last_key_id(connection: Connection) -> str | None:
    """Which pepper the last entry is sealed under; None where there is no entry."""
    query = sa.select(audit.c.key_id).order_by(audit.c.number.desc()).limit(1)
    return connection.scalar(query)


def read_end(connection: Connection) -> tuple[int, bytes] | None:
    """Number and seal of the last entry, 0 where there is none yet; None: somebody removed it."""
    end = connection.execute(sa.select(audit_end)).one_or_none()
    return (int(end.number), bytes(end.seal)) if end else None


def find_changed(connection: Connection, number: int) -> list[tuple[str, str]]:
    """The exams and usernames that entries after `number` are about; either may be empty."""
    query = sa.select(audit.c.exam, audit.c.username).where(audit.c.number > number).distinct()
    return [(row.exam, row.username) for row in connection.execute(query)]


def read(
    connection: Connection, *, exam: str | None = None, at_once: int = _READ_AT_ONCE
) -> Iterator[AuditEntry]:
    """The entries in their order, `at_once` at a time: of one exam, or all.

    Raises UnreadableEntryError; where it reads one at a time, all before that one were yielded.
    """
    query = sa.select(audit).order_by(audit.c.number)
    if exam is not None:
        query = query.where(audit.c.exam == exam)
    yield from _read_entries(connection, query, at_once)


def _read_entries(
    connection: Connection, query: sa.Select[Any], at_once: int = _READ_AT_ONCE
) -> Iterator[AuditEntry]:
    options = {"yield_per": at_once}
    try:
        with connection.execute(query, execution_options=options) as rows:
            for row in rows:
                yield _as_entry(row)
    except (*_UNREADABLE, sa.exc.OperationalError) as error:
        is_sqlite = connection.dialect.name == "sqlite"  # which says so of bytes that are no text
        if isinstance(error, sa.exc.OperationalError) and not is_sqlite:
            raise
        raise UnreadableEntryError(
            "the audit log has an entry that cannot be read; 'e2xhub audit verify' says which"
        ) from error


def has_signed_in(connection: Connection, exam: str, username: str, generation: int) -> bool:
    """Whether an entry says that the person has signed in with the code of this generation."""
    query = sa.select(audit.c.details).where(
        audit.c.exam == exam,
        audit.c.username == username,
        audit.c.action == Action.SIGNED_IN.value,
    )
    told = [json.loads(details) for details in connection.scalars(query)]
    return any(details.get("generation") == generation for details in told)


def count(connection: Connection) -> int:
    """How many entries there are."""
    return int(connection.scalar(sa.select(sa.func.count()).select_from(audit)) or 0)


def read_doubtful(connection: Connection) -> Iterator[AuditEntry | None]:
    """All entries in their order; ends with None where one cannot be read."""
    number = 0
    try:
        for entry in read(connection):
            number = entry.number
            yield entry
    except UnreadableEntryError:
        yield from _read_further(connection, number)


def _read_further(connection: Connection, number: int) -> Iterator[AuditEntry | None]:
    """Entry by entry after `number`, so that those before the unreadable one are seen."""
    try:
        for entry in read(connection, at_once=1):
            if entry.number > number:
                yield entry
    except UnreadableEntryError:
        yield None


def read_last(connection: Connection, exam: str, count: int) -> list[AuditEntry]:
    """The last entries of an exam, the newest first; raises UnreadableEntryError."""
    query = sa.select(audit).where(audit.c.exam == exam)
    return list(_read_entries(connection, query.order_by(audit.c.number.desc()).limit(count)))


def read_members_changes(
    connection: Connection,
    is_wanted: Callable[[Event], bool],
    count: int | None,
    *,
    says: Mapping[str, str],
    after: int = 0,
) -> list[AuditEntry]:
    """The last entries about members of courses that are wanted (None: all), the newest first.

    Only entries whose details have what `says` has are read, and of those only the ones whose
    number is above `after`. They are about no exam, so that the index finds them. Raises
    UnreadableEntryError.
    """
    actions = [action.value for action in ROSTER_ACTIONS]
    query = sa.select(audit).where(
        audit.c.exam == "", audit.c.action.in_(actions), audit.c.number > after
    )
    for name, text in says.items():  # the database leaves out what need not be parsed
        written = _write_details({name: text})[1:-1]
        query = query.where(audit.c.details.contains(written, autoescape=True))
    entries = _read_entries(connection, query.order_by(audit.c.number.desc()))
    return list(islice((entry for entry in entries if is_wanted(entry.event)), count))


def _as_entry(row: Row[tuple[object, ...]]) -> AuditEntry:
    known = row._mapping
    if not all(isinstance(known[name], is_one) for name, is_one in _TYPES.items()):
        raise TypeError("SQLite takes a value of any type")
    return AuditEntry(
        number=known["number"],
        at=known["at"],
        event=Event(
            action=Action(known["action"]),
            actor=known["actor"],
            exam=known["exam"],
            username=known["username"],
            details=dict(json.loads(known["details"])),
        ),
        key_id=known["key_id"],
        seal=known["seal"],
    )
