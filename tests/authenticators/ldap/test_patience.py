"""Who is signed in stays so through an outage, for a limited time, and the log tells of it once."""

from __future__ import annotations

import logging

import pytest

from e2xhub.authenticators.ldap.patience import Patience


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def patience(clock: Clock) -> Patience:
    """An hour of patience."""
    return Patience(3600, logging.getLogger("patience"), clock=clock)


def test_person_stays_until_the_time_is_over(patience: Patience, clock: Clock) -> None:
    patience.confirm("alice")
    clock.now += 3600
    assert patience.may_stay("alice", "down")
    clock.now += 1
    assert not patience.may_stay("alice", "down")


def test_time_begins_anew_when_the_directory_knows_the_person(
    patience: Patience, clock: Clock
) -> None:
    patience.confirm("alice")
    clock.now += 3599
    patience.confirm("alice")
    clock.now += 3599
    assert patience.may_stay("alice", "down")


def test_asking_again_and_again_does_not_lengthen_the_time(
    patience: Patience, clock: Clock
) -> None:
    stays = []
    for _ in range(13):  # every five minutes
        stays.append(patience.may_stay("seen first in the outage", "down"))
        clock.now += 301
    assert stays == [True] * 12 + [False]


def test_no_patience_is_none(clock: Clock) -> None:
    patience = Patience(0, logging.getLogger("patience"), clock=clock)
    patience.confirm("alice")
    clock.now += 0.1
    assert not patience.may_stay("alice", "down")


def test_whoever_was_refused_does_not_come_back_through_an_outage(patience: Patience) -> None:
    patience.confirm("alice")
    patience.refuse("alice")
    assert not patience.may_stay("alice", "down")
    patience.confirm("alice")
    assert patience.may_stay("alice", "down")


def test_busy_hub_keeps_people_for_a_short_time_only(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    patience = Patience(3600, logging.getLogger("patience"), unasked_seconds=600, clock=clock)
    patience.confirm("alice")
    clock.now += 1200  # idle
    assert patience.may_stay_unasked("alice", "500 calls wait")
    assert caplog.messages == ["alice stays signed in unasked, this time: 500 calls wait"]
    clock.now += 600
    assert patience.may_stay_unasked("alice", "500 calls wait")
    clock.now += 1
    assert not patience.may_stay_unasked("alice", "500 calls wait")
    patience.confirm("alice")
    assert patience.may_stay_unasked("alice", "500 calls wait")


def test_busy_hub_takes_nothing_from_the_time_of_an_outage(clock: Clock) -> None:
    patience = Patience(3600, logging.getLogger("patience"), unasked_seconds=600, clock=clock)
    patience.confirm("alice")
    clock.now += 2000
    assert patience.may_stay_unasked("alice", "500 calls wait")
    clock.now += 1600
    assert not patience.may_stay_unasked("alice", "500 calls wait")
    patience.may_stay("bob", "down")
    assert patience.may_stay_unasked("alice", "500 calls wait")
    clock.now += 1
    assert not patience.may_stay_unasked("alice", "500 calls wait")


def test_busy_hub_keeps_nobody_longer_than_an_outage(clock: Clock) -> None:
    patience = Patience(3600, logging.getLogger("patience"), unasked_seconds=600, clock=clock)
    patience.confirm("alice")
    clock.now += 3500
    assert patience.may_stay_unasked("alice", "500 calls wait")
    clock.now += 101
    assert not patience.may_stay_unasked("alice", "500 calls wait")


def test_busy_hub_lets_nobody_back_and_has_no_more_patience_than_an_outage(clock: Clock) -> None:
    patience = Patience(0, logging.getLogger("patience"), unasked_seconds=600, clock=clock)
    patience.confirm("alice")
    clock.now += 1
    assert not patience.may_stay_unasked("alice", "500 calls wait")
    longer = Patience(3600, logging.getLogger("patience"), unasked_seconds=600, clock=clock)
    longer.refuse("bob")
    assert not longer.may_stay_unasked("bob", "500 calls wait")


def test_outage_and_its_end_are_told_once(
    patience: Patience, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    for name in ("alice", "bob", "alice"):
        patience.may_stay(name, "ldap.example.org:389 does not answer")
    clock.now += 60
    patience.confirm("alice")
    patience.confirm("bob")
    assert [record.getMessage() for record in caplog.records] == [
        "The directory cannot be asked about people who are signed in: ldap.example.org:389 does "
        "not answer; they keep groups and rights, at most 3600 s after it last knew them",
        "The directory answers again, after 60 s",
    ]
