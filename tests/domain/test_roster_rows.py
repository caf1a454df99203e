"""A row of a roster is a membership, or every fault of it at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.roles import Role
from e2xhub.domain.roster import CourseMembership, ExamMembership, Membership
from e2xhub.domain.roster_rows import (
    COLUMNS,
    MembershipParser,
    cells_of,
    check_attributes,
    normalize_attributes,
    parse_membership,
)

COURSE_ROW = {"username": "alice", "course": "databases", "term": "WS26", "role": "observer"}
EXAM_ROW = {"username": "alice", "exam": "ml-pz1", "role": "proctor"}
UNUSABLE = "cannot be used; expected a hub username such as 'amueller': letters, digits and"
NOT_AN_ID = "is not an id; expected 1 to 63 of the characters"


def faults_of(catalog: Catalog, row: dict[str, str]) -> list[str]:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the callers look at its text
        parse_membership(row, catalog)
    return str(caught.value).split("; ")


def test_row_with_course_and_term_is_a_membership_of_them(small_catalog: Catalog) -> None:
    membership = parse_membership({**COURSE_ROW, "seat": "7"}, small_catalog)
    assert isinstance(membership, CourseMembership)
    assert (membership.username, membership.course, membership.term, membership.role) == (
        "alice",
        "databases",
        "WS26",
        Role.OBSERVER,
    )


def test_row_with_an_exam_is_a_membership_of_it_with_attributes(small_catalog: Catalog) -> None:
    row = {**EXAM_ROW, "course": "databases", "term": "", "seat": "7", "note": ""}
    membership = parse_membership(row, small_catalog)
    assert isinstance(membership, ExamMembership)
    assert (membership.exam, membership.role) == ("ml-pz1", Role.PROCTOR)
    assert membership.attributes == {"seat": "7"}


@pytest.mark.parametrize("row", [COURSE_ROW, EXAM_ROW])
@pytest.mark.parametrize(
    ("role", "parsed"), [("", Role.STUDENT), ("Student", Role.STUDENT), ("GRADER", Role.GRADER)]
)
def test_role_is_read_in_any_case_and_blank_is_student(
    small_catalog: Catalog, row: dict[str, str], role: str, parsed: Role
) -> None:
    assert parse_membership({**row, "role": role}, small_catalog).role is parsed


def test_row_without_a_role_is_a_students(small_catalog: Catalog) -> None:
    row = {name: text for name, text in EXAM_ROW.items() if name != "role"}
    assert parse_membership(row, small_catalog).role is Role.STUDENT


def test_every_fault_of_a_course_row_is_told(small_catalog: Catalog) -> None:
    row = {"username": "a b", "course": "physics", "term": "W S", "role": "boss"}
    found = faults_of(small_catalog, row)
    assert found[0] == "username 'a b' cannot be used"
    assert found[2] == "course 'physics' is not in the catalog"
    assert found[4] == "'W S' is not an id"
    assert found[-2] == "role 'boss' is not possible here"


def test_every_fault_of_an_exam_row_is_told(small_catalog: Catalog) -> None:
    found = "; ".join(faults_of(small_catalog, {"username": "", "exam": "none", "role": "boss"}))
    assert f"username '' {UNUSABLE}" in found
    assert found.endswith(
        "exam 'none' is not in the catalog; expected one of: ml-pz1, ml-pz2; "
        "role 'boss' is not possible here; "
        "expected one of: grader, instructor, observer, proctor, student"
    )


def test_term_of_an_unknown_course_is_not_called_unknown(small_catalog: Catalog) -> None:
    found = faults_of(small_catalog, {**COURSE_ROW, "course": "physics", "term": "WS99"})
    assert found == [
        "course 'physics' is not in the catalog",
        "expected one of: databases, machine-learning",
    ]


def test_row_without_course_term_and_exam_lacks_an_exam(small_catalog: Catalog) -> None:
    (fault, *_) = faults_of(small_catalog, {"username": "alice"})
    assert NOT_AN_ID.startswith(fault.removeprefix("'' "))


@given(row=st.fixed_dictionaries({}, optional=dict.fromkeys(COLUMNS, st.text(max_size=12))))
def test_any_texts_are_a_membership_or_one_line_of_faults(
    small_catalog: Catalog, row: dict[str, str]
) -> None:
    try:
        membership = parse_membership(row, small_catalog)
    except ValueError as error:
        told = str(error)
    else:
        assert membership.username in row["username"].lower()
        return
    assert told.splitlines() == [told]


_cells = st.sampled_from(
    ["", " ", "alice", " Alice", "databases", "WS26", "ml-pz1", "grader", "x y"]
)
_rows = st.fixed_dictionaries({}, optional=dict.fromkeys((*COLUMNS, "seat"), _cells))


def meaning_of(parse: Callable[[], Membership]) -> tuple[object, ...]:
    """A membership with its attributes, or what was wrong."""
    try:
        found = parse()
    except ValueError as error:
        return (str(error),)
    return (found, getattr(found, "attributes", None))


@given(rows=st.lists(_rows, max_size=8))
def test_rows_one_after_the_other_mean_what_each_means_alone(
    small_catalog: Catalog, rows: list[dict[str, str]]
) -> None:
    """What is remembered of earlier rows changes neither a membership nor a message."""
    parser = MembershipParser(small_catalog)
    for row in rows:
        stripped = {name: text.strip() for name, text in row.items()}
        alone = meaning_of(lambda row=stripped: parse_membership(row, small_catalog))
        assert meaning_of(lambda row=row: parser.parse(row)) == alone


def test_later_name_that_would_share_a_directory_is_a_fault_in_each_of_its_rows(
    small_catalog: Catalog,
) -> None:
    parser = MembershipParser(small_catalog)
    parser.parse({**EXAM_ROW, "username": "straße"})
    for row in (EXAM_ROW, COURSE_ROW):
        with pytest.raises(ValueError, match="'strasse' would share a directory with 'straße'"):
            parser.parse({**row, "username": "strasse"})
    assert parser.parse({**COURSE_ROW, "username": "straße"}).username == "straße"


@pytest.mark.parametrize("row", [COURSE_ROW, EXAM_ROW, {**EXAM_ROW, "room": "a", "seat": "7"}])
def test_cells_of_a_membership_are_those_that_it_was_parsed_from(
    small_catalog: Catalog, row: dict[str, str]
) -> None:
    assert cells_of(parse_membership(row, small_catalog)) == row


@given(cells=st.dictionaries(st.text(max_size=6), st.text(max_size=6), max_size=4))
def test_attributes_that_are_read_can_be_written_or_are_refused(cells: dict[str, str]) -> None:
    attributes = normalize_attributes(cells)
    assert normalize_attributes(attributes) == attributes
    try:
        check_attributes(attributes)
    except ValueError as error:
        told = str(error)
    else:
        return
    assert "expected" in told


@pytest.mark.parametrize("name", ["Seat", " seat", "role", "", "a\nb", "\ud800"])
def test_attribute_whose_name_no_column_can_have_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="an attribute cannot have the name"):
        check_attributes({name: "7"})


@pytest.mark.parametrize("text", ["", " 7", "a\0", "\udfff"])
def test_attribute_that_no_cell_can_hold_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="attribute 'seat' cannot be"):
        check_attributes({"seat": text})
