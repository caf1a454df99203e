"""What a row of a roster means: from texts by column to a membership of the catalog's courses.

The same for every place in which rosters are kept; `storage.roster.csv_reading` reads CSV,
`storage.roster.database_store` SQL.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from operator import itemgetter
from typing import TypeVar

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.identifiers import CourseId, ExamId, Identifier, TermId, Username
from e2xhub.domain.roles import COURSE_ROLES, EXAM_ROLES, Role
from e2xhub.domain.roster import CourseMembership, ExamMembership, Membership
from e2xhub.domain.shared_directories import DirectoryNames
from e2xhub.errors import message_of

COLUMNS = ("username", "course", "term", "exam", "role")
"""The columns with a meaning; others are attributes of an examinee."""

_T = TypeVar("_T")
_Id = TypeVar("_Id", bound=Identifier)
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")
_MEANINGS = ("course", "term", "exam", "role")
"""The columns that say what a row is about; thousands of rows have the same texts there."""


class MembershipParser:
    """Parses the rows of one roster, each against those before it."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.directories = DirectoryNames()
        self.usernames: dict[str, Username] = {}
        """By the text as it stands in a row."""
        self._parsers: dict[tuple[str, ...], RowParser] = {}

    def parse(self, cells: Mapping[str, str]) -> Membership:
        """The membership in `cells` (text by column); raises ValueError as `RowParser.parse`."""
        cells = cells if "username" in cells else {**cells, "username": ""}
        columns = tuple(cells)
        if columns not in self._parsers:
            self._parsers[columns] = self.of_columns(columns)
        return self._parsers[columns].parse(tuple(cells.values()))

    def of_columns(
        self, columns: Sequence[str], implied: Mapping[str, str] | None = None
    ) -> RowParser:
        """A parser of rows with these `columns`; `implied` are the texts that no row has."""
        return RowParser(self, columns, implied or {})


class RowParser:
    """Parses rows that have the same columns; what stands there again and again is parsed once."""

    def __init__(
        self, roster: MembershipParser, columns: Sequence[str], implied: Mapping[str, str]
    ) -> None:
        self._roster, self._usernames = roster, roster.usernames
        self._columns, self._implied = columns, implied
        self._at = columns.index("username")
        meanings = [columns.index(name) for name in _MEANINGS if name in columns]
        self._meaning = itemgetter(*meanings) if meanings else _no_meaning
        self._examples: dict[object, Membership] = {}

    def parse(self, row: Sequence[str]) -> Membership:
        """The membership that the cells of `row` declare.

        A row with a text in `exam` belongs to the exam. Where there is no role, it is a student's.
        Raises ValueError with every fault of the row; also where the username would share a
        directory with that of an earlier row.
        """
        if len(row) != len(self._columns):
            raise ValueError(
                f"the row has {len(row)} cells; expected {len(self._columns)} as the header"
            )
        username = self._usernames.get(row[self._at])
        example = self._examples.get(self._meaning(row))
        if username is None or example is None:
            return self._learn(row)
        if isinstance(example, CourseMembership):
            return CourseMembership(
                username=username, course=example.course, term=example.term, role=example.role
            )
        return replace(
            example, username=username, attributes=normalize_attributes(self._cells(row))
        )

    def _learn(self, row: Sequence[str]) -> Membership:
        membership = parse_membership(self._cells(row), self._roster.catalog)
        self._roster.directories.check(membership.username)
        self._usernames.setdefault(row[self._at], membership.username)
        self._examples[self._meaning(row)] = membership
        return membership

    def _cells(self, row: Sequence[str]) -> dict[str, str]:
        """The texts of a row by column."""
        cells = dict(self._implied)
        for name, cell in zip(self._columns, row, strict=True):
            if not isinstance(cell, str):  # SQLite keeps what it is given
                raise ValueError(f"{name} is {cell!r}; expected a text")
            cells[name] = cell.strip()
        return cells


def _no_meaning(_row: Sequence[str]) -> None:
    """What is the same for all rows, because their file's place says it."""


