"""What stands on top of the console, and when."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from ipaddress import ip_address

import pytest

from e2xhub.domain.exam_board import BoardRow, ServerState, ServerStatus, make_row
from e2xhub.domain.exam_records import NOTHING_KNOWN
from e2xhub.domain.offers import Offer, Registry
from e2xhub.web.console.board_warnings import SLOW_START, Watch, find_warnings
from e2xhub.web.exam_desk import SharedOrigin
from e2xhub.web.strangers import Strangers
from tests.web.console.exam_room import EXAM, member

STARTING = ServerStatus(state=ServerState.STARTING)
READY = ServerStatus(state=ServerState.READY)


def row(
    registry: Registry, now: datetime, server: ServerStatus = READY, room: str = "lab"
) -> BoardRow:
    return make_row(registry, member("alice", room=room), NOTHING_KNOWN, server, now)


def kinds(
    watch: Watch, registry: Registry, now: datetime, *rows: BoardRow
) -> list[tuple[str, object]]:
    found = find_warnings(watch, registry, rows, now)
    return [(item["kind"], item.get("names") or item.get("fault")) for item in found]


def test_where_all_is_well_nothing_is_said(exam_hub: Registry, exam_open_at_nine: datetime) -> None:
    now = exam_open_at_nine
    assert kinds(Watch(EXAM, None), exam_hub, now, row(exam_hub, now)) == []


def test_console_that_shares_its_host_with_servers_says_so_last(
    exam_hub: Registry, exam_open_at_nine: datetime
) -> None:
    now, origin = exam_open_at_nine, SharedOrigin()
    watch = Watch(EXAM, None, is_origin_shared=lambda: origin.is_open)
    at_first = kinds(watch, exam_hub, now, row(exam_hub, now, room=""))
    assert at_first == [("no-room", ["alice"]), ("forward-auth", None)]
    origin.was_asked = True
    assert kinds(watch, exam_hub, now, row(exam_hub, now)) == []
    assert not SharedOrigin(has_own_hosts=True).is_open


def test_people_without_a_room_are_named(exam_hub: Registry, exam_open_at_nine: datetime) -> None:
    now = exam_open_at_nine
    found = kinds(Watch(EXAM, None), exam_hub, now, row(exam_hub, now, room=""))
    assert found == [("no-room", ["alice"])]


def test_room_that_the_exam_is_not_held_in_is_named(
    exam_hub: Registry, exam_open_at_nine: datetime
) -> None:
    now = exam_open_at_nine
    found = kinds(Watch(EXAM, None), exam_hub, now, row(exam_hub, now, room="library"))
    assert found == [("unknown-rooms", ["library"])]


def test_server_that_does_not_come_up_is_told_after_a_while(
    exam_hub: Registry, exam_open_at_nine: datetime
) -> None:
    watch, now = Watch(EXAM, None), exam_open_at_nine
    starting = row(exam_hub, now, STARTING)
    assert kinds(watch, exam_hub, now, starting) == []
    assert kinds(watch, exam_hub, now + SLOW_START, starting) == [("slow-starts", ["alice"])]


def test_second_start_counts_from_its_own_beginning(
    exam_hub: Registry, exam_open_at_nine: datetime
) -> None:
    watch, now = Watch(EXAM, None), exam_open_at_nine
    kinds(watch, exam_hub, now, row(exam_hub, now, STARTING))
    kinds(watch, exam_hub, now + timedelta(minutes=1), row(exam_hub, now, READY))
    assert kinds(watch, exam_hub, now + SLOW_START, row(exam_hub, now, STARTING)) == []


def test_outage_and_faults_of_the_lists_are_told(
    exam_hub: Registry, exam_open_at_nine: datetime
) -> None:
    now = exam_open_at_nine
    found = find_warnings(Watch(EXAM, None), exam_hub, (), now, outage=now, faults=2)
    at = round(now.timestamp() * 1000)
    assert found == [{"kind": "database", "since": at}, {"kind": "faults", "count": 2}]


def test_unknown_usernames_from_a_room_of_the_exam_are_told_for_a_while(
    exam_hub: Registry, exam_open_at_nine: datetime
) -> None:
    strangers, now = Strangers(), exam_open_at_nine
    watch = Watch(EXAM, None, strangers)
    for address in ("10.1.0.5", "10.1.0.5", "192.0.2.1"):
        strangers.note(ip_address(address), now)
    at = round(now.timestamp() * 1000)
    told = {"kind": "stranger", "address": "10.1.0.5", "since": at, "count": 2}
    assert find_warnings(watch, exam_hub, (), now) == [told]
    assert find_warnings(watch, exam_hub, (), now + timedelta(minutes=11)) == []


async def ask_twice(watch: Watch, registry: Registry, now: datetime) -> list[tuple[str, object]]:
    """The question goes to the cluster beside everything else."""
    kinds(watch, registry, now, row(registry, now))
    await asyncio.sleep(0.05)
    return kinds(watch, registry, now, row(registry, now))


async def test_policy_that_is_missing_is_a_warning(
    exam_hub: Registry, exam_open_at_nine: datetime
) -> None:
    async def find(offer: Offer) -> str:
        return f"no policy for {offer.exam}"

    found = await ask_twice(Watch(EXAM, find), exam_hub, exam_open_at_nine)
    assert found == [("policy", "no policy for ml-pz1")]


async def test_policy_that_nobody_can_look_at_is_a_warning(
    exam_hub: Registry, exam_open_at_nine: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    async def find(_offer: Offer) -> str:
        raise TimeoutError

    found = await ask_twice(Watch(EXAM, find), exam_hub, exam_open_at_nine)
    assert found == [("policy", "TimeoutError")]


async def test_policy_is_asked_for_only_once_servers_run(
    exam_hub: Registry, exam_open_at_nine: datetime
) -> None:
    async def find(_offer: Offer) -> str:
        raise AssertionError("nobody has a server")

    watch, now = Watch(EXAM, find), exam_open_at_nine
    assert kinds(watch, exam_hub, now, row(exam_hub, now, STARTING)) == []
    await asyncio.sleep(0.01)
