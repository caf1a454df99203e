"""What a list means for a roster: who comes, who goes, and who is left alone."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.foreign_rows import ForeignRow
from e2xhub.domain.identifiers import Username
from e2xhub.domain.role_words import COMMON_NAMES
from e2xhub.domain.roles import Role
from e2xhub.domain.roster import Membership, Roster
from e2xhub.domain.roster_imports import (
    Difference,
    ImportedList,
    RowMeaning,
    Target,
    find_difference,
    find_shared_directories,
    parse_rows,
)
from e2xhub.domain.roster_rows import parse_membership
from e2xhub.errors import Fault

ML = Target(course="machine-learning", term="WS26")
PZ1 = Target(exam="ml-pz1")


def row(username: str, *roles: str, line: int = 2, **attributes: str) -> ForeignRow:
    return ForeignRow(
        file="list.csv", line=line, username=username, roles=roles, attributes=attributes
    )


def meaning(target: Target = ML, role: Role | None = None) -> RowMeaning:
    return RowMeaning(target=target, words=COMMON_NAMES, role=role)


def parse(
    rows: Iterable[ForeignRow], catalog: Catalog, how: RowMeaning
) -> tuple[ImportedList, list[str]]:
    faults: list[Fault] = []
    found = parse_rows(rows, catalog, how, faults)
    return found, [str(fault) for fault in faults]


def say(memberships: Iterable[Membership]) -> list[str]:
    return [f"{membership.username} {membership.role.value}" for membership in memberships]


def difference(
    roster: Roster,
    rows: Iterable[ForeignRow],
    catalog: Catalog,
    how: RowMeaning,
    *,
    remove_missing: bool = False,
) -> Difference:
    found, faults = parse(rows, catalog, how)
    assert not faults
    return find_difference(roster, found, how, remove_missing=remove_missing)


def test_word_becomes_a_role_and_no_word_is_a_student(small_catalog: Catalog) -> None:
    rows = [row("Dora", "Tutor"), row("emil"), row("fay", "")]
    found, faults = parse(rows, small_catalog, meaning())
    assert (say(found.memberships), faults) == (
        ["dora grader", "emil student", "fay student"],
        [],
    )


def test_several_words_are_several_memberships(small_catalog: Catalog) -> None:
    found, _ = parse([row("dora", "student", "Tutor", "grader")], small_catalog, meaning())
    assert say(found.memberships) == ["dora student", "dora grader"]


def test_one_role_for_all_makes_words_unimportant(small_catalog: Catalog) -> None:
    how = meaning(role=Role.OBSERVER)
    found, faults = parse([row("dora", "Gast")], small_catalog, how)
    assert (say(found.memberships), faults) == (["dora observer"], [])


def test_every_fault_is_told_with_its_line(small_catalog: Catalog) -> None:
    rows = [row("../x", line=2), row("emil", "Gast", line=3), row("fay", line=4)]
    found, faults = parse(rows, small_catalog, meaning())
    assert say(found.memberships) == ["fay student"]
    assert [fault.split(";")[0] for fault in faults] == [
        "list.csv:2: username '../x' cannot be used",
        "list.csv:3: role 'Gast' is not known",
    ]


def test_row_of_another_place_is_a_fault(small_catalog: Catalog) -> None:
    rows = [
        row("dora", course="databases", term="WS26"),
        row("emil", exam="ml-pz1", line=3),
        row("fay", course="machine-learning", term="WS26", line=4),
    ]
    found, faults = parse(rows, small_catalog, meaning())
    assert say(found.memberships) == ["fay student"]
    expected = "expected course 'machine-learning', term 'WS26'"
    assert faults == [
        f"list.csv:2: the row belongs to course 'databases'; {expected}",
        f"list.csv:3: the row belongs to exam 'ml-pz1'; {expected}",
    ]


def test_people_of_a_course_do_not_become_examinees(small_catalog: Catalog) -> None:
    rows = [row("dora", course="machine-learning", term="WS26")]
    _, faults = parse(rows, small_catalog, meaning(PZ1))
    assert faults == [
        "list.csv:2: the row belongs to course 'machine-learning', term 'WS26'; "
        "expected exam 'ml-pz1'"
    ]


def test_rows_may_say_their_places_where_there_is_no_target(small_catalog: Catalog) -> None:
    rows = [row("dora", course="databases", term="WS26"), row("emil", exam="ml-pz1", room="lab")]
    found, faults = parse(rows, small_catalog, meaning(Target()))
    assert not faults
    assert found.memberships == tuple(
        parse_membership(cells, small_catalog)
        for cells in (
            {"username": "dora", "course": "databases", "term": "WS26"},
            {"username": "emil", "exam": "ml-pz1"},
        )
    )
    assert found.attributes == {"room"}


def test_two_seats_for_one_person_are_a_fault(small_catalog: Catalog) -> None:
    rows = [row("dora", seat="1"), row("DORA", seat="2", line=3), row("dora", seat="1", line=4)]
    found, faults = parse(rows, small_catalog, meaning(PZ1))
    assert [getattr(one, "attributes", {}) for one in found.memberships] == [{"seat": "1"}] * 2
    assert faults == [
        "list.csv:3: 'dora' stands in line 2 already, with seat '1'; here it is seat '2'"
    ]


def test_import_adds_and_keeps(small_catalog: Catalog, small_roster: Roster) -> None:
    found = difference(small_roster, [row("alice"), row("dora")], small_catalog, meaning())
    assert (say(found.change.added), found.change.removed) == (["dora student"], ())
    assert (found.missing, found.loses_many) == ((), False)


def test_missing_people_are_told_and_stay(small_catalog: Catalog, small_roster: Roster) -> None:
    found = difference(small_roster, [row("dora")], small_catalog, meaning())
    assert (say(found.missing), found.change.removed) == (["alice student"], ())


def test_missing_people_go_only_if_the_list_speaks_of_their_role(
    small_catalog: Catalog, small_roster: Roster
) -> None:
    found = difference(small_roster, [row("dora")], small_catalog, meaning(), remove_missing=True)
    # Gina grades and Ito teaches there; a list of students says nothing about them.
    assert (say(found.change.removed), found.size) == (["alice student"], 3)
    assert found.loses_many


def test_role_for_all_is_what_an_empty_list_speaks_of(
    small_catalog: Catalog, small_roster: Roster
) -> None:
    how = meaning(role=Role.GRADER)
    assert say(difference(small_roster, [], small_catalog, how).missing) == ["gina grader"]
    assert not difference(small_roster, [], small_catalog, meaning()).missing


@pytest.mark.parametrize(("gone", "is_many"), [(3, False), (4, True)])
def test_more_than_thirty_percent_are_many(
    small_catalog: Catalog, gone: int, is_many: bool
) -> None:
    place = {"course": "databases", "term": "WS26"}
    names = [f"s{number}" for number in range(10)]
    roster = Roster(parse_membership({"username": n, **place}, small_catalog) for n in names)
    how = meaning(Target(**place))
    rows = [row(name) for name in names[gone:]]
    found = difference(roster, rows, small_catalog, how, remove_missing=True)
    assert (len(found.change.removed), found.loses_many) == (gone, is_many)


def test_list_without_seats_keeps_the_seats(small_catalog: Catalog, small_roster: Roster) -> None:
    assert not difference(small_roster, [row("alice")], small_catalog, meaning(PZ1)).change


def test_list_with_seats_changes_seats_only(small_catalog: Catalog, small_roster: Roster) -> None:
    found = difference(small_roster, [row("alice", seat="9")], small_catalog, meaning(PZ1))
    assert [one.attributes for one in found.change.updated] == [{"room": "lab", "seat": "9"}]


def test_empty_seat_takes_the_seat_away(small_catalog: Catalog, small_roster: Roster) -> None:
    found = difference(small_roster, [row("alice", seat="")], small_catalog, meaning(PZ1))
    assert [one.attributes for one in found.change.updated] == [{"room": "lab"}]


def test_whole_roster_speaks_of_everything(small_catalog: Catalog, small_roster: Roster) -> None:
    whole = ImportedList(memberships=(), attributes=None)
    found = find_difference(small_roster, whole, RowMeaning(), remove_missing=True)
    assert set(found.change.removed) == set(small_roster)
    assert found.loses_many
    part = find_difference(small_roster, whole, RowMeaning(target=PZ1), remove_missing=True)
    assert len(part.change.removed) == 5


def test_new_name_that_would_share_a_directory_is_a_fault(
    small_catalog: Catalog, small_roster: Roster
) -> None:
    found, _ = parse([row("alice.", line=7), row("dora", line=8)], small_catalog, meaning())
    (fault,) = find_shared_directories(small_roster, found)
    assert str(fault).startswith(
        "list.csv:7: username 'alice.' would share a directory with 'alice'"
    )


rows_of_anybody = st.builds(
    ForeignRow,
    file=st.just("list.csv"),
    line=st.integers(1, 9),
    username=st.text(max_size=8) | st.sampled_from(["alice", "Ben ", "gina"]),
    roles=st.lists(st.sampled_from(["student", "Tutor", ""]) | st.text(max_size=6)).map(tuple),
    attributes=st.dictionaries(st.sampled_from(["seat", "course", "exam"]), st.text(max_size=3)),
)


@given(st.lists(rows_of_anybody, max_size=6), st.booleans())
def test_a_list_changes_nothing_outside_of_its_target(
    small_catalog: Catalog,
    small_roster: Roster,
    rows: list[ForeignRow],
    remove_missing: bool,
) -> None:
    how = meaning()
    found, faults = parse(rows, small_catalog, how)
    made = find_difference(small_roster, found, how, remove_missing=remove_missing)
    change = made.change
    assert all(map(ML.holds, (*change.added, *change.removed, *made.missing)))
    assert all(Username.parse(str(one.username)) == one.username for one in change.added)
    assert not change.updated
    assert len(rows) <= len(found.memberships) + len(faults)
