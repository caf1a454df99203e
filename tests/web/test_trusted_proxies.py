"""Names of proxies stand for what their pods have, for ten minutes longer, and then for nothing."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterable
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from e2xhub.domain.rooms import find_origin, parse_address
from e2xhub.web.trusted_proxies import (
    KEPT_SECONDS,
    MOST_ADDRESSES,
    TrustedProxies,
    look_up,
)
from tests.hub.configured_hub import wait_until

POD, NEW_POD, SEAT = "10.42.0.17", "10.42.3.4", "192.0.2.7"
EXPECTED = (
    "Expected a headless Service of that name, with a pod that is ready: kubectl get "
    "endpointslices --selector kubernetes.io/service-name=SERVICE; make it as in "
    "helm-values/proxy-pods.yaml"
)
UNKNOWN = socket.gaierror(socket.EAI_NONAME, "Name or service not known")


class NameService:
    """Answers what it is told to; `now` is the clock, in seconds."""

    def __init__(self, **answers: Iterable[str] | Exception) -> None:
        self.answers: dict[str, Iterable[str] | Exception] = dict(answers)
        self.now = 1000.0

    def resolve(self, name: str) -> Iterable[str]:
        answer = self.answers.get(name, UNKNOWN)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def clock(self) -> float:
        return self.now


@pytest.fixture
def names() -> NameService:
    """It knows of one pod."""
    return NameService(proxy=[POD])


def make_proxies(names: NameService, *declared: str) -> TrustedProxies:
    """`proxy`, looked up once, unless something else is declared."""
    proxies = TrustedProxies(declared or ("proxy",), resolve=names.resolve, clock=names.clock)
    proxies.look()
    return proxies


def believes(proxies: TrustedProxies, *addresses: str) -> list[bool]:
    return [proxies.believes(parse_address(address)) for address in addresses]


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(record.levelname, record.getMessage()) for record in caplog.records]


def test_nobody_is_believed_where_nothing_is_declared() -> None:
    assert believes(TrustedProxies(), "127.0.0.1", "::1", POD) == [False] * 3


def test_networks_and_names_count_side_by_side(names: NameService) -> None:
    proxies = make_proxies(names, "10.0.0.0/24", "proxy", "2001:db8::/64", "gone")
    found = believes(proxies, "10.0.0.9", POD, "2001:db8::7", "10.0.1.1", NEW_POD)
    assert found == [True, True, True, False, False]


def test_name_stands_for_nothing_before_it_is_looked_up(names: NameService) -> None:
    proxies = TrustedProxies(["proxy"], resolve=names.resolve, clock=names.clock)
    assert believes(proxies, POD) == [False]


def test_pod_that_is_made_anew_is_believed_and_the_old_address_no_more(names: NameService) -> None:
    proxies = make_proxies(names)
    names.answers["proxy"] = [POD, NEW_POD]
    proxies.look()
    assert believes(proxies, POD, NEW_POD) == [True, True]
    names.answers["proxy"] = [NEW_POD]
    proxies.look()
    assert believes(proxies, POD, NEW_POD) == [False, True]


@pytest.mark.parametrize(
    ("answer", "peer"),
    [
        (["2001:db8::5"], "2001:db8::5"),
        (["::ffff:10.42.0.17"], "10.42.0.17"),
        (["10.42.0.17"], "::ffff:10.42.0.17"),
        (["fe80::1%eth0"], "fe80::1"),
        (["10.42.0.17", "10.42.0.17", "2001:db8::5"], "2001:db8::5"),
        ([f"10.42.0.{number}" for number in range(MOST_ADDRESSES)], "10.42.0.99"),
    ],
)
def test_answer_of_every_spelling_is_understood(
    names: NameService, answer: list[str], peer: str
) -> None:
    names.answers["proxy"] = answer
    assert believes(make_proxies(names), peer, SEAT) == [True, False]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (UNKNOWN, "Name or service not known"),
        (TimeoutError("timed out"), "timed out"),
        (UnicodeError("label too long"), "label too long"),
        ([], "it has no address"),
        ([POD, "<script>"], "'<script>' does not appear to be an IPv4 or IPv6 address"),
        ([POD, "10.0.0.0/8"], "'10.0.0.0/8' does not appear to be an IPv4 or IPv6 address"),
        ([""], "'' does not appear to be an IPv4 or IPv6 address"),
        (
            [f"10.42.{number // 250}.{number % 250}" for number in range(MOST_ADDRESSES + 1)],
            "it has 101 addresses, and a proxy has at most 100",
        ),
    ],
    ids=["unknown", "timeout", "label", "empty", "garbage", "network", "blank", "too-many"],
)
def test_answer_that_is_none_changes_nothing_and_its_reason_is_told(
    names: NameService, answer: list[str] | Exception, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    proxies = make_proxies(names)
    caplog.clear()
    names.answers["proxy"] = answer
    names.now += 5
    proxies.look()
    assert believes(proxies, POD, "10.42.0.1", "10.0.0.1") == [True, False, False]
    assert told(caplog) == [
        (
            "WARNING",
            f"trusted_proxies: 'proxy' cannot be looked up ({reason}); what it stood for is "
            f"believed for 600 seconds. {EXPECTED}",
        )
    ]


def test_outage_is_told_when_it_begins_when_nothing_is_believed_and_when_it_is_over(
    names: NameService, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    proxies = make_proxies(names)
    names.answers["proxy"] = UNKNOWN
    believed = []
    for _ in range(30):
        names.now += KEPT_SECONDS / 12
        proxies.look()
        believed += believes(proxies, POD)
    assert believed == [True] * 11 + [False] * 19
    names.answers["proxy"] = [POD]
    proxies.look()
    proxies.look()
    assert believes(proxies, POD) == [True]
    levels = [level for level, _ in told(caplog)]
    assert levels == ["INFO", "WARNING", "ERROR", "INFO"]
    assert told(caplog)[2][1] == (
        "trusted_proxies: 'proxy' could not be looked up for 600 seconds (Name or service not "
        "known); nothing that it stood for is believed any more, and codes and sessions behind it "
        "are refused until it can be"
    )
    assert told(caplog)[3][1] == "trusted_proxies: 'proxy' stands for 10.42.0.17"


def test_short_outage_is_told_when_it_begins_and_when_it_is_over(
    names: NameService, caplog: pytest.LogCaptureFixture
) -> None:
    proxies = make_proxies(names)
    caplog.clear()
    caplog.set_level(logging.INFO)
    for answer in (UNKNOWN, UNKNOWN, [POD], [POD]):
        names.answers["proxy"] = answer
        names.now += 5
        proxies.look()
    assert [level for level, _ in told(caplog)] == ["WARNING", "INFO"]


def test_look_up_that_hangs_keeps_nothing_longer(names: NameService) -> None:
    """Nobody looks again, so that time alone has to end it."""
    proxies = make_proxies(names)
    names.now += KEPT_SECONDS - 0.1
    assert believes(proxies, POD) == [True]
    names.now += 0.1
    assert believes(proxies, POD) == [False]


def test_name_that_is_not_known_yet_is_told_once_and_believed_when_it_is(
    names: NameService, caplog: pytest.LogCaptureFixture
) -> None:
    proxies = make_proxies(names, "later")
    for _ in range(20):
        names.now += 5
        proxies.look()
    assert told(caplog) == [
        (
            "WARNING",
            "trusted_proxies: 'later' cannot be looked up (Name or service not known); until it "
            "can be, no proxy of that name is believed, and codes behind it are refused. "
            f"{EXPECTED}",
        )
    ]
    names.answers["later"] = [POD]
    proxies.look()
    assert believes(proxies, POD) == [True]


def test_one_name_that_fails_leaves_the_others_alone(names: NameService) -> None:
    proxies = make_proxies(names, "proxy", "ingress")
    names.answers["ingress"] = [NEW_POD]
    names.answers["proxy"] = UNKNOWN
    for _ in range(20):
        names.now += KEPT_SECONDS / 12
        proxies.look()
    assert believes(proxies, POD, NEW_POD) == [False, True]


def test_metric_counts_what_is_believed_at_this_moment(names: NameService) -> None:
    make_proxies(names)

    def count() -> float | None:
        return REGISTRY.get_sample_value("e2xhub_trusted_proxy_addresses", {"name": "proxy"})

    assert count() == 1
    names.now += KEPT_SECONDS
    assert count() == 0


def test_a_name_that_hangs_holds_up_no_other_one() -> None:
    has_ended = threading.Event()

    def resolve(name: str) -> list[str]:
        if name == "slow":
            has_ended.wait(30)
        return [POD]

    proxies = TrustedProxies(["slow", "proxy"], resolve=resolve)
    proxies.watch(every_seconds=60)
    try:
        wait_until(lambda: believes(proxies, POD) == [True], "the other name")
    finally:
        has_ended.set()


def test_watch_survives_whatever_a_resolver_raises(caplog: pytest.LogCaptureFixture) -> None:
    answers = iter([RuntimeError("odd")])

    def resolve(_name: str) -> list[str]:
        for error in answers:
            raise error
        return [POD]

    proxies = TrustedProxies(["proxy"], resolve=resolve)
    proxies.watch(every_seconds=0.01)
    wait_until(lambda: believes(proxies, POD) == [True], "the look after the error")
    assert "could not look up 'proxy'" in caplog.text


def test_system_knows_this_machine_by_name() -> None:
    assert "127.0.0.1" in look_up("localhost")


PEERS = [POD, NEW_POD, SEAT, "2001:db8::5", "::ffff:10.42.0.17"]
ADDRESSES = st.sampled_from(PEERS)
GARBAGE = st.lists(ADDRESSES | st.text(max_size=8), max_size=4)
ANSWERS = st.lists(ADDRESSES, min_size=1, max_size=3) | GARBAGE | st.just(UNKNOWN)
SECONDS = st.sampled_from([0.0, 5.0, 300.0, 599.0, 600.0])


@given(st.lists(st.tuples(ANSWERS, SECONDS), min_size=1, max_size=6))
def test_whatever_is_answered_only_the_last_good_answer_of_a_minute_counts(
    course: list[tuple[list[str] | Exception, float]],
) -> None:
    names = NameService()
    proxies = TrustedProxies(["proxy"], resolve=names.resolve, clock=names.clock)
    good: set[object] = set()
    taken_at = names.now
    for answer, seconds in course:
        names.answers["proxy"] = answer
        proxies.look()
        if addresses := _addresses_in(answer):
            good, taken_at = addresses, names.now
        names.now += seconds
        expected = good if names.now - taken_at < KEPT_SECONDS else set()
        for peer in PEERS:
            origin = find_origin(peer, ["203.0.113.9"], proxies.believes)
            is_believed = parse_address(peer) in expected
            assert origin.address == parse_address("203.0.113.9" if is_believed else peer)


def _addresses_in(answer: list[str] | Exception) -> set[object]:
    if isinstance(answer, Exception):
        return set()
    try:
        found = {ip_address(text.strip()) for text in answer}
    except ValueError:
        return set()
    return {getattr(address, "ipv4_mapped", None) or address for address in found}
