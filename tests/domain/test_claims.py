"""Claims of any shape: which are groups, which is a subject."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.domain.claims import (
    GROUP_NAME_MAX,
    MOST_GROUPS,
    find_claim,
    find_groups,
    is_subject,
)

URN = "urn:mace:example.org:course:maths:WS26:student#login.example.org"
SCALARS = st.none() | st.booleans() | st.integers() | st.text()
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"groups": ["a", "b", "a"]}, {"a", "b"}),
        ({"groups": URN}, {URN}),
        ({"groups": f"{URN};b"}, {f"{URN};b"}),
        ({"groups": r"a\;b;c"}, {r"a\;b;c"}),
        ({"groups": ["a;b"]}, {"a;b"}),
        ({"groups": ["a b", " a"]}, {"a b", " a"}),
        ({"groups": []}, set()),
        ({"groups": ""}, set()),
        ({"other": ["a"]}, set()),
        ({}, set()),
    ],
)
def test_lists_and_texts_are_groups(claims: dict[str, Any], expected: set[str]) -> None:
    assert find_groups(claims, ["groups"]).names == expected


@pytest.mark.parametrize(
    ("separator", "text", "expected"),
    [
        (";", URN, {URN}),
        (";", f"{URN};b", {URN, "b"}),
        (";", r"a\;b;c", {"a;b", "c"}),
        (";", "a,b;", {"a,b"}),
        (",", r"a;b,c\,d", {"a;b", "c,d"}),
        ("|", "a|b", {"a", "b"}),
    ],
)
def test_text_is_cut_where_the_hub_says(separator: str, text: str, expected: set[str]) -> None:
    assert find_groups({"groups": text}, ["groups"], separator=separator).names == expected


def test_text_in_a_list_is_never_cut() -> None:
    assert find_groups({"groups": ["a;b"]}, ["groups"], separator=";").names == {"a;b"}


@pytest.mark.parametrize(
    "value", [1, True, {"a": "b"}, ["a"], None, "", "a\nb", "\x00", "x" * (GROUP_NAME_MAX + 1)]
)
def test_what_is_no_name_is_ignored_and_counted(value: Any) -> None:
    found = find_groups({"groups": ["a", value]}, ["groups"])
    assert found.names == {"a"}
    assert found.ignored == 1


def test_of_too_many_groups_the_first_count() -> None:
    values = [f"g{number}" for number in range(10_000)]
    found = find_groups({"groups": values}, ["groups"])
    assert found.names == set(values[:MOST_GROUPS])
    assert found.ignored == 10_000 - MOST_GROUPS


def test_claims_are_found_below_others_and_by_names_with_dots() -> None:
    claims = {
        "realm_access": {"roles": ["a"]},
        "https://example.org/groups": ["b"],
        "realm_access.exact": ["c"],
    }
    assert find_claim(claims, "realm_access.roles") == ["a"]
    assert find_claim(claims, "https://example.org/groups") == ["b"]
    assert find_claim(claims, "realm_access.exact") == ["c"]
    assert find_claim(claims, "realm_access.roles.deeper") is None
    paths = ["realm_access.roles", "https://example.org/groups"]
    assert find_groups(claims, paths).names == {"a", "b"}


@given(claims=st.dictionaries(st.text(), JSON), path=st.text())
def test_groups_are_always_few_short_and_printable(claims: dict[str, Any], path: str) -> None:
    for where in [path, *claims]:
        names = find_groups(claims, [where]).names
        assert len(names) <= MOST_GROUPS
        assert all(name.isprintable() and 0 < len(name) <= GROUP_NAME_MAX for name in names)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("s-1", True), ("x" * 255, True), ("", False), ("x" * 256, False), ("ü", False), (1, False)],
)
def test_subject_is_a_short_text_of_ascii(value: Any, expected: bool) -> None:
    assert is_subject(value) is expected
