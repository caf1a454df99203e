"""Who is bound by a name that is no DN, at a server that answers as Active Directory does."""

from __future__ import annotations

import socket

import pytest

from e2xhub.authenticators.ldap.directory import Directory
from e2xhub.authenticators.ldap.refusals import (
    DirectoryMisconfigured,
    DirectoryRefusal,
    WrongCredentials,
)
from e2xhub.authenticators.ldap.settings import DirectorySettings, TlsMode
from tests.authenticators.ldap.ber import element, entry, message, number_of, operation_of, result
from tests.authenticators.ldap.odd_servers import Serve, odd_server
from tests.authenticators.ldap.people import password_of

BASE = "dc=example,dc=org"
ALICE = f"CN=Alice A.,CN=Users,{BASE}"
_BIND, _SEARCH, _EXTENDED = 0x60, 0x63, 0x77


def active_directory(who: bytes, *accounts: bytes) -> Serve:
    """Takes any password, says that `who` is bound, and finds Alice's entry."""

    def answer(accepted: socket.socket) -> None:
        while asked := accepted.recv(65536):
            number = number_of(asked)
            if operation_of(asked) == _EXTENDED:
                told = [element(0x8B, who)] if who else []
                accepted.sendall(message(number, _with(result(0x78, 0 if who else 2), *told)))
            elif operation_of(asked) == _SEARCH:
                for account in accounts:
                    found = entry(ALICE.encode(), sAMAccountName=account)
                    accepted.sendall(message(number, found))
                accepted.sendall(message(number, result(0x65)))
            elif operation_of(asked) == _BIND:
                accepted.sendall(message(number, result(0x61)))

    return answer


def _with(operation: bytes, *more: bytes) -> bytes:
    return element(operation[0], operation[2:], *more)


def sign_in(serve: Serve, template: str = "{username}@example.org", **changes: bool) -> str:
    with odd_server(serve) as server:
        settings = DirectorySettings(
            servers=(server.address,),
            tls_strategy=TlsMode.INSECURE,
            bind_dn_template=(template,),
            user_search_base=BASE,
            user_attribute="sAMAccountName",
            **changes,
        )
        return Directory(settings).sign_in("alice", password_of("alice")).dn


@pytest.mark.parametrize("template", ["{username}@example.org", "EXAMPLE\\{username}"])
@pytest.mark.parametrize("who", [b"u:EXAMPLE\\alice", b"u:EXAMPLE\\Alice", b"dn:" + ALICE.encode()])
def test_person_who_is_bound_is_the_one_that_is_found(template: str, who: bytes) -> None:
    assert sign_in(active_directory(who, b"Alice"), template) == ALICE


@pytest.mark.parametrize("who", [b"u:EXAMPLE\\Alice", b"dn:" + ALICE.encode()])
def test_person_who_was_looked_up_may_be_bound_by_name(who: bytes) -> None:
    assert sign_in(active_directory(who, b"alice"), lookup_dn=True) == ALICE


@pytest.mark.parametrize(
    ("who", "kind", "reason"),
    [
        (
            b"u:EXAMPLE\\mallory",
            WrongCredentials,
            f"bound is 'u:EXAMPLE\\\\mallory', and found was {ALICE}",
        ),
        (
            b"dn:CN=Mallory," + BASE.encode(),
            WrongCredentials,
            f"bound is 'dn:CN=Mallory,{BASE}', and found was {ALICE}",
        ),
        (b"dn:no-dn", WrongCredentials, f"bound is 'dn:no-dn', and found was {ALICE}"),
        (
            b"",
            DirectoryMisconfigured,
            "set LDAPAuthenticator.lookup_dn instead of a template that is no DN",
        ),
    ],
)
def test_name_that_binds_another_person_than_was_looked_up_signs_nobody_in(
    who: bytes, kind: type[DirectoryRefusal], reason: str
) -> None:
    with pytest.raises(DirectoryRefusal) as caught:
        sign_in(active_directory(who, b"alice"), lookup_dn=True)
    assert type(caught.value) is kind
    assert caught.value.log_line.endswith(reason)


@pytest.mark.parametrize(
    ("who", "accounts", "kind", "reason"),
    [
        (
            b"u:EXAMPLE\\mallory",
            [b"alice"],
            WrongCredentials,
            f"bound is 'u:EXAMPLE\\\\mallory', and found was {ALICE}",
        ),
        (
            b"dn:" + ALICE.encode(),
            [b"other"],
            WrongCredentials,
            f"the directory found {ALICE} for 'alice', but its sAMAccountName is other",
        ),
        (
            b"dn:" + ALICE.encode(),
            [],
            DirectoryMisconfigured,
            f"{ALICE} shows no sAMAccountName; whoever searches must be allowed to read it "
            "(LDAPAuthenticator.user_attribute)",
        ),
        (
            b"",
            [b"alice"],
            DirectoryMisconfigured,
            "set LDAPAuthenticator.lookup_dn instead of a template that is no DN",
        ),
        (
            b"u:EXAMPLE\\alice",
            [],
            DirectoryMisconfigured,
            "check LDAPAuthenticator.user_search_base",
        ),
        (
            b"u:EXAMPLE\\alice",
            [b"other"],
            WrongCredentials,
            f"the directory found {ALICE} for 'alice', but its sAMAccountName is other",
        ),
    ],
)
def test_somebody_elses_account_signs_nobody_in(
    who: bytes, accounts: list[bytes], kind: type[DirectoryRefusal], reason: str
) -> None:
    with pytest.raises(DirectoryRefusal) as caught:
        sign_in(active_directory(who, *accounts))
    assert type(caught.value) is kind
    assert caught.value.log_line.endswith(reason)
