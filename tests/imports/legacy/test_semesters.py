"""The name of a semester says its days."""

from __future__ import annotations

from datetime import date

import pytest

from e2xhub.imports.legacy.semesters import term_days


@pytest.mark.parametrize(
    ("term", "first", "last"),
    [
        ("WS23", date(2023, 10, 1), date(2024, 3, 31)),
        ("SS23", date(2023, 4, 1), date(2023, 9, 30)),
        ("SS24BWI", date(2024, 4, 1), date(2024, 9, 30)),
        ("SS23-Retake", date(2023, 4, 1), date(2023, 9, 30)),
        ("WS1920", date(2019, 10, 1), date(2020, 3, 31)),
        ("WS2023", date(2023, 10, 1), date(2024, 3, 31)),
        ("WiSe-2024", date(2024, 10, 1), date(2025, 3, 31)),
        ("sose2025", date(2025, 4, 1), date(2025, 9, 30)),
    ],
)
def test_semester_says_its_days(term: str, first: date, last: date) -> None:
    assert term_days(term) == (first, last)


@pytest.mark.parametrize("term", ["HT25", "2023", "SS", "Klausur-SS23", "SS1999", "SS123"])
def test_what_is_no_semester_has_no_days(term: str) -> None:
    assert term_days(term) is None
