"""A pod's events are found, in order, and read for all starts together."""

from __future__ import annotations

from typing import Any

from e2xhub.kubernetes.starts.events import PodEvents


def make_event(uid: str | None, reason: str, **times: str | None) -> dict[str, Any]:
    return {"involvedObject": {"uid": uid}, "reason": reason, **times}


EVENTS = [
    make_event("a", "Pulled", lastTimestamp="2026-11-20T12:00:09Z"),
    make_event("b", "Scheduled", lastTimestamp="2026-11-20T12:00:01Z"),
    make_event("a", "Scheduled", lastTimestamp=None, eventTime="2026-11-20T12:00:01.000001Z"),
    make_event("a", "Unknown"),
    make_event(None, "OfNoPod"),
]


def reasons(found: list[Any]) -> list[str]:
    return [event["reason"] for event in found]


def test_only_the_events_of_the_pod_are_found_oldest_first() -> None:
    assert reasons(PodEvents().of("a", EVENTS, 0.0)) == ["Unknown", "Scheduled", "Pulled"]
    assert reasons(PodEvents().of("b", EVENTS, 0.0)) == ["Scheduled"]
    assert PodEvents().of("c", EVENTS, 0.0) == []


def test_pod_that_is_not_known_yet_has_no_events() -> None:
    assert PodEvents().of(None, EVENTS[:4], 0.0) == []


def test_events_are_read_again_after_half_a_second() -> None:
    events = PodEvents()
    assert events.of("b", [], 10.0) == []
    assert events.of("b", EVENTS, 10.4) == []
    assert reasons(events.of("b", EVENTS, 10.5)) == ["Scheduled"]
