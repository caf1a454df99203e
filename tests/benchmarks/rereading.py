"""Measures what e2xhub replaces: every course's list is read again for each page that is viewed.

As hubs with a list per course do it: one CSV file for each course and term, read with pandas, only
the column with the usernames, and a course is the user's where the column has the name. It is told
which column and type to read, finds files without looking at anything else, and the files are in
the operating system's cache. The same with Python's own `csv` is measured as well, because pandas
spends most of its time on opening small files.
"""

from __future__ import annotations

import csv
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd  # type: ignore[import-untyped,unused-ignore]

from tests.benchmarks.fresh_process import answer
from tests.benchmarks.large_university import TERMS

_BUDGET_SECONDS = 10.0
_FEWEST_REQUESTS = 3
_Reader = Callable[[list[Path], str], list[str]]


def measure(*, directory: str, usernames: list[str]) -> dict[str, Any]:
    """The median of a request in ms, with pandas, with csv, and with pandas for one term's files.

    Also the courses of each user who was asked for, to compare them with another answer.
    """
    files = [file for file in sorted(Path(directory).glob("*/*.csv")) if file.stem in TERMS]
    running = [file for file in files if file.stem == next(iter(TERMS))]
    found, pandas_ms = _time(read_with_pandas, files, usernames)
    return {
        "files": len(files),
        "pandas_ms": pandas_ms,
        "one_term_ms": _time(read_with_pandas, running, usernames)[1],
        "csv_ms": _time(read_with_csv, files, usernames)[1],
        "courses": found,
    }


def read_with_pandas(files: list[Path], username: str) -> list[str]:
    """The courses of `username`: all files are read."""
    found = []
    for file in files:
        names = pd.read_csv(file, usecols=["username"], dtype=str)["username"]
        if (names == username).any():
            found.append(_course_of(file))
    return found


def read_with_csv(files: list[Path], username: str) -> list[str]:
    """As `read_with_pandas`, without pandas; a file is read until the name is found."""
    found = []
    for file in files:
        with file.open(encoding="utf-8", newline="") as opened:
            rows = csv.reader(opened)
            column = next(rows).index("username")
            if any(row[column] == username for row in rows):
                found.append(_course_of(file))
    return found


def _course_of(file: Path) -> str:
    return f"{file.parent.name}/{file.stem}"


def _time(
    read: _Reader, files: list[Path], usernames: list[str]
) -> tuple[dict[str, list[str]], float]:
    """The answers, and the median of their ms; stops early where it takes long."""
    read(files, usernames[0])  # files and code are warm afterwards
    found: dict[str, list[str]] = {}
    times: list[float] = []
    for username in usernames:
        start = time.perf_counter()
        found[username] = read(files, username)
        times.append((time.perf_counter() - start) * 1000)
        if len(times) >= _FEWEST_REQUESTS and sum(times) > _BUDGET_SECONDS * 1000:
            break
    return found, statistics.median(times)


if __name__ == "__main__":
    answer(measure)
