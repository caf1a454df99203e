"""Signing in to an exam: a code opens it for one person, once; who guesses has to wait."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from e2xhub.domain.audit import Action
from e2xhub.domain.exam_entry import EntryRefusal
from e2xhub.domain.exam_records import ExamineeRecord, RecordsView, SessionEnd
from e2xhub.domain.passwords import OneTimePassword, Peppers
from e2xhub.domain.room_codes import room_code_at
from e2xhub.domain.throttle import FREE_ATTEMPTS, MOST_ON_A_PERSON, Counter
from e2xhub.storage.exam_records import ExamRecords, attempts
from e2xhub.storage.exam_records.tables import sign_in_counts
from tests.storage.exams import (
    ALICE,
    BEN,
    BESIDE,
    FAR_AWAY,
    IN_THE_LAB,
    NOW,
    PZ1,
    PZ2,
    at_once,
    counted_hashes,
    issue,
    make_attempt,
    sign_in,
    try_quickly,
)

WRONG = OneTimePassword("0" * 10)


def person(records: ExamRecords, username: str = "alice", exam: str = PZ1) -> ExamineeRecord:
    return records.load_view(RecordsView()).exam(exam).examinee(username)


def guess(records: ExamRecords, times: int, **more: Any) -> list[object]:
    """What becomes of so many wrong codes in a row."""
    return [try_quickly(records, make_attempt(WRONG, **more)) for _ in range(times)]


# --- what a code opens


def test_password_opens_its_exam_and_a_session(records: ExamRecords) -> None:
    attempt = make_attempt(issue(records))
    assert sign_in(records, attempt) == PZ1
    view = records.load_view(RecordsView())
    session = view.sessions[attempt.session]
    assert (session.exam, session.username, session.address) == (PZ1, ALICE, IN_THE_LAB)
    assert view.exam(PZ1).examinee("alice").signed_in_at == NOW


def test_used_password_is_refused(records: ExamRecords) -> None:
    password = issue(records)
    results = [sign_in(records, make_attempt(password)) for _ in range(3)]
    assert results == [PZ1, EntryRefusal.USED_CODE, EntryRefusal.USED_CODE]


@pytest.mark.parametrize("password", [WRONG, None])
def test_wrong_code_is_refused_and_consumes_nothing(
    records: ExamRecords, password: OneTimePassword | None
) -> None:
    right = issue(records)
    assert sign_in(records, make_attempt(password)) == EntryRefusal.WRONG_CODE
    assert sign_in(records, make_attempt(right)) == PZ1


def test_password_of_another_exam_is_refused_and_stays(records: ExamRecords) -> None:
    password, _ = issue(records, PZ1), issue(records, PZ2)
    assert sign_in(records, make_attempt(password, PZ2)) == EntryRefusal.WRONG_CODE
    assert sign_in(records, make_attempt(password, PZ1)) == PZ1


def test_password_tells_which_of_several_open_exams_it_is_for(records: ExamRecords) -> None:
    _, password = issue(records, PZ1), issue(records, PZ2)
    assert sign_in(records, make_attempt(password, PZ1, PZ2)) == PZ2


def test_password_of_another_person_is_refused_and_stays(records: ExamRecords) -> None:
    password, _ = issue(records), issue(records, username=BEN)
    assert sign_in(records, make_attempt(password, username=BEN)) == EntryRefusal.WRONG_CODE
    assert sign_in(records, make_attempt(password)) == PZ1


def test_person_without_a_code_is_told_to_the_proctors_as_such(records: ExamRecords) -> None:
    assert sign_in(records, make_attempt(WRONG)) == EntryRefusal.NOT_ISSUED


@pytest.mark.parametrize(
    "refusal", [EntryRefusal.NO_EXAM_YET, EntryRefusal.WRONG_ROOM, EntryRefusal.FINISHED]
)
def test_right_code_where_no_exam_is_open_is_refused_and_stays(
    records: ExamRecords, refusal: EntryRefusal
) -> None:
    password = issue(records)
    assert sign_in(records, make_attempt(password, refusal=refusal)) == refusal
    assert person(records).refused is not None
    assert sign_in(records, make_attempt(password)) == PZ1
    assert person(records).refused is None


def test_finished_exam_opens_again_with_a_new_code_only(records: ExamRecords) -> None:
    first = issue(records)
    records.finish(PZ1, ALICE, by="petra", now=NOW)
    assert sign_in(records, make_attempt(first)) == EntryRefusal.REVOKED_CODE
    assert sign_in(records, make_attempt(issue(records, replace=True))) == PZ1


def test_password_survives_a_restart(
    records: ExamRecords, engine: Engine, peppers: Peppers
) -> None:
    password = issue(records)
    engine.dispose()
    assert sign_in(ExamRecords(engine, peppers), make_attempt(password)) == PZ1


# --- many at once


def test_code_opens_once_for_fifty_from_one_address_at_the_same_moment(
    records: ExamRecords,
) -> None:
    password = issue(records)
    results = at_once([lambda: try_quickly(records, make_attempt(password)) for _ in range(50)])
    assert results.count(PZ1) == 1
    assert set(results) <= {
        PZ1,
        EntryRefusal.USED_CODE,
        EntryRefusal.WRONG_CODE,
        EntryRefusal.WAITS,
    }
    assert len(records.load_view(RecordsView()).sessions) == 1


def test_code_opens_once_for_fifty_from_fifty_addresses_at_the_same_moment(
    records: ExamRecords,
) -> None:
    password = issue(records)
    addresses = [f"10.1.1.{number}" for number in range(50)]
    attempts = [make_attempt(password, address=address) for address in addresses]
    calls = [lambda attempt=attempt: try_quickly(records, attempt) for attempt in attempts]  # type: ignore[misc]
    assert at_once(calls).count(PZ1) == 1
    (session,) = records.load_view(RecordsView()).sessions.values()
    assert session.digest in {attempt.session for attempt in attempts}


def test_fifty_guesses_at_the_same_moment_are_no_more_than_the_free_ones(
    records: ExamRecords,
) -> None:
    issue(records)
    results = at_once([lambda: try_quickly(records, make_attempt(WRONG)) for _ in range(50)])
    assert results.count(EntryRefusal.WRONG_CODE) == FREE_ATTEMPTS
    assert results.count(EntryRefusal.WAITS) == 50 - FREE_ATTEMPTS


# --- who guesses


def test_right_code_is_refused_after_too_many_wrong_ones_and_stays(records: ExamRecords) -> None:
    password = issue(records)
    guess(records, FREE_ATTEMPTS)
    assert sign_in(records, make_attempt(password)) == EntryRefusal.WAITS
    assert sign_in(records, make_attempt(password), NOW + timedelta(seconds=30)) == PZ1


def test_reason_before_a_pause_stays_beside_it(records: ExamRecords) -> None:
    issue(records)
    for _ in range(FREE_ATTEMPTS):
        sign_in(records, make_attempt(WRONG))
    for _ in range(2):
        assert sign_in(records, make_attempt(WRONG)) == EntryRefusal.WAITS
        refused = person(records).refused
        assert refused is not None
        assert (refused.reason, refused.before) == (
            EntryRefusal.WAITS.value,
            EntryRefusal.WRONG_CODE.value,
        )
    log = [entry.event.details.get("reason") for entry in records.entries()]
    assert log.count(EntryRefusal.WAITS.value) == 1


def test_pause_survives_a_restart(records: ExamRecords, engine: Engine, peppers: Peppers) -> None:
    password = issue(records)
    guess(records, FREE_ATTEMPTS)
    engine.dispose()
    again = ExamRecords(engine, peppers)
    assert sign_in(again, make_attempt(password)) == EntryRefusal.WAITS


@pytest.mark.parametrize(
    ("here", "beside"), [(IN_THE_LAB, BESIDE), ("2001:db8:1::5", "2001:db8:1::6")]
)
def test_guessing_beside_somebody_does_not_keep_them_out(
    records: ExamRecords, here: str, beside: str
) -> None:
    password = issue(records)
    guess(records, 20, address=beside)
    assert sign_in(records, make_attempt(password, address=here)) == PZ1


def test_who_has_a_network_of_ipv6_has_one_limit_for_it(records: ExamRecords) -> None:
    """The limit of an address is 400 a minute, counted as in a flood from afar."""
    names = [f"stranger{number}" for number in range(401)]
    results = [
        try_quickly(
            records,
            _from_afar(
                make_attempt(WRONG, username=None, typed_name=name, address=f"2001:db8::{it:x}")
            ),
        )
        for it, name in enumerate(names)
    ]
    assert results[:400] == [EntryRefusal.WRONG_ROOM] * 400
    assert results[400] == EntryRefusal.WAITS


def test_guessing_about_one_person_does_not_keep_a_neighbour_out(records: ExamRecords) -> None:
    password = issue(records, username=BEN)
    guess(records, 20, username=ALICE)
    assert sign_in(records, make_attempt(password, username=BEN)) == PZ1


LATELY = datetime.now(timezone.utc)
"""A lock is forgotten after a day: what is looked at now has to be of today."""


def lock(records: ExamRecords) -> None:
    """Makes as many guesses about Alice as a person stands, each from another address."""
    for number in range(MOST_ON_A_PERSON):
        try_quickly(records, make_attempt(WRONG, address=f"10.1.2.{number}"), LATELY)


def test_very_many_guesses_about_a_person_lock_them_until_a_proctor_unlocks(
    records: ExamRecords,
) -> None:
    password = issue(records)
    lock(records)
    assert sign_in(records, make_attempt(password), LATELY) == EntryRefusal.LOCKED
    assert person(records).is_locked
    records.unlock(PZ1, ALICE, by="petra", now=LATELY)
    assert not person(records).is_locked
    assert sign_in(records, make_attempt(password), LATELY) == PZ1


def test_new_code_unlocks(records: ExamRecords) -> None:
    issue(records)
    lock(records)
    assert sign_in(records, make_attempt(issue(records, replace=True)), LATELY) == PZ1


def test_nobody_far_away_can_lock_somebody_out(records: ExamRecords) -> None:
    password = issue(records)
    for number in range(MOST_ON_A_PERSON + 5):
        address = f"192.0.2.{number}"
        refused = make_attempt(WRONG, address=address, refusal=EntryRefusal.WRONG_ROOM)
        assert try_quickly(records, _from_afar(refused)) == EntryRefusal.WRONG_ROOM
    assert sign_in(records, make_attempt(password)) == PZ1


def _from_afar(attempt: Any) -> Any:
    return replace(attempt, is_from_afar=True)


def test_attempt_from_afar_is_refused_without_a_hash_whoever_it_names(
    records: ExamRecords,
) -> None:
    password = issue(records)
    for username in (ALICE, None):
        attempt = make_attempt(
            password, username=username, address=FAR_AWAY, refusal=EntryRefusal.WRONG_ROOM
        )
        with counted_hashes() as hashes:
            assert try_quickly(records, _from_afar(attempt)) == EntryRefusal.WRONG_ROOM
        assert hashes.count == 0
    assert sign_in(records, make_attempt(password)) == PZ1


def test_flood_from_afar_is_told_once(records: ExamRecords) -> None:
    issue(records)
    for _ in range(10):
        refused = make_attempt(WRONG, address=FAR_AWAY, refusal=EntryRefusal.WRONG_ROOM)
        sign_in(records, _from_afar(refused))
        sign_in(records, _from_afar(make_attempt(WRONG, username=None, address=FAR_AWAY)))
    refusals = [it for it in records.entries() if it.event.action is Action.REFUSED]
    assert [it.event.username for it in refusals] == ["alice"] * len(refusals)
    assert len(refusals) <= 2


@pytest.mark.parametrize("typed", ["alice", "ALICE", " Alice ", "aLiCe\n"])
def test_name_is_counted_however_it_is_written(records: ExamRecords, typed: str) -> None:
    issue(records)
    guess(records, FREE_ATTEMPTS, username=None, typed_name="alice")
    assert guess(records, 1, username=None, typed_name=typed) == [EntryRefusal.WAITS]


@pytest.mark.parametrize("typed", ["\ud800", "\0", "x" * 100_000, "", "🙂", "' OR 1=1 --"])
def test_any_text_may_be_typed_as_a_name(records: ExamRecords, typed: str) -> None:
    refused = guess(records, 1, username=None, typed_name=typed)
    assert refused == [EntryRefusal.WRONG_CODE]


def test_one_address_cannot_keep_the_whole_hub_busy(records: ExamRecords) -> None:
    """The limit of an address is 400 a minute; counted here without their hashes."""
    from_one = {
        try_quickly(
            records, _from_afar(make_attempt(WRONG, typed_name=f"x{number}", username=None))
        )
        for number in range(401)
    }
    assert from_one == {EntryRefusal.WRONG_ROOM, EntryRefusal.WAITS}
    password = issue(records)
    assert sign_in(records, make_attempt(password, address=BESIDE)) == PZ1


def test_old_counts_are_removed(records: ExamRecords, engine: Engine) -> None:
    guess(records, 3)
    later = NOW + timedelta(days=2)
    try_quickly(records, make_attempt(WRONG, username=BEN), later)
    with engine.connect() as connection:
        oldest = connection.execute(sa.text("SELECT count(*) FROM sign_in_counts")).scalar()
    assert oldest == 4


def test_pause_is_in_the_audit_log_once(records: ExamRecords) -> None:
    issue(records)
    for _ in range(FREE_ATTEMPTS + 10):
        sign_in(records, make_attempt(WRONG))
    reasons = [
        it.event.details["reason"]
        for it in records.entries(PZ1)
        if it.event.action is Action.REFUSED
    ]
    assert reasons == [EntryRefusal.WRONG_CODE.value] * 5 + [EntryRefusal.WAITS.value]


# --- who exists


def hashes_of(records: ExamRecords, attempt: Any) -> int:
    with counted_hashes() as hashes:
        try_quickly(records, attempt)
    return hashes.count


def test_attempt_costs_one_hash_whoever_it_names(records: ExamRecords) -> None:
    password = issue(records)
    issue(records, username=BEN)
    sign_in(records, make_attempt(issue(records, PZ2), PZ2))
    attempts: dict[str, Callable[[], Any]] = {
        "right": lambda: make_attempt(password),
        "wrong": lambda: make_attempt(WRONG, username=BEN),
        "no code": lambda: make_attempt(None, username=BEN),
        "used": lambda: make_attempt(WRONG, PZ2),
        "wrong room": lambda: make_attempt(WRONG, refusal=EntryRefusal.WRONG_ROOM),
        "nobody": lambda: make_attempt(WRONG, username=None, refusal=EntryRefusal.NO_EXAMINEE),
    }
    found = {name: hashes_of(records, make()) for name, make in attempts.items()}
    assert found == dict.fromkeys(attempts, 1)


def test_code_under_a_pepper_that_is_lost_costs_one_hash(
    records: ExamRecords, engine: Engine
) -> None:
    password = issue(records)
    other = ExamRecords(engine, Peppers.parse("cd" * 32))
    assert hashes_of(other, make_attempt(password)) == 1


def test_who_waits_costs_no_hash_whoever_it_is(records: ExamRecords) -> None:
    issue(records)
    for username in (ALICE, None):
        guess(records, FREE_ATTEMPTS, username=username)
        assert hashes_of(records, make_attempt(WRONG, username=username)) == 0


# --- room codes and Safe Exam Browser


def with_room_code(records: ExamRecords, password: OneTimePassword, code: str, **more: Any) -> Any:
    return make_attempt(password, room_code=code, room_code_rooms={PZ1: ("lab",)}, **more)


def test_room_code_is_demanded_and_accepted_once_for_each_person(records: ExamRecords) -> None:
    first = issue(records)
    shown = room_code_at(records.peppers.current, PZ1, "lab", NOW)
    assert sign_in(records, with_room_code(records, first, "")) == EntryRefusal.WRONG_ROOM_CODE
    assert sign_in(records, with_room_code(records, first, shown)) == PZ1
    second = issue(records, replace=True)
    again = with_room_code(records, second, shown)
    assert sign_in(records, again) == EntryRefusal.WRONG_ROOM_CODE
    assert records.status(PZ1)[0].state.value == "active"
    ben = issue(records, username=BEN)
    assert sign_in(records, with_room_code(records, ben, shown, username=BEN)) == PZ1


def test_wrong_room_code_leaves_the_code_unused(records: ExamRecords) -> None:
    password = issue(records)
    elsewhere = room_code_at(records.peppers.current, PZ1, "hall", NOW)
    refused = sign_in(records, with_room_code(records, password, elsewhere))
    assert refused == EntryRefusal.WRONG_ROOM_CODE
    shown = room_code_at(records.peppers.current, PZ1, "lab", NOW)
    assert sign_in(records, with_room_code(records, password, shown)) == PZ1


def test_browser_that_has_not_shown_its_keys_is_refused_and_the_code_stays(
    records: ExamRecords,
) -> None:
    password = issue(records)
    refused = sign_in(records, make_attempt(password, safe_browser={PZ1: ""}))
    assert refused == EntryRefusal.NO_SAFE_BROWSER
    attempt = make_attempt(password, safe_browser={PZ1: "headers"})
    assert sign_in(records, attempt) == PZ1
    session = records.load_view(RecordsView()).sessions[attempt.session]
    assert session.safe_browser_way == "headers"


# --- sessions


def test_second_sign_in_ends_the_first_session(records: ExamRecords) -> None:
    first = make_attempt(issue(records))
    sign_in(records, first)
    second = make_attempt(issue(records, replace=True), address=BESIDE)
    sign_in(records, second)
    view = records.load_view(RecordsView())
    assert list(view.sessions) == [second.session]
    ended = view.ending[first.session]
    assert (ended.end, ended.ended_at) == (SessionEnd.REISSUED, NOW)  # the grace is over, too


def test_sign_in_ends_the_session_that_the_browser_had_before(records: ExamRecords) -> None:
    ben = make_attempt(issue(records, username=BEN), username=BEN)
    sign_in(records, ben)
    alice = make_attempt(issue(records), former_session=ben.session)
    sign_in(records, alice)
    view = records.load_view(RecordsView())
    assert list(view.sessions) == [alice.session]
    assert [(it.username, it.end) for it in view.to_cut] == [("ben", SessionEnd.TAKEN_OVER)]


def test_refused_sign_in_ends_no_session(records: ExamRecords) -> None:
    ben = make_attempt(issue(records, username=BEN), username=BEN)
    sign_in(records, ben)
    sign_in(records, make_attempt(WRONG, former_session=ben.session))
    assert list(records.load_view(RecordsView()).sessions) == [ben.session]


def test_signing_out_ends_the_session_and_leaves_the_code_used(records: ExamRecords) -> None:
    attempt = make_attempt(issue(records))
    sign_in(records, attempt)
    records.door.sign_out(attempt.session, SessionEnd.SIGNED_OUT, NOW)
    records.door.sign_out("0" * 64, SessionEnd.SIGNED_OUT, NOW)
    view = records.load_view(RecordsView())
    assert (dict(view.sessions), [it.end for it in view.to_cut]) == ({}, [SessionEnd.SIGNED_OUT])
    assert records.status(PZ1)[0].state.value == "used"


# --- what the sealed log and the other exams of a person tell


def test_used_code_that_somebody_makes_active_again_stays_used(records: ExamRecords) -> None:
    password = issue(records)
    assert sign_in(records, make_attempt(password)) == PZ1
    with records.engine.begin() as connection:
        connection.execute(
            sa.text("UPDATE one_time_passwords SET state = 'active', consumed_at = NULL")
        )
    assert sign_in(records, make_attempt(password)) == EntryRefusal.USED_CODE


def test_proctor_reads_that_a_code_is_of_another_exam(records: ExamRecords) -> None:
    issue(records)
    other = issue(records, PZ2)
    attempt = make_attempt(other, other_exams=(PZ2,))
    assert sign_in(records, attempt) == EntryRefusal.FOREIGN_CODE
    assert sign_in(records, make_attempt(other, PZ2)) == PZ2


def test_flood_of_strange_names_keeps_no_examinee_of_the_same_address_out(
    records: ExamRecords,
) -> None:
    most = 400
    with records.writing() as connection:
        keys = attempts.keys_of(records.peppers.current, "nobody", IN_THE_LAB)
        window = {"since": NOW, "last_at": NOW, "attempts": most}
        for counter in (Counter.ADDRESS, Counter.ALL):
            row = {"counter": counter.value, "key": keys[counter], **window}
            connection.execute(sign_in_counts.insert().values(row))
    stranger = make_attempt(WRONG, username=None, refusal=EntryRefusal.NO_EXAMINEE)
    assert try_quickly(records, stranger) == EntryRefusal.WAITS
    assert sign_in(records, make_attempt(issue(records))) == PZ1


def test_submitted_that_is_said_twice_in_a_moment_is_noted_once(records: ExamRecords) -> None:
    for seconds in (0, 1, 19, 20):
        now = NOW + timedelta(seconds=seconds)
        records.note_submitted(PZ1, ALICE, by="alice", now=now)
    entries = [entry.at for entry in records.entries(PZ1)]
    assert entries == [NOW, NOW + timedelta(seconds=20)]
