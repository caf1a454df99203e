"""Who works on an exam hub without sitting an exam there, and on which exams."""

from __future__ import annotations

from dataclasses import dataclass

from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.domain.offers import Registry
from e2xhub.domain.roles import Role
from e2xhub.domain.roster import ExamMembership

WATCHING_ROLES = frozenset({Role.PROCTOR, Role.INSTRUCTOR})
"""Who issues codes and watches the room. Graders and observers begin when the exam is over, on the
grading hub; instructors of the exam's course have no part in it unless the exam names them."""


@dataclass(frozen=True, kw_only=True)
class StaffEntry:
    """The exams that somebody watches on this hub; `reason` tells the log why there are none."""

    exams: tuple[ExamId, ...]
    reason: str = ""


def decide_staff_entry(registry: Registry, typed: str) -> StaffEntry:
    """The exams that the person with the username `typed` watches, in the roster's order.

    Whoever sits an exam of this hub watches none: a code on a slip must never open the console, nor
    a proctor's rights reach into an examinee's session.
    """
    try:
        username = Username.parse(typed)
    except ValueError:
        return StaffEntry(exams=(), reason="has a name that no roster can have")
    if username != typed:
        return StaffEntry(exams=(), reason=f"is written {username} on rosters")
    served = [
        membership
        for membership in registry.roster.memberships_of(username)
        if isinstance(membership, ExamMembership) and registry.serves_exam(membership.exam)
    ]
    watched = dict.fromkeys(item.exam for item in served if item.role in WATCHING_ROLES)
    sat = dict.fromkeys(item.exam for item in served if item.role is Role.STUDENT)
    if watched and not sat:
        return StaffEntry(exams=tuple(watched))
    return StaffEntry(exams=(), reason=_explain(tuple(watched), tuple(sat)))


def _explain(watched: tuple[ExamId, ...], sat: tuple[ExamId, ...]) -> str:
    if watched:
        return (
            f"watches {', '.join(watched)} and sits {', '.join(sat)} on the same hub; nobody may "
            "do both: give the person a second account for one of them, or take them off one roster"
        )
    return (
        "is neither proctor nor instructor of an exam that this hub serves; name the person under "
        "the exam's 'proctors' in the catalog, or put them on its roster as proctor"
    )
