"""A server that answers with anything: nothing but refusals comes of it."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2xhub.authenticators.ldap.bind_answers import BindAnswer
from e2xhub.authenticators.ldap.refusals import DirectoryRefusal, DirectoryUnavailable, ServerFailed
from e2xhub.authenticators.ldap.session import Session, open_session
from e2xhub.authenticators.ldap.settings import (
    DirectorySettings,
    Masked,
    ServerAddress,
    TlsMode,
)
from e2xhub.authenticators.ldap.sockets import Deadline
from tests.authenticators.ldap.ber import element, entry, message, number_of, result
from tests.authenticators.ldap.odd_servers import odd_server

BASE = "dc=example,dc=org"


def settings_for(address: ServerAddress) -> DirectorySettings:
    return DirectorySettings(
        servers=(address,),
        tls_strategy=TlsMode.INSECURE,
        lookup_dn=True,
        user_search_base=BASE,
        user_attribute="uid",
        answer_seconds=5,
    )


def answer_once(make: Callable[[int], bytes]) -> Callable[[socket.socket], None]:
    """Answers the first question with what `make` makes of its number, and hangs up."""

    def serve(accepted: socket.socket) -> None:
        accepted.sendall(make(number_of(accepted.recv(65536))))
        accepted.shutdown(socket.SHUT_RDWR)

    return serve


def ask(make: Callable[[int], bytes], question: Callable[[Session, Deadline], object]) -> object:
    with odd_server(answer_once(make)) as server:
        deadline = Deadline(total_seconds=10)
        session = open_session(settings_for(server.address), None, server.address, deadline)
        try:
            return question(session, deadline)
        finally:
            session.close()


def search(session: Session, deadline: Deadline) -> object:
    return session.search(BASE, "(uid=a)", deadline, attributes=("uid", "jpegPhoto")).entries


def bind(session: Session, deadline: Deadline) -> object:
    return session.bind("uid=a", Masked("b"), deadline)


def test_answers_of_this_test_are_ldap() -> None:
    """Else the tests below would prove little."""
    answer = ask(lambda number: message(number, result(0x61, 49, b"no")), bind)
    assert answer == BindAnswer(code=49, name="invalidCredentials", message="no")
    found = ask(
        lambda number: (
            message(number, entry(b"uid=a,dc=org", uid=b"a")) + message(number, result(0x65))
        ),
        search,
    )
    assert [made.dn for made in found] == ["uid=a,dc=org"]


@pytest.mark.parametrize(
    "make",
    [
        lambda number: b"",
        lambda number: b"\x00",
        lambda number: b"HTTP/1.1 400 Bad Request\r\n\r\n",
        lambda number: message(number, b""),
        lambda number: message(number + 1, result(0x61)),
        lambda number: message(number, result(0x65)),
        lambda number: message(number, result(0x78)),
        lambda number: message(number, element(0x61)),
        lambda number: message(number, element(0x61, element(0x0A, b""))),
        lambda number: message(number, result(0x61, 0))[:-1],
        lambda number: message(number, element(0x7E)),
        lambda number: message(0, result(0x78)),
    ],
)
def test_answer_to_a_password_that_is_none_signs_nobody_in(make: Callable[[int], bytes]) -> None:
    with pytest.raises(DirectoryUnavailable):
        ask(make, bind)


@pytest.mark.parametrize(
    "dn", [b"", b"\xff\xfe", b"no dn", b"uid", b"uid=a\\", b"uid=\\ff,dc=org", b",,,"]
)
def test_entry_whose_dn_is_none_is_refused(dn: bytes) -> None:
    def make(number: int) -> bytes:
        return message(number, entry(dn, uid=b"a")) + message(number, result(0x65))

    with pytest.raises(ServerFailed):
        ask(make, search)


def test_bytes_become_text_and_pictures_are_left_out() -> None:
    def make(number: int) -> bytes:
        odd = entry(b"uid=a,dc=org", uid=b"\xff\x00", jpegPhoto=b"x" * 100_000)
        return message(number, odd) + message(number, result(0x65))

    [found] = ask(make, search)
    assert found.get("UID") == ("/wA=",)
    assert found.get("jpegPhoto") == ()


def test_answer_without_end_is_cut() -> None:
    def make(number: int) -> bytes:
        return message(number, entry(b"uid=a,dc=org", uid=b"x" * 9_000_000))

    with pytest.raises(ServerFailed, match="the answer is longer than 8388608 bytes"):
        ask(make, search)


@settings(max_examples=100)
@given(noise=st.binary(max_size=60), is_framed=st.booleans(), is_search=st.booleans())
def test_noise_is_refused(noise: bytes, is_framed: bool, is_search: bool) -> None:
    def make(number: int) -> bytes:
        return message(number, noise) if is_framed else noise

    with pytest.raises(DirectoryRefusal):
        ask(make, search if is_search else bind)
