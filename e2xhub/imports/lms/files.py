"""Reads the lists of learning platforms and exam offices, in their words.

The columns are in `imports.lms.formats`; what the rows mean for a roster is decided by
`domain.roster_imports`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from e2xhub.domain.foreign_rows import ForeignRow
from e2xhub.domain.role_words import MOODLE_SHORT_NAMES, RoleWords, fold
from e2xhub.errors import Fault, FaultsFoundError, Sentence, printable
from e2xhub.imports.lms.formats import COLUMNS_OF, ListColumns, ListFormat
from e2xhub.imports.lms.tables import Table, TableRow, is_password_column, read_table
from e2xhub.storage.roster.csv_reading import is_like_role

_MOST_SHOWN = 40
_MOODLE_COURSE = re.compile(r"course(\d+)")
_MOODLE_ROLE = re.compile(r"role(\d+)")
# https://docs.moodle.org/405/en/Upload_users, "type1": for files without role1
_MOODLE_TYPES = {"1": "student", "2": "editingteacher", "3": "teacher"}
_NOT_YET_MEMBERS = frozenset(
    map(fold, ("Waiting List", "Warteliste", "Subscriber", "Beitrittsantrag", "Aufnahmeantrag"))
)
_CANVAS_OUT = frozenset({"deleted", "inactive", "completed", "deleted_last_completed", "rejected"})
_CANVAS_IN = frozenset({"", "active", "invited"})
# Canvas's observer is a parent, who must not see other people's work.
_CANVAS_OTHERS = {
    fold(word): reason
    for word, reason in (
        ("observer", "observer of a student"),
        ("ObserverEnrollment", "observer of a student"),
        ("designer", "designer"),
        ("DesignerEnrollment", "designer"),
        ("StudentViewEnrollment", "test student"),
    )
}


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """What whoever imports says about a file."""

    columns: Mapping[str, str] = field(default_factory=dict)
    """What a column means here, and its name there; instead of the format's own names."""
    delimiter: str | None = None
    """What stands between cells; None: it is found out."""
    course: str = ""
    """The other system's name of the course whose rows are wanted; empty: there is only one."""
    words: RoleWords = field(default_factory=dict)
    """What words for roles stand for, folded; besides those that the format has."""
    needs_roles: bool = True
    """Whether a list that should say roles must do so."""


@dataclass(frozen=True, kw_only=True)
class ForeignList:
    """What stands in a file."""

    rows: tuple[ForeignRow, ...]
    words: RoleWords
    """What the words for roles in it stand for."""
    left_out: Mapping[str, int]
    """How many enrolments were left out, by reason."""


@dataclass(frozen=True, kw_only=True)
class _Enrolment:
    """What a row says about one course."""

    row: ForeignRow
    course: str = ""
    reason: str = ""
    """Why it is to be left out."""


def read_lms_file(
    file: Path, kind: ListFormat, options: ReadOptions, faults: list[Fault]
) -> ForeignList:
    """The people in `file`; what is wrong in a row is added to `faults`.

    `kind` is any but E2XHUB. Raises FaultsFoundError where the file is no table, and where a wanted
    column is missing.
    """
    table = read_table(file, faults, delimiter=options.delimiter)
    return read_lms_table(table, kind, options, faults)


def read_lms_table(
    table: Table, kind: ListFormat, options: ReadOptions, faults: list[Fault]
) -> ForeignList:
    """The people in `table`; otherwise as `read_lms_file`."""
    reader = _Reader(table, kind, options)
    rows, left_out = _choose(reader.read(faults), options.course, table, faults)
    words = {**reader.words, **options.words}
    return ForeignList(rows=tuple(rows), words=words, left_out=dict(left_out))


