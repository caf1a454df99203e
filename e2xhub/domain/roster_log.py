"""How changes of a course's members stand in the audit log, and what entries say of them.

A change is noted before it is made, so that none is made unseen; one that could not be made then is
noted as well, with the same `change`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from e2xhub.domain.audit import Action, AuditEntry, Event
from e2xhub.domain.roster import CourseMembership, Membership
from e2xhub.domain.roster_changes import RosterChange

ROSTER_ACTIONS = frozenset({Action.ROSTER_CHANGED, Action.ROSTER_NOT_CHANGED})
_PEOPLE_IN_ENTRY = 500

PeopleByRole = Mapping[str, Sequence[str]]
"""Usernames by the name of a role."""


class ChangeWay(str, Enum):
    """How somebody has made a change."""

    SINGLE = "single"
    """One by one, on the page."""
    UPLOAD = "upload"
    """By a list."""
    UNDO = "undo"
    """By taking another change back."""


@dataclass(frozen=True, kw_only=True)
class NotedChange:
    """A change of the members of a term that somebody is about to make."""

    actor: str
    course: str
    term: str
    change_id: str
    """Names the change in all of its entries."""
    way: ChangeWay
    file_digest: str = ""
    """SHA-256 of the uploaded list, in hexadecimal digits."""
    row_count: int = 0

    def _details(self) -> dict[str, Any]:
        return {"course": self.course, "term": self.term, "change": self.change_id}

    def events(self, change: RosterChange) -> list[Event]:
        """The entries that announce `change`: one, or several for many people."""
        parts = list(_in_parts(change)) or [([], [])]
        return [
            self._announce(added, removed, f"{number} of {len(parts)}" if parts[1:] else "")
            for number, (added, removed) in enumerate(parts, 1)
        ]

    def failure(self, reason: str) -> Event:
        """The entry that says that the announced change was not made."""
        return Event(
            action=Action.ROSTER_NOT_CHANGED,
            actor=self.actor,
            details={**self._details(), "reason": reason},
        )

    def _announce(
        self, added: Sequence[Membership], removed: Sequence[Membership], part: str
    ) -> Event:
        names = {str(membership.username) for membership in (*added, *removed)}
        details = {
            **self._details(),
            "way": self.way.value,
            "added": _by_role(added),
            "removed": _by_role(removed),
            "file": self.file_digest,
            "rows": self.row_count,
            "part": part,
        }
        return Event(
            action=Action.ROSTER_CHANGED,
            actor=self.actor,
            username=names.pop() if len(names) == 1 else "",
            details={name: value for name, value in details.items() if value},
        )


@dataclass(frozen=True, kw_only=True)
class HistoryEntry:
    """What an entry of the log says about the members of a term."""

    number: int
    at: datetime
    actor: str
    was_made: bool
    """False: the change that the entry with the same `change_id` announces was not made."""
    change_id: str
    way: str
    """A value of `ChangeWay`; empty where the change was not made."""
    added: PeopleByRole = field(default_factory=dict)
    removed: PeopleByRole = field(default_factory=dict)
    file_digest: str = ""
    reason: str = ""
    """Why it was not made, in the log's words."""
    part: str = ""
    """`1 of 3` where the change has several entries."""

    @property
    def count(self) -> int:
        """How many memberships it adds and removes."""
        return sum(len(names) for part in (self.added, self.removed) for names in part.values())


def is_about(event: Event, course: str, term: str = "") -> bool:
    """Whether `event` is about the members of `course` (in `term`, where one is named)."""
    told = event.details
    is_here = event.action in ROSTER_ACTIONS and told.get("course") == course
    return is_here and term in ("", told.get("term"))


def read_history(entry: AuditEntry) -> HistoryEntry:
    """What `entry`, one of `ROSTER_ACTIONS`, says; what it has not is empty."""
    told = entry.event.details
    return HistoryEntry(
        number=entry.number,
        at=entry.at,
        actor=entry.event.actor,
        was_made=entry.event.action is Action.ROSTER_CHANGED,
        change_id=str(told.get("change", "")),
        way=str(told.get("way", "")),
        added=_people(told.get("added")),
        removed=_people(told.get("removed")),
        file_digest=str(told.get("file", "")),
        reason=str(told.get("reason", "")),
        part=str(told.get("part", "")),
    )


@dataclass(frozen=True, kw_only=True)
class MadeChange:
    """Whom a change has added and removed: usernames and names of roles."""

    added: Sequence[tuple[str, str]]
    removed: Sequence[tuple[str, str]]
    number: int
    """Of its last entry in the log."""


def is_changed_again(made: MadeChange, later: Sequence[HistoryEntry]) -> bool:
    """Whether a change in the `later` entries of the term is about a membership of `made`."""
    failed = {entry.change_id for entry in later if not entry.was_made}
    own = {*made.added, *made.removed}
    return any(
        not own.isdisjoint((*_pairs(entry.added), *_pairs(entry.removed)))
        for entry in later
        if entry.change_id not in failed
    )


def join_entries(entries: Sequence[HistoryEntry]) -> MadeChange | None:
    """What the `entries` of one change say together; None where it was not made, or lacks some."""
    announced = [entry for entry in entries if entry.was_made]
    parts = {entry.part for entry in announced}
    count = len(announced)
    wanted = {f"{number} of {count}" for number in range(1, count + 1)} if count > 1 else {""}
    if not announced or len(announced) < len(entries) or parts != wanted:
        return None
    return MadeChange(
        added=[pair for entry in announced for pair in _pairs(entry.added)],
        removed=[pair for entry in announced for pair in _pairs(entry.removed)],
        number=max(entry.number for entry in announced),
    )


def _pairs(people: PeopleByRole) -> Iterator[tuple[str, str]]:
    for role, names in people.items():
        yield from ((name, role) for name in names)


def _in_parts(change: RosterChange) -> Iterator[tuple[list[Membership], list[Membership]]]:
    marked = [(True, item) for item in change.added] + [(False, item) for item in change.removed]
    for start in range(0, len(marked), _PEOPLE_IN_ENTRY):
        part = marked[start : start + _PEOPLE_IN_ENTRY]
        added = [item for is_added, item in part if is_added]
        yield added, [item for is_added, item in part if not is_added]


def _by_role(memberships: Iterable[Membership]) -> dict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for membership in memberships:
        assert isinstance(membership, CourseMembership)
        found[membership.role.value].append(str(membership.username))
    return {role: sorted(names) for role, names in found.items()}


def _people(told: object) -> PeopleByRole:
    if not isinstance(told, Mapping):
        return {}
    return {
        str(role): tuple(map(str, names))
        for role, names in told.items()
        if isinstance(names, list | tuple)
    }
