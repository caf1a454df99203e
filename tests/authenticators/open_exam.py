"""An exam that is open now in a room that is this machine, and its desk."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.domain.offers import Registry
from e2xhub.domain.roles import HubKind, Role
from e2xhub.domain.roster import ExamMembership, Roster
from e2xhub.storage.exam_records import ExamRecords
from e2xhub.storage.live_exam_records import ExamRegistry, LiveExamRecords
from e2xhub.web.exam_desk import ExamDesk

IN_THE_ROOM, OUTSIDE, PROXY = "127.0.0.1", "127.0.0.2", "127.0.0.9"
ALSO_IN_THE_ROOM = "127.0.0.3"
OPEN, TOMORROW = ExamId.parse("open"), ExamId.parse("tomorrow")
ALICE, CARLA = Username.parse("alice"), Username.parse("carla")


def make_registry(now: datetime, **demands: Any) -> Registry:
    """Alice and Carla sit an exam that is open now, Alice and Ben one that is tomorrow; Petra
    watches the first. `demands` are further keys of the exam that is open."""
    exam = {"course": "ml", "term": "now", "duration_minutes": 60, "rooms": ["lab"]}
    networks = [f"{IN_THE_ROOM}/32", f"{ALSO_IN_THE_ROOM}/32", "192.0.2.0/24"]
    catalog = Catalog.model_validate(
        {
            "university": "U",
            "images": {"one": {"name": "one:1"}},
            "sizes": {"one": {"title": "One", "memory": "1G", "cpu": 1}},
            "rooms": {"lab": networks},
            "defaults": {"image": "one", "sizes": ["one"]},
            "courses": {
                "ml": {"title": "ML", "terms": {"now": {"start": now.date(), "end": now.date()}}}
            },
            "exams": {
                "open": {**exam, "title": "Open", "start": now - timedelta(minutes=30), **demands},
                "tomorrow": {**exam, "title": "Tomorrow", "start": now + timedelta(days=1)},
            },
        }
    )
    rows = [("alice", OPEN, Role.STUDENT), ("alice", TOMORROW, Role.STUDENT)]
    rows += [("carla", OPEN, Role.STUDENT), ("ben", TOMORROW, Role.STUDENT)]
    rows += [("petra", OPEN, Role.PROCTOR)]
    roster = Roster(
        ExamMembership(username=Username.parse(name), exam=exam_id, role=role)
        for name, exam_id, role in rows
    )
    return Registry(catalog=catalog, roster=roster, hub=HubKind.EXAM)


def make_desk(
    records: ExamRecords, demands: dict[str, Any] | None = None, **settings: Any
) -> ExamDesk:
    """A desk with `make_registry`."""
    current = make_registry(datetime.now(timezone.utc), **(demands or {}))
    live = LiveExamRecords(records)
    registry = ExamRegistry(SimpleNamespace(current=current), live)  # type: ignore[arg-type]
    return ExamDesk(registry=registry, records=live, **settings)


def issue(
    records: ExamRecords, exam: ExamId = OPEN, username: Username = ALICE, *, replace: bool = False
) -> str:
    """The slip of a new password."""
    now = datetime.now(timezone.utc)
    return records.issue(exam, username, by="petra", now=now, replace=replace).reveal()


async def wait_for_lines(caplog: pytest.LogCaptureFixture, count: int) -> list[str]:
    """The first lines of the log; reasons are found after the answer."""
    for _ in range(200):
        told = [record.getMessage() for record in caplog.records if record.name == "traitlets"]
        if len(told) >= count:
            return told
        await asyncio.sleep(0.05)
    raise AssertionError(f"expected {count} lines, found {told}")
