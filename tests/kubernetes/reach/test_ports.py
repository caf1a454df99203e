"""Ports: numbers per protocol exactly, and names, which nobody knows before the pod."""

from __future__ import annotations

import pytest

from e2xhub.kubernetes.reach import ALL_PORTS, NO_PORTS, Ports

HTTP = Ports.named("TCP", "http")
WEB = Ports.of("TCP", 80) | Ports.of("TCP", 443)
ALL_NUMBERS = Ports.every("TCP") | Ports.every("UDP") | Ports.every("SCTP")


@pytest.mark.parametrize(
    ("ports", "shown"),
    [
        (Ports.of("TCP", 8081), "8081/TCP"),
        (Ports.of("UDP", 53) | Ports.of("TCP", 53), "53/TCP, 53/UDP"),
        (Ports.of("TCP", 27000, 27009), "27000-27009/TCP"),
        (Ports.of("TCP", 1), "1/TCP"),
        (Ports.every("SCTP"), "all SCTP"),
        (HTTP | Ports.of("TCP", 443), "443/TCP, http/TCP"),
        (ALL_NUMBERS, "all TCP, all UDP, all SCTP"),
        (
            ALL_PORTS - Ports.of("TCP", 443),
            "1-442/TCP, 444-65535/TCP, all UDP, all SCTP, other protocols",
        ),
        (ALL_PORTS, "all"),
        (NO_PORTS, "none"),
    ],
)
def test_ports_are_shown_in_the_words_of_admins(ports: Ports, shown: str) -> None:
    assert str(ports) == shown


def test_all_numbers_are_not_everything_because_there_are_protocols_without_ports() -> None:
    assert ALL_PORTS.is_everything
    assert not ALL_NUMBERS.is_everything
    assert not ALL_NUMBERS.covers(ALL_PORTS)
    assert str(ALL_PORTS - ALL_NUMBERS) == "other protocols"


def test_a_range_covers_its_parts_and_they_together_cover_it() -> None:
    whole = Ports.of("TCP", 27000, 27009)
    assert whole.covers(Ports.of("TCP", 27003, 27005))
    assert (Ports.of("TCP", 27000, 27004) | Ports.of("TCP", 27005, 27009)).covers(whole)
    assert not Ports.of("TCP", 27000, 27008).covers(whole)


def test_the_same_number_of_another_protocol_is_another_port() -> None:
    assert not Ports.of("TCP", 53).covers(Ports.of("UDP", 53))
    assert not Ports.of("TCP", 53) & Ports.of("UDP", 53)


def test_only_the_same_name_or_the_whole_protocol_covers_a_name() -> None:
    assert HTTP.covers(HTTP)
    assert Ports.every("TCP").covers(HTTP)
    assert ALL_PORTS.covers(HTTP)
    assert not Ports.of("TCP", 1, 65534).covers(HTTP)
    assert not Ports.every("UDP").covers(HTTP)
    assert not Ports.named("UDP", "http").covers(HTTP)
    assert not HTTP.covers(Ports.of("TCP", 80))


def test_a_name_may_be_in_numbers_of_its_protocol() -> None:
    assert HTTP & WEB == HTTP
    assert HTTP & ALL_PORTS == HTTP
    assert HTTP & Ports.every("UDP") == NO_PORTS
    assert HTTP & Ports.named("TCP", "web") == HTTP | Ports.named("TCP", "web")


def test_a_name_is_resolved_by_name_and_protocol() -> None:
    assert HTTP.resolve({"http": ("TCP", 80)}) == Ports.of("TCP", 80)
    assert HTTP.resolve({"http": ("UDP", 80)}) == NO_PORTS
    assert HTTP.resolve({}) == NO_PORTS


def test_names_that_a_pod_does_not_have_stay_where_only_known_ones_are_resolved() -> None:
    both = HTTP | Ports.named("TCP", "metrics") | Ports.of("TCP", 443)
    assert both.resolve_known({"http": ("TCP", 80)}) == WEB | Ports.named("TCP", "metrics")


def test_a_port_is_asked_for_by_protocol_and_number() -> None:
    assert WEB.includes("TCP", 443)
    assert not WEB.includes("UDP", 443)
    assert not HTTP.includes("TCP", 80)
