"""The members of a term, as somebody of its staff sees them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum

from e2xhub.domain.course_staff import Management, ReadOnlyReason, StaffedTerm
from e2xhub.domain.identifiers import CourseId, TermId
from e2xhub.domain.offers import Registry
from e2xhub.domain.roles import Role
from e2xhub.domain.roster import CourseMembership, Roster


class MemberSource(str, Enum):
    """What makes somebody a member."""

    ROSTER = "roster"
    """The roster: can be changed here."""
    CATALOG = "catalog"
    """The catalog's `staff`."""
    GROUP = "group"
    """A group of the sign-in service; only the viewer's own are known."""


@dataclass(frozen=True, kw_only=True)
class Member:
    """Somebody in one role; who has two roles is there twice."""

    username: str
    role: Role
    source: MemberSource
    kept_by: ReadOnlyReason | None
    """Why the viewer cannot remove this membership; None: it can be removed."""


@dataclass(frozen=True, kw_only=True)
class TermSummary:
    """A term on the list of somebody's courses."""

    course: CourseId
    term: TermId
    title: str
    term_title: str
    starts: date
    ends: date
    """The last day."""
    is_current: bool
    """Whether today is a day of the term, where the university is."""
    roles: tuple[Role, ...]
    """What the viewer is there, the most powerful first."""
    member_count: int
    """How many memberships there are, without those by groups."""
    read_only_reason: ReadOnlyReason | None
    """Why the viewer changes nothing; None: something can be changed."""


@dataclass(frozen=True, kw_only=True)
class TermMembers:
    """What the page of a term shows."""

    summary: TermSummary
    management: Management
    members: tuple[Member, ...]
    """By role (instructors, graders, observers, students), then by username."""


_SHOWN_FIRST = (Role.INSTRUCTOR, Role.GRADER, Role.OBSERVER, Role.STUDENT)


def summarize(
    registry: Registry,
    roster: Roster,
    staffed: StaffedTerm,
    management: Management,
    now: datetime,
) -> TermSummary:
    """What the list of courses says about a term of `registry`; counts in `roster`."""
    course = registry.catalog.courses[staffed.course]
    term = course.terms[staffed.term]
    return TermSummary(
        course=staffed.course,
        term=staffed.term,
        title=course.title,
        term_title=term.title or staffed.term,
        starts=term.start,
        ends=term.end,
        is_current=term.start <= now.astimezone(registry.time_zone).date() <= term.end,
        roles=staffed.roles,
        member_count=roster.count_members(staffed.course, staffed.term),
        read_only_reason=management.read_only_reason,
    )


def list_members(
    roster: Roster,
    own: Iterable[CourseMembership],
    management: Management,
    actor: str,
    place: tuple[CourseId, TermId],
) -> tuple[Member, ...]:
    """The members of the term `place` for `actor`, whose `own` memberships may come from groups."""
    listed = roster.members_of(*place)
    known = set(listed)
    by_group = (item for item in own if (item.course, item.term) == place and item not in known)
    found = [
        *_members(listed, roster, management, actor),
        *(_member(item, MemberSource.GROUP, management, actor) for item in by_group),
    ]
    return tuple(sorted(found, key=lambda it: (_SHOWN_FIRST.index(it.role), it.username)))


def _members(
    listed: Iterable[CourseMembership], roster: Roster, management: Management, actor: str
) -> Iterator[Member]:
    for item in listed:
        source = MemberSource.ROSTER if roster.is_own(item) else MemberSource.CATALOG
        yield _member(item, source, management, actor)


def _member(
    item: CourseMembership, source: MemberSource, management: Management, actor: str
) -> Member:
    return Member(
        username=item.username,
        role=item.role,
        source=source,
        kept_by=why_kept(item, source, management, actor),
    )


def why_kept(
    item: CourseMembership, source: MemberSource, management: Management, actor: str
) -> ReadOnlyReason | None:
    """Why `actor` cannot remove `item`; None where that is possible."""
    if item.role not in management.may_change:
        return management.withheld[item.role]
    if item.username == actor:
        return ReadOnlyReason.YOURSELF
    if source is MemberSource.ROSTER:
        return None
    is_named = source is MemberSource.CATALOG
    return ReadOnlyReason.IN_CATALOG if is_named else ReadOnlyReason.BY_GROUP
