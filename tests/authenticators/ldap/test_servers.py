"""Which server is asked next, by a clock that the test turns."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from e2xhub.authenticators.ldap.refusals import (
    CertificateRefused,
    DirectoryUnavailable,
    ServerFailed,
    ServiceAccountRefused,
)
from e2xhub.authenticators.ldap.servers import REMEMBERED_SECONDS, Servers
from e2xhub.authenticators.ldap.settings import ServerAddress

ONE, TWO = (ServerAddress(host=f"ldap{number}", port=389) for number in (1, 2))


class Question:
    """Fails at the servers in `down`, and notes whom it asked."""

    def __init__(self, *down: ServerAddress) -> None:
        self.down = set(down)
        self.asked: list[ServerAddress] = []
        self.meanwhile: Callable[[], None] = lambda: None

    def __call__(self, server: ServerAddress) -> str:
        self.asked.append(server)
        self.meanwhile()
        if server in self.down:
            raise ServerFailed(f"{server} is down")
        return f"answer of {server}"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def servers(clock: Clock) -> Servers:
    return Servers((ONE, TWO), clock)


def test_first_server_answers(servers: Servers) -> None:
    question = Question()
    assert servers.ask(question) == "answer of ldap1:389"
    assert question.asked == [ONE]


def test_failed_server_is_left_alone_until_its_time_is_over(servers: Servers, clock: Clock) -> None:
    question = Question(ONE)
    servers.ask(question)
    clock.now = REMEMBERED_SECONDS - 1
    servers.ask(question)
    assert question.asked == [ONE, TWO, TWO]
    clock.now = REMEMBERED_SECONDS
    question.down.clear()
    assert servers.ask(question) == "answer of ldap1:389"
    assert servers.reasons() == {}


def test_one_caller_tries_a_server_again_while_others_go_on(servers: Servers, clock: Clock) -> None:
    question = Question(ONE)
    servers.ask(question)
    clock.now = REMEMBERED_SECONDS
    other = Question(ONE)
    question.meanwhile = lambda: servers.ask(other) and None
    servers.ask(question)
    assert ONE not in other.asked


def test_reasons_of_all_are_told_when_none_answers(servers: Servers) -> None:
    with pytest.raises(ServerFailed) as caught:
        servers.ask(Question(ONE, TWO))
    assert caught.value.log_line == "ldap1:389 is down; ldap2:389 is down"


def test_server_that_is_up_again_answers_at_once_where_no_other_is(servers: Servers) -> None:
    with pytest.raises(ServerFailed):
        servers.ask(Question(ONE, TWO))
    assert servers.ask(Question(ONE)) == "answer of ldap2:389"


def test_others_end_at_once_while_one_tries_a_dead_directory(servers: Servers) -> None:
    with pytest.raises(ServerFailed):
        servers.ask(Question(ONE, TWO))
    trying, other = Question(ONE, TWO), Question()

    def ask_meanwhile() -> None:
        with pytest.raises(DirectoryUnavailable) as caught:
            servers.ask(other)
        assert caught.value.log_line == (
            "no server was asked: each has failed within 30 s and is being tried again: "
            "ldap1:389 is down; ldap2:389 is down"
        )

    trying.meanwhile = ask_meanwhile
    with pytest.raises(ServerFailed):
        servers.ask(trying)
    assert other.asked == []
    assert trying.asked == [ONE, TWO]


@pytest.mark.parametrize("kind", [ServiceAccountRefused, DirectoryUnavailable])
def test_refusal_that_is_no_servers_fault_asks_no_other(
    servers: Servers, kind: type[DirectoryUnavailable]
) -> None:
    def refuse(server: ServerAddress) -> None:
        raise kind(f"{server} says no")

    with pytest.raises(kind) as caught:
        servers.ask(refuse)
    assert type(caught.value) is kind
    assert servers.reasons() == {}


def test_certificates_that_all_fail_stay_certificates(servers: Servers) -> None:
    def refuse(server: ServerAddress) -> None:
        raise CertificateRefused(f"{server} has expired")

    with pytest.raises(CertificateRefused, match=r"^ldap1:389 has expired; ldap2:389 has expired$"):
        servers.ask(refuse)