def parse_membership(cells: Mapping[str, str], catalog: Catalog) -> Membership:
    """The membership that the `cells` of a single row (text by column) declare.

    Raises ValueError with every fault of the row.
    """
    row = _Row(cells)
    username = row.read("username", Username.parse)
    if cells.get("exam") or not {"course", "term"} <= cells.keys():
        exam = row.read("exam", lambda text: _declared("exam", ExamId.parse(text), catalog.exams))
        role = row.read("role", lambda text: _parse_role(text, EXAM_ROLES))
        row.raise_faults()
        return ExamMembership(
            username=username, exam=exam, role=role, attributes=normalize_attributes(cells)
        )
    course = row.read("course", lambda t: _declared("course", CourseId.parse(t), catalog.courses))
    terms = catalog.courses[course].terms if course in catalog.courses else None
    term = row.read("term", lambda text: _declared("term", TermId.parse(text), terms))
    role = row.read("role", lambda text: _parse_role(text, COURSE_ROLES))
    row.raise_faults()
    return CourseMembership(username=username, course=course, term=term, role=role)


def cells_of(membership: Membership) -> dict[str, str]:
    """The texts of a membership by column, without those that do not apply to it.

    The inverse of `parse_membership`.
    """
    cells = {"username": str(membership.username), "role": membership.role.value}
    if isinstance(membership, CourseMembership):
        return {**cells, "course": str(membership.course), "term": str(membership.term)}
    return {**cells, "exam": str(membership.exam), **membership.attributes}


def check_attributes(attributes: Mapping[str, str]) -> None:
    """Raises ValueError where `attributes` would not be read as they are written.

    A name is a column's: in lower case, without spaces around it. NUL and halves of characters fit
    into no file and no database.
    """
    for name, text in attributes.items():
        if name in COLUMNS or not name.isprintable() or name != _attribute_name(name) or not name:
            raise ValueError(
                f"an attribute cannot have the name {name!r}; expected one in lower case that is "
                f"none of {', '.join(COLUMNS)}, such as 'seat'"
            )
        if not text or text != text.strip() or "\0" in text or _HALF_CHARACTER.search(text):
            raise ValueError(
                f"attribute {name!r} cannot be {text!r}; expected a text without spaces around it"
            )


def normalize_attributes(cells: Mapping[str, str]) -> dict[str, str]:
    """The attributes among `cells`: names in lower case, no spaces around, nothing without text."""
    found = ((_attribute_name(name), text.strip()) for name, text in cells.items())
    return {name: text for name, text in found if text and name and name not in COLUMNS}


def _attribute_name(text: str) -> str:
    return text.strip().lower()


class _Row:
    """Reads cells and remembers what was wrong with them."""

    def __init__(self, cells: Mapping[str, str]) -> None:
        self._cells = cells
        self._faults: list[str] = []

    def read(self, column: str, parse: Callable[[str], _T]) -> _T:
        """The value in a column; after a fault it must not be used (`raise_faults`)."""
        text = self._cells.get(column, "")
        try:
            return parse(text)
        except ValueError as error:
            self._faults.append(message_of(error))
            return text  # type: ignore[return-value]

    def raise_faults(self) -> None:
        """Raises ValueError with all faults of the row, if there are any."""
        if self._faults:
            is_one = len(self._faults) == 1
            raise ValueError(self._faults[0] if is_one else "; ".join(self._faults))


def _declared(what: str, name: _Id, declared: Iterable[str] | None) -> _Id:
    """`name` itself; raises ValueError where it is not declared. None: it cannot be told."""
    if declared is not None and name not in set(declared):
        known = ", ".join(sorted(map(str, declared))) or "none"
        raise ValueError(f"{what} {str(name)!r} is not in the catalog; expected one of: {known}")
    return name


def _parse_role(text: str, allowed: frozenset[Role]) -> Role:
    role = text.lower() or Role.STUDENT.value
    names = sorted(role.value for role in allowed)
    if role not in names:
        raise ValueError(f"role {text!r} is not possible here; expected one of: {', '.join(names)}")
    return Role(role)
