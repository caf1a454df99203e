"""Settings of jupyterhub-ldapauthenticator are taken over, and contradictions stop the hub."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest
from traitlets import Integer, TraitError
from traitlets.config import Config

from e2xhub.authenticators.ldap.authenticator import LDAPAuthenticator
from e2xhub.authenticators.ldap.settings import NestedGroups, ServerAddress, TlsMode
from e2xhub.errors import ConfigurationError
from tests.authenticators.ldap.certificates import Authority

PEOPLE = "ou=people,dc=example,dc=org"
TEMPLATE = f"uid={{username}},{PEOPLE}"
LOOK_UP = {"lookup_dn": True, "user_search_base": PEOPLE, "user_attribute": "uid"}


def make(**traits: Any) -> LDAPAuthenticator:
    """An authenticator of one server and a template, with further traits."""
    known = {"server_address": "ldap.example.org", "bind_dn_template": TEMPLATE, **traits}
    return LDAPAuthenticator(config=Config({"LDAPAuthenticator": known}))


def fault_of(**traits: Any) -> str:
    """Why a hub with these traits does not start."""
    with pytest.raises(TraitError) as error:
        make(**traits)
    assert isinstance(error.value, ConfigurationError)
    return str(error.value)


@pytest.mark.parametrize(
    ("traits", "expected"),
    [
        ({}, [("ldap.example.org", 389)]),
        ({"tls_strategy": "on_connect"}, [("ldap.example.org", 636)]),
        ({"server_port": 1389}, [("ldap.example.org", 1389)]),
        ({"server_address": ["a:1", "b"]}, [("a", 1), ("b", 389)]),
        ({"server_address": "[::1]:636"}, [("::1", 636)]),
    ],
)
def test_servers_are_hosts_with_the_port_that_fits(
    traits: dict[str, Any], expected: list[tuple[str, int]]
) -> None:
    servers = tuple(ServerAddress(host=host, port=port) for host, port in expected)
    assert make(**traits).settings.servers == servers


def test_upstreams_settings_mean_the_same(authority: Authority) -> None:
    settings = make(
        **LOOK_UP,
        bind_dn_template=[],
        tls_strategy="on_connect",
        tls_kwargs={"ca_certs_file": str(authority.ca_file), "validate": ssl.CERT_REQUIRED},
        lookup_dn_search_user="cn=hub,dc=example,dc=org",
        lookup_dn_search_password="of the service",
        allowed_groups=["cn=staff,dc=example,dc=org"],
        auth_state_attributes=["mail"],
        escape_userdn=False,
        attributes=["cn"],
    ).settings
    assert settings.tls_strategy is TlsMode.ON_CONNECT
    assert settings.ca_file == authority.ca_file
    assert settings.verify_certificates
    assert settings.lookup_dn_search_password.reveal() == "of the service"
    assert settings.allowed_groups == ("cn=staff,dc=example,dc=org",)
    assert settings.attributes == ("mail",)


def test_defaults_are_safe() -> None:
    settings = make().settings
    assert settings.verify_certificates
    assert settings.tls_strategy is TlsMode.BEFORE_BIND
    assert settings.nested_groups is NestedGroups.OFF


def test_defaults_of_jupyterhub_that_would_let_people_stay_are_changed() -> None:
    authenticator = make(allowed_users={"alice"})
    assert authenticator.manage_groups
    assert authenticator.refresh_pre_spawn
    assert not authenticator.allow_existing_users


@pytest.mark.parametrize("nothing", [ssl.CERT_NONE, 0, "CERT_NONE"])
def test_tls_that_checks_nothing_is_refused_and_the_way_out_is_named(nothing: Any) -> None:
    assert fault_of(tls_kwargs={"validate": nothing}) == (
        "LDAPAuthenticator.tls_kwargs has validate: CERT_NONE, with which every password goes to "
        "whoever poses as the server; remove it, and name the authority in "
        "LDAPAuthenticator.ca_file. LDAPAuthenticator.verify_certificates = False checks nothing "
        "either, and says so."
    )


@pytest.mark.parametrize(
    ("traits", "fault"),
    [
        (
            {"use_ssl": True},
            "LDAPAuthenticator.use_ssl is set and has no effect here; set tls_strategy: "
            "on_connect (LDAPS) or before_bind (STARTTLS) instead.",
        ),
        (
            {"search_fliter": "(employeeType=staff)"},
            "LDAPAuthenticator.search_fliter is no setting; did you mean search_filter?",
        ),
        (
            {"admin_group": ["cn=admins,dc=example,dc=org"]},
            "LDAPAuthenticator.admin_group is no setting; did you mean admin_groups?",
        ),
        (
            {"zzz": 1},
            "LDAPAuthenticator.zzz is no setting; remove it, or see docs/reference/settings.md.",
        ),
        (
            {"server_address": "ldaps://ldap.example.org"},
            "LDAPAuthenticator.server_address 'ldaps://ldap.example.org' is no host; expected one "
            "such as 'ldap.example.org' or 'ldap.example.org:636', without 'ldap://'.",
        ),
        (
            {"tls_kwargs": {"ciphers": "ALL"}},
            "LDAPAuthenticator.tls_kwargs has 'ciphers'; remove it: versions and ciphers are those "
            "of the system's OpenSSL.",
        ),
        (
            {"tls_kwargs": {"ca_certs_path": "/etc/ssl"}},
            "LDAPAuthenticator.tls_kwargs has 'ca_certs_path'; put the certificates into one file "
            "and name it in ca_file.",
        ),
        (
            {"ca_file": "/a", "tls_kwargs": {"ca_certs_file": "/b"}},
            "LDAPAuthenticator.ca_file and LDAPAuthenticator.tls_kwargs['ca_certs_file'] are both "
            "set; remove the latter.",
        ),
        (
            {"lookup_dn_search_password_file": "/no/such/file"},
            "LDAPAuthenticator.lookup_dn_search_password_file '/no/such/file' cannot be read (No "
            "such file or directory); expected the service account's password in it: is the Secret "
            "mounted (hub.extraVolumes and hub.extraVolumeMounts)?",
        ),
        (
            {"username_map": {"A.Mueller": "alice", "ben": "Ben"}},
            "LDAPAuthenticator.username_map has 'A.Mueller', and JupyterHub looks for 'a.mueller', "
            "so that it never applies; write it in small letters.",
        ),
    ],
)
def test_what_cannot_be_meant_stops_the_hub(traits: dict[str, Any], fault: str) -> None:
    assert fault_of(**traits) == fault


def test_settings_of_a_class_of_the_admins_own_are_looked_at_as_well() -> None:
    class OwnAuthenticator(LDAPAuthenticator):
        floor = Integer(config=True)

    known = {"server_address": "ldap.example.org", "bind_dn_template": TEMPLATE}
    config = Config({"LDAPAuthenticator": known, "OwnAuthenticator": {"floor": 3}})
    assert OwnAuthenticator(config=config).floor == 3
    config.OwnAuthenticator.flor = 3
    with pytest.raises(TraitError, match=r"flor is no setting; did you mean floor\?"):
        OwnAuthenticator(config=config)


def test_authority_without_certificates_stops_the_hub(tmp_path: Path) -> None:
    empty = tmp_path / "ca.pem"
    empty.touch()
    fault = fault_of(ca_file=str(empty))
    assert fault.startswith(f"LDAPAuthenticator.ca_file '{empty}' cannot be read: ")


def test_all_faults_are_told_at_once() -> None:
    faults = fault_of(use_ssl=False, tls_kwargs={"validate": 0}, server_address="ldap://a")
    assert [line.split()[0] for line in faults.splitlines()] == [
        "LDAPAuthenticator.use_ssl",
        "LDAPAuthenticator.server_address",
        "LDAPAuthenticator.tls_kwargs",
    ]


def test_fault_of_the_directorys_settings_stops_the_hub_as_well() -> None:
    assert "LDAPAuthenticator.bind_dn_template" in fault_of(bind_dn_template="")


def test_password_of_the_service_account_is_read_from_its_file(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("of the service\n")
    account = {"lookup_dn_search_user": "cn=hub,dc=example,dc=org"}
    traits = {**LOOK_UP, **account, "bind_dn_template": "", "lookup_dn": True}
    settings = make(**traits, lookup_dn_search_password_file=str(secret)).settings
    assert settings.lookup_dn_search_password.reveal() == "of the service"
    fault = fault_of(
        **traits, lookup_dn_search_password="another", lookup_dn_search_password_file=str(secret)
    )
    assert fault.startswith(
        "LDAPAuthenticator.lookup_dn_search_password and "
        "LDAPAuthenticator.lookup_dn_search_password_file are both set; remove the former"
    )
    assert "another" not in fault


@pytest.mark.parametrize("line_end", ["", "\n", "\r\n"])
def test_password_of_the_service_account_may_be_in_the_environment(
    monkeypatch: pytest.MonkeyPatch, line_end: str
) -> None:
    monkeypatch.setenv("E2XHUB_LDAP_PASSWORD", f"of the service{line_end}")
    account = {"lookup_dn_search_user": "cn=hub,dc=example,dc=org", "bind_dn_template": ""}
    settings = make(**LOOK_UP, **account).settings
    assert settings.lookup_dn_search_password.reveal() == "of the service"
    assert not make().settings.lookup_dn_search_password


def test_password_without_the_account_that_it_is_of_stops_the_hub(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("E2XHUB_LDAP_PASSWORD", "of the service")
    assert fault_of(**LOOK_UP) == (
        "LDAPAuthenticator.lookup_dn_search_user is empty, and the environment has "
        "E2XHUB_LDAP_PASSWORD; set the DN of the account whose password it is, or remove the "
        "variable (hub.extraEnv): people are looked up by nobody (anonymous) then."
    )
    assert not make().settings.lookup_dn  # a template looks nobody up
