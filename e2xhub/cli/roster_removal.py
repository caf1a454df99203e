"""Which membership somebody means who removes a person from a course or an exam."""

from __future__ import annotations

from collections.abc import Iterable

from e2xhub.cli.roster_output import say, say_place
from e2xhub.domain.catalog import Catalog
from e2xhub.domain.roles import Role
from e2xhub.domain.roster import Membership, Roster
from e2xhub.domain.roster_imports import place_of
from e2xhub.domain.staff import memberships_of_staff
from e2xhub.errors import UnknownNameError


def find_membership(
    listed: Roster, catalog: Catalog, asked: Membership, role: Role | None
) -> Membership:
    """The membership of the person and place of `asked` with `role`, or the only one there.

    Raises UnknownNameError, which says what the person is instead.
    """
    here = _those_like(asked, listed.memberships_of(asked.username))
    wanted = [membership for membership in here if role in (None, membership.role)]
    if len(wanted) == 1:
        return wanted[0]
    staff = _those_like(asked, Roster(memberships_of_staff(catalog)))
    raise UnknownNameError(_say_why_not(here, staff, asked, role))


def _those_like(asked: Membership, memberships: Iterable[Membership]) -> list[Membership]:
    return [
        membership
        for membership in memberships
        if membership.username == asked.username and place_of(membership) == place_of(asked)
    ]


def _say_why_not(
    here: list[Membership], staff: list[Membership], asked: Membership, role: Role | None
) -> str:
    name, place = asked.username, say_place(asked)
    roles = [membership.role.value for membership in here]
    if roles and role is None:
        return f"{name} is {' and '.join(roles)} of {place}; say which with --role"
    for membership in staff:
        if role in (None, membership.role):
            return (
                f"{say(membership)} by the catalog's staff, not on the roster; expected a change "
                "of the catalog"
            )
    roles += [f"{membership.role.value} by the catalog's staff" for membership in staff]
    if roles and role:
        return f"{name} is no {role.value} of {place}, but {' and '.join(roles)}"
    return f"not on the roster of {place}: {name}"
