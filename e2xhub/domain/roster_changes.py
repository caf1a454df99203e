"""What would change in a roster: the difference that an import shows before it makes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from e2xhub.domain.roster import ExamMembership, Membership, Roster


@dataclass(frozen=True, kw_only=True)
class RosterChange:
    """Memberships to add, to remove, and examinees whose attributes (room, seat) become others."""

    added: tuple[Membership, ...] = ()
    removed: tuple[Membership, ...] = ()
    updated: tuple[ExamMembership, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.updated)


def compare(
    roster: Roster,
    wanted: Iterable[Membership],
    *,
    may_remove: Callable[[Membership], bool] = lambda _membership: False,
) -> RosterChange:
    """What makes `roster` hold all of `wanted`, and nothing else of what `may_remove` admits."""
    target = Roster(wanted)
    return RosterChange(
        added=tuple(membership for membership in target if membership not in roster),
        removed=tuple(
            membership
            for membership in roster
            if may_remove(membership) and membership not in target
        ),
        updated=tuple(
            membership
            for membership in target
            if isinstance(membership, ExamMembership) and _has_other_attributes(membership, roster)
        ),
    )


def loses_many(roster: Roster, remaining: int, most_loss: float) -> bool:
    """Whether going down to `remaining` memberships loses more than the share `most_loss`."""
    return len(roster) - remaining > len(roster) * most_loss


def _has_other_attributes(membership: ExamMembership, roster: Roster) -> bool:
    return any(
        known == membership and known.attributes != membership.attributes
        for known in roster.exam_memberships_of(membership.username, membership.role)
    )
