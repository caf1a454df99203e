"""A text is printed as large as its place allows."""

from __future__ import annotations

import pytest

from e2xhub.web.slips.fitting import Place, direction_of

NAME = Place(width=87, height=12.6, sizes=(16, 13, 11, 9, 7, 6, 5))


@pytest.mark.parametrize(
    ("text", "points"),
    [("Anna Müller", 16), ("a" * 26, 13), ("a" * 40, 13), ("a" * 60, 11), ("W" * 200, 5), ("", 16)],
)
def test_longer_text_is_smaller(text: str, points: int) -> None:
    assert NAME.fit(text) == points


def test_accents_that_stand_over_a_letter_take_no_room() -> None:
    assert NAME.fit("a" * 20 + "\u0301" * 80) == NAME.fit("a" * 20)


def test_east_asian_letters_are_wide() -> None:
    assert NAME.fit("王" * 20) < NAME.fit("a" * 20)


def test_monospaced_letters_are_all_of_one_width() -> None:
    typed = Place(width=63, height=5.8, sizes=(11, 9, 7), is_monospaced=True)
    assert typed.fit("m" * 26) == typed.fit("i" * 26) == 11
    assert typed.fit("m" * 27) == typed.fit("i" * 27) == 9


@pytest.mark.parametrize(
    ("text", "direction"),
    [
        ("Anna", "ltr"),
        ("محمد", "rtl"),
        ("דוד", "rtl"),
        ("12 محمد Smith", "rtl"),
        ("Smith محمد", "ltr"),
        ("12", "ltr"),
        ("", "ltr"),
    ],
)
def test_direction_is_that_of_the_first_letter_that_has_one(text: str, direction: str) -> None:
    assert direction_of(text) == direction
