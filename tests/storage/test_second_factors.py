"""Second factors on SQLite and on PostgreSQL: once each, encrypted, counted."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pyotp
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from e2xhub.domain.audit import Action
from e2xhub.domain.identifiers import Username
from e2xhub.domain.passwords import Pepper, Peppers
from e2xhub.domain.second_factor import MOST_ATTEMPTS, STEP_SECONDS, TotpSecret
from e2xhub.storage.database import make_engine, migrate
from e2xhub.storage.exam_records import ExamRecords
from e2xhub.storage.second_factors import (
    AlreadyEnrolledError,
    SecondFactors,
    SecondFactorVerdict,
    SecretUnreadableError,
    recovery_codes,
    second_factors,
)

NOW = datetime(2027, 2, 15, 8, 0, 10, tzinfo=timezone.utc)
HERE = "10.1.0.7"
PETRA, PAUL = Username.parse("petra"), Username.parse("paul")
OLD, NEW = Pepper(b"p" * 32), Pepper(b"q" * 32)
ACCEPTED, WRONG = SecondFactorVerdict.ACCEPTED, SecondFactorVerdict.WRONG


@pytest.fixture
def factors(engine: Engine) -> SecondFactors:
    """Nobody has a second factor."""
    migrate(engine)
    return SecondFactors(engine, Peppers(OLD))


def later(steps: int) -> datetime:
    return NOW + timedelta(seconds=steps * STEP_SECONDS)


def enrol(factors: SecondFactors, username: Username = PETRA) -> tuple[TotpSecret, list[str]]:
    """An app's secret, and the recovery codes; the code of `NOW` is used."""
    secret = TotpSecret.make()
    step = int(NOW.timestamp()) // STEP_SECONDS
    codes = factors.enrol(username, secret, step, address=HERE, now=NOW)
    return secret, [code.reveal() for code in codes]


def check(
    factors: SecondFactors, typed: str, now: datetime, username: Username = PETRA
) -> SecondFactorVerdict:
    return factors.check(username, typed, address=HERE, now=now)


def code_of(secret: TotpSecret, now: datetime) -> str:
    return pyotp.TOTP(secret.base32).at(now)


def wrong_code(secret: TotpSecret, now: datetime) -> str:
    """Six digits that no step around `now` has."""
    right = {code_of(secret, now + timedelta(seconds=seconds)) for seconds in range(-90, 91, 30)}
    return next(code for code in (f"{number:06}" for number in range(10)) if code not in right)


def at_once(attempt: Callable[[], SecondFactorVerdict], times: int) -> list[SecondFactorVerdict]:
    with ThreadPoolExecutor(times) as threads:
        tries = [threads.submit(attempt) for _ in range(times)]
    return [each.result() for each in tries]


def test_code_of_the_app_is_accepted(factors: SecondFactors) -> None:
    secret, _ = enrol(factors)
    assert factors.is_enrolled(PETRA)
    assert check(factors, code_of(secret, later(2)), later(2)) is ACCEPTED


def test_code_that_confirmed_the_enrolment_is_used(factors: SecondFactors) -> None:
    secret, _ = enrol(factors)
    assert check(factors, code_of(secret, NOW), NOW) is WRONG


def test_each_step_is_accepted_once(factors: SecondFactors) -> None:
    secret, _ = enrol(factors)
    code = code_of(secret, later(2))
    assert [check(factors, code, later(2)) for _ in range(2)] == [ACCEPTED, WRONG]


def test_step_before_an_accepted_one_is_not_accepted_any_more(factors: SecondFactors) -> None:
    secret, _ = enrol(factors)
    assert check(factors, code_of(secret, later(3)), later(3)) is ACCEPTED
    assert check(factors, code_of(secret, later(2)), later(3)) is WRONG


def test_code_that_is_sent_often_at_once_is_accepted_once(factors: SecondFactors) -> None:
    secret, _ = enrol(factors)
    code = code_of(secret, later(2))
    found = at_once(lambda: check(factors, code, later(2)), 8)
    assert found.count(ACCEPTED) == 1


def test_recovery_code_is_accepted_once_however_it_is_written(factors: SecondFactors) -> None:
    _, codes = enrol(factors)
    assert check(factors, codes[3].lower().replace("-", " "), NOW) is ACCEPTED
    assert check(factors, codes[3], NOW) is WRONG
    assert [item.recovery_codes_left for item in factors.status()] == [9]


