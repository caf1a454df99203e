"""From another system's list to memberships, and what a roster would become with them.

Reading files is left to `imports.lms.files`, words for roles to `domain.role_words`, and making the
change to the roster's store.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.foreign_rows import ForeignRow
from e2xhub.domain.role_words import RoleWords, parse_role_word
from e2xhub.domain.roles import Role
from e2xhub.domain.roster import CourseMembership, ExamMembership, Membership, Roster
from e2xhub.domain.roster_changes import (
    MOST_LOSS_PERCENT,
    RosterChange,
    compare,
    loses_many,
)
from e2xhub.domain.roster_rows import parse_membership
from e2xhub.domain.shared_directories import DirectoryNames
from e2xhub.errors import Fault, Sentence, message_of

_PLACE_COLUMNS = ("course", "term", "exam")

Place = tuple[str, str]
"""What people are members of: course and term, or an exam and nothing."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """What people are imported into: a term of a course or an exam; nothing: each row says it."""

    course: str = ""
    term: str = ""
    exam: str = ""

    @property
    def cells(self) -> Mapping[str, str]:
        """The columns of a roster that the target fills in."""
        if self.exam:
            return {"exam": self.exam}
        return {"course": self.course, "term": self.term} if self.course else {}

    def holds(self, membership: Membership) -> bool:
        """Whether `membership` is one of the target; a target that is nothing holds all."""
        cells = self.cells
        wanted = (cells.get("course") or cells.get("exam"), cells.get("term", ""))
        return not cells or place_of(membership) == wanted


def place_of(membership: Membership) -> Place:
    """What somebody is a member of."""
    if isinstance(membership, CourseMembership):
        return membership.course, membership.term
    return membership.exam, ""


@dataclass(frozen=True, kw_only=True)
class RowMeaning:
    """How the rows of a list are understood."""

    target: Target = field(default_factory=Target)
    words: RoleWords = field(default_factory=dict)
    """What the list's words for roles stand for."""
    role: Role | None = None
    """The role of everybody in the list, whatever its words say."""


@dataclass(frozen=True, kw_only=True)
class ImportedList:
    """The memberships of a list, in its order."""

    memberships: tuple[Membership, ...]
    attributes: frozenset[str] | None = frozenset()
    """The examinees' attributes that the list speaks of; None: all there can be."""
    origins: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    """File and line in which a username stands first."""


def parse_rows(
    rows: Iterable[ForeignRow], catalog: Catalog, meaning: RowMeaning, faults: list[Fault]
) -> ImportedList:
    """The memberships that `rows` declare; what is wrong in a row is added to `faults`.

    A row without a word for a role is a student's, as in a roster.
    """
    parser = _RowParser(catalog, meaning)
    memberships: list[Membership] = []
    attributes: set[str] = set()
    origins: dict[str, tuple[str, int]] = {}
    for row in rows:
        try:
            memberships += parser.parse(row)
        except ValueError as error:
            faults.append(Fault(file=row.file, line=row.line, message=message_of(error)))
            continue
        attributes.update(row.attributes)
        origins.setdefault(memberships[-1].username, (row.file, row.line))
    return ImportedList(
        memberships=tuple(memberships),
        attributes=frozenset(attributes.difference(_PLACE_COLUMNS)),
        origins=origins,
    )


class _RowParser:
    def __init__(self, catalog: Catalog, meaning: RowMeaning) -> None:
        self._catalog, self._meaning = catalog, meaning
        self._directories = DirectoryNames()
        self._seen: dict[ExamMembership, tuple[Mapping[str, str], int]] = {}

    def parse(self, row: ForeignRow) -> list[Membership]:
        """One membership for each of the row's roles, at least one; raises ValueError."""
        place = self._place(row)
        attributes = {
            name: text for name, text in row.attributes.items() if name not in _PLACE_COLUMNS
        }
        found: list[Membership] = []
        for role in self._roles(row):
            cells = {**attributes, **place, "username": row.username, "role": role.value}
            membership = parse_membership(cells, self._catalog)
            self._directories.check(membership.username)
            self._check_seat(membership, row.line)
            found.append(membership)
        return found

    def _roles(self, row: ForeignRow) -> Iterable[Role]:
        if self._meaning.role:
            return [self._meaning.role]
        words = [word for word in row.roles if word]
        found = (parse_role_word(word, self._meaning.words) for word in words)
        return dict.fromkeys(found) or [Role.STUDENT]

    def _place(self, row: ForeignRow) -> Mapping[str, str]:
        """What the row belongs to; raises ValueError where that is not the target."""
        said = {name: text for name in _PLACE_COLUMNS if (text := row.attributes.get(name))}
        target = self._meaning.target.cells
        if not target:
            return said
        other = {name: text for name, text in said.items() if text != target.get(name)}
        if other and not ("exam" in target and said.get("exam") == target["exam"]):
            raise ValueError(
                Sentence(
                    "the row belongs to {other}; expected {place}",
                    other=_show(other),
                    place=_show(target),
                )
            )
        return target

    def _check_seat(self, membership: Membership, line: int) -> None:
        if not isinstance(membership, ExamMembership):
            return
        attributes, first = self._seen.setdefault(membership, (membership.attributes, line))
        if attributes != membership.attributes:
            raise ValueError(
                f"{str(membership.username)!r} stands in line {first} already, with "
                f"{_show(attributes)}; here it is {_show(membership.attributes)}"
            )


