"""Who changed which members: kept in the audit log of the exam records, under the same seals.

The database is opened when it is first needed, and again after it could not be: a hub for courses
starts and serves people while it is down, and only changes of members wait for it.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from e2xhub.domain.audit import Event
from e2xhub.domain.passwords import Peppers
from e2xhub.domain.roster_log import (
    HistoryEntry,
    MadeChange,
    is_about,
    join_entries,
    read_history,
)
from e2xhub.errors import ConfigurationError, E2xHubError
from e2xhub.storage.database import first_line_of, masked_url, parse_url
from e2xhub.storage.exam_records import ExamRecords, audit_log, open_exam_records
from e2xhub.storage.exam_records.audit_log import UnreadableEntryError


class MembersLogError(E2xHubError):
    """The log cannot be written or read; says why, without a secret."""


class OtherPepperError(MembersLogError):
    """Another hub writes the log under a pepper that this one does not have.

    An entry of this hub would be one that the other cannot prove, and the other way round.
    """


class _Place(NamedTuple):
    course: str
    term: str


class MembersLog:
    """Notes changes of members, and reads them; every call may take as long as a database takes."""

    def __init__(self, database_url: str, peppers: Peppers, *, must_exist: bool = False) -> None:
        """Connects to nothing yet; raises ConfigurationError where the URL cannot be used.

        With `must_exist` it makes no tables: those of an exam hub have to be there.
        """
        self._url, self._peppers = parse_url(database_url), peppers
        self._must_exist = must_exist
        self._opened: ExamRecords | None = None
        self._one_opens = threading.Lock()

    def note(self, events: Sequence[Event], now: datetime) -> None:
        """Appends all of `events`, or none; raises MembersLogError, and as `check_key`."""
        try:
            records = self._open()
            with records.writing() as connection:
                self._check_key(records, connection)
                for event in events:
                    records.append(connection, event, now)
        except (SQLAlchemyError, ConfigurationError) as error:
            raise self._tell(error) from None

    def check_key(self) -> None:
        """Raises OtherPepperError where this hub's peppers are not those that the log is under.

        Raises another MembersLogError where it cannot be read.
        """
        try:
            records = self._open()
            with records.reading() as connection:
                self._check_key(records, connection)
        except (SQLAlchemyError, ConfigurationError) as error:
            raise self._tell(error) from None

    def last(self, course: str, term: str, count: int) -> list[HistoryEntry]:
        """The last `count` entries about a term, the newest first; raises MembersLogError."""
        return self._read(_Place(course, term), count)

    def find(self, course: str, term: str, change_id: str) -> MadeChange | None:
        """What a change of the members of a term was; raises MembersLogError.

        None where there is none of this id, or it was not made.
        """
        return join_entries(self._read(_Place(course, term), change_id=change_id))

    def later(self, course: str, term: str, number: int) -> list[HistoryEntry]:
        """The entries about a term after that `number`, the newest first.

        Raises MembersLogError.
        """
        return self._read(_Place(course, term), after=number)

    def _read(
        self,
        place: _Place,
        count: int | None = None,
        *,
        change_id: str | None = None,
        after: int = 0,
    ) -> list[HistoryEntry]:
        def is_wanted(event: Event) -> bool:
            is_it = change_id in (None, event.details.get("change"))
            return is_it and is_about(event, *place)

        says = {**place._asdict(), **({} if change_id is None else {"change": change_id})}
        try:
            with self._open().reading() as connection:
                entries = audit_log.read_members_changes(
                    connection, is_wanted, count, says=says, after=after
                )
        except (SQLAlchemyError, ConfigurationError, UnreadableEntryError) as error:
            raise self._tell(error) from None
        return [read_history(entry) for entry in entries]

    def _check_key(self, records: ExamRecords, connection: Connection) -> None:
        if (found := records.find_foreign_key(connection)) is None:
            return
        raise OtherPepperError(
            f"the last entry of the audit log in {masked_url(self._url)} is sealed under the "
            f"pepper {found}, which is not in this hub's pepper_file (nor E2XHUB_PEPPER); expected "
            "the pepper of the hub that wrote it, mostly the exam hub. Give all hubs on this "
            "database the same pepper, and restart this hub"
        )

    def _open(self) -> ExamRecords:
        with self._one_opens:
            if self._opened is None:
                url = self._url.render_as_string(hide_password=False)
                self._opened = open_exam_records(url, self._peppers, must_exist=self._must_exist)
                weakref.finalize(self, self._opened.engine.dispose)
            return self._opened

    def _tell(self, error: Exception) -> MembersLogError:
        is_told = isinstance(error, E2xHubError)
        said = str(error) if is_told else first_line_of(error, self._url)
        return MembersLogError(f"changes of members cannot be noted or read: {said}")
