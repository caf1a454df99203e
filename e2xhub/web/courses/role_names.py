"""What members of a course are called on its pages."""

from __future__ import annotations

from collections.abc import Iterable

from e2xhub.domain.roles import Role
from e2xhub.web.translations import Translator


def role_names(translate: Translator) -> dict[Role, str]:
    """Each role that somebody may have in a course; in the order of lists to choose from."""
    return {
        Role.STUDENT: translate("Student"),
        Role.GRADER: translate("Grader"),
        Role.OBSERVER: translate("Observer"),
        Role.INSTRUCTOR: translate("Instructor"),
    }


def join_roles(roles: Iterable[Role], translate: Translator) -> str:
    """Several roles of one person."""
    names = role_names(translate)
    return ", ".join(names[role] for role in roles)
