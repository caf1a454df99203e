"""The calendar of semesters: which days a term's name stands for."""

from __future__ import annotations

import re
from datetime import date

_YEARS = re.compile(r"(WS|WiSe|SS|SoSe)[-_]?([0-9]{4}|[0-9]{2})(?![0-9])", re.IGNORECASE)


def term_days(term: str) -> tuple[date, date] | None:
    """First and last day of the semester that `term` begins with; None where it is none.

    `WS23` is 2023-10-01 to 2024-03-31, `SS23` is 2023-04-01 to 2023-09-30; `WS1920` is the winter
    that begins in 2019. `WS2021` may mean two winters, and is read as 2020/21.
    """
    match = _YEARS.match(term)
    if match is None:
        return None
    is_winter, year = match[1].upper().startswith("W"), _year_of(match[2], match[1])
    if not 2000 <= year <= 2098:
        return None
    if is_winter:
        return date(year, 10, 1), date(year + 1, 3, 31)
    return date(year, 4, 1), date(year, 9, 30)


def _year_of(digits: str, semester: str) -> int:
    if len(digits) == 2:
        return 2000 + int(digits)
    first, second = int(digits[:2]), int(digits[2:])
    if semester.upper().startswith("W") and second == (first + 1) % 100:
        return 2000 + first
    return int(digits)
