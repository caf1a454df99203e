"""Counts attempts to sign in; the rules are in `domain.throttle`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from e2xhub.domain.passwords import Pepper
from e2xhub.domain.throttle import (
    MOST_ON_A_PERSON,
    UNLOCKED_AFTER,
    Count,
    Counter,
    Verdict,
    count_attempt,
    counted_network,
    decide_attempt,
)
from e2xhub.storage.exam_records.tables import sign_in_counts as counts

_PURPOSE = "attempts"
_OF_A_PERSON = (Counter.PAIR, Counter.PERSON)


def keys_of(pepper: Pepper, username: str, address: str, door: str = "") -> dict[Counter, str]:
    """Under what an attempt is counted: digests, because what was typed as a name may be a code.

    Each `door` has counts of its own: a flood at one of them does not close another.
    """
    network = counted_network(address)
    # A room may be one network, in which neighbours must not hold each other up: whoever changes
    # the address there is stopped by the person's own count, which other doors do not have.
    source = network if door else address
    return {
        Counter.PAIR: pepper.digest(_PURPOSE, door + username, source),
        Counter.PERSON: person_key(pepper, door + username),
        Counter.ADDRESS: pepper.digest(_PURPOSE, door, "", network),
        Counter.ALL: door,
    }


def person_key(pepper: Pepper, username: str) -> str:
    """Under what attempts on a person are counted."""
    return pepper.digest(_PURPOSE, username)


def register(
    connection: Connection,
    keys: Mapping[Counter, str],
    now: datetime,
    *,
    which: Collection[Counter] = tuple(Counter),
) -> Verdict:
    """Counts an attempt in `which` before it is made; one that is not admitted does not count.

    The caller's transaction keeps other writers out, so that of many attempts at once each sees
    those before it.
    """
    counted = {counter: key for counter, key in keys.items() if counter in which}
    before = {counter: _load(connection, counter, key) for counter, key in counted.items()}
    known = {counter: count for counter, count in before.items() if count}
    verdict = decide_attempt(known, now)
    if verdict is Verdict.ADMITTED:
        after = {counter: count_attempt(counter, before[counter], now) for counter in counted}
        for counter, key in counted.items():
            person = keys.get(Counter.PERSON) if counter in _OF_A_PERSON else None
            _store(connection, counter, key, person, after[counter])
        if Counter.ALL in after and after[Counter.ALL].attempts == 1:  # once in a while
            connection.execute(counts.delete().where(counts.c.last_at < now - UNLOCKED_AFTER))
    return verdict


def forgive(
    connection: Connection,
    keys: Mapping[Counter, str],
    which: Collection[Counter] = tuple(Counter),
) -> None:
    """The attempt that was counted in `which` succeeded: nothing is held against the person, and
    it was no failure."""
    for counter in _OF_A_PERSON:
        _delete(connection, counter, keys[counter])
    for counter in set(which).difference(_OF_A_PERSON):
        connection.execute(
            counts.update()
            .where(counts.c.counter == counter.value, counts.c.key == keys[counter])
            .where(counts.c.attempts > 0)  # a new window may have begun in between
            .values(attempts=counts.c.attempts - 1)
        )


def unlock(connection: Connection, pepper: Pepper, username: str) -> None:
    """Forgets the attempts on a person, from wherever they came."""
    connection.execute(counts.delete().where(counts.c.person == person_key(pepper, username)))


def load_locked(connection: Connection, now: datetime) -> set[str]:
    """The keys of the persons whom a proctor has to unlock."""
    rows = connection.execute(
        sa.select(counts).where(
            counts.c.counter == Counter.PERSON.value, counts.c.attempts >= MOST_ON_A_PERSON
        )
    )
    judged = ((row.key, decide_attempt({Counter.PERSON: _as_count(row)}, now)) for row in rows)
    return {key for key, verdict in judged if verdict is Verdict.LOCKED}


def _load(connection: Connection, counter: Counter, key: str) -> Count | None:
    query = sa.select(counts).where(counts.c.counter == counter.value, counts.c.key == key)
    row = connection.execute(query).one_or_none()
    return _as_count(row) if row else None


def _as_count(row: sa.Row[tuple[object, ...]]) -> Count:
    known = row._mapping
    return Count(attempts=known["attempts"], since=known["since"], last_at=known["last_at"])


def _store(
    connection: Connection, counter: Counter, key: str, person: str | None, count: Count
) -> None:
    _delete(connection, counter, key)
    connection.execute(
        counts.insert().values(
            counter=counter.value,
            key=key,
            person=person,
            attempts=count.attempts,
            since=count.since,
            last_at=count.last_at,
        )
    )


def _delete(connection: Connection, counter: Counter, key: str) -> None:
    connection.execute(
        counts.delete().where(counts.c.counter == counter.value, counts.c.key == key)
    )
