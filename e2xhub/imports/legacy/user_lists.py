"""Reads lists of people: rosters, lists of the hub's users, and sheets of exams.

A roster has one column, `Username` or (older) `FB02UID`. A sheet of an exam has a password in each
row; no text of a sheet but usernames that can be used, rooms and seats leaves this module.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from e2xhub.domain.identifiers import Username
from e2xhub.errors import FaultsFoundError
from e2xhub.imports.legacy.report import NoteKind, Notes, Where
from e2xhub.storage.csv_files import find_delimiter
from e2xhub.storage.text_files import read_text

_USERNAME_COLUMNS = ("username", "fb02uid")
_SECRET_COLUMNS = frozenset({"password", "passwort", "kennwort"})
_SEAT_COLUMNS = ("room", "seat", "is_backup")
_DELIMITER = re.compile("[,;\t]")
_BLANK_LINES = re.compile(r"(?:[ \t]*\r?\n)*")
_NOT_READ = "correct the file and import again, or add its people with 'e2xhub roster import'"

_Rows = Iterator[tuple[int, list[str]]]


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody on a list; `attributes` are room and seat of a sheet."""

    username: Username
    where: Where
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class UserList:
    """The people of one file, in its order."""

    where: Where
    people: tuple[Person, ...]
    is_exam_sheet: bool


def read_user_list(file: Path, name: str, notes: Notes) -> UserList | None:
    """The people in `file`, which notes call `name`; None where it cannot be read.

    What cannot be read, and each row that cannot be used, is noted.
    """
    try:
        return _Reader(name=name, notes=notes).read(read_text(file))
    except FaultsFoundError as error:
        for fault in error.faults:
            where = Where(file=name, line=fault.line)
            notes.add(NoteKind.LEFT_OUT, where, "the whole file", fault.message, _NOT_READ)
    except csv.Error as error:
        where = Where(file=name)
        notes.add(NoteKind.LEFT_OUT, where, "the whole file", f"no CSV: {error}", _NOT_READ)
    return None


@dataclass
class _Reader:
    name: str
    notes: Notes
    columns: list[str] = field(default_factory=list)

    @property
    def is_sheet(self) -> bool:
        return bool(_SECRET_COLUMNS & set(self.columns)) or {"room", "seat"} <= set(self.columns)

    def read(self, text: str) -> UserList | None:
        rows = _rows_of(text)
        line, header = next(rows, (1, []))
        self.columns = [cell.lower() for cell in header]
        column = next((name for name in _USERNAME_COLUMNS if self.columns.count(name) == 1), None)
        if column is None:
            self._note(
                line,
                "the whole file",
                "its first line has not one column 'Username' (or 'FB02UID')",
                _NOT_READ,
            )
            return None
        self._note_other_columns(line, column)
        people = tuple(
            person for at, row in rows if any(row) and (person := self._person(at, row, column))
        )
        return UserList(where=Where(file=self.name), people=people, is_exam_sheet=self.is_sheet)

    def _person(self, line: int, row: list[str], column: str) -> Person | None:
        if any(row[len(self.columns) :]) or len(row) <= self.columns.index(column):
            message = f"the row has {len(row)} cells; expected {len(self.columns)} as the header"
            self._note(line, "a row", message, "correct the line")
            return None
        cells = dict(zip(self.columns, row, strict=False))
        username = self._username(line, cells[column])
        if username is None:
            return None
        attributes = {name: cells[name] for name in _SEAT_COLUMNS if cells.get(name)}
        return Person(
            username=username,
            where=Where(file=self.name, line=line),
            attributes=attributes if self.is_sheet else {},
        )

    def _username(self, line: int, text: str) -> Username | None:
        try:
            username = Username.parse(text)
        except ValueError as error:
            # A sheet's cells may have slipped, and a password would stand here.
            message = str(error) if not self.is_sheet else "the username cannot be used"
            self._note(line, "a person", message, "correct the name, and add the person")
            return None
        if username in ("null", "nan", "none"):
            self._note(
                line,
                text,
                f"the word {text!r} is taken for a username",
                f"if it stands for an empty cell: e2xhub roster remove {username} …",
                NoteKind.GUESSED,
            )
        elif username != text:
            message = f"{text!r} is {str(username)!r} in JupyterHub; the old hub compared capitals"
            self._note(line, text, message, "nothing, if it is this person", NoteKind.CHANGED)
        return username

    def _note_other_columns(self, line: int, column: str) -> None:
        known = {column, *_SEAT_COLUMNS} if self.is_sheet else {column}
        others = [name for name in self.columns if name and name not in known]
        if others and not self.is_sheet:
            message = f"{len(others)} columns beside {column!r} are not carried over"
            self._note(line, "columns", message, "add them as attributes where they are needed")
        if self.is_sheet:
            self._note(
                line,
                "passwords",
                "passwords and names of an exam sheet are not read",
                "issue new passwords with 'e2xhub password issue'",
            )

    def _note(
        self,
        line: int,
        subject: str,
        message: str,
        advice: str,
        kind: NoteKind = NoteKind.LEFT_OUT,
    ) -> None:
        self.notes.add(kind, Where(file=self.name, line=line), subject, message, advice)


def _rows_of(text: str) -> _Rows:
    """Rows with the lines in which they begin, from the first one that has text."""
    blank = _BLANK_LINES.match(text)
    skipped = blank.group() if blank else ""
    rest = text[len(skipped) :]
    header = rest.split("\n", 1)[0]
    # A list of one column has separators in its rows only, behind the names.
    sample = header if _DELIMITER.search(header) else rest.replace("\n", " ")
    reader = csv.reader(
        io.StringIO(rest, newline=""), delimiter=find_delimiter(sample), strict=True
    )
    first = line = skipped.count("\n") + 1
    for row in reader:
        yield line, [cell.strip() for cell in row]
        line = first + reader.line_num
