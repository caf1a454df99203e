"""Writes one file of a roster anew with some of its rows changed.

Row by row, so that the size of the file does not matter. Which file changes how is decided in
`storage.roster.csv_writing`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TextIO

from e2xhub.domain.roles import Role
from e2xhub.domain.roster import ExamMembership, Membership
from e2xhub.domain.roster_rows import COLUMNS, cells_of
from e2xhub.storage.csv_files import CsvFile, CsvFormat, CsvWriter, open_csv
from e2xhub.storage.roster.csv_reading import FileReader, has_text, is_like_role, names_of_columns

_FIRST_COLUMNS = ["username", "role"]


@dataclass(kw_only=True)
class FileChange:
    """What becomes of the rows of one file."""

    added: list[Membership] = field(default_factory=list)
    removed: set[Membership] = field(default_factory=set)
    updated: dict[Membership, ExamMembership] = field(default_factory=dict)
    """By the membership (attributes do not count), the one with the new attributes."""


def write_changed(reader: FileReader, change: FileChange, target: TextIO) -> bool:
    """Writes the file of `reader` with its `change` to `target`; whether any row is another one.

    A row of which nothing is changed keeps its cells. What is no CSV raises FaultsFoundError.
    """
    if not reader.file.exists():
        return _Table(reader, _FIRST_COLUMNS, CsvFormat(), change, target).append()
    with open_csv(reader.file) as opened:
        _, header = next(opened.rows, (1, _FIRST_COLUMNS))
        table = _Table(reader, header, opened.format, change, target)
        return table.copy(opened) | table.append()


class _Table:
    def __init__(
        self,
        reader: FileReader,
        header: list[str],
        written: CsvFormat,
        change: FileChange,
        target: TextIO,
    ) -> None:
        self._reader, self._change = reader, change
        self._old_columns = names_of_columns(header)
        self._new_columns = self._find_new_columns()
        self._columns = [*self._old_columns, *self._new_columns]
        self._fillers = ["student" if name == "role" else "" for name in self._new_columns]
        self._writer = CsvWriter(target, written)
        self._writer.write_row([*header, *self._new_columns])

    def copy(self, opened: CsvFile) -> bool:
        """Writes the rows that stay; whether any was left out or changed."""
        rows, changed = self._reader.parser_of(self._old_columns), False
        for _, row in opened.rows:
            if not has_text(row):
                self._writer.write_row(row)
                continue
            membership = rows.parse(row)
            if membership in self._change.removed:
                changed = True
                continue
            row = [*row, *self._fillers]
            if wanted := self._change.updated.get(membership):
                row, changed = self._with_attributes(row, wanted), True
            self._writer.write_row(row)
        return changed

    def append(self) -> bool:
        """Writes the rows that are added; whether there are any."""
        for membership in self._change.added:
            cells = cells_of(membership)
            self._writer.write_row([cells.get(name, "") for name in self._columns])
        return bool(self._change.added)

    def _with_attributes(self, row: list[str], wanted: ExamMembership) -> list[str]:
        return [
            cell if name in COLUMNS else wanted.attributes.get(name, "")
            for name, cell in zip(self._columns, row, strict=True)
        ]

    def _find_new_columns(self) -> list[str]:
        """The columns that the new rows need and the file has not."""
        known = {*self._old_columns, *self._reader.implied}
        wanted: dict[str, None] = {}
        for membership in self._change.added:
            wanted.update(dict.fromkeys(_needed_columns(membership)))
        for updated in self._change.updated.values():
            wanted.update(dict.fromkeys(updated.attributes))
        missing = [name for name in wanted if name not in known]
        if "role" not in {*known, *missing} and any(map(is_like_role, missing)):
            missing.append("role")
        return missing


def _needed_columns(membership: Membership) -> list[str]:
    """A row without a role is a student's."""
    is_student = membership.role is Role.STUDENT
    return [name for name in cells_of(membership) if name != "role" or not is_student]
