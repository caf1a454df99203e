"""The benchmark runs, its answers are right, its tables are complete; no time is judged here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.benchmarks.large_university import make_members, username_of
from tests.benchmarks.page import make_page
from tests.benchmarks.results import STORES, TARGETS, Results
from tests.benchmarks.roster import main
from tests.programs import find_program

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Those of a run of the whole benchmark with the fewest memberships."""
    find_program("postgres")
    file = tmp_path_factory.mktemp("benchmark") / "results.json"
    main(["--sizes", "1000", "--courses", "10", "--json", str(file)])
    return Results.read(file)


def cells_of(page: str) -> list[list[str]]:
    """The rows of all tables of a page."""
    rows = [line for line in page.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def test_every_store_is_measured(results: Results) -> None:
    assert [times.store for times in results.stores] == list(STORES)
    assert {times.memberships for times in results.stores} == {1000}


def test_every_measurement_has_a_value(results: Results) -> None:
    for times in results.stores:
        assert 0 < times.offers_median_ms <= times.offers_p99_ms
        assert times.catalog_seconds > 0
        assert times.load_seconds > 0
        assert times.reload_seconds > 0
        assert times.idle_gap_ms >= 1
        assert times.reload_gap_ms >= 1
        assert 0 < times.imports_mib <= times.load_peak_mib
        assert 0 < times.loaded_mib <= times.load_peak_mib
        assert times.reload_peak_mib > 0
    (again,) = results.rereading
    assert again.files == 20
    assert min(again.pandas_ms, again.one_term_ms, again.csv_ms) > 0


def test_page_has_a_row_for_every_store_in_every_table(results: Results) -> None:
    rows = cells_of(make_page(results))
    assert all(cell for row in rows for cell in row if row != ["measured on", ""])
    for store in STORES:
        assert len([row for row in rows if row[:2] == ["1,000", store]]) == 3


def test_target_of_a_size_that_was_not_measured_is_not_called_met(results: Results) -> None:
    rows = {row[0]: row[2:] for row in cells_of(make_page(results))}
    for target in TARGETS:
        is_unknown = [cell == "not measured" for cell in rows[target.name]]
        assert is_unknown == [target.size is not None] * len(STORES)


def test_target_is_judged_by_the_worst_measurement(results: Results) -> None:
    good = replace(results.stores[0], size=100_000, offers_p99_ms=0.5, reload_gap_ms=49.0)
    bad = replace(good, offers_p99_ms=1.5, reload_gap_ms=51.0)
    again = replace(results.rereading[0], size=100_000)
    both = replace(results, stores=[good, bad], rereading=[again])
    rows = {row[0]: row[2:] for row in cells_of(make_page(both))}
    assert rows[TARGETS[0].name] == ["1.50 ms: **missed**"]
    assert rows[TARGETS[2].name] == ["51.0 ms: **missed**"]
    rows = {row[0]: row[2:] for row in cells_of(make_page(replace(both, stores=[good])))}
    assert rows[TARGETS[0].name] == ["0.50 ms: met"]
    assert rows[TARGETS[2].name] == ["49.0 ms: met"]


def test_being_as_many_times_faster_as_wanted_meets_the_target(results: Results) -> None:
    times = replace(results.stores[0], size=100_000, offers_median_ms=0.25)
    again = replace(results.rereading[0], size=100_000, pandas_ms=250.0)
    met = replace(results, stores=[times], rereading=[again])
    missed = replace(met, rereading=[replace(again, pandas_ms=249.0)])
    name = TARGETS[1].name
    assert [name, "≥ 1,000 times", "1,000 times: met"] in cells_of(make_page(met))
    assert [name, "≥ 1,000 times", "996 times: **missed**"] in cells_of(make_page(missed))


def test_university_has_ten_memberships_a_person_and_is_always_the_same() -> None:
    members = make_members(2000, 50)
    names = [name for people in members.values() for name, _role in people]
    assert len(names) == 2000
    assert {names.count(username_of(number)) for number in range(200)} == {10}
    assert members == make_members(2000, 50)


def test_page_in_the_documentation_is_what_its_results_say() -> None:
    page = (DOCS / "benchmarks.md").read_text(encoding="utf-8")
    assert page == make_page(Results.read(DOCS / "benchmarks.json")), (
        "run: python -m tests.benchmarks.roster --from docs/benchmarks.json "
        "--page docs/benchmarks.md"
    )
