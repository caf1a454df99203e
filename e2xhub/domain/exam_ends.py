"""When exams are over: for one examinee, and for everybody."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cached_property

from e2xhub.domain.catalog import Exam
from e2xhub.domain.identifiers import ExamId, Username


class ExamEnds:
    """The ends of the exams of a catalog, with all extra time; immutable."""

    def __init__(
        self,
        exams: Mapping[ExamId, Exam],
        granted_minutes: Mapping[tuple[ExamId, Username], int],
    ) -> None:
        """`granted_minutes` are those of proctors, beside the catalog's; may be negative."""
        self._exams = exams
        self._granted_minutes = granted_minutes
        self._last_ends: dict[ExamId, datetime] = {}

    def end_for(self, exam: ExamId, username: Username) -> datetime:
        """When `exam` is over for `username`."""
        granted = self._granted_minutes.get((exam, username), 0)
        return self._exams[exam].ends_for(username) + timedelta(minutes=granted)

    def is_over(self, exam: ExamId, now: datetime) -> bool:
        """Whether `exam` is over at `now` for everybody, whoever has the most time included."""
        return now >= self.last_end(exam)

    def last_end(self, exam: ExamId) -> datetime:
        """When `exam` is over for everybody."""
        last_end = self._last_ends.get(exam)
        if last_end is None:
            last_end = self._last_ends[exam] = self._find_last_end(exam)
        return last_end

    def _find_last_end(self, exam: ExamId) -> datetime:
        declared = self._exams[exam]
        people = self._granted_in.get(exam, set()).union(declared.extra_minutes)
        return max([declared.ends_at, *(self.end_for(exam, name) for name in people)])

    @cached_property
    def _granted_in(self) -> Mapping[ExamId, set[Username]]:
        """Put together once: there may be thousands, and staff have many courses."""
        found: defaultdict[ExamId, set[Username]] = defaultdict(set)
        for exam, username in self._granted_minutes:
            found[exam].add(username)
        return found
