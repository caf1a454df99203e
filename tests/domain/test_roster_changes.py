"""A change is what a roster needs, and makes one that can be loaded again."""

from __future__ import annotations

import pytest

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.roster import ExamMembership, Membership, Roster
from e2xhub.domain.roster_changes import (
    MOST_LOSS_PERCENT,
    RosterChange,
    compare,
    loses_many,
    needed_part,
)
from e2xhub.domain.roster_rows import parse_membership


def examinee(catalog: Catalog, username: str, **attributes: str) -> ExamMembership:
    found = parse_membership({"username": username, "exam": "ml-pz1", **attributes}, catalog)
    assert isinstance(found, ExamMembership)
    return found


def student(catalog: Catalog, username: str) -> Membership:
    return parse_membership({"username": username, "course": "databases", "term": "WS26"}, catalog)


@pytest.mark.parametrize(
    ("before", "after", "is_many"),
    [(10, 7, False), (10, 6, True), (10, 12, False), (0, 0, False), (1, 0, True)],
)
def test_more_than_thirty_percent_are_many(before: int, after: int, is_many: bool) -> None:
    assert loses_many(before, after, MOST_LOSS_PERCENT / 100) is is_many


def test_what_is_so_already_is_not_needed(small_catalog: Catalog) -> None:
    alice, ben = student(small_catalog, "alice"), student(small_catalog, "ben")
    seated = examinee(small_catalog, "alice", seat="1")
    roster = Roster([alice, seated])
    change = RosterChange(added=(alice, ben, ben), removed=(ben,), updated=(seated,))
    assert needed_part(change, roster, small_catalog) == RosterChange(added=(ben,))


def test_other_seat_is_an_update(small_catalog: Catalog) -> None:
    roster = Roster([examinee(small_catalog, "alice", seat="1")])
    wanted = examinee(small_catalog, "alice", seat="2")
    change = compare(roster, [wanted])
    assert change == RosterChange(updated=(wanted,))
    assert needed_part(change, roster, small_catalog).updated == (wanted,)
    stranger = RosterChange(updated=(examinee(small_catalog, "ben"),))
    assert not needed_part(stranger, roster, small_catalog)


def test_name_that_would_share_a_directory_is_refused_unless_the_other_leaves(
    small_catalog: Catalog,
) -> None:
    old, new = student(small_catalog, "straße"), student(small_catalog, "strasse")
    with pytest.raises(ValueError, match="'strasse' would share a directory with 'straße'"):
        needed_part(RosterChange(added=(new,)), Roster([old]), small_catalog)
    exchange = RosterChange(added=(new,), removed=(old,))
    assert needed_part(exchange, Roster([old]), small_catalog) == exchange
