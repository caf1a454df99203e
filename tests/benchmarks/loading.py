"""Measures what loading a catalog and a roster takes, as a hub does when it starts."""

from __future__ import annotations

import gc
import time
from pathlib import Path
from typing import Any

from e2xhub.domain.roles import HubKind
from e2xhub.storage.catalog_files import load_catalog
from e2xhub.storage.registry import load_registry
from e2xhub.storage.roster.opening import open_roster
from tests.benchmarks.fresh_process import answer, memory_mib, peak_memory_mib


def measure(*, catalog: str, roster: str) -> dict[str, Any]:
    """Seconds and MiB of loading the `roster` (a location) together with the `catalog`."""
    store = open_roster(roster)  # first, so that its imports are in the memory before loading
    before = memory_mib()
    start = time.perf_counter()
    registry = load_registry(catalog=Path(catalog), roster=store, hub=HubKind.ASSIGNMENT, checks=())
    load_seconds = time.perf_counter() - start
    gc.collect()
    kept, peak = memory_mib(), peak_memory_mib()
    start = time.perf_counter()
    load_catalog(Path(catalog))
    return {
        "memberships": len(registry.roster),
        "load_seconds": load_seconds,
        "catalog_seconds": time.perf_counter() - start,
        "imports_mib": before,
        "loaded_mib": kept,
        "load_peak_mib": peak,
    }


if __name__ == "__main__":
    answer(measure)
