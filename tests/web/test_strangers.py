"""Attempts with usernames that nobody has: seen by the proctors of the room, and by nobody else."""

from __future__ import annotations

from datetime import datetime, timedelta
from ipaddress import ip_address

import pytest

from e2xhub.domain.identifiers import ExamId
from e2xhub.domain.offers import Registry
from e2xhub.web.strangers import KEPT, MOST_ADDRESSES, MOST_COUNTED, Stranger, Strangers

EXAM, HERE = ExamId.parse("ml-pz1"), ip_address("10.1.0.5")


@pytest.fixture
def strangers() -> Strangers:
    return Strangers()


def test_attempts_of_an_address_are_counted(
    strangers: Strangers, exam_hub: Registry, exam_open_at_nine: datetime
) -> None:
    now = exam_open_at_nine
    for minute in range(3):
        strangers.note(HERE, now + timedelta(minutes=minute))
    last = now + timedelta(minutes=2)
    (found,) = strangers.in_rooms_of(exam_hub, EXAM, last)
    assert found == Stranger(address="10.1.0.5", last=last, count=3)
    (later,) = strangers.in_rooms_of(exam_hub, EXAM, now + KEPT + timedelta(seconds=1))
    assert later.count == 2


def test_addresses_in_no_room_of_the_exam_are_not_told(
    strangers: Strangers, exam_hub: Registry, exam_open_at_nine: datetime
) -> None:
    strangers.note(ip_address("192.0.2.1"), exam_open_at_nine)
    assert strangers.in_rooms_of(exam_hub, EXAM, exam_open_at_nine) == []


def test_what_is_kept_has_a_limit(
    strangers: Strangers, exam_hub: Registry, exam_open_at_nine: datetime
) -> None:
    now = exam_open_at_nine
    for number in range(MOST_ADDRESSES + 10):
        strangers.note(ip_address("10.1.0.0") + number, now)
    for _ in range(MOST_COUNTED + 10):
        strangers.note(HERE, now)
    found = strangers.in_rooms_of(exam_hub, EXAM, now)
    assert len(found) <= MOST_ADDRESSES
    assert (found[0].address, found[0].count) == ("10.1.0.5", MOST_COUNTED)
