"""What the hub knows of reverse proxies that ask it, and from whom it does not believe it."""

from __future__ import annotations

import pytest

from e2xhub.web.forward_auth import probe_values
from e2xhub.web.shared_origin import MOST_PROBES, PROBE_SECONDS, SharedOrigin


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def origin(clock: Clock) -> SharedOrigin:
    return SharedOrigin(clock=clock)


def ask(origin: SharedOrigin, name: str) -> bool:
    return origin.note_question("-", f"/user/-/{name}")


def test_nothing_is_said_before_a_probe_came_back(origin: SharedOrigin) -> None:
    assert not origin.is_open
    origin.begin_probe()
    origin.end_probe("another")
    assert not origin.is_open


def test_probe_counts_for_a_minute_and_once(origin: SharedOrigin, clock: Clock) -> None:
    old = origin.begin_probe()
    clock.seconds = PROBE_SECONDS
    assert not ask(origin, old)
    origin.end_probe(old)
    assert not origin.is_open
    name = origin.begin_probe()
    assert ask(origin, name)
    assert not ask(origin, name)


def test_probe_of_one_page_does_not_end_that_of_another(origin: SharedOrigin) -> None:
    first, second = origin.begin_probe(), origin.begin_probe()
    assert first != second
    origin.end_probe(first)
    assert origin.is_open
    assert ask(origin, second)
    assert not origin.is_open


def test_page_that_is_opened_again_and_again_fills_no_memory(origin: SharedOrigin) -> None:
    names = [origin.begin_probe() for _ in range(MOST_PROBES + 1)]
    assert not ask(origin, names[0])
    assert ask(origin, names[-1])


@pytest.mark.parametrize("owner", [None, "", "alice"])
def test_address_of_somebody_is_no_probe(origin: SharedOrigin, owner: str | None) -> None:
    name = origin.begin_probe()
    assert not origin.note_question(owner, f"/user/{owner}/{name}")
    assert ask(origin, name)


def test_hub_whose_servers_have_hosts_of_their_own_asks_no_browser() -> None:
    origin = SharedOrigin(has_own_hosts=True)
    assert probe_values(origin, "/", "/hub/") is None
    origin.end_probe("")
    assert not origin.is_open


def test_page_gets_the_addresses_below_the_paths_of_its_hub(origin: SharedOrigin) -> None:
    values = probe_values(origin, "/jupyter/", "/jupyter/hub/")
    assert values is not None
    assert values["address"] == f"/jupyter/user/-/{values['name']}"
    assert values["end"] == "/jupyter/hub/e2x/forward-auth/probe"
    assert ask(origin, values["name"])
    assert probe_values(origin, "/jupyter/", "/jupyter/hub/") is None
