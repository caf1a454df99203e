"""A board sends what has changed, to each browser what it does not have yet."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from e2xhub.domain.exam_board import ServerState, ServerStatus
from e2xhub.domain.exam_records import RefusedSignIn
from e2xhub.domain.offers import Registry
from e2xhub.web.console.board import SECONDS, LiveBoard
from tests.web.console.exam_room import (
    EXAM,
    FixedRecords,
    FixedRegistry,
    Servers,
    issued,
    session_of,
)

HOSTILE = '</script><img src=x onerror=alert(1)>\n\ndata: {"rows":[]}'


@pytest.fixture
def records() -> FixedRecords:
    return FixedRecords()


@pytest.fixture
def registry(exam_hub: Registry) -> FixedRegistry:
    known = FixedRegistry(exam_hub)
    known.put_on_roster("alice", "ben", room="lab", seat="7")
    return known


@pytest.fixture
def servers() -> Servers:
    return {}


@pytest.fixture
def board(registry: FixedRegistry, records: FixedRecords, servers: Servers) -> LiveBoard:
    return LiveBoard(EXAM, registry=registry, records=records, find_servers=lambda: servers)


def news(board: LiveBoard, version: int = 0) -> dict[str, Any]:
    told = json.loads(board.news_since(version))
    assert isinstance(told, dict)
    return told


def names(told: dict[str, Any]) -> list[str]:
    return [row["username"] for row in told["rows"]]


async def test_first_news_are_everybody(board: LiveBoard, exam_open_at_nine: datetime) -> None:
    await board.renew(exam_open_at_nine)
    told = news(board)
    assert names(told) == ["alice", "ben"]
    assert told["rows"][0]["state"] == "not-issued"
    assert told["rows"][0]["seat"] == "7"
    assert told["status"]["ends_at"] == 1000 * 60 * 90 + told["status"]["starts_at"]
    assert told["status"]["reach"] == {
        "destinations": [],
        "name_service": False,
        "is_checked": False,
    }


async def test_nothing_is_sent_where_nothing_changed(
    board: LiveBoard, exam_open_at_nine: datetime
) -> None:
    await board.renew(exam_open_at_nine)
    before = board.version
    await board.renew(exam_open_at_nine + timedelta(seconds=1))
    assert board.version == before
    assert news(board, before) == {"now": pytest.approx(news(board)["now"], abs=1000), "rows": []}


async def test_only_who_has_changed_is_sent(
    board: LiveBoard, records: FixedRecords, exam_open_at_nine: datetime
) -> None:
    await board.renew(exam_open_at_nine)
    before = board.version
    records.note("ben", issued(exam_open_at_nine))
    await board.renew(exam_open_at_nine)
    told = news(board, before)
    assert names(told) == ["ben"]
    assert told["rows"][0]["issued_by"] == "petra"
    assert "status" not in told


async def test_browser_that_was_away_gets_all_that_it_missed(
    board: LiveBoard, records: FixedRecords, exam_open_at_nine: datetime
) -> None:
    await board.renew(exam_open_at_nine)
    before = board.version
    for username in ("ben", "alice"):
        records.note(username, issued(exam_open_at_nine))
        await board.renew(exam_open_at_nine)
    assert names(news(board, before)) == ["alice", "ben"]


async def test_who_leaves_the_roster_is_gone(
    board: LiveBoard, registry: FixedRegistry, exam_open_at_nine: datetime
) -> None:
    await board.renew(exam_open_at_nine)
    before = board.version
    registry.put_on_roster("alice", room="lab", seat="7")
    await board.renew(exam_open_at_nine)
    assert news(board, before)["rows"][-1] == {"username": "ben", "gone": True}


async def test_new_seat_on_the_roster_is_seen(
    board: LiveBoard, registry: FixedRegistry, exam_open_at_nine: datetime
) -> None:
    await board.renew(exam_open_at_nine)
    registry.put_on_roster("alice", "ben", room="lab", seat="8")
    await board.renew(exam_open_at_nine)
    assert [row["seat"] for row in news(board)["rows"]] == ["8", "8"]


async def test_server_is_seen_and_falls_idle_by_itself(
    board: LiveBoard, records: FixedRecords, servers: Servers, exam_open_at_nine: datetime
) -> None:
    now = exam_open_at_nine
    servers["alice"] = ServerStatus(state=ServerState.STARTING)
    await board.renew(now)
    assert news(board)["rows"][0]["server"] == "starting"
    servers["alice"] = ServerStatus(state=ServerState.READY, last_activity=now)
    await board.renew(now)
    assert news(board)["rows"][0]["server"] == "ready"


async def test_start_that_failed_is_told(
    board: LiveBoard, servers: Servers, records: FixedRecords, exam_open_at_nine: datetime
) -> None:
    records.note("alice", issued(exam_open_at_nine, session=session_of("alice", exam_open_at_nine)))
    servers["alice"] = ServerStatus(failure="NO_ROOM")
    await board.renew(exam_open_at_nine)
    assert [row["failed_start"] for row in news(board)["rows"]] == ["NO_ROOM", ""]
    servers["alice"] = ServerStatus(state=ServerState.READY)
    await board.renew(exam_open_at_nine)
    assert [row["failed_start"] for row in news(board)["rows"]] == ["", ""]


async def test_refusal_is_told_with_its_true_reason_address_and_time(
    board: LiveBoard, records: FixedRecords, exam_open_at_nine: datetime
) -> None:
    refused = RefusedSignIn(at=exam_open_at_nine, address="10.9.9.9", reason="typed a wrong code")
    records.note("alice", issued(exam_open_at_nine, refused=refused))
    await board.renew(exam_open_at_nine)
    assert news(board)["rows"][0]["refused"] == {
        "at": round(exam_open_at_nine.timestamp() * 1000),
        "address": "10.9.9.9",
        "reason": "typed a wrong code",
        "before": "",
        "waits": False,
    }


async def test_hostile_names_are_one_line_of_text(
    board: LiveBoard, registry: FixedRegistry, exam_open_at_nine: datetime
) -> None:
    registry.put_on_roster("alice", last_name=HOSTILE, room=HOSTILE)
    await board.renew(exam_open_at_nine)
    text = board.news_since(0)
    assert "\n" not in text
    assert json.loads(text)["rows"][0]["last"] == HOSTILE


async def test_database_that_does_not_answer_is_a_warning(
    board: LiveBoard, records: FixedRecords, exam_open_at_nine: datetime
) -> None:
    records.unavailable_since = exam_open_at_nine
    await board.renew(exam_open_at_nine)
    assert {
        "kind": "database",
        "since": round(exam_open_at_nine.timestamp() * 1000),
    } in news(board)["status"]["warnings"]


async def test_who_waits_is_told_at_once(
    board: LiveBoard, records: FixedRecords, exam_open_at_nine: datetime
) -> None:
    await board.renew(exam_open_at_nine)
    waiting = asyncio.ensure_future(board.wait_for_news(board.version, 30))
    await asyncio.sleep(0)
    records.note("ben", issued(exam_open_at_nine))
    await board.renew(exam_open_at_nine)
    await asyncio.wait_for(waiting, 20)


async def test_who_waits_hears_something_also_when_nothing_happens(board: LiveBoard) -> None:
    await asyncio.wait_for(board.wait_for_news(board.version, 0.01), 20)


async def test_board_is_kept_as_long_as_somebody_looks(
    board: LiveBoard, records: FixedRecords, exam_open_at_nine: datetime
) -> None:
    with board.watched(), board.watched():
        await asyncio.wait_for(board.wait_for_news(0, 60), 30)
        seen = board.version
        records.note("ben", issued(exam_open_at_nine))
        await asyncio.wait_for(board.wait_for_news(seen, 5 * SECONDS), 6 * SECONDS)
        assert names(news(board, seen)) == ["ben"]
    await asyncio.sleep(1.5 * SECONDS)
    records.note("alice", issued(exam_open_at_nine))
    version = board.version
    await asyncio.sleep(1.5 * SECONDS)
    assert board.version == version


async def test_exam_that_is_not_declared_any_more_ends_no_hub(
    board: LiveBoard, registry: FixedRegistry, exam_open_at_nine: datetime
) -> None:
    catalog = registry.current.catalog.model_copy(update={"exams": {}})
    registry.current = replace(registry.current, catalog=catalog)
    with pytest.raises(KeyError):
        await board.renew(exam_open_at_nine)
    with board.watched():
        await asyncio.sleep(0.1)
    assert board.version == 0
