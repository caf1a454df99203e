"""The database of exam records: one writer at a time, and every change has an entry in the log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy.engine import Connection, Engine

from e2xhub.domain.audit import Event
from e2xhub.domain.passwords import Peppers
from e2xhub.storage.exam_records import audit_log


class RecordsDatabase:
    """Engine and peppers, and how both are used."""

    def __init__(self, engine: Engine, peppers: Peppers) -> None:
        self.engine = engine
        self.peppers = peppers

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees what is confirmed."""
        with self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that keeps every other writer out; undone where anything is raised."""
        with self.engine.begin() as connection:
            audit_log.lock_end(connection)
            yield connection

    def check_writable(self) -> None:
        """Raises what the database says where nobody can write now; gives up after a moment."""
        with self.engine.connect() as connection:
            audit_log.lock_end_at_once(connection)
            connection.rollback()

    def append(self, connection: Connection, event: Event, now: datetime) -> None:
        """Appends `event` to the audit log, in a transaction of `writing`."""
        audit_log.append(connection, self.peppers.current, event, now)

    def find_foreign_key(self, connection: Connection) -> str | None:
        """Which pepper the last entry is sealed under, where that is none of `peppers`.

        Another hub wrote it: what this one would append, that hub could not prove.
        """
        last = audit_log.last_key_id(connection)
        return None if last is None or self.peppers.find(last) else last
