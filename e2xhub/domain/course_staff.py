"""Who may change whom among the members of a course's term, on the hub's pages.

Instructors add and remove students, graders and observers of their terms. Nobody changes
instructors or themselves here, and nobody the roster of an exam. What the command line may do is
not decided here: whoever runs it can write the roster anyway.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from enum import Enum

from e2xhub.domain.catalog import Term
from e2xhub.domain.identifiers import CourseId, TermId
from e2xhub.domain.members_place import MembersPlace
from e2xhub.domain.offers import Registry
from e2xhub.domain.roles import COURSE_ROLES, Role
from e2xhub.domain.roster import CourseMembership, Membership
from e2xhub.domain.settings import Settings, term_settings

STAFF_ROLES = (Role.INSTRUCTOR, Role.GRADER, Role.OBSERVER)
"""Who sees the members of a term; the most powerful first."""
CHANGEABLE_ROLES = frozenset({Role.STUDENT, Role.GRADER, Role.OBSERVER})
"""The roles that an instructor gives and takes."""


class ReadOnlyReason(str, Enum):
    """Why somebody who sees members may not change them; a sentence for that person."""

    NOT_INSTRUCTOR = "Only the instructors of this course can change its members."
    IN_FILES = "The members of this course are kept in files; they cannot be changed here."
    CHANGES_OFF = "Changing members is switched off on this hub."
    SHARED_HOST = (
        "Members cannot be changed here: on this hub work of students is run in the servers of "
        "those who grade, on the same host as this page. Change members on the assignment hub."
    )
    SETTINGS_MISSING = (
        "Members cannot be changed here: this hub keeps no record of changes. Its administrators "
        "have to set database_url and pepper_file."
    )
    ROSTER_UNWRITABLE = (
        "Members cannot be changed here: this hub cannot write the list of members. Please tell "
        "its administrators."
    )
    OTHER_PEPPER = (
        "Members cannot be changed here: the record of changes is kept under the key of another "
        "hub. Please tell the administrators of this hub."
    )
    TERM_OVER = "This term is over; its students cannot be changed any more."
    INSTRUCTOR = "Instructors are named by the administrators and cannot be changed here."
    YOURSELF = "You cannot change what you are yourself."
    IN_CATALOG = "This person is named in the catalog and cannot be removed here."
    BY_GROUP = "This membership comes from a group of the sign-in service."


@dataclass(frozen=True, kw_only=True)
class StaffedTerm:
    """A term in which somebody is staff."""

    course: CourseId
    term: TermId
    roles: tuple[Role, ...]
    """At least one of `STAFF_ROLES`, the most powerful first."""


@dataclass(frozen=True, kw_only=True)
class Management:
    """What somebody sees and may change of a term's members."""

    is_visible: bool
    """False: to this person, the term is one that does not exist."""
    roles: tuple[Role, ...] = ()
    """What the person is there, of `STAFF_ROLES`."""
    may_change: frozenset[Role] = frozenset()
    """The roles that the person may give to others and take from them."""
    withheld: Mapping[Role, ReadOnlyReason] = field(default_factory=dict)
    """Why not, for each other role of a course; empty where nothing is visible."""

    @property
    def read_only_reason(self) -> ReadOnlyReason | None:
        """Why nothing may be changed; None where something may be, or nothing is visible."""
        return None if self.may_change else self.withheld.get(Role.STUDENT)

    def without_changes(self, reason: ReadOnlyReason) -> Management:
        """The same for a hub on which nobody changes anything, for `reason`.

        Who could not change anything before keeps the reason of before.
        """
        if not self.may_change:
            return self
        withheld = {role: self.withheld.get(role, reason) for role in COURSE_ROLES}
        return replace(self, may_change=frozenset(), withheld=withheld)


_NOTHING = Management(is_visible=False)


def courses_of_staff(
    registry: Registry, username: str, groups: Iterable[str]
) -> tuple[StaffedTerm, ...]:
    """The terms that the hub serves in which `username` is staff, sorted by course and term.

    By the roster, by the catalog's `staff`, or by `groups` of the sign-in service.
    """
    found: defaultdict[tuple[CourseId, TermId], set[Role]] = defaultdict(set)
    for membership in registry.memberships_of(username, groups):
        if isinstance(membership, CourseMembership) and membership.role in STAFF_ROLES:
            found[membership.course, membership.term].add(membership.role)
    return tuple(
        StaffedTerm(course=course, term=term, roles=_ordered(roles))
        for (course, term), roles in sorted(found.items())
        if registry.served.includes(course, term)
    )


def decide_management(
    registry: Registry,
    username: str,
    groups: Iterable[str],
    course: str,
    term: str,
    now: datetime,
) -> Management:
    """What `username`, who is in `groups`, sees and may change at `now` (with time zone)."""
    memberships = registry.memberships_of(username, groups)
    return judge_memberships(registry, memberships, course, term, now)


def judge_memberships(
    registry: Registry, memberships: Iterable[Membership], course: str, term: str, now: datetime
) -> Management:
    """As `decide_management`, for somebody who has `memberships` and no other ones."""
    if not is_served(registry, course, term):
        return _NOTHING
    roles = _ordered({role for role in STAFF_ROLES if _has(memberships, course, term, role)})
    if not roles:
        return _NOTHING
    all_of_them = Management(
        is_visible=True,
        roles=roles,
        may_change=CHANGEABLE_ROLES,
        withheld=dict.fromkeys(COURSE_ROLES - CHANGEABLE_ROLES, ReadOnlyReason.INSTRUCTOR),
    )
    if Role.INSTRUCTOR not in roles:
        return _all_withheld(all_of_them, ReadOnlyReason.NOT_INSTRUCTOR)
    settings = term_settings(registry.catalog, CourseId(course), TermId(term))
    if settings.members_managed_in is MembersPlace.FILES:
        return _all_withheld(all_of_them, ReadOnlyReason.IN_FILES)
    declared = registry.catalog.courses[CourseId(course)].terms[TermId(term)]
    is_over = now >= _midnight_after(declared, settings, registry)
    return _without_students(all_of_them) if is_over else all_of_them


def is_served(registry: Registry, course: str, term: str) -> bool:
    """Whether the catalog has this term, and the hub serves it."""
    declared = registry.catalog.courses.get(CourseId(course))
    is_declared = declared is not None and term in declared.terms
    return is_declared and registry.served.includes(course, term)


def _midnight_after(term: Term, settings: Settings, registry: Registry) -> datetime:
    """When no student of `term` gets a server any more, not even to read."""
    first_day = term.end + timedelta(days=settings.archive_days + 1)
    return datetime.combine(first_day, time.min, tzinfo=registry.time_zone)


def _has(memberships: Iterable[Membership], course: str, term: str, role: Role) -> bool:
    wanted = (course, term, role)
    return any(
        isinstance(item, CourseMembership) and (item.course, item.term, item.role) == wanted
        for item in memberships
    )


def _all_withheld(management: Management, reason: ReadOnlyReason) -> Management:
    withheld = dict.fromkeys(COURSE_ROLES, reason)
    return replace(management, may_change=frozenset(), withheld=withheld)


def _without_students(management: Management) -> Management:
    """Graders and observers still get servers when a term is over; its students do not."""
    return replace(
        management,
        may_change=management.may_change - {Role.STUDENT},
        withheld={**management.withheld, Role.STUDENT: ReadOnlyReason.TERM_OVER},
    )


def _ordered(roles: Iterable[Role]) -> tuple[Role, ...]:
    return tuple(sorted(roles, key=STAFF_ROLES.index))
