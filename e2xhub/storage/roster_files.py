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
from pathlib import Path

from e2xhub.domain.catalog import RESERVED_COURSE_ID, Catalog
from e2xhub.domain.identifiers import CourseId, ExamId, TermId, Username
from e2xhub.domain.roles import COURSE_ROLES, EXAM_ROLES, Role
from e2xhub.domain.roster import CourseMembership, ExamMembership, Membership, Roster
from e2xhub.errors import Fault, FaultsFoundError
from e2xhub.storage.directories import files_below

_KNOWN = {"username", "course", "term", "exam", "role"}
_DELIMITERS = ",;\t"


def load_roster(path: Path, catalog: Catalog) -> Roster:
    """The roster at `path`; raises FaultsFoundError with every fault where it has any."""
    memberships: list[Membership] = []
    faults: list[Fault] = []
    for file in _files_of(path):
        reader = _FileReader(file=file, catalog=catalog, implied=_implied_by_place(path, file))
        memberships += reader.read(faults)
    if faults:
        raise FaultsFoundError(faults)
    return Roster(memberships)


def _files_of(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = files_below(path, {".csv"})
    if not files:
        raise FaultsFoundError(
            [Fault(file=str(path), line=1, message="no CSV file is here; expected a roster")]
        )
    return files


def _implied_by_place(root: Path, file: Path) -> dict[str, str]:
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
        text = self._text()
        first_line = text.split("\n", 1)[0]
        delimiter = max(_DELIMITERS, key=first_line.count)
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        line = 1
        try:
            for row in reader:
                yield line, [cell.strip() for cell in row]
                line = reader.line_num + 1
        except csv.Error as error:
            raise self._stop(reader.line_num, f"this is not CSV: {error}") from None

    def _text(self) -> str:
        try:
            return self.file.read_text(encoding="utf-8-sig")
        except OSError as error:
            raise self._stop(1, f"cannot be read: {error.strerror}") from None
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            raise self._stop(line, "this is not UTF-8; save the file as UTF-8") from None

    def _columns(self, header: tuple[int, list[str]]) -> list[str]:
        """The names of the columns; raises FaultsFoundError where the rows cannot be placed."""
        line, cells = header
        columns = [cell.lower() for cell in cells]
        repeated = {name for name in columns if columns.count(name) > 1}
        if repeated:
            raise self._stop(line, f"the column {sorted(repeated)[0]!r} stands there twice")
        known = {*columns, *self.implied}
        if "username" not in columns or not ({"course", "term"} <= known or "exam" in known):
            raise self._stop(
                line,
                f"the header is {','.join(cells)!r}; expected 'username,course,term,role' or "
                "'username,exam,role', or a file <course>/<term>.csv or exams/<exam>.csv",
            )
        return columns

    def _membership(self, columns: list[str], row: list[str]) -> Membership:
        if len(row) != len(columns):
            raise ValueError(f"the row has {len(row)} cells; expected {len(columns)} as the header")
        cells = {**self.implied, **dict(zip(columns, row, strict=True))}
        username = Username.parse(cells["username"])
        if cells.get("exam") or not {"course", "term"} <= cells.keys():
            return self._exam_membership(username, cells)
        return self._course_membership(username, cells)

    def _course_membership(self, username: Username, cells: dict[str, str]) -> CourseMembership:
        course, term = CourseId.parse(cells["course"]), TermId.parse(cells["term"])
        if course not in self.catalog.courses:
            raise ValueError(_unknown("course", course, self.catalog.courses))
        if term not in self.catalog.courses[course].terms:
            raise ValueError(_unknown("term", term, self.catalog.courses[course].terms))
        role = _parse_role(cells, COURSE_ROLES)
        return CourseMembership(username=username, course=course, term=term, role=role)

    def _exam_membership(self, username: Username, cells: dict[str, str]) -> ExamMembership:
        exam = ExamId.parse(cells["exam"])
        if exam not in self.catalog.exams:
            raise ValueError(_unknown("exam", exam, self.catalog.exams))
        attributes = {name: text for name, text in cells.items() if name not in _KNOWN and text}
        role = _parse_role(cells, EXAM_ROLES)
        return ExamMembership(username=username, exam=exam, role=role, attributes=attributes)

    def _fault(self, line: int, message: str) -> Fault:
        return Fault(file=str(self.file), line=line, message=message)

    def _stop(self, line: int, message: str) -> FaultsFoundError:
        return FaultsFoundError([self._fault(line, message)])


def _unknown(what: str, name: str, declared: object) -> str:
    known = ", ".join(sorted(map(str, declared))) or "none"  # type: ignore[call-overload]
    return f"{what} {name!r} is not in the catalog; expected one of: {known}"


def _parse_role(cells: dict[str, str], allowed: frozenset[Role]) -> Role:
    text = cells.get("role", Role.STUDENT.value).lower()
    names = sorted(role.value for role in allowed)
    if text not in names:
        raise ValueError(f"role {text!r} is not possible here; expected one of: {', '.join(names)}")
    return Role(text)
