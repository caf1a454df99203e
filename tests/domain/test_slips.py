"""Slips are made of the roster and the codes, and taken back only as they were made."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.domain.exam_records import ExamChanges
from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.domain.offers import Registry
from e2xhub.domain.passwords import OneTimePassword
from e2xhub.domain.roles import Role
from e2xhub.domain.roster import ExamMembership
from e2xhub.domain.slips import (
    MOST_SLIPS,
    Slip,
    Slips,
    SlipsRefusedError,
    make_line,
    make_slips,
    parse_slips,
    slip_of,
)

ML_PZ1 = ExamId("ml-pz1")
ALICE, BEN, GONE = Username("alice"), Username("ben"), Username("gone")
CODE = OneTimePassword("ABCDEFGHJK")
ADDRESS = "https://exam.example.org/"
NOON = datetime(2027, 2, 15, 12, 0, tzinfo=timezone(timedelta(hours=1)))


def slip(**changes: Any) -> Slip:
    given = {"username": "alice", "code": "ABCDE-FGHJK", "ends_at": NOON}
    return Slip.model_validate({**given, **changes})


def slips_of(*some: Slip) -> Slips:
    return Slips(exam=ML_PZ1, title="Exam", opens_at=NOON, starts_at=NOON, slips=some)


def written(**changes: Any) -> str:
    """The JSON of one slip, with `changes` in it."""
    found = json.loads(slips_of(slip()).model_dump_json())
    found["slips"][0].update(changes)
    return json.dumps(found)


def examinee(**attributes: str) -> ExamMembership:
    return ExamMembership(username=ALICE, exam=ML_PZ1, role=Role.STUDENT, attributes=attributes)


@pytest.fixture
def alice_and_ben(exam_hub: Registry) -> Slips:
    return make_slips(exam_hub, ML_PZ1, {ALICE: CODE, BEN: CODE}, hub_address=ADDRESS)


def test_slips_have_the_seats_of_the_roster(alice_and_ben: Slips) -> None:
    seats = [(slip.username, slip.room, slip.seat) for slip in alice_and_ben.slips]
    assert seats == [("alice", "lab", "7"), ("ben", "lab", "8")]


def test_times_are_those_of_the_university(
    alice_and_ben: Slips, exam_open_at_nine: datetime
) -> None:
    assert alice_and_ben.starts_at == exam_open_at_nine
    assert alice_and_ben.starts_at.strftime("%H:%M") == "09:00"


def test_extra_time_is_on_the_slip(exam_hub: Registry, alice_and_ben: Slips) -> None:
    later = exam_hub.with_changes(ExamChanges(extra_minutes={(ML_PZ1, ALICE): 20}))
    longer = make_slips(later, ML_PZ1, {ALICE: CODE}, hub_address=ADDRESS)
    assert longer.slips[0].ends_at - alice_and_ben.slips[0].ends_at == timedelta(minutes=20)


def test_somebody_who_left_the_roster_gets_a_slip_without_a_seat(exam_hub: Registry) -> None:
    (found,) = make_slips(exam_hub, ML_PZ1, {GONE: CODE}, hub_address=ADDRESS).slips
    assert (found.username, found.code, found.seat) == ("gone", "ABCDE-FGHJK", "")


@pytest.mark.parametrize("address", ["", "exam.example.org", "javascript:alert(1)", "https://a b"])
def test_address_that_nobody_can_type_is_left_out(exam_hub: Registry, address: str) -> None:
    made = make_slips(exam_hub, ML_PZ1, {ALICE: CODE}, hub_address=address)
    assert made.hub_address == ""


@pytest.mark.parametrize(
    ("attributes", "name"),
    [
        ({"first_name": "Anna", "last_name": "Müller"}, "Anna Müller"),
        ({"vorname": "Anna", "nachname": "Müller"}, "Anna Müller"),
        ({"name": "Müller, Anna"}, "Müller, Anna"),
        ({"last_name": "Müller", "name": "somebody"}, "Müller"),
        ({"first_name": "Zoe\u0308"}, "Zoë"),
        ({"name": "two\nlines\tand\0more"}, "two lines and more"),
        ({"name": "evil \u202egnihtyna"}, "evil gnihtyna"),
        ({"name": "x" * 101}, "x" * 99 + "…"),
        ({}, ""),
    ],
)
def test_name_is_what_the_roster_has_as_one_line(attributes: dict[str, str], name: str) -> None:
    assert slip_of(examinee(**attributes), CODE, ends_at=NOON).name == name


def test_code_does_not_show(alice_and_ben: Slips) -> None:
    shown = f"{alice_and_ben!r} {alice_and_ben}"
    assert "alice" in shown
    assert "ABCDE" not in shown


@given(st.text(), st.integers(min_value=1, max_value=50))
def test_line_stays_as_it_is_once_it_is_one(text: str, most: int) -> None:
    line = make_line(text, most)
    assert make_line(line, most) == line
    assert len(line) <= most


@given(st.dictionaries(st.sampled_from(["first_name", "name", "room", "seat"]), st.text()))
def test_whatever_the_roster_has_is_taken_back(attributes: dict[str, str]) -> None:
    made = slips_of(slip_of(examinee(**attributes), CODE, ends_at=NOON))
    assert parse_slips(made.model_dump_json()) == made


def test_slips_are_taken_back_as_they_were_made(alice_and_ben: Slips) -> None:
    assert parse_slips(alice_and_ben.model_dump_json()) == alice_and_ben


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"code": "secret"}, "slips.0.code: expected a code such as ABCDE-FGHJK"),
        ({"code": 7}, "slips.0.code: Input should be a valid string"),
        ({"username": "A B-C"}, "slips.0.username: expected an id or a username"),
        ({"username": None}, "slips.0.username: expected an id or a username"),
        (
            {"seat": "x" * 41},
            "slips.0.seat: expected one line of up to 40 characters, with single spaces",
        ),
        (
            {"room": "a\nb"},
            "slips.0.room: expected one line of up to 40 characters, with single spaces",
        ),
        (
            {"last_name": "\u202eevil"},
            "slips.0.last_name: expected one line of up to 100 characters, with single spaces",
        ),
        ({"ends_at": "2027-02-15T12:00:00"}, "slips.0.ends_at: Input should have timezone info"),
        ({"html": "<b>"}, "slips.0.html: Extra inputs are not permitted"),
        ({"\x1b[31m": ""}, r"slips.0.\x1b[31m: Extra inputs are not permitted"),
    ],
)
def test_slip_that_was_not_made_by_us_is_refused(changes: dict[str, Any], fault: str) -> None:
    with pytest.raises(SlipsRefusedError) as refused:
        parse_slips(written(**changes))
    assert str(refused.value) == f"these are no slips: {fault}"


@pytest.mark.parametrize("text", ["", "[]", "null", '{"slips": []}', "[" * 100_000, '"\\ud800"'])
def test_text_that_is_no_list_of_slips_is_refused(text: str) -> None:
    with pytest.raises(SlipsRefusedError, match="these are no slips: "):
        parse_slips(text)


def test_refusal_does_not_tell_what_stands_in_the_text() -> None:
    with pytest.raises(SlipsRefusedError) as refused:
        parse_slips(written(username="77777 ZZZZZ", code="77777-ZZZZZ-M", seat=["77777-ZZZZZ"]))
    assert "77777" not in str(refused.value)
    assert refused.value.__suppress_context__


def test_many_faults_are_counted() -> None:
    found = json.loads(slips_of(*[slip()] * 9).model_dump_json())
    for item in found["slips"]:
        item["code"] = "?"
    with pytest.raises(SlipsRefusedError, match=r"slips.4.code: [^;]*; and 4 more$"):
        parse_slips(json.dumps(found))


@pytest.mark.parametrize("count", [0, MOST_SLIPS + 1])
def test_none_and_more_than_are_printed_at_once_are_refused(count: int) -> None:
    text = slips_of(*[slip()] * count).model_dump_json()
    with pytest.raises(SlipsRefusedError, match=f"^these are {count} slips; expected 1 to 2000"):
        parse_slips(text)


def test_text_without_end_is_refused_unread() -> None:
    with pytest.raises(
        SlipsRefusedError, match="have 4000001 characters; expected at most 4000000"
    ):
        parse_slips(" " * 4_000_001)


def test_order_is_room_then_seat_then_name() -> None:
    places = [
        ("", "1", "A"),
        ("lab", "10", "A"),
        ("lab", "2", "A"),
        ("lab", "", "A"),
        ("Hall 2", "B1", "A"),
        ("Hall 10", "1", "A"),
        ("Hall 2", "A10", "A"),
        ("Hall 2", "A9", "B"),
        ("Hall 2", "A9", "Ä"),
    ]
    some = [slip(room=room, seat=seat, last_name=name) for room, seat, name in places]
    assert [(it.room, it.seat, it.last_name) for it in slips_of(*some).in_order()] == [
        ("Hall 2", "A9", "Ä"),
        ("Hall 2", "A9", "B"),
        ("Hall 2", "A10", "A"),
        ("Hall 2", "B1", "A"),
        ("Hall 10", "1", "A"),
        ("lab", "2", "A"),
        ("lab", "10", "A"),
        ("lab", "", "A"),
        ("", "1", "A"),
    ]
