"""No password goes to a server that cannot prove who it is."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import pytest

from e2xhub.authenticators.ldap.directory import Directory
from e2xhub.authenticators.ldap.refusals import (
    CertificateRefused,
    DirectoryRefusal,
    ServerFailed,
)
from e2xhub.authenticators.ldap.settings import DirectorySettings, ServerAddress, TlsMode
from e2xhub.authenticators.ldap.sockets import make_tls_context
from e2xhub.errors import ConfigurationError
from tests.authenticators.ldap.certificates import Authority
from tests.authenticators.ldap.odd_servers import odd_server, say_nothing
from tests.authenticators.ldap.people import password_of
from tests.authenticators.ldap.slapd import Slapd, slapd

BOTH = pytest.mark.parametrize("tls", [TlsMode.BEFORE_BIND, TlsMode.ON_CONNECT])


def settings_for(server: Slapd, tls: TlsMode, **changes: object) -> DirectorySettings:
    address = server.tls_address if tls is TlsMode.ON_CONNECT else server.address
    return server.settings(**{"servers": (address,), "tls_strategy": tls, **changes})


def refusal_of(settings: DirectorySettings) -> DirectoryRefusal:
    with pytest.raises(DirectoryRefusal) as caught:
        Directory(settings).sign_in("alice", password_of("alice"))
    return caught.value


@BOTH
def test_unknown_authority_is_refused(
    university_directory: Slapd, tmp_path: Path, tls: TlsMode
) -> None:
    settings = settings_for(university_directory, tls, ca_file=Authority(tmp_path).ca_file)
    refusal = refusal_of(settings)
    assert type(refusal) is CertificateRefused
    assert refusal.log_line.startswith(
        f"{settings.servers[0]} has a certificate that does not pass: "
    )
    assert refusal.log_line.endswith(
        "set LDAPAuthenticator.ca_file to the certificate of the authority that signed it, and "
        "have the server send the ones in between"
    )


@BOTH
def test_certificate_for_another_host_is_refused(
    authority: Authority, tmp_path: Path, tls: TlsMode
) -> None:
    certificate = authority.sign("ldap.example.org")
    with slapd(tmp_path, authority=authority, certificate=certificate) as server:
        settings = settings_for(server, tls)
        refusal = refusal_of(settings)
    assert type(refusal) is CertificateRefused
    assert refusal.log_line == (
        f"{settings.servers[0]} has a certificate that does not pass: Hostname mismatch, "
        "certificate is not valid for 'localhost'. (X.509 error 62); write the name that is in "
        "the certificate into LDAPAuthenticator.server_address, or have the certificate made for "
        "this name"
    )


def test_certificate_for_a_name_does_not_serve_for_an_address(university_directory: Slapd) -> None:
    address = ServerAddress(host="127.0.0.1", port=university_directory.tls_port)
    refusal = refusal_of(settings_for(university_directory, TlsMode.ON_CONNECT, servers=(address,)))
    assert type(refusal) is CertificateRefused
    assert "X.509 error 64" in refusal.log_line


@BOTH
def test_expired_certificate_is_refused(authority: Authority, tmp_path: Path, tls: TlsMode) -> None:
    certificate = authority.sign("localhost", days_left=-1)
    with slapd(tmp_path, authority=authority, certificate=certificate) as server:
        refusal = refusal_of(settings_for(server, tls))
    assert type(refusal) is CertificateRefused
    assert refusal.log_line.endswith("certificate has expired (X.509 error 10); have it renewed")


@BOTH
def test_nothing_is_checked_where_the_admin_says_so(
    authority: Authority, tmp_path: Path, tls: TlsMode
) -> None:
    certificate = authority.sign("ldap.example.org", days_left=-2)
    with slapd(tmp_path, authority=authority, certificate=certificate) as server:
        settings = settings_for(server, tls, verify_certificates=False, ca_file=None)
        assert Directory(settings).sign_in("ben", password_of("ben")).username == "ben"


def test_server_without_tls_gets_no_password(authority: Authority, tmp_path: Path) -> None:
    with slapd(tmp_path, authority=authority, has_tls=False) as server:
        settings = server.settings()
        refusal = refusal_of(settings)
        unprotected = dataclasses.replace(settings, tls_strategy=TlsMode.INSECURE, ca_file=None)
        assert Directory(unprotected).look_up("ben").username == "ben"
    assert type(refusal) is ServerFailed
    assert refusal.log_line == (
        f"{settings.servers[0]} refuses STARTTLS: protocolError (2): unsupported extended "
        "operation; no password was sent. Set up TLS on the server, or "
        "LDAPAuthenticator.tls_strategy to 'on_connect' where it has LDAPS"
    )


@BOTH
def test_port_for_the_other_way_of_tls_says_what_to_set(
    university_directory: Slapd, tls: TlsMode
) -> None:
    others = {
        TlsMode.ON_CONNECT: university_directory.address,
        TlsMode.BEFORE_BIND: university_directory.tls_address,
    }
    refusal = refusal_of(settings_for(university_directory, tls, servers=(others[tls],)))
    assert type(refusal) is ServerFailed
    assert refusal.log_line.endswith(
        "check LDAPAuthenticator.tls_strategy ('on_connect' goes with port 636, 'before_bind' "
        "with 389)"
    )


@BOTH
def test_handshake_that_does_not_end_costs_one_answer(
    university_directory: Slapd, tls: TlsMode
) -> None:
    with odd_server(say_nothing) as silent:
        began = time.monotonic()
        refusal = refusal_of(
            settings_for(university_directory, tls, servers=(silent.address,), answer_seconds=0.3)
        )
    assert type(refusal) is ServerFailed
    assert 0.25 < time.monotonic() - began < 4  # and not the five seconds of the default


def test_file_that_has_no_certificate_is_a_fault(
    university_directory: Slapd, tmp_path: Path
) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("no certificate\n")
    with pytest.raises(ConfigurationError) as caught:
        make_tls_context(university_directory.settings(ca_file=file))
    assert str(caught.value).startswith(f"LDAPAuthenticator.ca_file '{file}' cannot be read: ")
