"""Writes memberships as the lists that learning platforms read.

What `imports.lms.files` reads from such a list is what was written, but for roles that a platform
has no word for: these people are left out and counted.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from e2xhub.domain.roles import Role
from e2xhub.domain.roster import ExamMembership, Membership
from e2xhub.domain.roster_imports import place_of
from e2xhub.domain.roster_rows import COLUMNS, cells_of
from e2xhub.errors import E2xHubError
from e2xhub.imports.lms.formats import ListFormat
from e2xhub.imports.lms.tables import is_password_column, write_table
from e2xhub.storage.text_files import write_beside

_MOODLE_ROLES = {Role.STUDENT: "student", Role.GRADER: "teacher", Role.INSTRUCTOR: "editingteacher"}
_ILIAS_ROLES = {Role.STUDENT: "Member", Role.GRADER: "Tutor", Role.INSTRUCTOR: "Administrator"}
_CANVAS_ROLES = {Role.STUDENT: "student", Role.GRADER: "ta", Role.INSTRUCTOR: "teacher"}


class ListNotWrittenError(E2xHubError):
    """The file for an export cannot be written; it is as it was."""


@dataclass(frozen=True, kw_only=True)
class ExportedList:
    """A list as text, and whom it leaves out."""

    text: str
    count: int
    """How many memberships are in it."""
    left_out: Mapping[str, int]
    """How many memberships are not in it, by role."""


def make_list(memberships: Iterable[Membership], kind: ListFormat, course: str) -> ExportedList:
    """`memberships` in a format that is neither E2XHUB nor EXAM_SHEET.

    `course` is the other system's name of the course; empty: our course's or exam's id.
    """
    if kind is ListFormat.GENERIC:
        return _make_generic(list(memberships))
    header, roles, row_of, delimiter = _PLATFORMS[kind]
    found = list(memberships)
    told = [membership for membership in found if membership.role in roles]
    rows = [row_of(m, roles[m.role], course or place_of(m)[0]) for m in told]
    left_out = Counter(m.role.value for m in found if m.role not in roles)
    text = write_table([header, *rows], delimiter=delimiter)
    return ExportedList(text=text, count=len(told), left_out=dict(left_out))


_RowOf = Callable[[Membership, str, str], Sequence[str]]

_PLATFORMS: Mapping[ListFormat, tuple[Sequence[str], Mapping[Role, str], _RowOf, str]] = {
    ListFormat.MOODLE: (
        ("username", "course1", "role1"),
        _MOODLE_ROLES,
        lambda membership, role, course: (membership.username, course, role),
        ",",
    ),
    ListFormat.ILIAS: (
        ("Login", "Role / Status"),
        _ILIAS_ROLES,
        lambda membership, role, _course: (membership.username, role),
        ";",
    ),
    ListFormat.CANVAS: (
        ("course_id", "user_id", "role", "section_id", "status"),
        _CANVAS_ROLES,
        lambda membership, role, course: (course, membership.username, role, "", "active"),
        ",",
    ),
}


def _make_generic(memberships: Sequence[Membership]) -> ExportedList:
    names = sorted(
        {
            name
            for membership in memberships
            if isinstance(membership, ExamMembership)
            for name in membership.attributes
            if not is_password_column(name)
        }
    )
    cells = map(cells_of, memberships)
    rows = ([cell.get(name, "") for name in (*COLUMNS, *names)] for cell in cells)
    text = write_table([(*COLUMNS, *names), *rows])
    return ExportedList(text=text, count=len(memberships), left_out={})


def write_list(file: Path, text: str) -> None:
    """Puts `text` into `file` at once; a new file can be read by its owner only.

    Raises ListNotWrittenError where that is not possible.
    """
    file = file.resolve()
    if file.exists() and not file.is_file():  # a device would be replaced by a file
        raise ListNotWrittenError(f"{file} is no file; expected the name of a file to write")
    try:
        _replace(file, text)
    except OSError as error:
        raise ListNotWrittenError(f"{file} cannot be written: {error.strerror}") from None


def _replace(file: Path, text: str) -> None:
    new, _ = write_beside(file, lambda opened: opened.write(text))
    try:
        if file.exists():
            shutil.copymode(file, new)
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)
