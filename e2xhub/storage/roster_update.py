"""Whether a change can be made to a roster: the same for every place in which rosters are kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.roster import CourseMembership, ExamMembership, Membership, Roster
from e2xhub.domain.roster_changes import RosterChange
from e2xhub.domain.roster_rows import MembershipParser, check_attributes
from e2xhub.domain.shared_directories import DirectoryNames
from e2xhub.storage.roster.store import RosterNotChangedError


def as_cells(membership: Membership) -> dict[str, str]:
    """The texts of a membership by column, without those that do not apply to it."""
    cells = {"username": str(membership.username), "role": membership.role.value}
    if isinstance(membership, CourseMembership):
        return {**cells, "course": str(membership.course), "term": str(membership.term)}
    return {**cells, "exam": str(membership.exam), **membership.attributes}


def needed_part(change: RosterChange, roster: Roster, catalog: Catalog) -> RosterChange:
    """What of `change` is not so in `roster` already.

    Raises RosterNotChangedError where a roster with the change could not be loaded again.
    """
    removed = tuple(dict.fromkeys(item for item in change.removed if item in roster))
    added = tuple(dict.fromkeys(item for item in change.added if item not in roster))
    needed = RosterChange(
        added=added,
        removed=removed,
        updated=tuple(item for item in change.updated if _has_others(item, roster)),
    )
    try:
        parser = MembershipParser(catalog)
        for membership in (*added, *needed.updated):
            _check(membership, parser)
        _check_directories(added, _remaining(roster, set(removed)))
    except ValueError as error:
        raise RosterNotChangedError(f"the roster cannot be changed: {error}") from None
    return needed


def _has_others(wanted: ExamMembership, roster: Roster) -> bool:
    known = roster.exam_memberships_of(wanted.username, wanted.role)
    return any(item == wanted and item.attributes != wanted.attributes for item in known)


def _check(membership: Membership, parser: MembershipParser) -> None:
    if isinstance(membership, ExamMembership):
        check_attributes(membership.attributes)
    if parser.parse(as_cells(membership)) != membership:
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
