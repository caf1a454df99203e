"""Makes the documentation's page of the benchmark from the results of one run.

Its sentences are in page.md, its numbers come from the results alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tests.benchmarks.results import TARGETS, Results, Target, stores_in

_TEXT = Path(__file__).with_name("page.md")


def make_page(results: Results) -> str:
    """The whole page, in Markdown."""
    return _TEXT.read_text(encoding="utf-8").format(
        date=results.date,
        courses=results.courses,
        targets=_table(_target_rows(results)),
        answers=_table(_answer_rows(results)),
        loop=_table(_loop_rows(results)),
        loading=_table(_loading_rows(results)),
        machine="\n".join(f"| {name} | {value} |" for name, value in results.machine.items()),
    )


def make_tables(results: Results) -> str:
    """The page's numbers alone, for a terminal."""
    rows = (_target_rows, _answer_rows, _loop_rows, _loading_rows)
    return "\n\n".join(_table(make(results)) for make in rows)


def _table(rows: Iterable[Sequence[str]]) -> str:
    head, *others = rows
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *others))


def _target_rows(results: Results) -> Iterator[list[str]]:
    stores = stores_in(results.stores)
    yield ["target", "wanted", *stores]
    for target in TARGETS:
        wanted = f"{'≥' if target.is_least else '≤'} {target.bound:,} {target.unit}"
        yield [target.name, wanted, *(_verdict(target, results, store) for store in stores)]


def _verdict(target: Target, results: Results, store: str) -> str:
    worst = target.worst(results, store)
    if worst is None:
        return "not measured"
    verdict = "met" if target.is_met(worst) else "**missed**"
    return f"{_number(worst)} {target.unit}: {verdict}"


def _answer_rows(results: Results) -> Iterator[list[str]]:
    yield [
        "memberships",
        "kept in",
        "`offers_for`, median",
        "p99",
        "reading again with pandas, median",
        "times faster",
        "one term, pandas",
        "csv",
    ]
    for times in results.stores:
        again = results.rereading_of(times.size)
        yield [
            f"{times.size:,}",
            times.store,
            f"{_number(times.offers_median_ms)} ms",
            f"{_number(times.offers_p99_ms)} ms",
            f"{_number(again.pandas_ms)} ms ({again.files:,} files)",
            _number(results.times_faster(times)),
            f"{_number(again.one_term_ms)} ms",
            f"{_number(again.csv_ms)} ms",
        ]


def _loop_rows(results: Results) -> Iterator[list[str]]:
    yield ["memberships", "kept in", "longest stall, idle", "longest stall, reload", "reload"]
    for times in results.stores:
        yield [
            f"{times.size:,}",
            times.store,
            f"{_number(times.idle_gap_ms)} ms",
            f"{_number(times.reload_gap_ms)} ms",
            f"{_number(times.reload_seconds)} s",
        ]


def _loading_rows(results: Results) -> Iterator[list[str]]:
    yield [
        "memberships",
        "kept in",
        "load",
        "of which the catalog",
        "imports",
        "after loading",
        "most while loading",
        "most while reloading",
    ]
    for times in results.stores:
        memory = (times.imports_mib, times.loaded_mib, times.load_peak_mib, times.reload_peak_mib)
        yield [
            f"{times.size:,}",
            times.store,
            f"{_number(times.load_seconds)} s",
            f"{_number(times.catalog_seconds)} s",
            *(f"{mib:,.0f} MiB" for mib in memory),
        ]


def _number(value: float) -> str:
    """Two or three digits that mean something."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
