"""What becomes of the members of a term: by a list, or person by person.

Pure: the same for the roster that somebody sees and for the one that is locked to be changed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from e2xhub.course_desk.access import Access
from e2xhub.course_desk.doubts import find_doubt
from e2xhub.course_desk.members import MemberSource, why_kept
from e2xhub.course_desk.other_roles import (
    OtherRoles,
    find_several,
    is_changeable,
    replace_others,
)
from e2xhub.course_desk.previews import (
    MOST_SHOWN,
    LeftOut,
    LineFault,
    Preview,
    digest_of,
    split_change,
)
from e2xhub.course_desk.refusals import (
    NAME_TAKEN,
    NO_USERNAME,
    NotAllowedError,
    OtherRolesError,
    UnusableRequestError,
)
from e2xhub.course_desk.uploads import ReadUpload, Rows
from e2xhub.domain.course_staff import ReadOnlyReason
from e2xhub.domain.identifiers import Username
from e2xhub.domain.roles import COURSE_ROLES, Role
from e2xhub.domain.roster import CourseMembership, Membership, Roster
from e2xhub.domain.roster_changes import MOST_LOSS_PERCENT, RosterChange, loses_many
from e2xhub.domain.roster_imports import Difference, ImportedList, find_difference
from e2xhub.domain.roster_log import MadeChange
from e2xhub.errors import Sentence


@dataclass(frozen=True, kw_only=True)
class ListPlan:
    """What a list changes, and how it is shown."""

    change: RosterChange
    preview: Preview


@dataclass(frozen=True, kw_only=True)
class PeopleChange:
    """Single people (username, role) to be added and removed."""

    add: Rows = ()
    remove: Rows = ()
    other_roles: OtherRoles = OtherRoles.KEEP


def plan_list(
    access: Access, read: ReadUpload, *, remove_missing: bool, replace_roles: bool = False
) -> ListPlan:
    """What the list changes in the roster of `access`; nothing where it has faults.

    With `replace_roles`, who gets a role loses those that the list does not name, as far as the
    actor may take them away.
    """
    wanted = [item for item in read.imported.memberships if isinstance(item, CourseMembership)]
    listed = list(dict.fromkeys(wanted))
    new = [item for item in listed if item not in access.roster]
    refused = [(item, reason) for item in new if (reason := why_not_given(access, item))]
    # The whole list is compared: it speaks of a role also by people who are not to be changed.
    found = find_difference(
        _changeable(access), read.imported, read.meaning, remove_missing=remove_missing
    )
    change = _without(found.change, access.roster, {item for item, _ in refused})
    named = frozenset(wanted)
    if replace_roles:
        change = replace_others(access, change, named)
    several = find_several(access, change, named)
    faults = [*read.faults, *_shared_directories(access, read.imported, change)]
    change = RosterChange() if faults else change
    shown = _preview(access, read, found, change, refused)
    return ListPlan(
        change=change,
        preview=replace(
            shown,
            unchanged=len(listed) - len(new),
            faults=tuple(sorted(faults, key=lambda fault: fault.line)[:MOST_SHOWN]),
            fault_count=len(faults),
            several=() if faults else several,
            doubt=find_doubt(access, change),
        ),
    )


def _preview(
    access: Access,
    read: ReadUpload,
    found: Difference,
    change: RosterChange,
    refused: list[tuple[CourseMembership, ReadOnlyReason]],
) -> Preview:
    added, removed, changed = split_change(change)
    return Preview(
        digest=digest_of(*access.place, change),
        added=added,
        removed=removed,
        changed=changed,
        missing=len(found.missing),
        missing_roles=tuple(role for role in Role if role in {it.role for it in found.missing}),
        left_out=tuple(
            LeftOut(username=item.username, role=item.role, reason=reason)
            for item, reason in refused[:MOST_SHOWN]
        ),
        left_out_count=len(refused),
        skipped=read.skipped,
        loses_many=bool(change) and found.loses_many,
        size=found.size,
    )


def plan_people(access: Access, people: PeopleChange) -> RosterChange:
    """Adds and removes single people; what is so already is no change.

    Raises NotAllowedError, UnusableRequestError where a text is no username and no role, and
    OtherRolesError where somebody is to be asked.
    """
    added = [_parse(access, *person) for person in people.add]
    removed = [_parse(access, *person) for person in people.remove]
    for item in added:
        _refuse(why_not_given(access, item))
        _check_directory(access, item.username)
    for item in removed:
        is_own = access.roster.is_own(item) or item not in access.roster
        source = MemberSource.ROSTER if is_own else MemberSource.CATALOG
        _refuse(why_kept(item, source, access.management, access.actor))
    change = RosterChange(
        added=tuple(item for item in dict.fromkeys(added) if item not in access.roster),
        removed=tuple(item for item in dict.fromkeys(removed) if access.roster.is_own(item)),
    )
    return _with_other_roles(access, change, people.other_roles)


def plan_undo(access: Access, made: MadeChange) -> ListPlan:
    """What of `made` is still so and would be taken back; raises as `plan_people`.

    Where it removes several people, it is asked about as a list that removes as many.
    """
    change = plan_people(access, PeopleChange(add=made.removed, remove=made.added))
    added, removed, changed = split_change(change)
    size, lost = len(list(_changeable(access))), len(removed)
    return ListPlan(
        change=change,
        preview=Preview(
            digest=digest_of(*access.place, change),
            added=added,
            removed=removed,
            changed=changed,
            loses_many=lost > 1 and loses_many(size, size - lost, MOST_LOSS_PERCENT / 100),
            size=size,
        ),
    )


def _with_other_roles(access: Access, change: RosterChange, wish: OtherRoles) -> RosterChange:
    if wish is OtherRoles.REPLACE:
        return replace_others(access, change)
    if wish is OtherRoles.ASK and (several := find_several(access, change)):
        raise OtherRolesError(several)
    return change


def why_not_given(access: Access, item: CourseMembership) -> ReadOnlyReason | None:
    """Why the person may not add `item`; None where that is allowed."""
    if item.role not in access.management.may_change:
        return access.management.withheld[item.role]
    return ReadOnlyReason.YOURSELF if item.username == access.actor else None


def _without(change: RosterChange, known: Roster, refused: Collection[Membership]) -> RosterChange:
    """Neither who is a member already, also by the catalog, nor who may not be added."""
    added = tuple(it for it in change.added if it not in known and it not in refused)
    return RosterChange(added=added, removed=change.removed)


def _changeable(access: Access) -> Roster:
    """The memberships of the term that the person may take away."""
    here = access.roster.members_of(*access.place)
    return Roster(item for item in here if is_changeable(access, item))


def _shared_directories(
    access: Access, imported: ImportedList, change: RosterChange
) -> Iterable[LineFault]:
    for username in dict.fromkeys(item.username for item in change.added):
        if _shares_directory(access, username):
            _, line = imported.origins[username]
            told = Sentence(
                "username {name!r} is too much like that of somebody else", name=str(username)
            )
            yield LineFault(line=line, message=told, sentence=told)


def _shares_directory(access: Access, username: Username) -> bool:
    is_new = username not in access.registry.roster.usernames
    return is_new and access.registry.shares_directory(username)


def _check_directory(access: Access, username: Username) -> None:
    if _shares_directory(access, username):
        raise UnusableRequestError(NAME_TAKEN)


def _refuse(reason: ReadOnlyReason | None) -> None:
    if reason is not None:
        raise NotAllowedError(reason)


def _parse(access: Access, name: str, word: str) -> CourseMembership:
    try:
        username, role = Username.parse(name), Role(word or Role.STUDENT.value)
        if role not in COURSE_ROLES:
            raise ValueError
    except ValueError:
        raise UnusableRequestError(NO_USERNAME) from None
    return CourseMembership(username=username, course=access.course, term=access.term, role=role)
