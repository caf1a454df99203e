"""A template has known fields only, and what is filled in never leaves its directory."""

from __future__ import annotations

import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.domain.path_templates import (
    FIELDS,
    check_path_template,
    check_unambiguous,
    fields_of,
    fill_path,
)

_PIECES = ["homes", "/", ".", "..", "-", "{{", "}}", "{", "}", "\0", " ", "~", "\\"]
_PIECES += [f"{{{name}}}" for name in FIELDS]
templates = st.lists(st.sampled_from(_PIECES), max_size=8).map("".join) | st.text(max_size=20)
_NASTY = ["", ".", "..", "a/b", "../x", "/etc", "\0", "{course}", "a", "..a", "a b", "\\"]
field_values = st.dictionaries(
    st.sampled_from(FIELDS), st.sampled_from(_NASTY) | st.text(max_size=8)
)


@pytest.mark.parametrize("template", ["homes/{username}", "{course}/{term}", "/home/x", "a.b/..c"])
def test_template_of_known_fields_is_accepted(template: str) -> None:
    assert check_path_template(template) == template


@pytest.mark.parametrize(
    ("template", "field"),
    [
        ("homes/{user}", "user"),
        ("{}", ""),
        ("{0}", "0"),
        ("{username.__class__}", "username.__class__"),
        ("{username[0]}", "username[0]"),
        ("{username!r}", "username"),
        ("{username:>9}", "username"),
        ("{username:{course}}", "username"),
    ],
)
def test_any_other_field_is_refused(template: str, field: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole text is asserted
        check_path_template(template)
    assert str(caught.value) == (
        f"{template!r} has the field {{{field}}}; expected a path such as 'homes/{{username}}' "
        "with the fields {username}, {course}, {term}, {exam}, {role}, {hub}"
    )


@pytest.mark.parametrize("template", ["", ".", "..", "a/../b", "./a", "a/..", "a\0b"])
def test_template_that_leaves_its_directory_is_refused(template: str) -> None:
    with pytest.raises(ValueError, match=r"is empty, has a '\.' or '\.\.' component"):
        check_path_template(template)


@pytest.mark.parametrize("template", ["{", "}", "{username", "a}b", "{a{b}}"])
def test_unbalanced_braces_are_refused(template: str) -> None:
    with pytest.raises(ValueError, match="expected a path such as"):
        check_path_template(template)


def test_fields_of_a_template_are_its_names() -> None:
    assert fields_of("a/{course}/{{x}}/{username}") == {"course", "username"}


def test_doubled_braces_are_braces_in_the_path() -> None:
    assert fill_path("a/{{x}}/{course}", {"course": "ml"}) == "a/{x}/ml"


def test_filled_value_is_not_filled_again() -> None:
    values = {"username": "{course}", "course": "ml"}
    assert fill_path("homes/{username}", values) == "homes/{course}"


@pytest.mark.parametrize("value", ["", ".", "..", "a/b", "a\0b"])
def test_value_that_is_no_component_is_refused(value: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole text is asserted
        fill_path("homes/{username}", {"username": value})
    assert str(caught.value) == (
        f"path template 'homes/{{username}}': {{username}} is {value!r}, expected a path component"
    )


def test_missing_value_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\{exam\} is '', expected a path component"):
        fill_path("{exam}", {"course": "ml"})


@given(templates, field_values)
def test_filled_path_never_leaves_its_directory(template: str, values: dict[str, str]) -> None:
    try:
        path = fill_path(check_path_template(template), values)
    except ValueError:
        return
    inside = posixpath.normpath("/volume/" + path)
    assert inside == "/volume" or inside.startswith("/volume/")
    assert "\0" not in path


@given(st.lists(st.text("ab-", min_size=1, max_size=3), min_size=4, max_size=4))
def test_two_people_share_a_path_only_if_every_field_is_the_same(names: list[str]) -> None:
    one, other = ({"course": a, "username": b} for a, b in (names[:2], names[2:]))
    same = fill_path("{course}/{username}", one) == fill_path("{course}/{username}", other)
    assert same == (one == other)


@pytest.mark.parametrize(
    "template",
    [
        "{course}-{username}",
        "{username}{course}",
        "homes/{exam}_{username}/home",
        "{course}.{term}",
        "{course}-{role}-{username}",
    ],
)
def test_template_that_joins_ids_is_refused(template: str) -> None:
    with pytest.raises(ValueError, match="so that two people could share a directory"):
        check_unambiguous(template)


@pytest.mark.parametrize(
    "template",
    [
        "{course}/{username}",
        "{course}@{username}",
        "{username}@{course}",
        "{role}-{username}",
        "{hub}-{username}",
        "IT_Recht-{username}",
        "{course}/{term}-files",
    ],
)
def test_template_that_keeps_ids_apart_is_taken(template: str) -> None:
    assert check_unambiguous(template) == template


IDS = st.from_regex(r"[a-z0-9](?:[a-z0-9_.-]{0,6}[a-z0-9])?", fullmatch=True)
NAMES = st.from_regex(r"[a-z0-9][a-z0-9_.@+-]{0,6}", fullmatch=True)


@given(first=st.tuples(IDS, NAMES), second=st.tuples(IDS, NAMES))
@pytest.mark.parametrize("template", ["{course}@{username}", "{username}@{course}"])
def test_different_people_never_share_a_path(
    template: str, first: tuple[str, str], second: tuple[str, str]
) -> None:
    paths = [
        fill_path(template, {"course": course, "username": username})
        for course, username in (first, second)
    ]
    assert (paths[0] == paths[1]) == (first == second)
