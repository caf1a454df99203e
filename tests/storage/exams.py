"""Two exams and their examinees, and attempts to sign in to them."""

from __future__ import annotations

import secrets
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from ipaddress import ip_address
from typing import Any, TypeVar

import sqlalchemy as sa

from e2xhub.domain.exam_entry import Entry, EntryRefusal
from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.domain.passwords import OneTimePassword
from e2xhub.domain.sessions import digest_of
from e2xhub.storage.exam_records import ExamRecords
from e2xhub.storage.exam_records.door import Attempt, RefusedAttemptError
from tests.log_search import SEARCH

T = TypeVar("T")
NOW = datetime(2027, 2, 15, 8, tzinfo=timezone.utc)
PZ1, PZ2 = ExamId.parse("ml-pz1"), ExamId.parse("ml-pz2")
ALICE, BEN = Username.parse("alice"), Username.parse("ben")
IN_THE_LAB, BESIDE, FAR_AWAY = "10.1.0.5", "10.1.0.6", "192.0.2.7"


def issue(
    records: ExamRecords,
    exam: ExamId = PZ1,
    username: Username = ALICE,
    *,
    replace: bool = False,
    by: str = "petra",
    now: datetime = NOW,
    reason: str = "",
) -> OneTimePassword:
    """A new password."""
    issued = records.issue(exam, username, by=by, now=now, replace=replace, reason=reason)
    SEARCH.keep_code(issued)
    return issued


def make_attempt(
    password: OneTimePassword | None,
    *exams: ExamId,
    username: Username | None = ALICE,
    address: str = IN_THE_LAB,
    refusal: EntryRefusal | None = None,
    **more: Any,
) -> Attempt:
    """An attempt from a room of `exams` (the first exam where none is named) while they are open.

    With `refusal` no exam is open to it.
    """
    about = exams or (PZ1,)
    known = {"typed_name": username or "mallory", "session": digest_of(secrets.token_hex())}
    entry = Entry(
        exams=() if refusal else about, about=about, refusal=refusal, address=ip_address(address)
    )
    return Attempt(username=username, password=password, entry=entry, **{**known, **more})


def sign_in(records: ExamRecords, attempt: Attempt, now: datetime = NOW) -> ExamId | EntryRefusal:
    """The exam that the attempt opened, or the reason that the proctors read."""
    door = records.door
    try:
        return door.sign_in(attempt, now)
    except RefusedAttemptError as refused:
        return door.explain(attempt, refused, now)


def try_quickly(
    records: ExamRecords, attempt: Attempt, now: datetime = NOW
) -> ExamId | EntryRefusal:
    """As `sign_in`, with the reason that is known when the person gets an answer.

    Whoever has waited long for SQLite's one writer tries again: nothing was judged, nothing used.
    """
    while True:
        try:
            return records.door.sign_in(attempt, now)
        except RefusedAttemptError as refused:
            return refused.refusal
        except sa.exc.OperationalError as error:
            if "database is locked" not in str(error):
                raise


def at_once(calls: Sequence[Callable[[], T]]) -> list[T]:
    """The results of `calls`, each of a thread, which begin at the same moment."""
    barrier = threading.Barrier(len(calls))
    results: list[T] = []

    def run(call: Callable[[], T]) -> None:
        barrier.wait()
        results.append(call())

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == len(calls)
    return results


@dataclass
class Hashes:
    """How many password hashes were computed."""

    count: int = 0


@contextmanager
def counted_hashes() -> Iterator[Hashes]:
    """Counts the calls of scrypt in this thread."""
    hashes = Hashes()

    def look(_frame: object, event: str, called: object) -> None:
        if event == "c_call" and getattr(called, "__name__", "") == "scrypt":
            hashes.count += 1

    sys.setprofile(look)
    try:
        yield hashes
    finally:
        sys.setprofile(None)
