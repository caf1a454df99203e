"""The benchmark of the console measures something."""

from __future__ import annotations

from tests.benchmarks.console import measure


async def test_every_figure_is_measured() -> None:
    found = await measure(20)
    assert found.keys() == {
        "nothing_changed_ms",
        "one_changed_ms",
        "all_changed_ms",
        "whole_board_kib",
    }
    assert all(value > 0 for value in found.values())
