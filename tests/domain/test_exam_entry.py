"""Who may sign in to an exam: on its roster, in its window, in one of its rooms."""

from __future__ import annotations

from datetime import datetime, timedelta
from ipaddress import ip_address

import pytest

from e2xhub.domain.exam_entry import Entry, decide_entry
from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.domain.offers import Registry

IN_THE_LAB = ip_address("10.1.0.5")
IN_THE_LIBRARY = ip_address("10.2.0.5")
SECOND_EXAM = timedelta(weeks=4)


def decide(registry: Registry, username: str, now: datetime, address: object = IN_THE_LAB) -> Entry:
    return decide_entry(registry, Username.parse(username), address, now)  # type: ignore[arg-type]


@pytest.mark.parametrize("username", ["alice", "ben"])
def test_examinee_enters_in_the_window_from_the_room(
    exam_hub: Registry, exam_open_at_nine: datetime, username: str
) -> None:
    entry = decide(exam_hub, username, exam_open_at_nine)
    assert entry == Entry(exams=(ExamId.parse("ml-pz1"),), address=IN_THE_LAB)


@pytest.mark.parametrize("username", ["gina", "oscar", "petra", "prof-ito", "mallory"])
def test_nobody_else_enters(exam_hub: Registry, exam_open_at_nine: datetime, username: str) -> None:
    entry = decide(exam_hub, username, exam_open_at_nine)
    assert entry == Entry(exams=(), reason="is no examinee of any exam")


@pytest.mark.parametrize(
    ("minutes", "admitted"), [(-16, False), (-15, True), (0, True), (89, True), (90, False)]
)
def test_window_is_from_early_entry_until_the_end(
    exam_hub: Registry, exam_open_at_nine: datetime, minutes: int, admitted: bool
) -> None:
    entry = decide(exam_hub, "ben", exam_open_at_nine + timedelta(minutes=minutes))
    assert bool(entry.exams) is admitted
    assert entry.reason == ("" if admitted else "has no exam now (rostered: ml-pz1)")


@pytest.mark.parametrize("address", ["10.2.0.5", "192.0.2.1", "::1", "2001:db8:2::1"])
def test_nobody_enters_from_outside_the_room(
    exam_hub: Registry, exam_open_at_nine: datetime, address: str
) -> None:
    entry = decide(exam_hub, "ben", exam_open_at_nine, ip_address(address))
    assert entry == Entry(exams=(), reason=f"is at {address}, in no room of ml-pz1")


@pytest.mark.parametrize("address", [IN_THE_LAB, IN_THE_LIBRARY])
def test_any_room_of_the_exam_will_do(
    exam_hub: Registry, exam_open_at_nine: datetime, address: object
) -> None:
    entry = decide(exam_hub, "alice", exam_open_at_nine + SECOND_EXAM, address)
    assert entry.exams == ("ml-pz2",)
