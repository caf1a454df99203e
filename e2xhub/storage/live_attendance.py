"""Who sat which exam, for hubs on which people grade: read from the exam hub's database.

A thread of its own looks each second, so that no event loop waits. It needs no pepper, and on a
grading hub it makes neither a database nor tables: an empty one in the wrong place would say that
nobody has sat anything. While it cannot read, it says so (`ExamChanges.is_readable`), and whoever
decides lets nobody grade an exam.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from prometheus_client import Gauge
from sqlalchemy.engine import Connection, Engine, Row
from traitlets.log import get_logger

from e2xhub.domain.exam_records import ExamChanges
from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.domain.shared_directories import directory_key
from e2xhub.errors import ConfigurationError
from e2xhub.storage.database import cause_of, has_tables, make_engine, masked_url, migrate
from e2xhub.storage.exam_records import audit_log
from e2xhub.storage.exam_records.tables import (
    audit_end,
    exam_sessions,
    examinees,
    one_time_passwords,
)

LOOK_SECONDS = 1.0
_TABLES = (audit_end, examinees, exam_sessions, one_time_passwords)
_BEGINNINGS = {one_time_passwords: "issued_at", exam_sessions: "started_at"}
"""The tables whose rows say who sat which exam, and the column with the moment."""

_READABLE = Gauge(
    "e2xhub_exam_attendance_readable",
    "Whether it can be read who sat which exam: 1, or 0 where nobody gets a server to grade one",
)


class LiveAttendance:
    """Gives what is known of exams (`changes`) to the registry of a hub without examinees."""

    def __init__(self, engine: Engine, *, makes_tables: bool = False) -> None:
        """Looks once, and waits for nobody; `makes_tables` where there are none."""
        self._engine = engine
        self._makes_tables = makes_tables
        self._end: tuple[int, bytes] | None = None
        self._last_rows: dict[sa.Table, Row[Any] | None] = {}
        self._one_look = threading.Lock()
        self._told = ""
        self.changes = ExamChanges(is_readable=False)
        """The same object while nothing changes."""
        self.look()

    def __deepcopy__(self, memo: object) -> LiveAttendance:
        # traitlets copies every configured value; this one is shared.
        return self

    @property
    def place(self) -> str:
        """The URL of the database, as it may be shown."""
        return masked_url(self._engine.url)

    def look(self) -> None:
        """Reads what is new; nobody knows who sat what while that is not possible."""
        with self._one_look:
            try:
                self._read()
            except sa.exc.SQLAlchemyError as error:
                self._note_unreadable(cause_of(error, self._engine.url))
            except ConfigurationError as error:  # a newer e2xhub has made other tables
                self._note_unreadable(str(error))
            except _NoRecordsError:
                self._note_unreadable(
                    "there are no exam records in it; expected the database of the exam hub, "
                    "which makes them when it starts"
                )

    def watch(self, *, every_seconds: float = LOOK_SECONDS) -> None:
        """Looks again and again, until the process ends."""
        threading.Thread(
            target=self._watch, args=(every_seconds,), name="e2xhub-attendance", daemon=True
        ).start()

    def _watch(self, every_seconds: float) -> None:
        pause = threading.Event()
        while not pause.wait(every_seconds):
            try:
                self.look()
            except Exception as error:  # without this thread nobody would look again
                self._note_unreadable(type(error).__name__)
                get_logger().exception("e2xhub could not look at who sat the exams")

    def _read(self) -> None:
        if self._end is None:
            self._check_tables()
        with self._engine.connect() as connection:
            end = audit_log.read_end(connection)
            if end is None or end != self._end:
                self._take(connection)
                self._end = end
        self._note_readable()

    def _check_tables(self) -> None:
        if has_tables(self._engine, _TABLES):
            return
        if not self._makes_tables:
            raise _NoRecordsError
        migrate(self._engine)

    def _take(self, connection: Connection) -> None:
        last_rows = {table: _last_row(connection, table) for table in _BEGINNINGS}
        found = [
            sitter
            for table, last in last_rows.items()
            if last is not None
            for sitter in self._new_sitters(connection, table, last)
        ]
        extra_minutes = _load_extra_minutes(connection)
        sat = _including(self.changes.sat, found)
        if (sat, extra_minutes) != (self.changes.sat, self.changes.extra_minutes):
            self.changes = replace(self.changes, sat=sat, extra_minutes=extra_minutes)
        self._last_rows = last_rows

    def _new_sitters(
        self, connection: Connection, table: sa.Table, last: Row[Any]
    ) -> list[tuple[str, str]]:
        """Exam and username of who was given a code, or signed in, since the last look."""
        known = self._last_rows.get(table)
        # Where that row is another one, another database has taken this one's place.
        goes_on = known is not None and _find_row(connection, table, known.id) == known
        since = known.id if known is not None and goes_on else 0
        query = sa.select(table.c.exam, table.c.username).where(
            table.c.id > since, table.c.id <= last.id
        )
        return [(row.exam, row.username) for row in connection.execute(query.distinct())]

    def _note_unreadable(self, cause: str) -> None:
        _READABLE.set(0)
        if self.changes.is_readable:
            self.changes = replace(self.changes, is_readable=False)
        if cause != self._told:
            self._told = cause
            get_logger().error(
                "Who sat which exam cannot be read from %s (%s): until it can, nobody gets a "
                "server in which an exam is graded",
                self.place,
                cause,
            )

    def _note_readable(self) -> None:
        _READABLE.set(1)
        if not self.changes.is_readable:
            self.changes = replace(self.changes, is_readable=True)
            self._told = ""
            exams: set[ExamId] = set().union(*self.changes.sat.values())
            get_logger().info(
                "e2xhub reads who sat which exam from %s: %d people, %d exams",
                self.place,
                len(self.changes.sat),
                len(exams),
            )


def open_attendance(database_url: str, *, makes_tables: bool = False) -> LiveAttendance:
    """Who sat what, in the exam hub's database; raises ConfigurationError where it is no URL.

    One that does not answer now may answer later. With `makes_tables` it may be a new one.
    """
    engine = make_engine(database_url, hide_parameters=True)
    return LiveAttendance(engine, makes_tables=makes_tables)


class _NoRecordsError(Exception):
    """The database is not there, or has not the tables of exam records."""


def _rows_of(table: sa.Table) -> sa.Select[Any]:
    begun = table.c[_BEGINNINGS[table]]
    return sa.select(table.c.id, table.c.exam, table.c.username, begun)


def _find_row(connection: Connection, table: sa.Table, row_id: int) -> Row[Any] | None:
    return connection.execute(_rows_of(table).where(table.c.id == row_id)).one_or_none()


def _last_row(connection: Connection, table: sa.Table) -> Row[Any] | None:
    return connection.execute(_rows_of(table).order_by(table.c.id.desc()).limit(1)).one_or_none()


def _load_extra_minutes(connection: Connection) -> dict[tuple[ExamId, Username], int]:
    query = sa.select(examinees.c.exam, examinees.c.username, examinees.c.extra_minutes)
    rows = connection.execute(query.where(examinees.c.extra_minutes != 0))
    return {(ExamId(exam), Username(name)): minutes for exam, name, minutes in rows}


def _including(
    sat: Mapping[str, frozenset[ExamId]], found: Iterable[tuple[str, str]]
) -> dict[str, frozenset[ExamId]]:
    """Nobody who sat an exam is ever forgotten while the hub runs."""
    enlarged = dict(sat)
    for exam, username in found:
        key = directory_key(username)
        enlarged[key] = enlarged.get(key, frozenset()) | {ExamId(exam)}
    return enlarged
