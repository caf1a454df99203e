"""What a server may reach over the network.

The words are here; the NetworkPolicy that makes them true is in `kubernetes.policies`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class NetworkClass(str, Enum):
    """How far a server reaches."""

    OPEN = "open"
    """What the hub's own configuration allows; e2xhub adds no policy."""
    NO_INTERNET = "no-internet"
    """The hub and the cluster's name service."""
    EXAM = "exam"
    """The hub alone: no internet, no other server, no name service."""


@dataclass(frozen=True, kw_only=True)
class Lockdown:
    """What a locked server may reach beside the hub; everything else is closed."""

    name_service: bool


# `open` is missing on purpose: it needs no policy.
LOCKDOWNS = {
    NetworkClass.NO_INTERNET: Lockdown(name_service=True),
    NetworkClass.EXAM: Lockdown(name_service=False),
}
