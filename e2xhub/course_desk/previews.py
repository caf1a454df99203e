"""What a list would change among the members of a term, as somebody sees it before it is made."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from e2xhub.course_desk.doubts import NameDoubt
from e2xhub.course_desk.other_roles import SeveralRoles
from e2xhub.domain.course_staff import ReadOnlyReason
from e2xhub.domain.roles import Role
from e2xhub.domain.roster import CourseMembership, Membership
from e2xhub.domain.roster_changes import RosterChange
from e2xhub.errors import Sentence

MOST_SHOWN = 200
"""Of faults and of people who are left out, so many are told one by one."""


@dataclass(frozen=True, kw_only=True)
class PersonInRole:
    """Somebody who gets, loses or has a role."""

    username: str
    role: Role


@dataclass(frozen=True, kw_only=True)
class RoleChange:
    """Somebody who loses one role and gets another."""

    username: str
    before: Role
    after: Role


@dataclass(frozen=True, kw_only=True)
class LineFault:
    """What is wrong in a line of a list."""

    line: int
    """Counted from 1; 0 where the fault is in no line."""
    message: str
    """In English; what stands in the list is shown by `repr`, as one printable line."""
    sentence: Sentence | None = None
    """The same for other languages; None: there are none."""


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """Somebody in a list whom it does not change, and why."""

    username: str
    role: Role
    reason: ReadOnlyReason


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What a list would change; `digest` names exactly this difference."""

    digest: str
    """For `CourseDesk.apply`; 64 hexadecimal digits."""
    added: tuple[PersonInRole, ...] = ()
    removed: tuple[PersonInRole, ...] = ()
    changed: tuple[RoleChange, ...] = ()
    """People with another role; they are not among `added` and `removed`."""
    unchanged: int = 0
    """How many rows say what is so already."""
    missing: int = 0
    """How many members, of the roles in the list, it has not; they stay."""
    missing_roles: tuple[Role, ...] = ()
    """Their roles."""
    left_out: tuple[LeftOut, ...] = ()
    """The first `MOST_SHOWN` whom the person may not change."""
    left_out_count: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)
    """How many rows of a learning platform's list are of nobody, by reason (`suspended`)."""
    faults: tuple[LineFault, ...] = ()
    """The first `MOST_SHOWN`; a list with any cannot be applied."""
    fault_count: int = 0
    loses_many: bool = False
    """Whether it takes a second confirmation: more than 30 % of the members would be removed."""
    several: tuple[SeveralRoles, ...] = ()
    """Who would have a role beside others."""
    doubt: NameDoubt | None = None
    size: int = 0
    """How many memberships the roster has in the term before the change."""

    @property
    def changes_anything(self) -> bool:
        """Whether there is anything to apply."""
        return bool(self.added or self.removed or self.changed)


def digest_of(course: str, term: str, change: RosterChange) -> str:
    """The same for the same change of the same term, and for no other: 64 hexadecimal digits."""
    listed = [sorted(map(_pair, items)) for items in (change.added, change.removed)]
    return sha256(json.dumps([course, term, *listed]).encode()).hexdigest()


def split_change(
    change: RosterChange,
) -> tuple[tuple[PersonInRole, ...], tuple[PersonInRole, ...], tuple[RoleChange, ...]]:
    """Who is added, who is removed, and whose one role becomes another one."""
    added, removed = _by_name(change.added), _by_name(change.removed)
    both = [name for name in added if len(added[name]) == 1 and len(removed.get(name, ())) == 1]
    changed = tuple(
        RoleChange(username=name, before=removed.pop(name)[0], after=added.pop(name)[0])
        for name in both
    )
    return _people(added), _people(removed), changed


def _people(roles: Mapping[str, list[Role]]) -> tuple[PersonInRole, ...]:
    return tuple(
        PersonInRole(username=name, role=role) for name in sorted(roles) for role in roles[name]
    )


def _by_name(memberships: Iterable[Membership]) -> dict[str, list[Role]]:
    found: defaultdict[str, list[Role]] = defaultdict(list)
    for membership in memberships:
        found[membership.username].append(membership.role)
    return dict(found)


def _pair(membership: Membership) -> tuple[str, str]:
    assert isinstance(membership, CourseMembership)
    return str(membership.username), membership.role.value
