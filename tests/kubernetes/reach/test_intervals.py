"""Sets of numbers as intervals are the same as sets of numbers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from e2xhub.kubernetes.reach.intervals import IntervalSet

_SPANS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)).map(sorted).map(tuple))


def numbers(intervals: IntervalSet) -> set[int]:
    return {number for number in range(42) if number in intervals}


@given(_SPANS, _SPANS)
def test_intervals_calculate_as_sets_do(mine: list, theirs: list) -> None:
    one, other = IntervalSet.of(mine), IntervalSet.of(theirs)
    assert numbers(one | other) == numbers(one) | numbers(other)
    assert numbers(one & other) == numbers(one) & numbers(other)
    assert numbers(one - other) == numbers(one) - numbers(other)
    assert bool(one) == bool(numbers(one))


@given(_SPANS, _SPANS)
def test_equal_sets_are_equal_values(mine: list, theirs: list) -> None:
    one, other = IntervalSet.of(mine), IntervalSet.of(theirs)
    assert (one - other) | (one & other) == one
    assert (one == other) == (numbers(one) == numbers(other))


def test_intervals_that_touch_become_one() -> None:
    assert IntervalSet.of([(5, 9), (1, 4)]).spans == ((1, 9),)
