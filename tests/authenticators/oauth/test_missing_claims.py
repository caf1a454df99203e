"""Claims that nobody has are told of once; of what there is instead, the names alone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.authenticators.oauth.missing_claims import MissingClaims, tell_names


def test_claim_is_told_of_once() -> None:
    missing = MissingClaims(["groups", "realm_access.roles"])
    assert missing.note({"sub": "s-1"}) == ["groups", "realm_access.roles"]
    assert missing.note({"sub": "s-2"}) == []


def test_claim_that_somebody_has_is_not_missing_for_others() -> None:
    """Who is in no group has no such claim, at many services."""
    missing = MissingClaims(["groups"])
    assert missing.note({"groups": []}) == []
    assert missing.note({"sub": "s-2"}) == []


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({}, "none"),
        ({"sub": "s-1", "email": "anna@example.org"}, "email, sub"),
        ({"sub": "s-1", "realm_access": {"roles": ["a"]}}, "realm_access.roles, sub"),
        ({"sub": "s-1", "address": {}}, "address, sub"),
        ({"a\nb": 1, "c" * 500: 2}, "a\\nb, " + "c" * 60),
        ({"decided": "anna", "sub": "s-1"}, "sub"),
        (
            {f"claim{number:02}": number for number in range(42)},
            ", ".join(f"claim{number:02}" for number in range(40)) + ", and 2 more",
        ),
    ],
    ids=["none", "two", "below", "empty", "unprintable", "ours", "many"],
)
def test_names_are_told_and_no_values(claims: dict[str, Any], expected: str) -> None:
    assert tell_names(claims, without="decided") == expected


@given(st.dictionaries(st.text(), st.dictionaries(st.text(), st.integers()) | st.text()))
def test_any_names_fit_into_one_line_of_the_log(claims: dict[str, Any]) -> None:
    told = tell_names(claims)
    assert told.isprintable()
    assert len(told) < 40 * (60 * 10 + 2) + 20
