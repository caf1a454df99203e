"""The words for how far a server reaches; what each means is in `domain.lockdown`."""

from __future__ import annotations

from enum import Enum


class NetworkClass(str, Enum):
    """How far a server reaches."""

    OPEN = "open"
    """What the hub's own configuration allows; e2xhub adds no policy."""
    NO_INTERNET = "no-internet"
    """The hub, the cluster's name service, and the destinations that the catalog names."""
    EXAM = "exam"
    """The hub, and the destinations that the exam itself names: no internet, no other server, no
    name service."""
