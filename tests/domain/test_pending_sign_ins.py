"""A sign-in between its two factors: whose it is, from where, and for how long."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from e2xhub.domain.identifiers import Username
from e2xhub.domain.pending_sign_ins import LIFETIME, PendingSignIn, PendingSignIns
from e2xhub.domain.second_factor import TotpSecret

NOW = datetime(2027, 2, 15, 8, 0, tzinfo=timezone.utc)
HERE, ELSEWHERE = "10.1.0.7", "10.1.0.8"


def make_pending(at: datetime = NOW, username: str = "petra") -> PendingSignIn:
    return PendingSignIn(username=Username.parse(username), address=HERE, began_at=at)


@pytest.fixture
def pending() -> PendingSignIns:
    return PendingSignIns()


def test_browser_with_the_token_goes_on(pending: PendingSignIns) -> None:
    token = pending.begin(make_pending())
    found = pending.find(token, address=HERE, now=NOW)
    assert found == make_pending()


def test_token_is_worth_nothing_at_another_address(pending: PendingSignIns) -> None:
    token = pending.begin(make_pending())
    assert pending.find(token, address=ELSEWHERE, now=NOW) is None


def test_sign_in_that_takes_too_long_begins_again(pending: PendingSignIns) -> None:
    token = pending.begin(make_pending())
    assert pending.find(token, address=HERE, now=NOW + LIFETIME - timedelta(seconds=1))
    assert pending.find(token, address=HERE, now=NOW + LIFETIME) is None


@pytest.mark.parametrize("token", ["", "x", "\ud800".encode("utf-8", "replace").decode()])
def test_unknown_token_finds_nobody(pending: PendingSignIns, token: str) -> None:
    pending.begin(make_pending())
    assert pending.find(token, address=HERE, now=NOW) is None


def test_sign_in_ends_once(pending: PendingSignIns) -> None:
    token = pending.begin(make_pending())
    assert [pending.end(token), pending.end(token)] == [True, False]
    assert pending.find(token, address=HERE, now=NOW) is None


def test_offered_secret_stays_the_same_until_it_is_confirmed(pending: PendingSignIns) -> None:
    token, secret = pending.begin(make_pending()), TotpSecret.make()
    pending.offer(token, secret)
    found = pending.find(token, address=HERE, now=NOW)
    assert found is not None
    assert found.new_secret == secret


def test_oldest_give_way_where_there_are_too_many(pending: PendingSignIns) -> None:
    first = pending.begin(make_pending())
    tokens = [pending.begin(make_pending(username=f"p{number}")) for number in range(1000)]
    assert pending.find(first, address=HERE, now=NOW) is None
    assert pending.find(tokens[-1], address=HERE, now=NOW) is not None


def test_tokens_differ(pending: PendingSignIns) -> None:
    assert pending.begin(make_pending()) != pending.begin(make_pending())
