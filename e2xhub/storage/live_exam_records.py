"""The exam records of this moment, for a hub: in memory for every request, written off the loop.

A thread of its own looks into the database, so that no event loop waits for it. What is changed
through `run` is seen at once; what another hub or the command line changes, after a second. While
the database does not answer, or cannot be written to, the last state is kept: nobody who writes an
exam notices.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from typing import Protocol, TypeVar

from prometheus_client import Gauge
from sqlalchemy.exc import (
    DBAPIError,
    InterfaceError,
    OperationalError,
    SQLAlchemyError,
    TimeoutError,
)
from traitlets.log import get_logger

from e2xhub.domain.exam_records import NO_CHANGES, ExamChanges, RecordsView
from e2xhub.domain.offers import Registry
from e2xhub.errors import E2xHubError
from e2xhub.storage.exam_records import ExamRecords
from e2xhub.storage.live_registry import LiveRegistry

LOOK_SECONDS = 1.0
_HASHING_THREADS = 2  # a hash keeps a core busy for about 50 ms
_OTHER_THREADS = 2  # proctors do not wait behind three hundred who sign in

# What else a database can say is a fault of ours, and shows itself with its traceback.
_OUTAGES = (OperationalError, InterfaceError, TimeoutError)
_READ_ONLY = "25006"  # of a PostgreSQL that has become a standby; SQLAlchemy's InternalError

_UP = Gauge(
    "e2xhub_exam_records_up",
    "Whether the database of the exam records can be read and written: 1, or 0 where nobody can "
    "sign in",
)
_HASHING = Gauge("e2xhub_sign_ins_hashing", "Sign-ins whose code is being hashed, or waits for it")
_OPEN = Gauge("e2xhub_exam_sessions", "Sessions of examinees that are open")
_TO_CUT = Gauge(
    "e2xhub_exam_sessions_to_cut",
    "Sessions that have ended and whose cookies and tokens the hub has not taken yet",
)

_T = TypeVar("_T")


class RecordsUnavailableError(E2xHubError):
    """The database of the exam records does not answer; nothing was changed."""


class LiveExamRecords:
    """Gives what is known of exams (`current`), and changes it (`run`)."""

    def __init__(self, records: ExamRecords) -> None:
        self.records = records
        self.current = RecordsView()
        self.changes = NO_CHANGES
        """What in `current` decides who may start a server; the same object while nothing does."""
        self.unavailable_since: datetime | None = None
        """Since when the database does not answer, or cannot be written to; None: all is well."""
        self._one_look = threading.Lock()
        self._hashing = ThreadPoolExecutor(_HASHING_THREADS, "exam-records-hashing")
        self._others = ThreadPoolExecutor(_OTHER_THREADS, "exam-records")
        self.look()

    def __deepcopy__(self, memo: object) -> LiveExamRecords:
        # traitlets copies every configured value; this one is shared.
        return self

    async def run(self, call: Callable[[ExamRecords], _T], *, hashes: bool = False) -> _T:
        """What `call` returns, which runs in a thread; `current` shows its changes afterwards.

        What `hashes` passwords has a queue of its own. Raises RecordsUnavailableError where the
        database does not answer (at once, while it is known not to), and what `call` raises.
        """
        if self.unavailable_since is not None:
            raise RecordsUnavailableError("the database of the exam records does not answer")
        loop = asyncio.get_running_loop()
        if not hashes:
            return await loop.run_in_executor(self._others, self._call_and_look, call)
        with _HASHING.track_inprogress():
            return await loop.run_in_executor(self._hashing, self._call_and_look, call)

    async def refresh(self) -> None:
        """Has `current` show what others changed up to now; raises RecordsUnavailableError."""
        await self.run(lambda _records: None)

    def look(self) -> None:
        """Reads what has changed; keeps the last state where that is not possible.

        After an outage all is well again when the database can be written to.
        """
        with self._one_look:
            try:
                self._take(self.records.load_view(self.current))
                if self.unavailable_since is not None:
                    self.records.check_writable()
            except SQLAlchemyError as error:
                if not _is_outage(error):
                    raise
                self._note_unavailable(error)
            else:
                self._note_available()
            _OPEN.set(len(self.current.sessions))
            _TO_CUT.set(len(self.current.due_to_cut(datetime.now(timezone.utc))))

    def _take(self, view: RecordsView) -> None:
        """Here and not in the event loop: it takes a while where many exams were held."""
        if view is not self.current:
            changes = view.changes()
            self.changes = self.changes if changes == self.changes else changes
            self.current = view

    def watch(self, *, every_seconds: float = LOOK_SECONDS) -> None:
        """Looks again and again, until the process ends."""
        threading.Thread(
            target=self._watch, args=(every_seconds,), name="e2xhub-records", daemon=True
        ).start()

    def _call_and_look(self, call: Callable[[ExamRecords], _T]) -> _T:
        try:
            result = call(self.records)
        except SQLAlchemyError as error:
            if not _is_outage(error):
                raise
            self._note_unavailable(error)
            raise RecordsUnavailableError("the database of the exam records does not answer") from (
                None
            )
        finally:
            self.look()
        return result

    def _watch(self, every_seconds: float) -> None:
        pause = threading.Event()
        while not pause.wait(every_seconds):
            try:
                self.look()
            except Exception:  # without this thread nobody would look again
                get_logger().exception("e2xhub could not look at the exam records")

    def _note_unavailable(self, error: SQLAlchemyError) -> None:
        _UP.set(0)
        if self.unavailable_since is None:
            self.unavailable_since = datetime.now(timezone.utc)
            # Its own text has the statement and its values.
            cause = getattr(error, "orig", None) or type(error).__name__
            get_logger().error("The database of the exam records does not answer: %s", cause)

    def _note_available(self) -> None:
        _UP.set(1)
        if self.unavailable_since is not None:
            self.unavailable_since = None
            get_logger().info("The database of the exam records answers again")


def _is_outage(error: SQLAlchemyError) -> bool:
    is_standby = isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", "") == _READ_ONLY
    return is_standby or isinstance(error, _OUTAGES)


class HasChanges(Protocol):
    """Who knows what happened in the exams: this module's records, or a part of them."""

    changes: ExamChanges
    """The same object while nothing changes."""


class ExamRegistry:
    """The registry in force with what happened in the exams: for the spawner and the door."""

    def __init__(self, registry: LiveRegistry, records: HasChanges) -> None:
        self._registry, self._records = registry, records
        self._seen = registry.current
        self._combined = self._seen.with_changes(records.changes)

    def __deepcopy__(self, memo: object) -> ExamRegistry:
        # traitlets copies every configured value for every spawner; this one is shared.
        return self

    @property
    def faults(self) -> int:
        """Faults in catalog and roster as they are now; `current` is from before them."""
        return self._registry.faults

    @property
    def current(self) -> Registry:
        """The same object as before, as long as nothing changed that decides anything."""
        registry, changes = self._registry.current, self._records.changes
        if registry is not self._seen or changes is not self._combined.changes:
            self._seen, self._combined = registry, registry.with_changes(changes)
        return self._combined
