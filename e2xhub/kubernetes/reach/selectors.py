"""Label selectors, and the exact arithmetic of what they select.

`In` and `Exists` need the key; `NotIn` and `DoesNotExist` also match labels without it. All
requirements must hold, and an empty selector matches everything
(https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

Operator = Literal["In", "NotIn", "Exists", "DoesNotExist"]


@dataclass(frozen=True)
class Values:
    """The values that one key may have: a finite set, or all but a finite set; or no value."""

    named: frozenset[str] = frozenset()
    is_all_but_named: bool = False
    may_be_missing: bool = False

    def __contains__(self, value: str | None) -> bool:
        if value is None:
            return self.may_be_missing
        return (value in self.named) != self.is_all_but_named

    def __bool__(self) -> bool:
        return bool(self.named or self.is_all_but_named or self.may_be_missing)

    def __invert__(self) -> Values:
        return Values(self.named, not self.is_all_but_named, not self.may_be_missing)

    def __and__(self, other: Values) -> Values:
        may_be_missing = self.may_be_missing and other.may_be_missing
        if self.is_all_but_named and other.is_all_but_named:
            return Values(self.named | other.named, True, may_be_missing)
        if self.is_all_but_named:
            return Values(other.named - self.named, False, may_be_missing)
        if other.is_all_but_named:
            return Values(self.named - other.named, False, may_be_missing)
        return Values(self.named & other.named, False, may_be_missing)

    def __sub__(self, other: Values) -> Values:
        return self & ~other


ANY_VALUE = Values(frozenset(), True, True)


@dataclass(frozen=True)
class Requirement:
    """One line of a selector; `values` is empty for `Exists` and `DoesNotExist`."""

    key: str
    operator: Operator
    values: frozenset[str] = frozenset()

    @property
    def allowed(self) -> Values:
        """What it lets the key have."""
        is_negative = self.operator in ("NotIn", "Exists")
        return Values(self.values, is_negative, self.operator in ("NotIn", "DoesNotExist"))

    def __str__(self) -> str:
        """As kubectl writes it: `app=hub`, `app in (a,b)`, `app notin (a)`, `app`, `!app`."""
        if self.operator == "In" and len(self.values) == 1:
            return f"{self.key}={next(iter(self.values))}"
        if self.operator in ("In", "NotIn"):
            return f"{self.key} {self.operator.lower()} ({','.join(sorted(self.values))})"
        return self.key if self.operator == "Exists" else f"!{self.key}"


@dataclass(frozen=True)
class LabelSelector:
    """Requirements that all hold; `LabelSelector()` matches everything."""

    requirements: tuple[Requirement, ...] = ()

    @classmethod
    def of(cls, labels: Mapping[str, str]) -> LabelSelector:
        """What has these labels (`matchLabels`)."""
        return cls(
            tuple(Requirement(key, "In", frozenset({value})) for key, value in labels.items())
        )

    @cached_property
    def allowed(self) -> Mapping[str, Values]:
        """What each key may have; a key that is missing here may have anything."""
        allowed: dict[str, Values] = {}
        for requirement in self.requirements:
            key = requirement.key
            allowed[key] = allowed.get(key, ANY_VALUE) & requirement.allowed
        return allowed

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether something with these labels is selected."""
        return all(labels.get(key) in values for key, values in self.allowed.items())

    def __str__(self) -> str:
        """As kubectl writes it, such as `app=jupyterhub,component in (hub,proxy)`; empty: all."""
        return ",".join(map(str, self.requirements))


EVERYTHING = LabelSelector()
