"""Settings that work and are rarely meant are told to the admin."""

from __future__ import annotations

from typing import Any

import pytest

from e2xhub.authenticators.ldap.risks import find_risks
from e2xhub.authenticators.ldap.settings import DirectorySettings, ServerAddress, TlsMode

GOOD: dict[str, Any] = {
    "servers": (ServerAddress(host="ldap.example.org", port=389),),
    "bind_dn_template": ("uid={username},ou=people,dc=example,dc=org",),
}


def risks_of(**changes: Any) -> list[str]:
    return list(find_risks(DirectorySettings(**{**GOOD, **changes})))


def at(port: int) -> tuple[ServerAddress, ...]:
    return (ServerAddress(host="ldap.example.org", port=port),)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"servers": at(3268)},
        {"servers": at(636), "tls_strategy": TlsMode.ON_CONNECT},
    ],
)
def test_usual_settings_are_no_risk(changes: dict[str, Any]) -> None:
    assert risks_of(**changes) == []


@pytest.mark.parametrize("port", [636, 1636, 10636])
def test_starttls_on_a_port_of_ldaps_is_told(port: int) -> None:
    assert risks_of(servers=at(port)) == [
        "LDAPAuthenticator.tls_strategy is 'before_bind' (STARTTLS), and the port of "
        f"ldap.example.org:{port} is one for LDAPS; did you mean 'on_connect'?"
    ]


def test_ldaps_on_the_plain_port_is_told() -> None:
    assert risks_of(tls_strategy=TlsMode.ON_CONNECT) == [
        "LDAPAuthenticator.tls_strategy is 'on_connect' (LDAPS), and the port of "
        "ldap.example.org:389 is one for STARTTLS; did you mean 'before_bind'?"
    ]


def test_groups_of_every_branch_are_told() -> None:
    assert risks_of(group_attributes=("memberOf",), group_search_base="dc=example,dc=org") == []
    assert risks_of(group_attributes=("memberof",)) == [
        "LDAPAuthenticator.group_attributes has 'memberOf' without "
        "LDAPAuthenticator.group_search_base: a group of any branch becomes a group of the hub by "
        "its name alone, whoever may create groups there"
    ]


def test_passwords_in_the_clear_or_to_anybody_are_told() -> None:
    assert risks_of(tls_strategy=TlsMode.INSECURE) == [
        "LDAPAuthenticator.tls_strategy is 'insecure': every password crosses the network in the "
        "clear"
    ]
    assert risks_of(verify_certificates=False) == [
        "LDAPAuthenticator.verify_certificates is False: every password is sent to whoever poses "
        "as the directory; set ca_file instead"
    ]
