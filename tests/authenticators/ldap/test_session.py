"""One connection: what may be sent as a password, and what stays of it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from e2xhub.authenticators.ldap.masked import Masked
from e2xhub.authenticators.ldap.refusals import ServerFailed
from e2xhub.authenticators.ldap.session import Session, open_session
from e2xhub.authenticators.ldap.settings import DirectorySettings, ServerAddress, TlsMode
from e2xhub.authenticators.ldap.sockets import Deadline
from tests.authenticators.ldap.odd_servers import Counter, odd_server
from tests.authenticators.ldap.people import PEOPLE, password_of
from tests.authenticators.ldap.slapd import Slapd

ALICE = f"uid=alice,{PEOPLE}"
_INVALID_CREDENTIALS = 49


@contextmanager
def session_with(server: ServerAddress) -> Iterator[tuple[Session, Deadline]]:
    settings = DirectorySettings(
        servers=(server,),
        tls_strategy=TlsMode.INSECURE,
        bind_dn_template=(f"uid={{username}},{PEOPLE}",),
        answer_seconds=30,
    )
    deadline = Deadline(total_seconds=60)
    session = open_session(settings, None, server, deadline)
    try:
        yield session, deadline
    finally:
        session.close()


@pytest.mark.parametrize(("dn", "password"), [("", "a password"), (ALICE, ""), ("", "")])
def test_bind_that_proves_nothing_is_not_sent(
    university_directory: Slapd, dn: str, password: str
) -> None:
    """The server would say yes (RFC 4513, 5.1.2)."""
    counter = Counter(university_directory.address)
    with odd_server(counter.serve) as relay, session_with(relay.address) as (session, deadline):
        with pytest.raises(ValueError, match=r"^a bind without DN or password proves nothing$"):
            session.bind(dn, Masked(password), deadline)
        assert counter.asked == 0
        assert session.bind(ALICE, Masked(password_of("alice")), deadline).code == 0


def texts_below(value: object, seen: dict[int, object]) -> Iterator[bytes]:
    """Every text that is reached from `value`; `seen` keeps what was, so that no id is reused."""
    if id(value) in seen or isinstance(value, type):
        return
    seen[id(value)] = value
    if isinstance(value, str | bytes | bytearray):
        yield value.encode() if isinstance(value, str) else bytes(value)
    elif isinstance(value, dict):
        yield from texts_below([*value.keys(), *value.values()], seen)
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from texts_below(item, seen)
    elif hasattr(value, "__dict__"):
        yield from texts_below(vars(value), seen)


def holds(session: Session, text: str) -> bool:
    return any(text.encode() in found for found in texts_below(session, {}))


@pytest.mark.parametrize(
    ("password", "code"),
    [(password_of("alice"), 0), ("a wrong one of Alice", _INVALID_CREDENTIALS)],
    ids=["right", "wrong"],
)
def test_password_does_not_stay_in_the_connection(
    university_directory: Slapd, password: str, code: int
) -> None:
    with session_with(university_directory.address) as (session, deadline):
        assert session.bind(ALICE, Masked(password), deadline).code == code
        assert holds(session, ALICE)  # else this test would prove nothing
        assert not holds(session, password)


def test_password_does_not_stay_where_the_server_hangs_up() -> None:
    def hang_up(accepted: socket.socket) -> None:
        accepted.recv(65536)
        accepted.shutdown(socket.SHUT_RDWR)

    password = "another one of Alice"
    with odd_server(hang_up) as server, session_with(server.address) as (session, deadline):
        with pytest.raises(ServerFailed):
            session.bind(ALICE, Masked(password), deadline)
        assert holds(session, ALICE)
        assert not holds(session, password)
