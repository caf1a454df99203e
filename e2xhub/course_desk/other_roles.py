"""Who would be in a term in two roles, such as a student who becomes a grader.

Two roles are possible, and seldom meant: whoever studies and grades would grade their own work.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from enum import Enum

from e2xhub.course_desk.access import Access
from e2xhub.course_desk.members import MemberSource, why_kept
from e2xhub.domain.roles import Role
from e2xhub.domain.roster import CourseMembership, Membership
from e2xhub.domain.roster_changes import RosterChange


class OtherRoles(str, Enum):
    """What becomes of the roles that somebody has who gets another one."""

    KEEP = "keep"
    REPLACE = "replace"
    """Those that the actor may take away are taken away; others stay."""
    ASK = "ask"
    """Nothing is changed where there is one: the actor is asked."""


@dataclass(frozen=True, kw_only=True)
class SeveralRoles:
    """Somebody who would have a role beside others."""

    username: str
    before: tuple[Role, ...]
    """What the person is already, and would stay."""
    added: Role
    is_replaceable: bool
    """Whether the actor may take all of `before` away."""


def find_several(
    access: Access, change: RosterChange, listed: Collection[Membership] = ()
) -> tuple[SeveralRoles, ...]:
    """Who would have several roles by `change`; what is `listed` is meant so."""
    gone = {*change.removed, *listed}
    found = []
    for item in change.added:
        others = [other for other in _others(access, item) if other not in gone]
        if others:
            found.append(
                SeveralRoles(
                    username=str(item.username),
                    before=tuple(other.role for other in others),
                    added=item.role,
                    is_replaceable=all(is_changeable(access, other) for other in others),
                )
            )
    return tuple(found)


def replace_others(
    access: Access, change: RosterChange, listed: Collection[Membership] = ()
) -> RosterChange:
    """`change`, which takes the other roles of those who get one away as well."""
    taken = [
        other
        for item in change.added
        for other in _others(access, item)
        if other not in listed and is_changeable(access, other)
    ]
    return replace(change, removed=tuple(dict.fromkeys([*change.removed, *taken])))


def is_changeable(access: Access, item: CourseMembership) -> bool:
    """Whether the actor may take `item`, which somebody has in the roster, away."""
    if not access.roster.is_own(item):
        return False
    return why_kept(item, MemberSource.ROSTER, access.management, access.actor) is None


def _others(access: Access, added: Membership) -> Iterable[CourseMembership]:
    """What somebody has in the term besides the role that is added."""
    for item in access.roster.memberships_of(added.username):
        if not isinstance(item, CourseMembership) or item.role is added.role:
            continue
        if (item.course, item.term) == access.place:
            yield item
