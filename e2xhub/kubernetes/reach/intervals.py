"""Exact sets of whole numbers, as intervals: of ports, and of IP addresses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class IntervalSet:
    """Numbers from each `first` to each `last`, both included.

    `spans` are sorted, and neither touch nor overlap (`IntervalSet.of` sees to it), so that equal
    sets are equal values.
    """

    spans: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, spans: Iterable[tuple[int, int]]) -> IntervalSet:
        """The numbers of `spans`, which may overlap and come in any order."""
        joined: list[tuple[int, int]] = []
        for first, last in sorted(spans):
            if joined and first <= joined[-1][1] + 1:
                joined[-1] = (joined[-1][0], max(joined[-1][1], last))
            else:
                joined.append((first, last))
        return cls(tuple(joined))

    def __bool__(self) -> bool:
        return bool(self.spans)

    def __contains__(self, number: int) -> bool:
        return any(first <= number <= last for first, last in self.spans)

    def __or__(self, other: IntervalSet) -> IntervalSet:
        if not (self.spans and other.spans):
            return self if self.spans else other
        return IntervalSet.of(self.spans + other.spans)

    def __and__(self, other: IntervalSet) -> IntervalSet:
        if not (self.spans and other.spans):
            return IntervalSet()
        common = []
        mine, theirs = list(self.spans), list(other.spans)
        i = j = 0
        while i < len(mine) and j < len(theirs):
            first, last = max(mine[i][0], theirs[j][0]), min(mine[i][1], theirs[j][1])
            if first <= last:
                common.append((first, last))
            if mine[i][1] < theirs[j][1]:
                i += 1
            else:
                j += 1
        return IntervalSet(tuple(common))

    def __sub__(self, other: IntervalSet) -> IntervalSet:
        if not (self.spans and other.spans):
            return self
        left = []
        for first, last in self.spans:
            for taken_first, taken_last in other.spans:
                if taken_last < first:
                    continue
                if taken_first > last:
                    break
                if first < taken_first:
                    left.append((first, taken_first - 1))
                first = taken_last + 1
            if first <= last:
                left.append((first, last))
        return IntervalSet(tuple(left))
