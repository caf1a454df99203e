"""What stands on top of the console, and when."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from ipaddress import ip_address

from e2xhub.domain.catalog.destinations import Destination
from e2xhub.domain.exam_board import BoardRow, ServerState, ServerStatus, make_row
from e2xhub.domain.exam_records import NOTHING_KNOWN
from e2xhub.domain.offers import Offer, Registry
from e2xhub.web.console.board_warnings import SLOW_START, Watch, find_warnings
from e2xhub.web.shared_origin import SharedOrigin
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
    return [(item["kind"], item.get("names")) for item in found]


def test_where_all_is_well_nothing_is_said(exam_hub: Registry, exam_open_at_nine: datetime) -> None:
    now = exam_open_at_nine
    assert kinds(Watch(EXAM), exam_hub, now, row(exam_hub, now)) == []


def test_console_that_shares_its_host_with_servers_says_so_last(
    exam_hub: Registry, exam_open_at_nine: datetime
) -> None:
    now, origin = exam_open_at_nine, SharedOrigin()
    watch = Watch(EXAM, is_origin_shared=lambda: origin.is_open)
    assert kinds(watch, exam_hub, now, row(exam_hub, now)) == []
    origin.end_probe(origin.begin_probe())
    at_first = kinds(watch, exam_hub, now, row(exam_hub, now, room=""))
    assert at_first == [("no-room", ["alice"]), ("forward-auth", None)]
    assert origin.note_question("-", f"/user/-/{origin.begin_probe()}")
    assert kinds(watch, exam_hub, now, row(exam_hub, now)) == []


def test_people_without_a_room_are_named(exam_hub: Registry, exam_open_at_nine: datetime) -> None:
    now = exam_open_at_nine
    found = kinds(Watch(EXAM), exam_hub, now, row(exam_hub, now, room=""))
    assert found == [("no-room", ["alice"])]


def test_room_that_the_exam_is_not_held_in_is_named(
    exam_hub: Registry, exam_open_at_nine: datetime
) -> None:
    now = exam_open_at_nine
    found = kinds(Watch(EXAM), exam_hub, now, row(exam_hub, now, room="library"))
    assert found == [("unknown-rooms", ["library"])]


def test_server_that_does_not_come_up_is_told_after_a_while(
    exam_hub: Registry, exam_open_at_nine: datetime
) -> None:
    watch, now = Watch(EXAM), exam_open_at_nine
    starting = row(exam_hub, now, STARTING)
    assert kinds(watch, exam_hub, now, starting) == []
    assert kinds(watch, exam_hub, now + SLOW_START, starting) == [("slow-starts", ["alice"])]


def test_second_start_counts_from_its_own_beginning(
    exam_hub: Registry, exam_open_at_nine: datetime
) -> None:
    watch, now = Watch(EXAM), exam_open_at_nine
    kinds(watch, exam_hub, now, row(exam_hub, now, STARTING))
    kinds(watch, exam_hub, now + timedelta(minutes=1), row(exam_hub, now, READY))
    assert kinds(watch, exam_hub, now + SLOW_START, row(exam_hub, now, STARTING)) == []


def test_outage_and_faults_of_the_lists_are_told(
    exam_hub: Registry, exam_open_at_nine: datetime
) -> None:
    now = exam_open_at_nine
    found = find_warnings(Watch(EXAM), exam_hub, (), now, outage=now, faults=2)
    at = round(now.timestamp() * 1000)
    assert found == [{"kind": "database", "since": at}, {"kind": "faults", "count": 2}]


def test_unknown_usernames_from_a_room_of_the_exam_are_told_for_a_while(
    exam_hub: Registry, exam_open_at_nine: datetime
) -> None:
    strangers, now = Strangers(), exam_open_at_nine
    watch = Watch(EXAM, strangers=strangers)
    for address in ("10.1.0.5", "10.1.0.5", "192.0.2.1"):
        strangers.note(ip_address(address), now)
    at = round(now.timestamp() * 1000)
    told = {"kind": "stranger", "address": "10.1.0.5", "since": at, "count": 2}
    assert find_warnings(watch, exam_hub, (), now) == [told]
    assert find_warnings(watch, exam_hub, (), now + timedelta(minutes=11)) == []


async def test_lockdown_that_is_not_true_is_a_warning_with_every_sentence(
    exam_hub: Registry, exam_open_at_nine: datetime
) -> None:
    async def find(offer: Offer) -> list[str]:
        return [f"a policy widens {offer.exam}", "another one does, too"]

    watch, now = Watch(EXAM, find), exam_open_at_nine
    assert find_warnings(watch, exam_hub, [row(exam_hub, now)], now) == []
    await asyncio.sleep(0.01)
    assert find_warnings(watch, exam_hub, [row(exam_hub, now)], now) == [
        {"kind": "lockdown", "details": ["a policy widens ml-pz1", "another one does, too"]}
    ]


async def test_lockdown_that_nobody_can_look_at_is_a_warning_of_its_own(
    exam_hub: Registry, exam_open_at_nine: datetime
) -> None:
    async def find(_offer: Offer) -> list[str]:
        raise TimeoutError

    watch, now = Watch(EXAM, find), exam_open_at_nine
    find_warnings(watch, exam_hub, [row(exam_hub, now)], now)
    await asyncio.sleep(0.01)
    found = find_warnings(watch, exam_hub, [row(exam_hub, now)], now)
    assert found == [{"kind": "lockdown-unknown"}]


def test_destination_as_wide_as_the_internet_is_told(
    exam_hub: Registry, exam_open_at_nine: datetime
) -> None:
    everywhere = Destination.model_validate({"addresses": ["0.0.0.0/0"], "ports": ["443"]})
    exams = dict(exam_hub.catalog.exams)
    exams[EXAM] = exams[EXAM].model_copy(update={"reach": {"licence-server": True}})
    catalog = exam_hub.catalog.model_copy(
        update={"exams": exams, "destinations": {"licence-server": everywhere}}
    )
    found = find_warnings(Watch(EXAM), replace(exam_hub, catalog=catalog), (), exam_open_at_nine)
    assert found == [
        {"kind": "wide-destination", "destination": "licence-server", "addresses": "4294967296"}
    ]
