"""What changes in a roster, and whether it can: the same for every place in which one is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.roster import ExamMembership, Membership, Roster
from e2xhub.domain.roster_rows import MembershipParser, cells_of, check_attributes
from e2xhub.domain.shared_directories import DirectoryNames

MOST_LOSS_PERCENT = 30
"""The share of its memberships that a roster, or a part of it, may lose without being asked twice.

The default of a hub's setting of this name, and the rule of an import.
"""


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


def loses_many(before: int, after: int, most_loss: float) -> bool:
    """Whether going from `before` to `after` memberships loses more than the share `most_loss`."""
    return before - after > before * most_loss


def needed_part(change: RosterChange, roster: Roster, catalog: Catalog) -> RosterChange:
    """What of `change` is not so in `roster` already.

    Raises ValueError where a roster with the change could not be loaded again.
    """
    removed = tuple(dict.fromkeys(item for item in change.removed if item in roster))
    added = tuple(dict.fromkeys(item for item in change.added if item not in roster))
    updated = tuple(item for item in change.updated if _has_other_attributes(item, roster))
    parser = MembershipParser(catalog)
    for membership in (*added, *updated):
        _check(membership, parser)
    _check_directories(added, _remaining(roster, set(removed)))
    return RosterChange(added=added, removed=removed, updated=updated)


def _check(membership: Membership, parser: MembershipParser) -> None:
    if isinstance(membership, ExamMembership):
        check_attributes(membership.attributes)
    if parser.parse(cells_of(membership)) != membership:
        raise ValueError(f"{membership} is not what its texts mean")


def _remaining(roster: Roster, removed: set[Membership]) -> Iterator[str]:
    """Everybody whose memberships are not all removed."""
    leaving = {membership.username for membership in removed}
    for username in roster.usernames:
        if username not in leaving or not removed.issuperset(roster.memberships_of(username)):
            yield username


def _check_directories(added: Iterable[Membership], usernames: Iterable[str]) -> None:
    names = DirectoryNames()
    for username in usernames:
        names.check(username)
    for membership in added:
        names.check(membership.username)


def _has_other_attributes(membership: ExamMembership, roster: Roster) -> bool:
    return any(
        known == membership and known.attributes != membership.attributes
        for known in roster.exam_memberships_of(membership.username, membership.role)
    )