def test_recovery_code_that_is_sent_often_at_once_is_accepted_once(factors: SecondFactors) -> None:
    _, codes = enrol(factors)
    assert at_once(lambda: check(factors, codes[0], NOW), 5).count(ACCEPTED) == 1


def test_codes_of_somebody_else_are_wrong(factors: SecondFactors) -> None:
    enrol(factors)
    secret, codes = enrol(factors, PAUL)
    assert check(factors, code_of(secret, later(2)), later(2)) is WRONG
    assert check(factors, codes[0], later(2)) is WRONG


@pytest.mark.parametrize("typed", ["", "12345", "ABCDE-FGHJK", "x" * 1000, "'; DROP TABLE--", "\0"])
def test_what_is_no_code_of_the_person_is_wrong(factors: SecondFactors, typed: str) -> None:
    enrol(factors)
    assert check(factors, typed, NOW) is WRONG


def test_who_has_not_enrolled_is_told_so(factors: SecondFactors) -> None:
    assert not factors.is_enrolled(PETRA)
    assert check(factors, "123456", NOW) is SecondFactorVerdict.NOT_ENROLLED


def test_nobody_enrols_twice(factors: SecondFactors) -> None:
    secret, _ = enrol(factors)
    with pytest.raises(AlreadyEnrolledError, match=r"^petra has a second factor already$"):
        enrol(factors)
    assert check(factors, code_of(secret, later(2)), later(2)) is ACCEPTED


def test_after_five_wrong_codes_the_right_one_has_to_wait(factors: SecondFactors) -> None:
    secret, codes = enrol(factors)
    now = later(4)
    for _ in range(5):
        assert check(factors, wrong_code(secret, now), now) is WRONG
    assert check(factors, code_of(secret, now), now) is SecondFactorVerdict.WAIT
    assert check(factors, codes[0], now) is SecondFactorVerdict.WAIT
    after = now + timedelta(seconds=30)
    assert check(factors, code_of(secret, after), after) is ACCEPTED
    assert check(factors, codes[0], after) is ACCEPTED


def test_wrong_codes_at_once_are_counted_one_by_one(factors: SecondFactors) -> None:
    secret, _ = enrol(factors)
    now = later(4)
    wrong = wrong_code(secret, now)
    found = at_once(lambda: check(factors, wrong, now), 12)
    assert found.count(WRONG) == 5
    assert found.count(SecondFactorVerdict.WAIT) == 7


def test_who_never_stops_guessing_has_to_be_reset(factors: SecondFactors, engine: Engine) -> None:
    secret, _ = enrol(factors)
    with engine.begin() as connection:
        connection.execute(second_factors.update().values(attempts=MOST_ATTEMPTS))
    year_later = NOW + timedelta(days=365)
    found = check(factors, code_of(secret, year_later), year_later)
    assert found is SecondFactorVerdict.LOCKED
    assert [item.is_locked for item in factors.status()] == [True]


def test_reset_makes_the_person_enrol_again(factors: SecondFactors) -> None:
    secret, codes = enrol(factors)
    assert factors.reset(PETRA, by="root", now=NOW)
    assert not factors.is_enrolled(PETRA)
    enrol(factors)
    assert check(factors, code_of(secret, later(2)), later(2)) is WRONG
    assert check(factors, codes[0], later(2)) is WRONG


def test_reset_of_somebody_without_one_says_so(factors: SecondFactors) -> None:
    assert not factors.reset(PETRA, by="root", now=NOW)


def test_nothing_in_the_tables_opens_anything(factors: SecondFactors, engine: Engine) -> None:
    secret, codes = enrol(factors)
    with engine.connect() as connection:
        tables = (second_factors, recovery_codes)
        rows = [row for table in tables for row in connection.execute(sa.select(table))]
    stored = b"".join(
        value if isinstance(value, bytes) else str(value).encode() for row in rows for value in row
    )
    assert secret.base32.encode() not in stored
    for code in codes:
        assert code.encode() not in stored
        assert code.replace("-", "").encode() not in stored


