"""What `e2xhub ldap test` and `e2xhub oauth test` tell: one step at a time, and never a secret."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class StepVerdict(Enum):
    FINE = "fine"
    NOTED = "noted"
    """Worth knowing; by itself it keeps nobody out."""
    REFUSED = "refused"
    """This would keep the person out, or everybody."""
    SKIPPED = "skipped"
    """Not tried, for the reason in `answered`."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One question to a directory, a sign-in service or the settings, and its answer."""

    title: str
    """What is found out, in a few words."""
    server: str = ""
    """`host:port`; empty where no server was asked."""
    asked: str = ""
    """The search or the bind, as an admin would repeat it with `ldapsearch`."""
    answered: str
    verdict: StepVerdict
