"""What somebody asks about a term, with what decides whether and how it is answered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timezone

from traitlets.log import get_logger

from e2xhub.course_desk.refusals import (
    FAULTY_ROSTER,
    NO_ANSWER,
    DeskUnavailableError,
    NoSuchTermError,
)
from e2xhub.domain.course_staff import (
    Management,
    ReadOnlyReason,
    decide_management,
    judge_memberships,
)
from e2xhub.domain.identifiers import CourseId, TermId, Username
from e2xhub.domain.offers import Registry
from e2xhub.domain.roster import Membership, Roster
from e2xhub.domain.staff import memberships_of_staff
from e2xhub.errors import FaultsFoundError
from e2xhub.storage.live_registry import LiveRegistry


@dataclass(frozen=True, kw_only=True)
class Access:
    """Somebody's view of a term at one moment; it is visible to that person."""

    actor: Username
    groups: frozenset[str]
    course: CourseId
    term: TermId
    now: datetime
    registry: Registry
    """What the hub serves."""
    roster: Roster
    """The roster as it is now, with the catalog's staff; the registry's own in most cases."""
    management: Management
    closed: ReadOnlyReason | None
    """Why nobody changes anything on this hub."""

    @property
    def place(self) -> tuple[CourseId, TermId]:
        """The term."""
        return self.course, self.term

    def in_roster(self, listed: Roster) -> Access:
        """The same for another state of the roster (without the catalog's staff), decided anew.

        Raises NoSuchTermError where the person is no staff of the term by then.
        """
        others = self.registry.memberships_of(self.actor, self.groups)
        elsewhere = [item for item in others if not self.registry.roster.is_own(item)]
        return replace(
            self,
            roster=listed.including(memberships_of_staff(self.registry.catalog)),
            management=self._judge([*listed.memberships_of(self.actor), *elsewhere]),
        )

    def _judge(self, memberships: Iterable[Membership]) -> Management:
        judged = judge_memberships(self.registry, memberships, *self.place, self.now)
        return check_visible(restrict(judged, self.closed))


def open_access(
    live: LiveRegistry,
    closed: ReadOnlyReason | None,
    actor: str,
    groups: Iterable[str],
    course: str,
    term: str,
    *,
    is_view: bool = False,
) -> Access:
    """What `actor` asks about a term; reads the roster where it has just changed.

    Raises NoSuchTermError, and DeskUnavailableError where the roster cannot be read. Who only looks
    (`is_view`) gets what the hub serves then.
    """
    registry, roster = read_roster(live, is_view=is_view)
    found = Access(
        actor=Username(actor),
        groups=frozenset(groups),
        course=CourseId(course),
        term=TermId(term),
        now=datetime.now(timezone.utc),
        registry=registry,
        roster=roster,
        management=decide_now(registry, closed, actor, groups, course, term),
        closed=closed,
    )
    return found if roster is registry.roster else found.in_roster(roster)


def decide_now(
    registry: Registry,
    closed: ReadOnlyReason | None,
    actor: str,
    groups: Iterable[str],
    course: str,
    term: str,
) -> Management:
    """What `actor` may do now; raises NoSuchTermError where there is no such term for them."""
    now = datetime.now(timezone.utc)
    decided = decide_management(registry, actor, groups, course, term, now)
    return check_visible(restrict(decided, closed))


def restrict(management: Management, closed: ReadOnlyReason | None) -> Management:
    """`management` on a hub on which nobody changes anything where `closed` says why."""
    return management.without_changes(closed) if closed else management


def check_visible(management: Management) -> Management:
    """`management` itself; raises NoSuchTermError where nothing is visible."""
    if not management.is_visible:
        raise NoSuchTermError
    return management


def read_roster(live: LiveRegistry, *, is_view: bool) -> tuple[Registry, Roster]:
    """As `LiveRegistry.read_roster`; where that is not possible, a view is of what is served.

    Raises DeskUnavailableError for all that is no view.
    """
    try:
        return live.read_roster()
    except FaultsFoundError as error:
        if not is_view:
            raise unavailable(error) from error
    registry = live.current
    return registry, registry.roster


def unavailable(error: FaultsFoundError) -> DeskUnavailableError:
    """The sentence for a roster that cannot be read; the log gets every fault."""
    get_logger().warning("The roster cannot be read for the pages of courses:\n%s", error)
    may_pass = all(fault.may_pass for fault in error.faults)
    return DeskUnavailableError(NO_ANSWER if may_pass else FAULTY_ROSTER)
