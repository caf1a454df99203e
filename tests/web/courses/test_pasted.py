"""Pasted lines: a table where the first line names columns, else a person in each line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.course_desk.refusals import TOO_LARGE, UnusableRequestError
from e2xhub.course_desk.uploads import MOST_LINES
from e2xhub.web.courses.pasted import parse_pasted


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("nora", [("nora", "")]),
        ("nora\nivan\n", [("nora", ""), ("ivan", "")]),
        ("\n\n nora , grader \r\n\r\nivan;student;;\n", [("nora", "grader"), ("ivan", "student")]),
        ("nora\tstudent", [("nora", "student")]),
        ("nora,student,more", [("nora", "student,more")]),
        ("", []),
        (" \n\t\n", []),
    ],
)
def test_line_without_a_heading_is_a_person_and_perhaps_a_role(
    text: str, rows: list[tuple[str, str]]
) -> None:
    assert parse_pasted(text) == rows


@pytest.mark.parametrize(
    "heading",
    ["username", "username,role", "Username;Role", "role,username", '"Anmeldename"\tRollen'],
)
def test_table_that_names_its_columns_is_read_as_a_file(heading: str) -> None:
    text = f"{heading}\nnora\n"
    assert parse_pasted(text) == text.encode()


@given(st.text())
def test_whatever_is_pasted_no_row_is_empty(text: str) -> None:
    found = parse_pasted(text)
    if not isinstance(found, bytes):
        assert all("\n" not in name for name, _ in found)
        assert len(found) == sum(bool(line.strip()) for line in text.splitlines())


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\v", "\u2028"], ids=ascii)
def test_more_lines_than_a_list_may_have_are_refused(end: str) -> None:
    assert len(parse_pasted(f"a{end}" * MOST_LINES)) == MOST_LINES
    for text in (f"a{end}" * (MOST_LINES + 1), end * (MOST_LINES + 1), f"username{end}" * 99_999):
        with pytest.raises(UnusableRequestError, match=TOO_LARGE):
            parse_pasted(text)


def test_ends_of_all_kinds_are_counted_together() -> None:
    with pytest.raises(UnusableRequestError, match=TOO_LARGE):
        parse_pasted("a\nb\rc\fd\x85" * (MOST_LINES // 4 + 1))


def test_heading_is_looked_for_in_the_columns_that_a_table_may_have() -> None:
    """Not in each of two million."""
    text = "a" + "," * 1_000_000 + "username"
    assert parse_pasted(text) == [("a", "username")]
