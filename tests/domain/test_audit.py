"""The chain of the audit log, on entries that somebody could have made up."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.domain.audit import (
    FIRST_SEAL,
    Action,
    AuditEntry,
    Event,
    anchor,
    find_fault,
    make_seal,
    parse_anchor,
)

KEY, AT = b"k" * 32, datetime(2027, 2, 15, 8, tzinfo=timezone.utc)
ZEROS = "0" * 16
EVENT = Event(action=Action.ISSUED, actor="petra", exam="ml-pz1", username="alice")


def make_log(events: Sequence[Event], key: bytes = KEY) -> list[AuditEntry]:
    """A whole log of `events`."""
    log: list[AuditEntry] = []
    for number, event in enumerate(events, start=1):
        before = log[-1].seal if log else FIRST_SEAL
        at = AT + timedelta(seconds=number)
        seal = make_seal(key, before, number, at, event)
        log.append(AuditEntry(number=number, at=at, event=event, key_id="k", seal=seal))
    return log


def fault(log: Sequence[AuditEntry | None], *anchors: str) -> str:
    """What is found; empty where the log is whole."""
    found = find_fault(log, {"k": KEY}.get, anchors=anchors)
    return str(found) if found else ""


def test_entry_whose_key_is_gone_is_in_doubt_and_no_change() -> None:
    found = find_fault(make_log([EVENT]), {}.get)
    assert found is not None
    assert (found.is_change, found.anchors) == (False, ())


def test_fault_names_the_anchors_that_do_not_fit() -> None:
    log, other = make_log([EVENT]), f"1-{ZEROS}"
    found = [find_fault(log, {"k": KEY}.get, anchors=[text]) for text in (other, f"2-{ZEROS}")]
    assert [it.anchors for it in found if it] == [(other,), (f"2-{ZEROS}",)]


details = st.dictionaries(
    st.text(max_size=8), st.none() | st.booleans() | st.integers() | st.text(max_size=8), max_size=3
)
events = st.builds(
    Event,
    action=st.sampled_from(Action),
    actor=st.text(max_size=8),
    exam=st.text(max_size=8),
    username=st.text(max_size=8),
    details=details,
)


def test_seal_is_the_one_that_is_documented() -> None:
    """HMAC-SHA-256 over the seal before and the content as JSON with sorted keys, in ASCII."""
    event = replace(EVENT, details={"ü": 1})
    content = (
        b'{"action":"code issued","actor":"petra","at":"2027-02-15T08:00:00.000000+00:00",'
        b'"details":{"\\u00fc":1},"exam":"ml-pz1","number":7,"username":"alice"}'
    )
    expected = hmac.new(KEY, b"s" * 32 + content, hashlib.sha256).digest()
    assert make_seal(KEY, b"s" * 32, 7, AT, event) == expected


def test_moment_is_the_same_in_every_zone() -> None:
    in_berlin = AT.astimezone(timezone(timedelta(hours=1)))
    one, other = (make_seal(KEY, FIRST_SEAL, 1, at, EVENT) for at in (AT, in_berlin))
    assert one == other


@given(st.lists(events, max_size=6))
def test_log_that_nobody_changed_is_whole(happened: list[Event]) -> None:
    log = make_log(happened)
    anchors = [anchor(entry.number, entry.seal) for entry in log]
    assert fault(log, *anchors) == ""


@given(st.lists(events, min_size=1, max_size=6), events, st.data())
def test_entry_with_another_content_is_found(
    happened: list[Event], other: Event, data: st.DataObject
) -> None:
    log = make_log(happened)
    number = data.draw(st.integers(0, len(log) - 1))
    if other == log[number].event:
        return
    log[number] = replace(log[number], event=other)
    assert fault(log).startswith(f"entry {number + 1}: it was changed")


@given(st.lists(events, min_size=2, max_size=6, unique_by=repr), st.data())
def test_entries_in_another_order_are_found(happened: list[Event], data: st.DataObject) -> None:
    log = make_log(happened)
    order = data.draw(st.permutations(log))
    if order == log:
        return
    first = next(entry.number for entry, found in zip(log, order, strict=True) if entry != found)
    assert fault(order).startswith(f"entry {first}: ")


@given(st.lists(events, min_size=1, max_size=6), st.data())
def test_missing_entry_is_found_by_the_anchor_of_the_end(
    happened: list[Event], data: st.DataObject
) -> None:
    log = make_log(happened)
    end = anchor(log[-1].number, log[-1].seal)
    missing = data.draw(st.integers(0, len(log) - 1))
    assert fault([*log[:missing], *log[missing + 1 :]], end).startswith(f"entry {missing + 1}: it")


CHANGES: dict[str, Callable[[AuditEntry], AuditEntry]] = {
    "at": lambda entry: replace(entry, at=entry.at + timedelta(microseconds=1)),
    "seal": lambda entry: replace(entry, seal=bytes(32)),
    "short seal": lambda entry: replace(entry, seal=entry.seal[:16]),
    "actor": lambda entry: replace(entry, event=replace(entry.event, actor="petra ")),
    "moved words": lambda entry: replace(
        entry, event=replace(entry.event, exam="", username="ml-pz1alice")
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_small_change_is_found(change: Callable[[AuditEntry], AuditEntry]) -> None:
    log = make_log([EVENT] * 3)
    log[1] = change(log[1])
    assert fault(log) == "entry 2: it was changed, or what was before it is missing"


def test_two_logs_under_one_key_cannot_be_mixed() -> None:
    one, other = make_log([EVENT] * 3), make_log([replace(EVENT, actor="paul"), EVENT, EVENT])
    assert fault([one[0], *other[1:]]).startswith("entry 2: it was changed")


def test_entry_that_cannot_be_read_ends_the_proof() -> None:
    log = make_log([EVENT] * 2)
    assert fault([log[0], None]) == "entry 2: it was changed: it cannot be read"


def test_every_anchor_counts_also_two_for_one_entry() -> None:
    log = make_log([EVENT])
    right = anchor(1, log[0].seal)
    wrong = anchor(1, bytes(32))
    assert fault(log, wrong, right) == f"entry 1: it is not the one that was noted as {wrong}"
    assert fault(log, right, wrong) == f"entry 1: it is not the one that was noted as {wrong}"


def test_anchor_beyond_the_end_is_missing() -> None:
    assert fault([], "1-0000000000000000") == "entry 1: it and what comes after it is missing"


@given(st.integers(1, 10**17), st.binary(min_size=32, max_size=32))
def test_anchor_is_read_back_as_it_is_copied_by_hand(number: int, seal: bytes) -> None:
    noted = anchor(number, seal)
    assert parse_anchor(f" {noted.lower()} ") == noted


@pytest.mark.parametrize(
    "text", ["", "1", "-", "0-" + ZEROS, "1-" + ZEROS[1:], "x-" + ZEROS, "\u0661-" + ZEROS]
)
def test_other_text_is_no_anchor(text: str) -> None:
    with pytest.raises(ValueError, match="is no anchor; expected one such as 812-9F86D081884C7D65"):
        parse_anchor(text)
