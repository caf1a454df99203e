"""Groups of the newer course hub, where a file lists who is in them.

JupyterHub's `load_groups` has them in the chart's values, as `AMR.WS25.graders`,
`term.<course>.<term>.<role>` or `lms.course.<course>.term.<term>.<role>`. A name without two
unmistakable ids is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from e2xhub.domain.catalog import RESERVED_COURSE_ID
from e2xhub.domain.identifiers import CourseId, TermId, Username
from e2xhub.domain.roles import Role
from e2xhub.imports.legacy.deployment import Deployment, LegacyTerm
from e2xhub.imports.legacy.notes import NoteKind, Notes
from e2xhub.imports.legacy.yaml_files import Section

_PLACES = (("load_groups",), ("groups",), ("hub", "config", "JupyterHub", "load_groups"))
_PATTERNS = tuple(
    map(
        re.compile,
        (
            r"lms\.course\.([^.]+)\.term\.([^.]+)\.([^.]+)",
            r"term\.([^.]+)\.([^.]+)\.([^.]+)",
            r"([^.]+)\.([^.]+)\.([^.]+)",
        ),
    )
)
_ROLES = {
    "student": Role.STUDENT,
    "students": Role.STUDENT,
    "grader": Role.GRADER,
    "graders": Role.GRADER,
    "teaching-assistant": Role.GRADER,
    "teaching-assistants": Role.GRADER,
    "instructor": Role.INSTRUCTOR,
    "instructors": Role.INSTRUCTOR,
    "observer": Role.OBSERVER,
    "observers": Role.OBSERVER,
}
_ADD = "add its people with 'e2xhub roster add', or declare 'groups' in the catalog"


@dataclass(frozen=True, kw_only=True)
class _Meaning:
    course: CourseId
    term: TermId
    role: Role


def read_groups(section: Section, found: Deployment, notes: Notes) -> bool:
    """Makes members of the people in the groups of a file; whether it has any groups."""
    has_groups = False
    for place in _PLACES:
        groups = section
        for key in place:
            groups = groups.section(key)
        for name, users in groups.value.items():
            has_groups = True
            _read_group(groups, name, list(_usernames(users)), found, notes)
    return has_groups


def _read_group(
    groups: Section, name: str, users: list[Any], found: Deployment, notes: Notes
) -> None:
    meaning = _meaning_of(name)
    if meaning is None:
        message = f"its name says no course, term and role ({len(users)} people)"
        groups.note(notes, NoteKind.LEFT_OUT, name, message, _ADD)
        return
    where = groups.where(name)
    term = found.terms.setdefault(
        (meaning.course, meaning.term),
        LegacyTerm(
            where=where,
            course=meaning.course,
            term=meaning.term,
            course_id=f"{meaning.course}-{meaning.term}",
        ),
    )
    message = f"its people have the role {meaning.role.value} in {meaning.course} {meaning.term}"
    advice = "declare 'groups' in the catalog where a sign-in service delivers the group"
    groups.note(notes, NoteKind.GUESSED, name, message, advice)
    for user in users:
        try:
            term.members.setdefault((Username.parse(str(user)), meaning.role), where)
        except ValueError as error:
            groups.note(notes, NoteKind.LEFT_OUT, name, str(error), _ADD)


def _usernames(users: Any) -> Iterator[Any]:
    """JupyterHub takes a list, or a mapping with the key `users`."""
    listed = users.get("users") if isinstance(users, dict) else users
    yield from listed if isinstance(listed, list) else ()


def _meaning_of(name: str) -> _Meaning | None:
    match = next((match for pattern in _PATTERNS if (match := pattern.fullmatch(name))), None)
    role = _ROLES.get(match[3]) if match else None
    if match is None or role is None or match[1] == RESERVED_COURSE_ID:
        return None
    try:
        return _Meaning(course=CourseId.parse(match[1]), term=TermId.parse(match[2]), role=role)
    except ValueError:
        return None
