"""Identifiers and usernames are safe wherever they are written."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.domain.identifiers import CourseId, Identifier, Username

HOSTILE = ["", ".", "..", "../x", "a/b", "a\\b", "a\0b", "a b", "a\nb", "-a", "a:b", "%2e%2e/"]


@pytest.mark.parametrize("text", ["ml", "IT_Recht-Klausur", "AMR.WS25", "2026", "a" * 63])
def test_id_keeps_the_spelling_of_the_catalog(text: str) -> None:
    assert Identifier.parse(text) == text


@pytest.mark.parametrize("text", [*HOSTILE, "a-", "_a", "a" * 64, "ä", "\u0661", "ml\n"])
def test_id_that_is_no_label_value_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an id; expected 1 to 63 of the characters"):
        CourseId.parse(text)


def test_refusal_of_an_id_names_what_was_found_and_expected() -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole text is asserted
        CourseId.parse("a b")
    assert str(caught.value) == (
        "'a b' is not an id; expected 1 to 63 of the characters A-Z a-z 0-9 _ . - that begin "
        "and end with a letter or digit, such as 'machine-learning' or 'WS26'"
    )


@pytest.mark.parametrize(
    ("text", "username"),
    [
        ("alice", "alice"),
        (" Alice\t", "alice"),
        ("a.mueller@example.org", "a.mueller@example.org"),
        ("9012345", "9012345"),
        ("Müller", "müller"),
        ("mu\u0308ller", "müller"),
        ("Łukasz", "łukasz"),
    ],
)
def test_username_is_composed_and_lower_case(text: str, username: str) -> None:
    assert Username.parse(text) == username


@pytest.mark.parametrize("text", [*HOSTILE, "_a", "@a", "a;b", "a,b", "=a", "{a}", "a" * 201])
def test_username_that_is_no_safe_component_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="cannot be used; expected a hub username such as"):
        Username.parse(text)


@given(st.text(max_size=260))
def test_parsed_username_is_one_safe_path_component(text: str) -> None:
    try:
        username = Username.parse(text)
    except ValueError:
        return
    assert username not in ("", ".", "..")
    assert not set(username) & set("/\\\0\n {}:")
    assert len(username.encode()) <= 200
    assert username[0].isalnum()


@given(st.text(st.characters(categories=["L", "M", "N"]), min_size=1, max_size=20))
def test_parsing_a_parsed_username_changes_nothing(text: str) -> None:
    try:
        username = Username.parse(text)
    except ValueError:
        return
    assert Username.parse(username) == username
    assert unicodedata.is_normalized("NFC", username)
    assert username == username.lower()


@given(st.text(max_size=70))
def test_parsed_id_is_a_label_value(text: str) -> None:
    try:
        identifier = Identifier.parse(text)
    except ValueError:
        return
    assert identifier == text
    assert identifier.isascii()
    assert 1 <= len(identifier) <= 63
    assert identifier[0].isalnum()
    assert identifier[-1].isalnum()
    assert not set(identifier) & set("/\\\0\n {}:")


def test_long_text_is_refused_before_it_is_composed() -> None:
    """Composing many accents takes time that grows with their square; anybody may send them."""
    with pytest.raises(ValueError, match="a username of 20001 characters cannot be used"):
        Username.parse("a" + "\u0301\u0323" * 10_000)