def _choose(
    enrolments: Iterable[_Enrolment], wanted: str, table: Table, faults: list[Fault]
) -> tuple[list[ForeignRow], Counter[str]]:
    """The rows of the wanted course and of people who are there; how many are not, and why."""
    rows: list[ForeignRow] = []
    left_out: Counter[str] = Counter()
    courses: dict[str, int] = {}
    for enrolment in enrolments:
        if wanted and enrolment.course != wanted:
            left_out["of another course"] += 1
        elif enrolment.reason:
            left_out[enrolment.reason] += 1
        else:
            rows.append(enrolment.row)
            courses.setdefault(enrolment.course, enrolment.row.line)
    if len(courses) > 1:
        names = ", ".join(sorted(repr(course) for course in courses))
        told = Sentence(
            "rows of several courses are here ({names})",
            "; say which with --lms-course",
            names=names,
        )
        faults.append(Fault(file=table.file, line=max(courses.values()), message=told))
    if wanted and not rows:
        message = f"no row belongs to the course {wanted!r}"
        faults.append(Fault(file=table.file, line=table.line, message=message))
    return rows, left_out


class _Reader:
    """Reads the rows of a table of a known format."""

    def __init__(self, table: Table, kind: ListFormat, options: ReadOptions) -> None:
        self._table, self._kind = table, kind
        self._format: ListColumns = COLUMNS_OF[kind]
        self._given = options.columns
        self.words = self._format.words
        self._given_words = options.words
        meanings = {"role", *self._format.names, *options.columns}
        self._columns = {meaning: self._find(meaning) for meaning in meanings}
        self._kept = self._kept_columns()
        if options.needs_roles and self._columns["role"] is None:
            self._check_roles_are_not_missed()

    def read(self, faults: list[Fault]) -> Iterator[_Enrolment]:
        """What the rows say; faults of single rows are added to `faults`."""
        if self._kind is ListFormat.MOODLE:
            return self._read_moodle()
        if self._kind is ListFormat.CANVAS:
            return self._read_canvas(faults)
        if self._kind is ListFormat.ILIAS:
            return self._read_each(self._reason_of_ilias)
        return self._read_each(lambda _row: "")

    def _find(self, meaning: str) -> int | None:
        """The number of a column; raises FaultsFoundError where it is wanted and missing."""
        given = self._given.get(meaning)
        names = (given,) if given else self._format.names.get(meaning, ())
        found = self._table.find(names)
        if found is None and (given or meaning == "username"):
            raise self._miss(meaning, names)
        return found

    def _miss(self, meaning: str, names: Iterable[str]) -> FaultsFoundError:
        wanted = " or ".join(map(repr, names))
        is_named = meaning in self._given
        hint = "" if is_named else f"; another one is named by --column {meaning}=NAME"
        return self._table.stop(
            f"the column {wanted} is missing; {self._show_columns(names)}{hint}"
        )

    def _check_roles_are_not_missed(self) -> None:
        """Without a column of roles all are students; raises FaultsFoundError where it is there."""
        names = self._format.names.get("role", ())
        is_enrollments = self._kind is ListFormat.CANVAS and self._columns["student"] is None
        if self._kind is ListFormat.ILIAS or is_enrollments:
            raise self._miss("role", names)
        if self._kind is ListFormat.GENERIC:
            for column in self._table.columns:
                if is_like_role(fold(column)):
                    told = Sentence(
                        "the column {column!r} is not known; did you mean 'role'?", column=column
                    )
                    raise self._table.stop(told)

    def _show_columns(self, wanted: Iterable[str]) -> str:
        shown = [printable(name) for name in self._table.columns if name]
        if self._kind is ListFormat.EXAM_SHEET:
            # Without a header, the first line is a person with a password.
            known = {fold(n) for names in self._format.names.values() for n in names}
            shown = [name for name in shown if fold(name) in {*known, *map(fold, wanted)}]
        more = ", …" if len(shown) > _MOST_SHOWN else ""
        return f"the columns are: {', '.join(shown[:_MOST_SHOWN]) or 'others'}{more}"

    def _read_each(self, reason_of: Callable[[TableRow], str]) -> Iterator[_Enrolment]:
        for row in self._table.rows:
            yield _Enrolment(row=self._person(row, self._roles(row)), reason=reason_of(row))

    def _person(self, row: TableRow, roles: tuple[str, ...]) -> ForeignRow:
        return ForeignRow(
            file=self._table.file,
            line=row.line,
            username=self._text(row, "username"),
            roles=roles,
            attributes={name: row.read(column) for name, column in self._kept.items()},
        )

    def _kept_columns(self) -> Mapping[str, int]:
        """The columns that are kept, by the name under which they are kept."""
        if self._kind is ListFormat.GENERIC and not self._given:
            return self._all_other_columns()
        further = self._given.keys() - self._format.names.keys()
        named = further.union(self._format.attributes)
        wanted = {name: self._columns[name] for name in sorted(named)}
        return {name: column for name, column in wanted.items() if column is not None}

    def _all_other_columns(self) -> Mapping[str, int]:
        own = {self._columns["username"], self._columns["role"]}
        names = [name for name in self._table.columns if name]
        numbers = {name.lower(): self._table.find([name]) for name in names}
        return {name: n for name, n in numbers.items() if n is not None and n not in own}

    def _text(self, row: TableRow, meaning: str) -> str:
        return row.read(self._columns.get(meaning))

    def _roles(self, row: TableRow) -> tuple[str, ...]:
        text, separator = self._text(row, "role"), self._format.separator
        parts = text.split(separator) if separator else [text]
        return tuple(part.strip() for part in parts if part.strip())

    def _reason_of_ilias(self, row: TableRow) -> str:
        is_waiting = fold(self._text(row, "role")) in _NOT_YET_MEMBERS
        return "waiting to be a member" if is_waiting else ""

    def _read_moodle(self) -> Iterator[_Enrolment]:
        numbers = self._moodle_numbers()
        if not numbers or "role" in self._given:
            yield from self._read_each(self._reason_of_moodle)
            return
        self.words = MOODLE_SHORT_NAMES
        columns = [self._moodle_columns(number) for number in numbers]
        for row in self._table.rows:
            named = [places for places in columns if row.read(places[0])]
            for places in named or columns[:1]:
                yield self._moodle_enrolment(row, *places)

    def _moodle_numbers(self) -> list[str]:
        """The N of the columns courseN and roleN, which only a file of users has."""
        folded = map(fold, self._table.columns)
        matches = [_MOODLE_COURSE.fullmatch(c) or _MOODLE_ROLE.fullmatch(c) for c in folded]
        return list(dict.fromkeys(match[1] for match in matches if match))

    def _moodle_columns(self, number: str) -> list[int | None]:
        names = ("course", "role", "type", "enrolstatus")
        return [self._table.find([name + number]) for name in names]

    def _moodle_enrolment(self, row: TableRow, *places: int | None) -> _Enrolment:
        course, role, kind, status = map(row.read, places)
        word = role or _MOODLE_TYPES.get(kind, kind)
        reason = "suspended" if status == "1" else self._reason_of_moodle(row)
        person = self._person(row, (word,) if word else ())
        return _Enrolment(row=person, course=course, reason=reason)

    def _reason_of_moodle(self, row: TableRow) -> str:
        flags = ("deleted", "suspended")
        return next((flag for flag in flags if self._text(row, flag) == "1"), "")

    def _read_canvas(self, faults: list[Fault]) -> Iterator[_Enrolment]:
        for row in self._table.rows:
            status = self._text(row, "status").lower()
            if self._is_no_person(row):
                continue
            if status not in _CANVAS_IN | _CANVAS_OUT:
                message = f"status {status!r} is not known; expected one of: " + ", ".join(
                    sorted(filter(None, _CANVAS_IN | _CANVAS_OUT))
                )
                faults.append(Fault(file=self._table.file, line=row.line, message=message))
            yield _Enrolment(
                row=self._person(row, self._roles(row)),
                course=self._text(row, "course") or self._text(row, "section"),
                reason=self._reason_of_canvas(row, status),
            )

    def _is_no_person(self, row: TableRow) -> bool:
        """The rows of a gradebook under its header: points possible, manual posting."""
        if self._columns["student"] is None:
            return False
        student = self._text(row, "student")
        return student in ("", "Points Possible") and not self._text(row, "username")

    def _reason_of_canvas(self, row: TableRow, status: str) -> str:
        if self._text(row, "student") == "Student, Test":
            return "test student"
        word = fold(self._text(row, "role"))
        other = "" if word in self._given_words else _CANVAS_OTHERS.get(word, "")
        return status if status in _CANVAS_OUT else other


def check_column_is_readable(name: str) -> None:
    """Raises ValueError where a column of this name is never read."""
    if is_password_column(name):
        raise ValueError(f"the column {name!r} is never read, because passwords stand there")
