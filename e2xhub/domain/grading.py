"""Who may grade what, and what of an exam reaches those who grade.

Nobody grades an exam that they sit, or sat. That counts in every role and for every way to the
exam's files: also for the server of a course in which they lie. Who sat is known from the roster in
force, and from the records of the exams where they can be read: whoever was ever given a code has
sat. And what examinees write reaches nobody before the exam is over for everybody.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

from e2xhub.domain.exam_ends import ExamEnds
from e2xhub.domain.exam_places import ExamPlaces
from e2xhub.domain.exam_records import ExamChanges
from e2xhub.domain.identifiers import ExamId
from e2xhub.domain.refusals import Reason
from e2xhub.domain.roles import Role
from e2xhub.domain.roster import Roster
from e2xhub.domain.servers import Sealing, Server
from e2xhub.domain.shared_directories import directory_key


class GradingRules:
    """What holds for staff of one university at one state of its exams; immutable."""

    def __init__(
        self, roster: Roster, places: ExamPlaces, ends: ExamEnds, changes: ExamChanges
    ) -> None:
        self._roster, self._places, self._ends = roster, places, ends
        self._changes = changes

    def find_conflict(self, username: str, server: Server, exam: ExamId | None) -> Reason | None:
        """Why `username` does not get `server` as staff, of `exam` or of a course; None: nothing
        is against it."""
        return find_conflict(
            server,
            exam,
            self._places,
            exams_sat_by(username, self._roster, self._changes),
            is_checked=self._changes.is_readable,
        )

    def sealing_at(self, now: datetime) -> Sealing:
        """Takes from the mounts of staff what examinees are writing, and leaves the rest of what
        they wrote to be read."""
        return lambda mounts: self._places.seal(
            mounts, is_over=lambda exam: self._ends.is_over(exam, now)
        )


def exams_sat_by(username: str, roster: Roster, changes: ExamChanges) -> frozenset[ExamId]:
    """The exams that `username` sits or sat, as the roster and the records of exams say."""
    listed = (it.exam for it in roster.exam_memberships_of(username, Role.STUDENT))
    return changes.sat.get(directory_key(username), frozenset()).union(listed)


def find_conflict(
    server: Server,
    exam: ExamId | None,
    places: ExamPlaces,
    sat: Collection[ExamId],
    *,
    is_checked: bool,
) -> Reason | None:
    """Why somebody who `sat` these exams does not get `server`; None: nothing is against it.

    `exam` is the one that it is for. Where `is_checked` is false, nobody knows what else the
    person sat.
    """
    if exam in sat:
        return Reason.SAT_EXAM
    if not sat and is_checked:
        return None
    reached = set(_exams_in(server, places))
    if not reached.isdisjoint(sat):
        return Reason.HOLDS_SAT_EXAM
    return Reason.NOT_CHECKED if not is_checked and (exam or reached) else None


def _exams_in(server: Server, places: ExamPlaces) -> Iterator[ExamId]:
    """The exams of which the pod of `server` has files; seeds are copied by a container of it."""
    of_companions = (mount for it in server.companions for mount in it.volume_mounts)
    for mount in (*server.volume_mounts, *of_companions):
        yield from places.reached_from(mount.volume, mount.sub_path)
    for seed in server.seeds:
        yield from places.reached_from(seed.volume, seed.sub_path)
