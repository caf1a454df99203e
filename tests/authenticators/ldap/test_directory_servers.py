"""Several servers, of which some are down, silent or slow."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2xhub.authenticators.ldap.directory import Directory
from e2xhub.authenticators.ldap.refusals import DirectoryUnavailable, ServerFailed
from e2xhub.authenticators.ldap.settings import ServerAddress, TlsMode
from tests.authenticators.ldap.certificates import Authority
from tests.authenticators.ldap.odd_servers import (
    OddServer,
    odd_server,
    say_a_byte_at_a_time,
    say_nothing,
)
from tests.authenticators.ldap.people import password_of
from tests.authenticators.ldap.slapd import Slapd, find_free_ports, slapd


@pytest.fixture
def silent() -> Iterator[OddServer]:
    with odd_server(say_nothing) as server:
        yield server


def sign_in(directory: Directory) -> str:
    return directory.sign_in("alice", password_of("alice")).username


def refusal_of(directory: Directory) -> DirectoryUnavailable:
    with pytest.raises(DirectoryUnavailable) as caught:
        sign_in(directory)
    return caught.value


def test_stopped_server_is_replaced_by_the_next_one(
    own_directory: Slapd, authority: Authority, tmp_path: Path
) -> None:
    with slapd(tmp_path / "second", authority=authority) as second:
        both = (own_directory.address, second.address)
        directory = Directory(own_directory.settings(servers=both))
        assert sign_in(directory) == "alice"
        own_directory.stop()
        assert sign_in(directory) == "alice"
        second.stop()
        with pytest.raises(ServerFailed, match="takes no connection"):
            sign_in(directory)
        own_directory.start()
        assert sign_in(directory) == "alice"


def test_silent_server_costs_one_answer_once(
    university_directory: Slapd, silent: OddServer
) -> None:
    settings = university_directory.settings(
        servers=(silent.address, university_directory.address), answer_seconds=0.5
    )
    directory = Directory(settings)
    assert [sign_in(directory) for _ in range(3)] == ["alice"] * 3
    assert silent.connections == 1


def test_one_sign_in_at_a_time_waits_for_a_silent_directory(university_directory: Slapd) -> None:
    hangs_up = threading.Event()

    def keep_waiting(accepted: socket.socket) -> None:
        hangs_up.wait(60)
        accepted.shutdown(socket.SHUT_RDWR)

    with odd_server(keep_waiting) as server:
        settings = university_directory.settings(
            servers=(server.address,), answer_seconds=60, total_seconds=120
        )
        directory = Directory(settings)
        hangs_up.set()
        assert type(refusal_of(directory)) is ServerFailed
        hangs_up.clear()
        trying: list[DirectoryUnavailable] = []
        thread = threading.Thread(target=lambda: trying.append(refusal_of(directory)), daemon=True)
        thread.start()
        deadline = time.monotonic() + 60
        while server.connections < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        told = [refusal_of(directory).log_line for _ in range(3)]
        assert trying == []
        hangs_up.set()
        thread.join(60)
    assert all(line.startswith("no server was asked: each has failed within 30 s") for line in told)
    assert [type(refusal) for refusal in trying] == [ServerFailed]
    assert server.connections == 2


def test_sign_in_ends_in_time_whatever_happens(university_directory: Slapd) -> None:
    with odd_server(say_nothing) as one, odd_server(say_nothing) as two:
        settings = university_directory.settings(
            servers=(one.address, two.address), answer_seconds=1, total_seconds=1.8
        )
        told = refusal_of(Directory(settings)).log_line
        assert told.startswith(f"{one.address}: STARTTLS: no answer within 1 s")
        assert told.endswith("the sign-in took longer than 1.8 s in all")


def test_answer_that_trickles_in_is_no_answer(university_directory: Slapd) -> None:
    with odd_server(say_a_byte_at_a_time) as slow:
        settings = university_directory.settings(
            servers=(slow.address,), tls_strategy=TlsMode.INSECURE, ca_file=None, answer_seconds=0.5
        )
        refusal = refusal_of(Directory(settings))
    assert type(refusal) is ServerFailed
    assert refusal.log_line.endswith(": no answer within 0.5 s")


def test_name_that_cannot_be_resolved_is_an_outage(university_directory: Slapd) -> None:
    nowhere = ServerAddress(host="ldap.invalid", port=389)
    directory = Directory(university_directory.settings(servers=(nowhere,)))
    with pytest.raises(ServerFailed, match=r"^ldap\.invalid:389: the name cannot be resolved: "):
        directory.sign_in("alice", password_of("alice"))


def test_stopped_server_says_that_it_takes_no_connection(university_directory: Slapd) -> None:
    [port] = find_free_ports(1)
    nobody = ServerAddress(host="127.0.0.1", port=port)
    directory = Directory(university_directory.settings(servers=(nobody,)))
    with pytest.raises(ServerFailed) as caught:
        directory.sign_in("alice", password_of("alice"))
    assert caught.value.log_line == (
        f"127.0.0.1:{port} takes no connection: [Errno 111] Connection refused"
    )
    assert (caught.value.status, caught.value.sentence) == (
        503,
        "Signing in is not possible at the moment. Please try again in a few minutes.",
    )


def test_many_people_sign_in_at_once(university_directory: Slapd) -> None:
    directory = Directory(university_directory.settings())
    names = ["alice", "ben", "gina", "ito"] * 10
    found: list[tuple[str, str]] = []

    def sign_in(name: str) -> None:
        found.append((name, directory.sign_in(name, password_of(name)).username))

    threads = [threading.Thread(target=sign_in, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted((name, name) for name in names)
