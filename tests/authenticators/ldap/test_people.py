"""Which entry is somebody's: the only one there is, or none."""

from __future__ import annotations

import socket

import pytest

from e2xhub.authenticators.ldap.directory import Directory
from e2xhub.authenticators.ldap.refusals import FoundTwice
from e2xhub.authenticators.ldap.settings import DirectorySettings, TlsMode
from tests.authenticators.ldap.ber import entry, message, number_of, operation_of, result
from tests.authenticators.ldap.odd_servers import Serve, odd_server
from tests.authenticators.ldap.people import password_of

BASE = "dc=example,dc=org"
ALICE = f"uid=alice,{BASE}"
_BIND, _SEARCH = 0x60, 0x63
_SUCCESS, _SIZE_LIMIT = 0, 4


def finds_alice(code: int) -> Serve:
    """Takes any password, finds one entry, and ends each search with `code`."""

    def answer(accepted: socket.socket) -> None:
        while asked := accepted.recv(65536):
            number = number_of(asked)
            if operation_of(asked) == _SEARCH:
                accepted.sendall(message(number, entry(ALICE.encode(), uid=b"alice")))
                accepted.sendall(message(number, result(0x65, code)))
            elif operation_of(asked) == _BIND:
                accepted.sendall(message(number, result(0x61)))

    return answer


def sign_in(serve: Serve) -> str:
    with odd_server(serve) as server:
        settings = DirectorySettings(
            servers=(server.address,),
            tls_strategy=TlsMode.INSECURE,
            lookup_dn=True,
            user_search_base=BASE,
            user_attribute="uid",
        )
        return Directory(settings).sign_in("alice", password_of("alice")).dn


def test_only_entry_is_the_persons() -> None:
    assert sign_in(finds_alice(_SUCCESS)) == ALICE


def test_entry_of_which_the_server_has_more_signs_nobody_in() -> None:
    """A server may give one entry only, and say that it has others."""
    with pytest.raises(FoundTwice, match=f"uid=alice is found more than once: {ALICE}; expected"):
        sign_in(finds_alice(_SIZE_LIMIT))
