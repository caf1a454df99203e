"""Further exams for the running demo, with as many examinees as a test needs."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.domain.roles import HubKind
from e2xhub.storage.exam_records import ExamRecords, open_exam_records
from e2xhub.storage.pepper_file import load_peppers
from tests.hub.configured_hub import replace_file, wait_until
from tests.hub.demo_process import DemoProcess

PROCTORS = ("petra", "peter")
# Any script, either direction, and what a page must never run.
_NAMES = (
    ("Ada", "Lovelace"),
    ("Zoë", "Müller-Lüdenscheidt"),
    ("محمد", "الخوارزمي"),
    ("", "<script>document.title='run'</script>"),
    ("Nguyễn", "Thị Minh Khai"),
    ("李", "小龙"),
    ("שרה", "כהן"),
    ("Øystein", "Ångström"),
    ("Wolfeschlegelsteinhausenbergerdorff", "Hubert Blaine the Fourteenth of a Very Long Name"),
    ("=1+1", "O'Neill & Sons"),
)


@dataclass(frozen=True, kw_only=True)
class ConsoleExam:
    """An exam of the demo that is open now."""

    demo: DemoProcess
    exam: str
    usernames: tuple[str, ...]
    rooms: tuple[str, ...]

    @property
    def url(self) -> str:
        """Its console."""
        return f"{self.demo.url(HubKind.EXAM)}/hub/e2x/exams/{self.exam}"

    @property
    def records(self) -> ExamRecords:
        """What is kept of it, seen by another process than the hub."""
        files = self.demo.files
        return open_exam_records(files.database_url, load_peppers(files.pepper))

    def issue(self, *usernames: str) -> None:
        """Issues codes as the command line does."""
        for username in usernames:
            self.records.issue(
                ExamId.parse(self.exam),
                Username.parse(username),
                by="a test",
                now=datetime.now(timezone.utc),
                replace=False,
            )


def add_exam(
    demo: DemoProcess,
    exam: str,
    *,
    examinees: int,
    rooms: int = 2,
    room_code: bool = False,
    destinations: Mapping[str, object] | None = None,
    **settings: object,
) -> ConsoleExam:
    """Adds an exam with `settings` to the demo, and `destinations` to its catalog; returns when its
    exam hub knows it.

    It has begun half an hour ago and takes two hours.
    """
    names = tuple(f"{exam}-{number:03d}" for number in range(1, examinees + 1))
    halls = tuple(f"{exam}-hall-{number}" for number in range(1, rooms + 1))
    catalog, roster = demo.university.catalog, demo.university.roster
    assert isinstance(roster, Path)
    declared = _declare(demo, exam, halls, {"room_code": room_code, **settings})
    added = {"destinations": destinations} if destinations else {}
    replace_file(catalog / f"{exam}.yaml", json.dumps({**declared, **added}))
    _write_roster(roster / f"{exam}.csv", exam, names, halls)
    taken = f"-> {len(demo.registry(HubKind.EXAM).roster)} memberships"
    wait_until(lambda: taken in demo.hub_log(HubKind.EXAM), f"the exam hub knows {exam}")
    return ConsoleExam(demo=demo, exam=exam, usernames=names, rooms=halls)


def _declare(
    demo: DemoProcess, exam: str, rooms: tuple[str, ...], settings: Mapping[str, object]
) -> dict[str, object]:
    start = datetime.now(timezone.utc).replace(microsecond=0) - timedelta(minutes=30)
    declared = {
        "title": f"Operating Systems & <Networks> ({exam})",
        "course": "databases",
        "term": demo.only_term_id("databases"),
        "image": "exam",
        "sizes": ["exam"],
        "start": start.isoformat(),
        "duration_minutes": 120,
        "rooms": list(rooms),
        **settings,
    }
    return {"rooms": {room: ["127.0.0.0/8"] for room in rooms}, "exams": {exam: declared}}


def _write_roster(
    file: Path, exam: str, usernames: tuple[str, ...], rooms: tuple[str, ...]
) -> None:
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(["username", "exam", "role", "first_name", "last_name", "room", "seat"])
        for proctor in PROCTORS:
            writer.writerow([proctor, exam, "proctor", "", "", "", ""])
        for number, username in enumerate(usernames):
            first, last = _NAMES[number % len(_NAMES)]
            suffix = f" {number // len(_NAMES)}" if number >= len(_NAMES) else ""
            room = rooms[number % len(rooms)]
            seat = str(1 + number // len(rooms))
            writer.writerow([username, exam, "student", first, last + suffix, room, seat])
