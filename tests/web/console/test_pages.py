"""Which exams stand where in the list, and what the hub's memory tells of servers."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest

from e2xhub.domain.exam_board import NO_SERVER, FailedStart, ServerState, ServerStatus
from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.domain.offers import Offer, Registry, slug_of_exam
from e2xhub.web.console.hub_servers import find_lockdown_faults, read_servers
from e2xhub.web.console.pages import sort_exams

FIRST, SECOND = ExamId.parse("ml-pz1"), ExamId.parse("ml-pz2")
AT = datetime(2027, 2, 15, 8, 5, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("hours", "place"),
    [
        (-72, "coming"),
        (-5, "today"),
        (-0.25, "now"),
        (0, "now"),
        (1.49, "now"),
        (1.5, "past"),
        (100, "past"),
    ],
)
def test_exam_stands_where_it_is_looked_for(
    exam_hub: Registry, exam_open_at_nine: datetime, hours: float, place: str
) -> None:
    cards = sort_exams(exam_hub, [FIRST], exam_open_at_nine + timedelta(hours=hours))
    assert [card.exam for card in getattr(cards, place)] == [FIRST]
    assert sum(len(getattr(cards, name)) for name in ("now", "today", "coming", "past")) == 1


def test_exam_runs_until_the_last_extra_time_is_over(
    exam_hub: Registry, exam_open_at_nine: datetime
) -> None:
    exams = dict(exam_hub.catalog.exams)
    exams[FIRST] = exams[FIRST].model_copy(update={"extra_minutes": {Username.parse("alice"): 60}})
    longer = Registry(
        catalog=exam_hub.catalog.model_copy(update={"exams": exams}),
        roster=exam_hub.roster,
        hub=exam_hub.hub,
    )
    cards = sort_exams(longer, [FIRST], exam_open_at_nine + timedelta(hours=2))
    assert [card.exam for card in cards.now] == [FIRST]


def test_exams_over_are_listed_with_the_last_one_first(
    exam_hub: Registry, exam_open_at_nine: datetime
) -> None:
    cards = sort_exams(exam_hub, [FIRST, SECOND], exam_open_at_nine + timedelta(days=100))
    assert [card.exam for card in cards.past] == [SECOND, FIRST]


class Spawners(dict[str, Any]):
    """JupyterHub's dictionary makes what is missing, with a query; the board must not."""

    def __getitem__(self, name: str) -> Any:
        raise AssertionError(f"asked for the server {name!r}")


def user(name: str, **known: Any) -> Any:
    spawners = Spawners()
    if known:
        orm = SimpleNamespace(last_activity=AT.replace(tzinfo=None))
        started = SimpleNamespace(slug=slug_of_exam(known.pop("exam", FIRST)))
        given = {"pending": None, "ready": False, "namespace": "exams", "orm_spawner": orm}
        given |= {"failed_start": None, **known}
        given["standing"] = SimpleNamespace(started=started)
        spawners.setdefault("", SimpleNamespace(**given))
    return SimpleNamespace(name=name, spawners=spawners)


@pytest.mark.parametrize(
    ("known", "state"),
    [
        ({"pending": "spawn"}, ServerState.STARTING),
        ({"pending": "stop", "ready": False}, ServerState.STOPPING),
        ({"ready": True}, ServerState.READY),
        ({"ready": False}, ServerState.NONE),
        ({"pending": "check", "ready": False}, ServerState.NONE),
    ],
)
def test_servers_are_read_from_the_hubs_memory(known: Any, state: ServerState) -> None:
    found = read_servers({1: user("alice", **known)}, FIRST)
    assert found == {"alice": ServerStatus(state=state, last_activity=AT)}


def test_server_of_another_exam_is_none_of_this_ones() -> None:
    assert read_servers({1: user("alice", exam=SECOND, ready=True)}, FIRST) == {"alice": NO_SERVER}


@pytest.mark.parametrize(("exam", "failure"), [(FIRST, "NO_ROOM"), (SECOND, "")])
@pytest.mark.parametrize("remembered", [FIRST, SECOND])
def test_start_that_failed_is_told_in_the_exam_that_it_was_for(
    exam: ExamId, failure: str, remembered: ExamId
) -> None:
    failed = FailedStart(slug=slug_of_exam(exam), kind="NO_ROOM")
    found = read_servers({1: user("alice", exam=remembered, failed_start=failed)}, FIRST)
    assert found["alice"].failure == failure


def test_who_never_had_a_server_has_none() -> None:
    assert read_servers({1: user("alice")}, FIRST) == {"alice": NO_SERVER}


async def test_any_spawner_of_the_hub_knows_what_is_wrong_with_a_lockdown(
    exam_hub: Registry, exam_open_at_nine: datetime
) -> None:
    async def find(offer: Offer) -> list[str]:
        return [f"{offer.slug} is wide open"]

    offer = exam_hub.authorize("alice", slug_of_exam(FIRST), exam_open_at_nine)
    users = {1: user("ben"), 2: user("clara", exam=SECOND, find_lockdown_faults=find)}
    assert await find_lockdown_faults(users, offer) == ["exams/ml-pz1/student is wide open"]


async def test_before_anybody_asked_for_a_server_nobody_can_look_at_the_lockdown(
    exam_hub: Registry, exam_open_at_nine: datetime
) -> None:
    offer = exam_hub.authorize("alice", slug_of_exam(FIRST), exam_open_at_nine)
    assert await find_lockdown_faults({1: user("alice")}, offer) is None
