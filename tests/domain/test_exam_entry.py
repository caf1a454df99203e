"""Who may sign in to an exam: on its roster, in its window, in one of its rooms."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any

import pytest

from e2xhub.domain.exam_entry import (
    Entry,
    EntryRefusal,
    asks_room_code,
    decide_entry,
    is_near_an_exam,
    rooms_at,
)
from e2xhub.domain.exam_records import ExamChanges
from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.domain.offers import Registry

IN_THE_LAB = ip_address("10.1.0.5")
IN_THE_LIBRARY = ip_address("10.2.0.5")
SECOND_EXAM = timedelta(weeks=4)
PZ1 = ExamId.parse("ml-pz1")
BEN = Username.parse("ben")


def decide(registry: Registry, username: str, now: datetime, address: object = IN_THE_LAB) -> Entry:
    return decide_entry(registry, Username.parse(username), address, now)  # type: ignore[arg-type]


@pytest.mark.parametrize("username", ["alice", "ben"])
def test_examinee_enters_in_the_window_from_the_room(
    exam_hub: Registry, exam_open_at_nine: datetime, username: str
) -> None:
    entry = decide(exam_hub, username, exam_open_at_nine)
    assert entry == Entry(exams=(PZ1,), about=(PZ1,), address=IN_THE_LAB)


@pytest.mark.parametrize("username", ["gina", "oscar", "petra", "prof-ito", "mallory"])
def test_nobody_else_enters(exam_hub: Registry, exam_open_at_nine: datetime, username: str) -> None:
    entry = decide(exam_hub, username, exam_open_at_nine)
    refusal = EntryRefusal.NO_EXAMINEE
    assert entry == Entry(exams=(), refusal=refusal, address=IN_THE_LAB)


@pytest.mark.parametrize(
    ("minutes", "refusal"),
    [
        (-16, EntryRefusal.NO_EXAM_YET),
        (-15, None),
        (0, None),
        (89, None),
        (90, EntryRefusal.NO_EXAM_ANY_MORE),
    ],
)
def test_window_is_from_early_entry_until_the_end(
    exam_hub: Registry, exam_open_at_nine: datetime, minutes: int, refusal: EntryRefusal | None
) -> None:
    entry = decide(exam_hub, "ben", exam_open_at_nine + timedelta(minutes=minutes))
    assert bool(entry.exams) is (refusal is None)
    assert entry.refusal is refusal


def test_extra_time_from_the_console_opens_the_door_for_longer(
    exam_hub: Registry, exam_open_at_nine: datetime
) -> None:
    late = exam_open_at_nine + timedelta(minutes=99)
    hub = exam_hub.with_changes(ExamChanges(extra_minutes={(PZ1, BEN): 10}))
    assert decide(hub, "ben", late).exams == (PZ1,)
    assert decide(hub, "ben", late + timedelta(minutes=1)).refusal is EntryRefusal.NO_EXAM_ANY_MORE
    assert decide(exam_hub, "ben", late).refusal is EntryRefusal.NO_EXAM_ANY_MORE


def test_whoever_has_finished_stays_outside(
    exam_hub: Registry, exam_open_at_nine: datetime
) -> None:
    hub = exam_hub.with_changes(ExamChanges(finished=frozenset({(PZ1, BEN)})))
    entry = decide(hub, "ben", exam_open_at_nine)
    assert (entry.exams, entry.about, entry.refusal) == ((), (PZ1,), EntryRefusal.FINISHED)


@pytest.mark.parametrize("address", ["10.2.0.5", "192.0.2.1", "::1", "2001:db8:2::1"])
def test_nobody_enters_from_outside_the_room(
    exam_hub: Registry, exam_open_at_nine: datetime, address: str
) -> None:
    entry = decide(exam_hub, "ben", exam_open_at_nine, ip_address(address))
    where = ip_address(address)
    refusal = EntryRefusal.WRONG_ROOM
    assert entry == Entry(exams=(), about=(PZ1,), refusal=refusal, address=where)
    assert rooms_at(exam_hub, PZ1, where) == ()


@pytest.mark.parametrize(
    ("asked", "minutes", "asks"), [(True, -16, False), (True, 0, True), (False, 0, False)]
)
def test_room_code_is_asked_while_the_door_of_an_exam_is_open_that_demands_it(
    exam_hub: Registry, exam_open_at_nine: datetime, asked: bool, minutes: int, asks: bool
) -> None:
    declared = exam_hub.catalog.exams
    exam = declared[PZ1].model_copy(update={"room_code": asked})
    catalog = exam_hub.catalog.model_copy(update={"exams": {**declared, PZ1: exam}})
    hub = replace(exam_hub, catalog=catalog)
    assert asks_room_code(hub, exam_open_at_nine + timedelta(minutes=minutes)) is asks


@pytest.mark.parametrize("address", [IN_THE_LAB, IN_THE_LIBRARY])
def test_any_room_of_the_exam_will_do(
    exam_hub: Registry, exam_open_at_nine: datetime, address: object
) -> None:
    entry = decide(exam_hub, "alice", exam_open_at_nine + SECOND_EXAM, address)
    assert entry.exams == ("ml-pz2",)


@pytest.mark.parametrize(
    ("weeks", "refusal", "about"),
    [
        (-1, EntryRefusal.NO_EXAM_YET, "ml-pz1"),
        (1, EntryRefusal.NO_EXAM_ANY_MORE, "ml-pz1"),
        (3, EntryRefusal.NO_EXAM_YET, "ml-pz2"),
        (5, EntryRefusal.NO_EXAM_ANY_MORE, "ml-pz2"),
    ],
)
def test_of_several_exams_the_nearest_one_hears_of_a_refusal(
    exam_hub: Registry, exam_open_at_nine: datetime, weeks: int, refusal: EntryRefusal, about: str
) -> None:
    entry = decide(exam_hub, "alice", exam_open_at_nine + timedelta(weeks=weeks))
    assert (entry.refusal, entry.about) == (refusal, (about,))


@pytest.mark.parametrize(
    ("minutes", "address", "is_near"),
    [
        (-16, IN_THE_LAB, False),
        (-15, IN_THE_LAB, True),
        (0, IN_THE_LIBRARY, False),
        (0, ip_address("192.0.2.1"), False),
        (24 * 60, IN_THE_LAB, False),
    ],
)
def test_whoever_is_in_a_room_of_an_open_exam_is_near_whoever_it_is(
    exam_hub: Registry, exam_open_at_nine: datetime, minutes: int, address: Any, is_near: bool
) -> None:
    now = exam_open_at_nine + timedelta(minutes=minutes)
    assert is_near_an_exam(exam_hub, address, now) is is_near


@pytest.mark.parametrize("asks", [True, False])
def test_door_stays_open_for_whoever_has_the_most_extra_time(
    exam_hub: Registry, exam_open_at_nine: datetime, asks: bool
) -> None:
    exam = exam_hub.catalog.exams[PZ1]
    longest = max(exam.extra_minutes.values(), default=0) + 10
    hub = exam_hub
    declared = {**hub.catalog.exams, PZ1: exam.model_copy(update={"room_code": asks})}
    hub = replace(hub, catalog=hub.catalog.model_copy(update={"exams": declared}))
    hub = hub.with_changes(ExamChanges(extra_minutes={(PZ1, BEN): 10}))
    last = exam.ends_at + timedelta(minutes=longest, seconds=-1)
    assert is_near_an_exam(hub, IN_THE_LAB, last)
    assert not is_near_an_exam(hub, IN_THE_LAB, last + timedelta(seconds=1))
    assert asks_room_code(hub, last) is asks
