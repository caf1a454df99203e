"""How often somebody may guess, and that nobody can keep others out for long."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.domain.throttle import (
    FIRST_PAUSE,
    FORGOTTEN_AFTER,
    FREE_ATTEMPTS,
    LONGEST_PAUSE,
    MOST_ON_A_PERSON,
    UNLOCKED_AFTER,
    Count,
    Counter,
    Verdict,
    count_attempt,
    decide_attempt,
    pause_after,
)

NOW = datetime(2027, 2, 15, 8, tzinfo=timezone.utc)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def count(attempts: int, ago: timedelta = timedelta(0)) -> Count:
    return Count(attempts=attempts, since=NOW - ago, last_at=NOW - ago)


@pytest.mark.parametrize(
    ("attempts", "seconds"),
    [(0, 0), (4, 0), (5, 30), (6, 60), (7, 120), (8, 240), (9, 480), (10, 900), (10_000, 900)],
)
def test_pause_is_twice_as_long_each_time_up_to_a_quarter_of_an_hour(
    attempts: int, seconds: int
) -> None:
    assert pause_after(attempts) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("counter", "counted", "verdict"),
    [
        (Counter.PAIR, count(FREE_ATTEMPTS - 1), Verdict.ADMITTED),
        (Counter.PAIR, count(FREE_ATTEMPTS), Verdict.WAIT),
        (Counter.PAIR, count(FREE_ATTEMPTS, FIRST_PAUSE - SECOND), Verdict.WAIT),
        (Counter.PAIR, count(FREE_ATTEMPTS, FIRST_PAUSE), Verdict.ADMITTED),
        (Counter.PAIR, count(1000, LONGEST_PAUSE), Verdict.ADMITTED),
        (Counter.PERSON, count(MOST_ON_A_PERSON - 1), Verdict.ADMITTED),
        (Counter.PERSON, count(MOST_ON_A_PERSON), Verdict.LOCKED),
        (Counter.PERSON, count(MOST_ON_A_PERSON, UNLOCKED_AFTER - SECOND), Verdict.LOCKED),
        (Counter.PERSON, count(MOST_ON_A_PERSON, UNLOCKED_AFTER), Verdict.ADMITTED),
        (Counter.ADDRESS, count(399), Verdict.ADMITTED),
        (Counter.ADDRESS, count(400), Verdict.WAIT),
        (Counter.ADDRESS, count(400, MINUTE), Verdict.ADMITTED),
        (Counter.ALL, count(1999), Verdict.ADMITTED),
        (Counter.ALL, count(2000), Verdict.WAIT),
        (Counter.ALL, count(2000, MINUTE), Verdict.ADMITTED),
    ],
)
def test_attempt_is_admitted_until_there_were_too_many(
    counter: Counter, counted: Count, verdict: Verdict
) -> None:
    assert decide_attempt({counter: counted}, NOW) is verdict


def test_first_attempt_of_all_is_admitted() -> None:
    assert decide_attempt({}, NOW) is Verdict.ADMITTED


def test_lock_is_told_rather_than_a_pause() -> None:
    both = {Counter.PAIR: count(99), Counter.PERSON: count(MOST_ON_A_PERSON)}
    assert decide_attempt(both, NOW) is Verdict.LOCKED


def test_room_of_four_hundred_behind_one_address_gets_in_within_a_minute() -> None:
    counted = None
    for number in range(400):
        now = NOW + timedelta(seconds=59 * number / 400)
        assert (
            decide_attempt({Counter.ADDRESS: counted} if counted else {}, now) is Verdict.ADMITTED
        )
        counted = count_attempt(Counter.ADDRESS, counted, now)


@given(st.lists(st.integers(0, 4000), max_size=80))
def test_no_guesser_at_one_address_has_more_than_so_many_attempts_in_an_hour(
    gaps: list[int],
) -> None:
    """Whenever somebody tries: no more than 5 free ones, and one after each pause."""
    counted, now, admitted = None, NOW, []
    for gap in gaps:
        now += timedelta(seconds=gap)
        if decide_attempt({Counter.PAIR: counted} if counted else {}, now) is Verdict.ADMITTED:
            counted = count_attempt(Counter.PAIR, counted, now)
            admitted.append(now)
    for start in admitted:
        assert (
            sum(start <= at < start + FORGOTTEN_AFTER for at in admitted) <= 2 * FREE_ATTEMPTS + 4
        )


@given(st.sampled_from(Counter), st.integers(0, 100_000), st.integers(1, 50))
def test_count_grows_by_one_or_begins_again(counter: Counter, seconds: int, attempts: int) -> None:
    counted = count_attempt(counter, count(attempts, timedelta(seconds=seconds)), NOW)
    assert counted.attempts in (1, attempts + 1)
    assert counted.last_at == NOW
    if counted.attempts == 1:
        assert counted.since == NOW
