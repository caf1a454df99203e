"""A one-time password opens one exam for one person, once, on both kinds of database."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timezone
from typing import TypeVar

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.domain.passwords import OneTimePassword, Pepper
from e2xhub.storage.exam_records import (
    ExamRecords,
    PasswordExistsError,
    PasswordState,
    PasswordStatus,
)

T = TypeVar("T")
NOW = datetime(2027, 2, 15, 8, tzinfo=timezone.utc)
PZ1, PZ2 = ExamId.parse("ml-pz1"), ExamId.parse("ml-pz2")
ALICE, BEN = Username.parse("alice"), Username.parse("ben")


def issue(
    records: ExamRecords, exam: ExamId = PZ1, username: Username = ALICE, *, replace: bool = False
) -> OneTimePassword:
    return records.issue(exam, username, issued_by="petra", now=NOW, replace=replace)


def consume(
    records: ExamRecords,
    password: OneTimePassword | None,
    *exams: ExamId,
    username: Username = ALICE,
) -> ExamId | None:
    return records.consume(exams or (PZ1,), username, password, consumed_from="10.1.0.5", now=NOW)


def at_once(count: int, call: Callable[[], T]) -> list[T]:
    """The results of `count` threads that run `call` at the same moment."""
    barrier = threading.Barrier(count)
    results: list[T] = []

    def run() -> None:
        barrier.wait()
        results.append(call())

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == count
    return results


def states(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        query = "SELECT state FROM one_time_passwords ORDER BY generation"
        return list(connection.scalars(sa.text(query)))


def test_password_opens_its_exam(records: ExamRecords) -> None:
    assert consume(records, issue(records)) == PZ1


def test_used_password_is_refused(records: ExamRecords) -> None:
    password = issue(records)
    assert [consume(records, password) for _ in range(3)] == [PZ1, None, None]


def test_password_opens_once_for_fifty_at_the_same_moment(
    records: ExamRecords, engine: Engine
) -> None:
    password = issue(records)
    winners = [exam for exam in at_once(50, lambda: consume(records, password)) if exam]
    assert (winners, states(engine)) == ([PZ1], ["used"])


def test_wrong_code_is_refused_and_consumes_nothing(records: ExamRecords) -> None:
    password = issue(records)
    assert consume(records, OneTimePassword.make()) is None
    assert consume(records, None) is None
    assert consume(records, password) == PZ1


def test_password_of_another_exam_is_refused_and_stays(records: ExamRecords) -> None:
    password, _ = issue(records, PZ1), issue(records, PZ2)
    assert consume(records, password, PZ2) is None
    assert consume(records, password, PZ1) == PZ1


def test_password_tells_which_of_several_open_exams_it_is_for(records: ExamRecords) -> None:
    _, password = issue(records, PZ1), issue(records, PZ2)
    assert consume(records, password, PZ1, PZ2) == PZ2


def test_password_of_another_person_is_refused_and_stays(records: ExamRecords) -> None:
    password, _ = issue(records), issue(records, username=BEN)
    assert consume(records, password, username=BEN) is None
    assert consume(records, password) == PZ1


def test_no_open_exam_opens_nothing(records: ExamRecords) -> None:
    password = issue(records)
    assert records.consume((), ALICE, password, consumed_from="x", now=NOW) is None
    assert consume(records, password) == PZ1


def test_second_issue_is_refused_while_a_password_waits(records: ExamRecords) -> None:
    password = issue(records)
    assert refusal_of_second_issue(records) == (
        "alice was given a password for ml-pz1 before, which is still unused; "
        "'e2xhub password reissue ml-pz1 --user alice' makes a new one and ends it"
    )
    assert consume(records, password) == PZ1


def test_second_issue_is_refused_after_the_password_was_used(records: ExamRecords) -> None:
    consume(records, issue(records))
    assert refusal_of_second_issue(records) == (
        "alice was given a password for ml-pz1 before, which was used; "
        "'e2xhub password reissue ml-pz1 --user alice' makes a new one and ends it"
    )


def refusal_of_second_issue(records: ExamRecords) -> str:
    with pytest.raises(PasswordExistsError) as caught:
        issue(records)
    return str(caught.value)


def test_first_issue_for_another_exam_or_person_is_no_second_one(records: ExamRecords) -> None:
    issue(records)
    assert consume(records, issue(records, PZ2), PZ2) == PZ2
    assert consume(records, issue(records, username=BEN), username=BEN) == PZ1


def test_reissue_ends_the_password_before(records: ExamRecords, engine: Engine) -> None:
    old = issue(records)
    new = issue(records, replace=True)
    assert consume(records, old) is None
    assert consume(records, new) == PZ1
    assert states(engine) == ["replaced", "used"]


def test_reissue_after_the_first_password_was_used_makes_another(
    records: ExamRecords, engine: Engine
) -> None:
    assert consume(records, issue(records)) == PZ1
    assert consume(records, issue(records, replace=True)) == PZ1
    assert states(engine) == ["used", "used"]


@pytest.mark.parametrize("replace", [False, True])
def test_of_several_issued_at_once_one_password_is_active(
    records: ExamRecords, engine: Engine, replace: bool
) -> None:
    if replace:
        issue(records)

    def try_to_issue() -> OneTimePassword | None:
        try:
            return issue(records, replace=replace)
        except PasswordExistsError:
            return None

    issued = [password for password in at_once(8, try_to_issue) if password]
    assert states(engine).count("active") == 1
    assert [consume(records, password) for password in issued].count(PZ1) == 1


def test_code_is_not_in_the_database(records: ExamRecords, engine: Engine) -> None:
    password = issue(records)
    with engine.connect() as connection:
        (row,) = connection.execute(sa.text("SELECT * FROM one_time_passwords"))
    for value in row:
        assert password.code not in str(value)
        assert password.code.encode() not in bytes(str(value), "utf-8")


def test_password_under_another_pepper_is_refused(records: ExamRecords, engine: Engine) -> None:
    password = issue(records)
    assert consume(ExamRecords(engine, Pepper(b"q" * 32)), password) is None


def test_password_survives_a_restart(records: ExamRecords, engine: Engine, pepper: Pepper) -> None:
    password = issue(records)
    engine.dispose()
    assert consume(ExamRecords(engine, pepper), password) == PZ1


def test_status_tells_the_newest_password_of_everybody(records: ExamRecords) -> None:
    issue(records, username=BEN)
    issue(records)
    password = issue(records, replace=True)
    issue(records, PZ2)
    consume(records, password)
    assert records.status(PZ1) == [
        PasswordStatus(
            username="alice",
            generation=2,
            state=PasswordState.USED,
            issued_at=NOW,
            issued_by="petra",
            consumed_at=NOW,
            consumed_from="10.1.0.5",
        ),
        PasswordStatus(
            username="ben",
            generation=1,
            state=PasswordState.ACTIVE,
            issued_at=NOW,
            issued_by="petra",
            consumed_at=None,
            consumed_from=None,
        ),
    ]


def test_exam_without_passwords_has_no_status(records: ExamRecords) -> None:
    assert records.status(PZ1) == []