def test_secret_of_somebody_else_is_not_taken_for_ones_own(
    factors: SecondFactors, engine: Engine
) -> None:
    """Who can write the database and has a second factor cannot give it to somebody else."""
    enrol(factors)
    secret, _ = enrol(factors, PAUL)
    with engine.begin() as connection:
        of_paul = sa.select(second_factors.c.secret).where(second_factors.c.username == PAUL)
        stolen = connection.scalar(of_paul)
        connection.execute(
            second_factors.update().where(second_factors.c.username == PETRA).values(secret=stolen)
        )
    message = (
        r"^the second factor of petra in the database is not what e2xhub wrote there; "
        r"find out who did, then run 'e2xhub second-factor reset petra'$"
    )
    with pytest.raises(SecretUnreadableError, match=message):
        check(factors, code_of(secret, later(2)), later(2))


def test_older_pepper_still_reads_what_it_wrote(factors: SecondFactors, engine: Engine) -> None:
    secret, codes = enrol(factors)
    rotated = SecondFactors(engine, Peppers(NEW, (OLD,)))
    assert check(rotated, code_of(secret, later(2)), later(2)) is ACCEPTED
    assert check(rotated, codes[0], later(2)) is ACCEPTED


def test_pepper_that_is_gone_is_named(factors: SecondFactors, engine: Engine) -> None:
    secret, codes = enrol(factors)
    replaced = SecondFactors(engine, Peppers(NEW))
    message = (
        f"the second factor of petra was made with the pepper {OLD.key_id}, which is not in the "
        "pepper file; put it there again, or run 'e2xhub second-factor reset petra'"
    )
    for typed in (code_of(secret, later(2)), codes[0]):
        with pytest.raises(SecretUnreadableError) as error:
            check(replaced, typed, later(2))
        assert str(error.value) == message


def test_everything_is_in_the_audit_log_and_no_code(factors: SecondFactors, engine: Engine) -> None:
    secret, codes = enrol(factors)
    wrong = wrong_code(secret, later(2))
    check(factors, wrong, later(2))
    check(factors, codes[0], later(2))
    factors.reset(PETRA, by="root", now=NOW)
    records = ExamRecords(engine, Peppers(OLD))
    found = [
        (item.event.action, item.event.actor, item.event.details) for item in records.entries()
    ]
    assert found == [
        (Action.SECOND_FACTOR, "petra", {"what": "enrolled", "address": HERE}),
        (Action.SECOND_FACTOR, "petra", {"what": "wrong or used before", "address": HERE}),
        (Action.SECOND_FACTOR, "petra", {"what": "accepted", "address": HERE}),
        (Action.SECOND_FACTOR, "root", {"what": "reset"}),
    ]
    assert wrong not in str(found)


# --- the first factor


def sign_in(factors: SecondFactors, times: int, *, address: str = HERE) -> list[bool]:
    return [factors.may_sign_in("petra", address, NOW) for _ in range(times)]


def test_first_factor_has_to_wait_after_five_attempts(factors: SecondFactors) -> None:
    assert sign_in(factors, 6) == [True] * 5 + [False]


def test_attempts_elsewhere_do_not_count_against_the_person(factors: SecondFactors) -> None:
    for number in range(1, 20):
        sign_in(factors, 6, address=f"10.1.0.{100 + number}")
    assert sign_in(factors, 1) == [True]


def test_attempt_that_succeeded_is_forgiven(factors: SecondFactors) -> None:
    for _ in range(3):
        assert all(sign_in(factors, 4))
        factors.note_first_factor(PETRA, typed="petra", address=HERE, now=NOW)


def test_attempts_on_staff_do_not_count_for_an_examinee_of_that_name(
    factors: SecondFactors, engine: Engine
) -> None:
    sign_in(factors, 6)
    with engine.connect() as connection:
        query = sa.text("SELECT count(*) FROM sign_in_counts WHERE counter = 'person'")
        assert connection.scalar(query) == 0


def test_second_factors_outlive_the_process(factors: SecondFactors, database_url: str) -> None:
    secret, _ = enrol(factors)
    for _ in range(5):
        check(factors, wrong_code(secret, later(2)), later(2))
    again = make_engine(database_url)
    try:
        found = check(SecondFactors(again, Peppers(OLD)), code_of(secret, later(2)), later(2))
    finally:
        again.dispose()
    assert found is SecondFactorVerdict.WAIT
