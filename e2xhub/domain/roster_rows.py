"""What a row of a roster means: from texts by column to a membership of the catalog's courses.

The same for every place in which rosters are kept; `storage.roster_files` reads CSV.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.identifiers import CourseId, ExamId, Identifier, TermId, Username
from e2xhub.domain.roles import COURSE_ROLES, EXAM_ROLES, Role
from e2xhub.domain.roster import CourseMembership, ExamMembership, Membership

COLUMNS = ("username", "course", "term", "exam", "role")
"""The columns with a meaning; others are attributes of an examinee."""

_T = TypeVar("_T")
_Id = TypeVar("_Id", bound=Identifier)


def parse_membership(cells: Mapping[str, str], catalog: Catalog) -> Membership:
    """The membership that `cells` (text by column) declare; raises ValueError with every fault.

    A row with a text in `exam` belongs to the exam. Where there is no role, it is a student's.
    """
    row = _Row(cells)
    username = row.read("username", Username.parse)
    if cells.get("exam") or not {"course", "term"} <= cells.keys():
        exam = row.read("exam", lambda text: _declared("exam", ExamId.parse(text), catalog.exams))
        role = row.read("role", lambda text: _parse_role(text, EXAM_ROLES))
        row.raise_faults()
        attributes = {name: text for name, text in cells.items() if name not in COLUMNS and text}
        return ExamMembership(username=username, exam=exam, role=role, attributes=attributes)
    course = row.read("course", lambda t: _declared("course", CourseId.parse(t), catalog.courses))
    terms = catalog.courses[course].terms if course in catalog.courses else None
    term = row.read("term", lambda text: _declared("term", TermId.parse(text), terms))
    role = row.read("role", lambda text: _parse_role(text, COURSE_ROLES))
    row.raise_faults()
    return CourseMembership(username=username, course=course, term=term, role=role)


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
            self._faults.append(str(error))
            return text  # type: ignore[return-value]

    def raise_faults(self) -> None:
        """Raises ValueError with all faults of the row, if there are any."""
        if self._faults:
            raise ValueError("; ".join(self._faults))


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
