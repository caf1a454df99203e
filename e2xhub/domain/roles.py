"""Roles, kinds of hub, and which role works on which hub."""

from __future__ import annotations

from enum import Enum


class Role(str, Enum):
    """What a person is in a course or an exam."""

    STUDENT = "student"
    GRADER = "grader"
    INSTRUCTOR = "instructor"
    OBSERVER = "observer"
    PROCTOR = "proctor"

    @property
    def is_read_only(self) -> bool:
        """Whether this role writes nothing, whatever the catalog's mounts say."""
        return self is Role.OBSERVER


class HubKind(str, Enum):
    """What a hub is for; each kind offers other servers from the same catalog."""

    ASSIGNMENT = "assignment"
    EXAM = "exam"
    GRADING = "grading"


_GRADING_ROLES = frozenset({Role.GRADER, Role.INSTRUCTOR, Role.OBSERVER})

COURSE_ROLES = frozenset({Role.STUDENT, *_GRADING_ROLES})
EXAM_ROLES = frozenset({Role.STUDENT, Role.PROCTOR, *_GRADING_ROLES})

# Who gets a server of a course, and who one of an exam, on which hub. What is missing is refused.
COURSE_ROLES_ON = {
    HubKind.ASSIGNMENT: COURSE_ROLES,
    HubKind.EXAM: frozenset[Role](),
    HubKind.GRADING: _GRADING_ROLES,
}
EXAM_ROLES_ON = {
    HubKind.ASSIGNMENT: frozenset[Role](),
    HubKind.EXAM: frozenset({Role.STUDENT}),
    HubKind.GRADING: _GRADING_ROLES,
}
