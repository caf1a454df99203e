"""How many sign-ins of examinees there were, by what came of them, for the hub's metrics."""

from __future__ import annotations

from prometheus_client import Counter

from e2xhub.domain.exam_entry import EntryRefusal

SIGNED_IN = "signed_in"
UNAVAILABLE = "unavailable"
"""The database did not answer."""

_SIGN_INS = Counter(
    "e2xhub_sign_ins",
    "Sign-ins of examinees by result: signed_in, unavailable (the database does not answer), or "
    "why they were refused, such as wrong_code",
    ["result"],
)


def result_of(refusal: EntryRefusal) -> str:
    """The name of a refusal in the metrics, such as `wrong_code`."""
    return refusal.name.lower()


def count_sign_in(result: str) -> None:
    """One more: `SIGNED_IN`, `UNAVAILABLE`, or what `result_of` gives."""
    _SIGN_INS.labels(result).inc()


for _result in (SIGNED_IN, UNAVAILABLE, *map(result_of, EntryRefusal)):
    _SIGN_INS.labels(_result)  # so that a rise from 0 is seen
