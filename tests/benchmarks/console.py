"""Measures what a proctors' board costs the hub's event loop, each second that somebody looks.

python -m tests.benchmarks.console --examinees 500
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

from e2xhub.domain.exam_board import ServerState, ServerStatus
from e2xhub.domain.exam_records import ExamineeRecord, ExamRecord, RecordsView
from e2xhub.domain.offers import Registry
from e2xhub.domain.roles import HubKind
from e2xhub.domain.roster import Roster
from e2xhub.storage.catalog_files import load_catalog
from e2xhub.web.console.board import LiveBoard
from tests.web.console.exam_room import EXAM, FixedRecords, FixedRegistry, issued, member

_CATALOG = Path(__file__).parents[1] / "university" / "catalog.yaml"
_AT = datetime(2027, 2, 15, 8, 30, tzinfo=timezone.utc)
_LOOKS = 50


class _Room:
    """An exam in which everybody works."""

    def __init__(self, examinees: int) -> None:
        names = [f"student{number:05d}" for number in range(examinees)]
        people = (
            member(name, first_name="Ada", last_name=f"Lovelace {seat}", room="lab", seat=f"{seat}")
            for seat, name in enumerate(names)
        )
        catalog = load_catalog(_CATALOG)
        self.registry = FixedRegistry(
            Registry(catalog=catalog, roster=Roster(people), hub=HubKind.EXAM)
        )
        known = {name: issued(_AT, signed_in_at=_AT) for name in names}
        self.records = FixedRecords(RecordsView(exams={EXAM: ExamRecord(examinees=known)}))
        self.servers = dict.fromkeys(names, ServerStatus(state=ServerState.READY))
        self.board = LiveBoard(
            EXAM,
            registry=self.registry,
            records=self.records,
            find_servers=lambda: self.servers,
        )

    def change_one(self) -> None:
        """One examinee does something."""
        self.records.note("student00000", issued(_AT))

    def change_all(self) -> None:
        """Everybody does something, as when a bell rings."""
        known: dict[str, ExamineeRecord] = {name: issued(_AT) for name in self.servers}
        self.records.current = RecordsView(exams={EXAM: ExamRecord(examinees=known)})


async def measure(examinees: int) -> dict[str, float]:
    """Median ms of a look where nothing, one or all have changed, and the size of what is sent."""
    room = _Room(examinees)
    await room.board.renew(_AT)
    found = {
        "nothing_changed_ms": await _time(room, lambda: None),
        "one_changed_ms": await _time(room, room.change_one),
        "all_changed_ms": await _time(room, room.change_all),
    }
    return {**found, "whole_board_kib": len(room.board.news_since(0)) / 1024}


async def _time(room: _Room, change: Callable[[], None]) -> float:
    times = []
    for look in range(_LOOKS):
        change()
        start = time.perf_counter()
        await room.board.renew(_AT + timedelta(milliseconds=look))
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examinees", type=int, default=500)
    for name, value in asyncio.run(measure(parser.parse_args().examinees)).items():
        print(f"{name}: {value:.1f}")


if __name__ == "__main__":
    main()