def _show(cells: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {text!r}" for name, text in cells.items()) or "nothing"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What an import changes."""

    change: RosterChange
    missing: tuple[Membership, ...]
    """Memberships of which the list speaks, that it has not, and that stay."""
    loses_many: bool
    """Whether the change removes more than `MOST_LOSS_PERCENT` of the target's memberships."""
    size: int
    """How many memberships the target has before the change."""


def find_difference(
    roster: Roster, imported: ImportedList, meaning: RowMeaning, *, remove_missing: bool
) -> Difference:
    """What `roster` becomes with the list.

    The list speaks of the places that its memberships have (or the target, if there is one), and
    there of the roles that it names, or of the one that the import fixes. Others are never missing
    in it. A list of a whole roster (`attributes` None) speaks of everything.
    """
    spoken = _Spoken(imported, meaning)
    change = compare(
        roster,
        _with_kept_attributes(roster, imported),
        may_remove=spoken.holds,
    )
    here = [membership for membership in roster if spoken.holds_place(membership)]
    if remove_missing:
        remaining = len(here) - len(change.removed)
        is_loss = loses_many(len(here), remaining, MOST_LOSS_PERCENT / 100)
        return Difference(change=change, missing=(), loses_many=is_loss, size=len(here))
    kept = RosterChange(added=change.added, updated=change.updated)
    return Difference(change=kept, missing=change.removed, loses_many=False, size=len(here))


class _Spoken:
    """What a list speaks of."""

    def __init__(self, imported: ImportedList, meaning: RowMeaning) -> None:
        self._is_whole = imported.attributes is None
        self._target = meaning.target
        self._pairs = {(place_of(m), m.role) for m in imported.memberships}
        self._places = {place for place, _ in self._pairs}
        self._role = meaning.role

    def holds_place(self, membership: Membership) -> bool:
        if self._is_whole or self._target.cells:
            return self._target.holds(membership)
        return place_of(membership) in self._places

    def holds(self, membership: Membership) -> bool:
        if not self.holds_place(membership):
            return False
        pair = (place_of(membership), membership.role)
        return self._is_whole or membership.role is self._role or pair in self._pairs


def _with_kept_attributes(roster: Roster, imported: ImportedList) -> Iterator[Membership]:
    """The wanted memberships; attributes that the list has no column for stay as they are."""
    for wanted in imported.memberships:
        if imported.attributes is None or not isinstance(wanted, ExamMembership):
            yield wanted
            continue
        kept = _attributes_in(roster, wanted, besides=imported.attributes)
        yield ExamMembership(
            username=wanted.username,
            exam=wanted.exam,
            role=wanted.role,
            attributes={**kept, **wanted.attributes},
        )


def _attributes_in(
    roster: Roster, wanted: ExamMembership, *, besides: Collection[str]
) -> dict[str, str]:
    return {
        name: text
        for known in roster.exam_memberships_of(wanted.username, wanted.role)
        if known == wanted
        for name, text in known.attributes.items()
        if name not in besides
    }


def find_shared_directories(roster: Roster, imported: ImportedList) -> list[Fault]:
    """A fault for each new username that would share a directory with one of the roster."""
    names, faults = DirectoryNames(), []
    for username in roster.usernames:
        names.check(username)
    for username, (file, line) in imported.origins.items():
        try:
            names.check(username)
        except ValueError as error:
            faults.append(Fault(file=file, line=line, message=str(error)))
    return faults
