"""Which columns the lists of learning platforms and exam offices have.

- Moodle, file of users: https://docs.moodle.org/405/en/Upload_users; participants and grades, with
  columns in the language of whoever exports: https://docs.moodle.org/405/en/Grade_export
- ILIAS, export of a course's members, with the columns that are chosen there:
  https://github.com/ILIAS-eLearning/ILIAS/blob/release_8/Services/Membership/classes/Export/class.ilMemberExport.php
- Canvas, enrollments of the student information system:
  https://developerdocs.instructure.com/services/canvas/sis/file.sis_csv; gradebook:
  https://nemogb-dev.github.io/nemogb-r/articles/detailed-canvas-export-info.html
- exam sheets of e2x: `first_name,last_name,room,seat,username,password[,is_backup]`
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from e2xhub.domain.role_words import (
    CANVAS_NAMES,
    COMMON_NAMES,
    ILIAS_NAMES,
    MOODLE_NAMES,
    RoleWords,
)


class ListFormat(str, Enum):
    """Whose list it is."""

    MOODLE = "moodle"
    ILIAS = "ilias"
    CANVAS = "canvas"
    EXAM_SHEET = "exam-sheet"
    GENERIC = "generic"
    E2XHUB = "e2xhub"


@dataclass(frozen=True, kw_only=True)
class ListColumns:
    """The columns of a format, by what they mean to us; of several names the first counts."""

    names: Mapping[str, tuple[str, ...]]
    """What a column means here, and its names there."""
    words: RoleWords
    """What the words in its column of roles stand for."""
    separator: str = ""
    """What stands between several roles in one cell."""
    attributes: tuple[str, ...] = ()
    """Which of the meanings are kept as an examinee's attributes."""


COLUMNS_OF = {
    ListFormat.MOODLE: ListColumns(
        names={
            "username": ("username", "Anmeldename", "Benutzername"),
            "role": ("Roles", "Role", "Rollen", "Rolle"),
            "deleted": ("deleted",),
            "suspended": ("suspended",),
        },
        words=MOODLE_NAMES,
        separator=",",
    ),
    ListFormat.ILIAS: ListColumns(
        names={
            "username": ("Login", "Benutzername", "Anmeldename", "Username"),
            "role": (
                "Role / Status",
                "Rolle / Status",
                "Role/Status",
                "Rolle/Status",
                "Role",
                "Rolle",
            ),
        },
        words=ILIAS_NAMES,
    ),
    ListFormat.CANVAS: ListColumns(
        names={
            "username": ("SIS Login ID", "login_id", "user_id"),
            "role": ("role",),
            "student": ("Student",),
            "course": ("course_id",),
            "section": ("section_id",),
            "status": ("status",),
        },
        words=CANVAS_NAMES,
    ),
    ListFormat.EXAM_SHEET: ListColumns(
        names={
            "username": ("username", "Benutzername", "Login"),
            "room": ("room", "Raum"),
            "seat": ("seat", "Platz", "Sitzplatz"),
            "first_name": ("first_name", "Vorname"),
            "last_name": ("last_name", "Nachname"),
            "is_backup": ("is_backup",),
        },
        words=COMMON_NAMES,
        attributes=("room", "seat", "first_name", "last_name", "is_backup"),
    ),
    ListFormat.GENERIC: ListColumns(
        names={
            "username": ("username", "Benutzername", "Anmeldename", "Login"),
            "role": ("role", "Rolle", "roles", "Rollen"),
            "course": ("course",),
            "term": ("term",),
            "exam": ("exam",),
            "room": ("room",),
            "seat": ("seat",),
        },
        words=COMMON_NAMES,
        attributes=("course", "term", "exam", "room", "seat"),
    ),
}
"""Every format but `e2xhub`, whose lists are rosters."""
