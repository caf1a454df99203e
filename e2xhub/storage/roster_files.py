"""Reads a roster from CSV: one file, or a directory of them; reports every fault with its line.

Columns are `username,course,term,role` or `username,exam,role`; further ones are kept as
attributes of an examinee. In a directory, `<course>/<term>.csv` and `exams/<exam>.csv` say by
their place what the rows belong to, and `role` is `student` where the column is missing.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from e2xhub.domain.catalog import RESERVED_COURSE_ID, Catalog
from e2xhub.domain.roster import Membership, Roster
from e2xhub.domain.roster_rows import parse_membership
from e2xhub.errors import Fault, FaultsFoundError
from e2xhub.storage.directories import files_at
from e2xhub.storage.text_files import read_text

_SIMILAR = 0.7  # of difflib: 'rolle' and 'roles' are taken for 'role', 'room' is not
_SUFFIXES = {".csv"}
_DELIMITERS = ",;\t"


def load_roster(path: Path, catalog: Catalog) -> Roster:
    """The roster at `path`; raises FaultsFoundError with every fault where it has any."""
    memberships: list[Membership] = []
    faults: list[Fault] = []
    for file in files_of(path):
        reader = _FileReader(file=file, catalog=catalog, implied=implied_by_place(path, file))
        memberships += reader.read(faults)
    if faults:
        raise FaultsFoundError(faults)
    return Roster(memberships)


def files_of(path: Path) -> list[Path]:
    """The files of the roster at `path`; raises FaultsFoundError where they cannot be told."""
    return files_at(path, _SUFFIXES, kind="CSV", expected="a roster")


def find_delimiter(text: str) -> str:
    """What separates the cells of a CSV text: what its header has most of."""
    return max(_DELIMITERS, key=text.split("\n", 1)[0].count)


def implied_by_place(root: Path, file: Path) -> dict[str, str]:
    """Columns that a file in a directory may leave out, because its place says them."""
    if not root.is_dir() or len(places := file.relative_to(root).with_suffix("").parts) != 2:
        return {}
    if places[0] == RESERVED_COURSE_ID:
        return {"exam": places[1]}
    return {"course": places[0], "term": places[1]}


@dataclass(frozen=True, kw_only=True)
class _FileReader:
    file: Path
    catalog: Catalog
    implied: dict[str, str]

    def read(self, faults: list[Fault]) -> Iterator[Membership]:
        """The memberships in the file; what is wrong in it is added to `faults`."""
        try:
            rows = self._rows()
            columns = self._columns(next(rows, (1, [])))
            for line, row in rows:
                if any(row):
                    try:
                        yield self._membership(columns, row)
                    except ValueError as error:
                        faults.append(self._fault(line, str(error)))
        except FaultsFoundError as error:
            faults.extend(error.faults)

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        text = read_text(self.file)
        reader = csv.reader(
            io.StringIO(text, newline=""), delimiter=find_delimiter(text), strict=True
        )
        line = 1
        try:
            for row in reader:
                yield line, [cell.strip() for cell in row]
                line = reader.line_num + 1
        except csv.Error as error:
            # Where the row begins: quotes that are never closed run to the end of the file.
            raise self._stop(line, f"this is not CSV: {error}") from None

    def _columns(self, header: tuple[int, list[str]]) -> list[str]:
        """The names of the columns; raises FaultsFoundError where the rows cannot be placed."""
        line, cells = header
        columns = [cell.lower() for cell in cells]
        repeated = {name for name in columns if columns.count(name) > 1}
        if repeated:
            raise self._stop(line, f"the column {sorted(repeated)[0]!r} stands there twice")
        self._check_spelling(line, columns)
        known = {*columns, *self.implied}
        if "role" not in columns and not self.implied and "username" in columns:
            raise self._stop(line, "the column 'role' is missing; without it nobody has a role")
        if "username" not in columns or not ({"course", "term"} <= known or "exam" in known):
            raise self._stop(
                line,
                f"the header is {','.join(cells)!r}; expected 'username,course,term,role' or "
                "'username,exam,role', or a file <course>/<term>.csv or exams/<exam>.csv",
            )
        return columns

    def _check_spelling(self, line: int, columns: list[str]) -> None:
        """A misspelt `role` would be kept as an attribute, and everybody would be a student."""
        similar = [] if "role" in columns else get_close_matches("role", columns, 1, _SIMILAR)
        if similar:
            raise self._stop(line, f"the column {similar[0]!r} is not known; did you mean 'role'?")

    def _membership(self, columns: list[str], row: list[str]) -> Membership:
        if len(row) != len(columns):
            raise ValueError(f"the row has {len(row)} cells; expected {len(columns)} as the header")
        cells = {**self.implied, **dict(zip(columns, row, strict=True))}
        return parse_membership(cells, self.catalog)

    def _fault(self, line: int, message: str) -> Fault:
        return Fault(file=str(self.file), line=line, message=message)

    def _stop(self, line: int, message: str) -> FaultsFoundError:
        return FaultsFoundError([self._fault(line, message)])
