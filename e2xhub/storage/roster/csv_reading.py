"""Reads a roster from CSV: one file, or a directory of them; reports every fault with its line.

Columns are `username,course,term,role` or `username,exam,role`; further ones are kept as
attributes of an examinee. In a directory, `<course>/<term>.csv` and `exams/<exam>.csv` say by
their place what the rows belong to, and `role` is `student` where the column is missing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import chain
from pathlib import Path

from e2xhub.domain.catalog import RESERVED_COURSE_ID, Catalog
from e2xhub.domain.roster import Membership, Roster
from e2xhub.domain.roster_rows import MembershipParser, RowParser
from e2xhub.errors import Fault, FaultsFoundError
from e2xhub.storage.csv_files import hint_at_delimiter, open_csv
from e2xhub.storage.directories import files_at

_SIMILAR = 0.7  # of difflib: 'rolle' and 'roles' are taken for 'role', 'room' is not
_SUFFIXES = {".csv"}


def load_roster(path: Path, catalog: Catalog) -> Roster:
    """The roster at `path`; raises FaultsFoundError with every fault where it has any."""
    faults: list[Fault] = []
    readers = make_readers(path, MembershipParser(catalog))
    roster = Roster(chain.from_iterable(reader.read(faults) for reader in readers))
    if faults:
        raise FaultsFoundError(faults)
    return roster


def files_of(path: Path) -> list[Path]:
    """The files of the roster at `path`; raises FaultsFoundError where they cannot be told."""
    return files_at(path, _SUFFIXES, kind="CSV", expected="a roster")


def make_readers(path: Path, parser: MembershipParser) -> list[FileReader]:
    """A reader for each file of the roster at `path`; raises FaultsFoundError as `files_of`."""
    return [make_reader(path, file, parser) for file in files_of(path)]


def make_reader(root: Path, file: Path, parser: MembershipParser) -> FileReader:
    """The reader of a file, also of a new one, of the roster at `root`."""
    return FileReader(file=file, parser=parser, implied=_implied_by_place(root, file))


def is_not_begun(path: Path) -> bool:
    """Whether no roster is at `path`, and one could be: in an empty directory or a new CSV file."""
    if path.is_dir():
        return all(entry.name.startswith(".") for entry in path.iterdir())
    return path.suffix.lower() in _SUFFIXES and path.parent.is_dir() and not path.exists()


def _implied_by_place(root: Path, file: Path) -> dict[str, str]:
    """Columns that a file in a directory may leave out, because its place says them."""
    if not root.is_dir() or len(places := file.relative_to(root).with_suffix("").parts) != 2:
        return {}
    if places[0] == RESERVED_COURSE_ID:
        return {"exam": places[1]}
    return {"course": places[0], "term": places[1]}


def is_like_role(column: str) -> bool:
    """Whether a file without the column `role` may not have this one: it could be meant."""
    return bool(get_close_matches("role", [column], 1, _SIMILAR))


@dataclass(frozen=True, kw_only=True)
class FileReader:
    """Reads one file of a roster."""

    file: Path
    parser: MembershipParser
    """Shared by all files of the roster."""
    implied: dict[str, str]

    def read(self, faults: list[Fault]) -> Iterator[Membership]:
        """The memberships in the file; what is wrong in it is added to `faults`."""
        try:
            with open_csv(self.file) as opened:
                columns = self._columns(next(opened.rows, (1, [])))
                rows = self.parser_of(columns)
                for line, row in opened.rows:
                    try:
                        yield rows.parse(row)
                    except ValueError as error:
                        if has_text(row):
                            message = f"{error}{hint_at_delimiter(row, columns)}"
                            faults.append(self._fault(line, message))
        except FaultsFoundError as error:
            faults.extend(error.faults)

    def parser_of(self, columns: Sequence[str]) -> RowParser:
        """What parses the rows of the file, whose columns are `columns`."""
        return self.parser.of_columns(columns, self.implied)

    def _columns(self, header: tuple[int, list[str]]) -> list[str]:
        """The names of the columns; raises FaultsFoundError where the rows cannot be placed."""
        line, cells = header
        columns = names_of_columns(cells)
        repeated = [name for name, count in Counter(columns).items() if count > 1]
        if repeated:
            raise self._stop(line, f"the column {sorted(repeated)[0]!r} stands there twice")
        self._check_spelling(line, columns)
        known = {*columns, *self.implied}
        if "role" not in columns and not self.implied and "username" in columns:
            raise self._stop(line, "the column 'role' is missing; without it nobody has a role")
        if "username" not in columns or not ({"course", "term"} <= known or "exam" in known):
            shown = ",".join(cell.strip() for cell in cells)
            raise self._stop(
                line,
                f"the header is {shown!r}; expected 'username,course,term,role' or "
                "'username,exam,role', or a file <course>/<term>.csv or exams/<exam>.csv",
            )
        return columns

    def _check_spelling(self, line: int, columns: list[str]) -> None:
        """A misspelt `role` would be kept as an attribute, and everybody would be a student."""
        similar = [] if "role" in columns else get_close_matches("role", columns, 1, _SIMILAR)
        if similar:
            raise self._stop(line, f"the column {similar[0]!r} is not known; did you mean 'role'?")

    def _fault(self, line: int, message: str) -> Fault:
        return Fault(file=str(self.file), line=line, message=message)

    def _stop(self, line: int, message: str) -> FaultsFoundError:
        return FaultsFoundError([self._fault(line, message)])


def has_text(row: Sequence[str]) -> bool:
    """Whether a row is more than a blank line."""
    return any(cell.strip() for cell in row)


def names_of_columns(header: Sequence[str]) -> list[str]:
    """The names of the columns in the cells of a file's first row."""
    return [cell.strip().lower() for cell in header]
