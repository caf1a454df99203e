"""Measures rosters of many sizes: `python -m tests.benchmarks.roster`.

Prints tables of what was measured and which targets are met; `--page` writes the documentation's
page. What is measured, and how, is said there (docs/benchmarks.md); each measurement runs in a
process of its own (`loading`, `serving`, `rereading`).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.benchmarks.fresh_process import measure_freshly
from tests.benchmarks.large_university import (
    FEWEST_COURSES,
    MEMBERSHIPS_PER_PERSON,
    Members,
    make_members,
    username_of,
    write_catalog,
    write_csv_directory,
    write_csv_file,
    write_database,
)
from tests.benchmarks.machine import describe_machine
from tests.benchmarks.page import make_page, make_tables
from tests.benchmarks.results import RereadingTimes, Results, StoreTimes
from tests.storage.postgresql import running_postgresql

SIZES = (1000, 10_000, 100_000, 1_000_000)
COURSES = 500
_LARGEST_ON_POSTGRESQL = 100_000
_MOST_ASKED = 20


def run(sizes: Sequence[int], courses: int) -> Results:
    """Measures rosters with so many memberships, in every kind of store that can be started."""
    machine = describe_machine()  # before the benchmark is a load itself
    stores: list[StoreTimes] = []
    rereading: list[RereadingTimes] = []
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="e2xhub-benchmark-") as directory:
            found, again = _measure_size(Path(directory), size, courses, machine)
        stores += found
        rereading.append(again)
    return Results(
        courses=courses,
        date=datetime.now(timezone.utc).date().isoformat(),
        machine=machine,
        stores=stores,
        rereading=rereading,
    )


def _measure_size(
    root: Path, size: int, courses: int, machine: dict[str, str]
) -> tuple[list[StoreTimes], RereadingTimes]:
    members = make_members(size, courses)
    write_catalog(root / "catalog", courses)
    people = size // MEMBERSHIPS_PER_PERSON
    asked = [username_of(number) for number in range(0, people, max(1, people // _MOST_ASKED))]
    stores = []
    for store, location in _locations(root, members, size, machine):
        _tell(f"{size:,} memberships in {store} …")
        times, answers = _measure_store(root / "catalog", location, size, store, asked)
        stores.append(times)
        if store == "CSV directory":
            _tell(f"{size:,} memberships, read again for each request …")
            rereading = _measure_rereading(location, size, answers)
    return stores, rereading


def _locations(
    root: Path, members: Members, size: int, machine: dict[str, str]
) -> Iterator[tuple[str, str]]:
    """Each kind of store with where the roster is in it, until the next one is asked for."""
    write_csv_directory(members, root / "roster")
    yield "CSV directory", str(root / "roster")
    write_csv_file(members, root / "roster.csv")
    yield "CSV file", str(root / "roster.csv")
    write_database(members, url := f"sqlite:///{root / 'roster.sqlite'}")
    yield "SQLite", url
    if size <= _LARGEST_ON_POSTGRESQL:
        with _postgresql(machine) as found:
            if found:
                write_database(members, found)
                yield "PostgreSQL", found


@contextmanager
def _postgresql(machine: dict[str, str]) -> Iterator[str | None]:
    """The URL of an empty database, named in `machine`; None where PostgreSQL is not installed."""
    with ExitStack() as servers:
        try:
            url = servers.enter_context(running_postgresql())
        except pytest.skip.Exception as reason:
            _tell(f"PostgreSQL is left out: {reason}")
            yield None
            return
        machine["databases"] = f"{machine['databases'].split(',')[0]}, {_version_of(url)}"
        yield url


def _version_of(url: str) -> str:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        number = connection.exec_driver_sql("SHOW server_version").scalar_one()
    return f"PostgreSQL {str(number).split()[0]}"


def _measure_store(
    catalog: Path, location: str, size: int, store: str, asked: list[str]
) -> tuple[StoreTimes, dict[str, list[str]]]:
    """The times, and the courses of those who are `asked` for."""
    where = {"catalog": str(catalog), "roster": location}
    loading = measure_freshly("loading", **where)
    people = size // MEMBERSHIPS_PER_PERSON
    serving = measure_freshly("serving", **where, people=people, asked=asked)
    courses = serving.pop("courses")
    return StoreTimes(size=size, store=store, **loading, **serving), courses


def _measure_rereading(directory: str, size: int, courses: dict[str, list[str]]) -> RereadingTimes:
    """How long reading again takes; its answers must be e2xhub's, the `courses` of some users."""
    found = measure_freshly("rereading", directory=directory, usernames=list(courses))
    answers = found.pop("courses")
    expected = {username: courses[username] for username in answers}
    assert answers == expected, "reading again finds other courses than e2xhub"
    return RereadingTimes(size=size, **found)


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.roster", description="Measures rosters of many sizes."
    )
    parser.add_argument("--sizes", type=_parse_sizes, default=SIZES, help="1000,100000")
    parser.add_argument("--courses", type=int, default=COURSES, help="courses in the catalog")
    parser.add_argument("--from", type=Path, dest="earlier", help="JSON of an earlier run")
    parser.add_argument("--json", type=Path, help="file for the results")
    parser.add_argument("--page", type=Path, help="file for the documentation's page")
    chosen = parser.parse_args(arguments)
    if chosen.courses < FEWEST_COURSES:
        parser.error(f"--courses: expected at least {FEWEST_COURSES}")
    results = Results.read(chosen.earlier) if chosen.earlier else run(chosen.sizes, chosen.courses)
    if chosen.json:
        results.write(chosen.json)
    if chosen.page:
        chosen.page.write_text(make_page(results), encoding="utf-8")
    print(make_tables(results))


def _parse_sizes(text: str) -> list[int]:
    sizes = [int(part) for part in text.split(",")]
    if min(sizes) < 1000:
        raise argparse.ArgumentTypeError("expected sizes of at least 1000 memberships")
    return sizes


if __name__ == "__main__":
    main()
