"""How far a server's start is, in words for the person who waits: pure functions of its pod."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

from e2xhub.kubernetes.starts.failures import find_condition, is_scaling_up

Manifest = Mapping[str, Any]


class StartStage(str, Enum):
    """The stages of a start: what the person reads, also the key of its translation."""

    REQUESTED = "Your server has been requested."
    WAITING_FOR_PLACE = "Your server is waiting for a free place."
    MACHINE_COMES = "Another machine is being started for you. This can take a few minutes."
    CONNECTING_FILES = "Your files are being connected."
    FETCHING_SOFTWARE = "The software is being fetched. This can take a few minutes."
    PREPARING_FILES = "Your files are being prepared."
    STARTING = "Your server is starting."
    NEARLY_THERE = "Nearly there."

    @property
    def percent(self) -> int:
        """How far that is; below 100, which is a server that answers."""
        return _PERCENT[self]


_PERCENT = dict(zip(StartStage, (5, 10, 20, 30, 45, 60, 75, 90), strict=True))


def find_stage(pod: Manifest | None, events: Iterable[Manifest] = ()) -> StartStage:
    """The stage of a start whose pod is `pod` (None: not created yet) with these events."""
    if pod is None:
        return StartStage.REQUESTED
    known, status = list(events), pod.get("status") or {}
    if find_condition(status, "PodScheduled").get("status") != "True":
        scaling_up = is_scaling_up(known)
        return StartStage.MACHINE_COMES if scaling_up else StartStage.WAITING_FOR_PLACE
    if _is_ready(status):
        return StartStage.NEARLY_THERE
    if _is_pulling(known):
        return StartStage.FETCHING_SOFTWARE
    if any("running" in state for state in _states(status, "containerStatuses")):
        return StartStage.STARTING
    # A waiting one has been announced from the beginning on.
    if any("waiting" not in state for state in _states(status, "initContainerStatuses")):
        return StartStage.PREPARING_FILES
    return StartStage.CONNECTING_FILES


def _states(status: Manifest, key: str) -> list[Manifest]:
    return [container.get("state") or {} for container in status.get(key) or ()]


def _is_ready(status: Manifest) -> bool:
    containers = status.get("containerStatuses") or ()
    return bool(containers) and all(container.get("ready") for container in containers)


def _is_pulling(events: list[Manifest]) -> bool:
    """Whether more pulls have begun than ended; the same event again raises its count."""
    begun, ended = _count(events, "Pulling"), _count(events, "Pulled", "Successfully pulled")
    return begun > ended


def _count(events: list[Manifest], reason: str, beginning: str = "") -> int:
    return sum(
        event.get("count") or 1
        for event in events
        if event.get("reason") == reason and str(event.get("message")).startswith(beginning)
    )
