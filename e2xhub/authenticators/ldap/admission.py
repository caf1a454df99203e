"""Who of those with the right password may come in: the facts are given, the verdict is here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    """Whether somebody is admitted; the value says why."""

    BLOCKED = "is in blocked_users"
    EVERYBODY = "allow_all admits everybody"
    NAMED = "is in allowed_users"
    IN_GROUP = "is in one of allowed_groups"
    NOBODY_ADMITS = "is admitted by none of allow_all, allowed_users and allowed_groups"

    @property
    def is_admitted(self) -> bool:
        """Whether the person may come in."""
        return self in _ADMITTING


_ADMITTING = frozenset({Verdict.EVERYBODY, Verdict.NAMED, Verdict.IN_GROUP})


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the settings and the directory say of one person."""

    is_blocked: bool
    allows_all: bool
    is_named: bool
    """By `allowed_users`."""
    is_in_allowed_group: bool
    """False as well where no group is set."""


def decide_admission(facts: Facts) -> Verdict:
    """Whether the person may come in; one yes is enough unless the person is blocked."""
    if facts.is_blocked:
        return Verdict.BLOCKED
    if facts.allows_all:
        return Verdict.EVERYBODY
    if facts.is_named:
        return Verdict.NAMED
    if facts.is_in_allowed_group:
        return Verdict.IN_GROUP
    return Verdict.NOBODY_ADMITS
