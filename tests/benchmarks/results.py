"""What a run of the benchmark found, and what was aimed at."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

STORES = ("CSV directory", "CSV file", "SQLite", "PostgreSQL")


@dataclass(frozen=True, kw_only=True)
class StoreTimes:
    """One roster in one kind of store; memory is that of a whole process, in MiB."""

    size: int
    """Memberships."""
    store: str
    """One of `STORES`."""
    memberships: int
    load_seconds: float
    """Catalog and roster."""
    catalog_seconds: float
    """The catalog alone."""
    imports_mib: float
    """Before anything was loaded."""
    loaded_mib: float
    load_peak_mib: float
    offers_median_ms: float
    offers_p99_ms: float
    idle_gap_ms: float
    reload_gap_ms: float
    reload_seconds: float
    reload_peak_mib: float


@dataclass(frozen=True, kw_only=True)
class RereadingTimes:
    """A roster whose files are read again for each request; median ms."""

    size: int
    """Memberships."""
    files: int
    pandas_ms: float
    one_term_ms: float
    """With pandas, only the files of the term that runs."""
    csv_ms: float


@dataclass(frozen=True, kw_only=True)
class Results:
    """A whole run."""

    date: str
    courses: int
    """In the catalog."""
    machine: dict[str, str]
    stores: list[StoreTimes]
    rereading: list[RereadingTimes]

    def rereading_of(self, size: int) -> RereadingTimes:
        """How long it takes to read the roster of that size again."""
        return next(item for item in self.rereading if item.size == size)

    def times_faster(self, times: StoreTimes) -> float:
        """How many answers take as long as reading every file again with pandas (medians)."""
        return self.rereading_of(times.size).pandas_ms / times.offers_median_ms

    def write(self, file: Path) -> None:
        """Writes everything as JSON."""
        file.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, file: Path) -> Results:
        """The results that `write` wrote."""
        found = json.loads(file.read_text(encoding="utf-8"))
        return cls(
            date=found["date"],
            courses=found["courses"],
            machine=found["machine"],
            stores=[StoreTimes(**item) for item in found["stores"]],
            rereading=[RereadingTimes(**item) for item in found["rereading"]],
        )


@dataclass(frozen=True, kw_only=True)
class Target:
    """A bound that the worst measurement must keep."""

    name: str
    bound: float
    unit: str
    measured: Callable[[Results, StoreTimes], float]
    size: int | None = None
    """Of this many memberships; None: of any number."""
    is_least: bool = False
    """Whether at least the bound is wanted; else at most."""

    def worst(self, results: Results, store: str) -> float | None:
        """What was worst for this kind of store; None where it was not measured."""
        found = [
            self.measured(results, times)
            for times in results.stores
            if times.store == store and self.size in (None, times.size)
        ]
        return (min if self.is_least else max)(found) if found else None

    def is_met(self, worst: float) -> bool:
        """Whether the bound is kept."""
        return worst >= self.bound if self.is_least else worst <= self.bound


TARGETS = (
    Target(
        name="99 of 100 answers of `offers_for`, 100,000 memberships",
        bound=1,
        unit="ms",
        size=100_000,
        measured=lambda _results, times: times.offers_p99_ms,
    ),
    Target(
        name="faster than reading every file again with pandas, 100,000 memberships",
        bound=1000,
        unit="times",
        size=100_000,
        is_least=True,
        measured=lambda results, times: results.times_faster(times),
    ),
    Target(
        name="longest stall of the event loop while a changed roster is read, any size",
        bound=50,
        unit="ms",
        measured=lambda _results, times: times.reload_gap_ms,
    ),
    Target(
        name="most memory of the process, also while reloading, 1,000,000 memberships",
        bound=1024,
        unit="MiB",
        size=1_000_000,
        measured=lambda _results, times: max(times.load_peak_mib, times.reload_peak_mib),
    ),
)


def stores_in(results: Iterable[StoreTimes]) -> list[str]:
    """The kinds of store that were measured, in the order of `STORES`."""
    found = {times.store for times in results}
    return [store for store in STORES if store in found]
