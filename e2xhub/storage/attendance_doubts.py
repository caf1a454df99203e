"""Tells an admin where a database says that nobody sat an exam, though people did.

Such a database is hardly that of the exam hub: a hub that reads another one lets people grade what
they sat, as soon as they have left the roster.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from datetime import datetime, timezone

from traitlets.log import get_logger

from e2xhub.domain.grading_warnings import find_unrecorded_exams
from e2xhub.domain.identifiers import ExamId
from e2xhub.domain.roles import Role
from e2xhub.domain.roster import ExamMembership, Roster
from e2xhub.storage.live_attendance import LiveAttendance
from e2xhub.storage.live_registry import LiveRegistry

LOOK_SECONDS = 60.0


class AttendanceDoubts:
    """Compares what the roster and the exam records say of exams that are over."""

    def __init__(self, registry: LiveRegistry, attendance: LiveAttendance) -> None:
        self._registry, self._attendance = registry, attendance
        self._told: set[ExamId] = set()
        self._seen: set[ExamId] = set()
        self._seen_in: Callable[[], Roster | None] = lambda: None

    def watch(self, *, every_seconds: float = LOOK_SECONDS) -> None:
        """Looks now and again and again, until the process ends."""
        threading.Thread(
            target=self._watch, args=(every_seconds,), name="e2xhub-doubts", daemon=True
        ).start()

    def look(self, now: datetime) -> None:
        """Warns of each exam once; may take a second where the roster is large."""
        registry = self._registry.current.with_changes(self._attendance.changes)
        unrecorded = find_unrecorded_exams(registry, now) - self._told
        if not unrecorded or self._has_seen(unrecorded, registry.roster):
            return
        if sat := sorted(unrecorded.intersection(_exams_with_examinees(registry.roster))):
            self._told.update(sat)
            self._tell(sat)

    def _has_seen(self, unrecorded: set[ExamId], roster: Roster) -> bool:
        """Whether it was looked for these in this roster before: it is long."""
        if self._seen_in() is roster and unrecorded <= self._seen:
            return True
        self._seen, self._seen_in = unrecorded, weakref.ref(roster)
        return False

    def _tell(self, exams: list[ExamId]) -> None:
        get_logger().warning(
            "Exams that are over have examinees on the roster, and no code was ever issued for "
            "them in %s: %s; is this the exam hub's database? Who sat them is known from the "
            "roster alone",
            self._attendance.place,
            ", ".join(exams),
        )

    def _watch(self, every_seconds: float) -> None:
        pause = threading.Event()
        while True:
            try:
                self.look(datetime.now(timezone.utc))
            except Exception:  # a warning is worth no more than a line
                get_logger().exception("e2xhub could not compare the roster with the exam records")
            pause.wait(every_seconds)


def _exams_with_examinees(roster: Roster) -> set[ExamId]:
    return {
        membership.exam
        for membership in roster
        if isinstance(membership, ExamMembership) and membership.role is Role.STUDENT
    }
