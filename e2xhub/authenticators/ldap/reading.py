"""From the traits of `LDAPAuthenticator` to the settings of a directory.

What cannot be meant, or meant something else in jupyterhub-ldapauthenticator, is a fault that
names the trait and says what to do; the hub does not start then.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from traitlets import TraitError
from traitlets.config import Config

from e2xhub.authenticators.ldap.directory import Directory
from e2xhub.authenticators.ldap.setting_faults import PASSWORD_VARIABLE
from e2xhub.authenticators.ldap.settings import (
    DirectorySettings,
    Masked,
    NestedGroups,
    ServerAddress,
    TlsMode,
)
from e2xhub.errors import ConfigurationError
from e2xhub.storage.secret_sources import UnreadableSecretError, read_secret

_OWNER = "LDAPAuthenticator"
_HOST_AND_PORT = re.compile(r"(?:\[(?P<v6>[^\]]+)\]|(?P<host>[^:]+))(?::(?P<port>[0-9]+))?")
_PORTS = {TlsMode.ON_CONNECT: 636}
_PLAIN_PORT = 389
_CHECKS_NOTHING = (ssl.CERT_NONE, "CERT_NONE")
_CHECKS = (ssl.CERT_REQUIRED, "CERT_REQUIRED")
_CA_FILE = "ca_certs_file"
_IN_ONE_FILE = "put the certificates into one file and name it in ca_file"
_TLS_REMEDIES = {
    "validate": "remove it: certificates are verified",
    "ca_certs_path": _IN_ONE_FILE,
    "ca_certs_data": _IN_ONE_FILE,
    "valid_names": "name the host in server_address as the certificate has it",
    "sni": "name the host in server_address as the certificate has it",
}
_NOT_TAKEN = "remove it: versions and ciphers are those of the system's OpenSSL"
_SETTINGS_PAGE = "docs/reference/settings.md"
_REMOVED = {
    "use_ssl": "set tls_strategy: on_connect (LDAPS) or before_bind (STARTTLS) instead",
}


class LDAPMisconfiguredError(ConfigurationError, TraitError):
    """JupyterHub ends on a TraitError with its text; the command line on a ConfigurationError."""


def read_settings(traits: Any) -> DirectorySettings:
    """The directory that `traits`, an LDAPAuthenticator, describe.

    Raises LDAPMisconfiguredError with a line for every fault that is found.
    """
    faults = [f"{_OWNER}.{fault}" for fault in _find_faults(traits)]
    if faults:
        raise LDAPMisconfiguredError("\n".join(faults))
    try:
        return _make_settings(traits)
    except ConfigurationError as error:
        raise LDAPMisconfiguredError(str(error)) from None


def open_directory(settings: DirectorySettings) -> Directory:
    """The directory of `settings`, which is not asked yet.

    Raises LDAPMisconfiguredError where `ca_file` has no certificates.
    """
    try:
        return Directory(settings)
    except ConfigurationError as error:
        raise LDAPMisconfiguredError(str(error)) from None


def _find_faults(traits: Any) -> Iterator[str]:
    yield from _in_unknown(traits)
    yield from _in_removed(traits)
    yield from _in_addresses(traits)
    yield from _in_tls(traits)
    yield from _in_password(traits)
    yield from _in_username_map(traits)


def _in_unknown(traits: Any) -> Iterator[str]:
    """JupyterHub only warns of them, and a restriction that is misspelt restricts nobody."""
    known = [*traits.traits(config=True), *_REMOVED]
    for name in _names_in(traits):
        if name not in known:
            close = get_close_matches(name, known, n=1)
            yield f"{name} is no setting; " + (
                f"did you mean {close[0]}?" if close else f"remove it, or see {_SETTINGS_PAGE}."
            )


def _names_in(traits: Any) -> Iterator[str]:
    """What is set in the section, and in those of classes that an admin made of this one."""
    for owner in type(traits).mro():
        section = traits.config.get(owner.__name__, {})
        yield from (name for name, value in section.items() if not isinstance(value, Config))
        if owner.__name__ == _OWNER:
            return


def _in_removed(traits: Any) -> Iterator[str]:
    section = traits.config.get(_OWNER, {})
    for name, remedy in _REMOVED.items():
        if section.get(name) not in (None, ""):
            yield f"{name} is set and has no effect here; {remedy}."


def _in_addresses(traits: Any) -> Iterator[str]:
    for address in _as_list(traits.server_address):
        if not _HOST_AND_PORT.fullmatch(address):
            yield (
                f"server_address {address!r} is no host; expected one such as 'ldap.example.org' "
                "or 'ldap.example.org:636', without 'ldap://'."
            )


def _in_tls(traits: Any) -> Iterator[str]:
    for key, value in traits.tls_kwargs.items():
        if key == _CA_FILE or (key == "validate" and value in _CHECKS):
            continue
        if key == "validate" and value in _CHECKS_NOTHING:
            yield (
                "tls_kwargs has validate: CERT_NONE, with which every password goes to whoever "
                f"poses as the server; remove it, and name the authority in {_OWNER}.ca_file. "
                f"{_OWNER}.verify_certificates = False checks nothing either, and says so."
            )
        else:
            yield f"tls_kwargs has {key!r}; {_TLS_REMEDIES.get(key, _NOT_TAKEN)}."
    if traits.ca_file and traits.tls_kwargs.get(_CA_FILE):
        yield f"ca_file and {_OWNER}.tls_kwargs[{_CA_FILE!r}] are both set; remove the latter."


def _in_password(traits: Any) -> Iterator[str]:
    file = traits.lookup_dn_search_password_file
    if not file:
        yield from _in_variable(traits)
        return
    if traits.lookup_dn_search_password:
        yield (
            f"lookup_dn_search_password and {_OWNER}.lookup_dn_search_password_file are both set; "
            "remove the former, and change the password: files of configuration are not secret."
        )
    try:
        read_secret(Path(file), PASSWORD_VARIABLE)
    except UnreadableSecretError as error:
        yield (
            f"lookup_dn_search_password_file {file!r} cannot be read ({error}); expected the "
            "service account's password in it: is the Secret mounted (hub.extraVolumes and "
            "hub.extraVolumeMounts)?"
        )


def _in_variable(traits: Any) -> Iterator[str]:
    """Where it has no effect, people are looked up by nobody, which most directories forbid."""
    is_anonymous = traits.lookup_dn and not traits.lookup_dn_search_user
    if is_anonymous and read_secret(None, PASSWORD_VARIABLE):
        yield (
            f"lookup_dn_search_user is empty, and the environment has {PASSWORD_VARIABLE}; set "
            "the DN of the account whose password it is, or remove the variable (hub.extraEnv): "
            "people are looked up by nobody (anonymous) then."
        )


def _in_username_map(traits: Any) -> Iterator[str]:
    """JupyterHub looks a name up in small letters."""
    for name in sorted(traits.username_map):
        if name != name.lower():
            yield (
                f"username_map has {name!r}, and JupyterHub looks for {name.lower()!r}, so that it "
                "never applies; write it in small letters."
            )


def _make_settings(traits: Any) -> DirectorySettings:
    tls = TlsMode(traits.tls_strategy)
    ca_file = traits.ca_file or traits.tls_kwargs.get(_CA_FILE)
    return DirectorySettings(
        servers=tuple(_parse_address(text, traits) for text in _as_list(traits.server_address)),
        tls_strategy=tls,
        ca_file=Path(ca_file) if ca_file else None,
        lookup_dn_search_password=_find_password(traits),
        bind_dn_template=tuple(filter(None, _as_list(traits.bind_dn_template))),
        attributes=tuple(traits.auth_state_attributes),
        group_attributes=tuple(traits.group_attributes),
        nested_groups=NestedGroups(traits.nested_groups),
        group_names=traits.group_names,
        allowed_groups=tuple(traits.allowed_groups or ()),
        admin_groups=tuple(traits.admin_groups),
        **{name: getattr(traits, name) for name in _TAKEN_AS_THEY_ARE},
    )


_TAKEN_AS_THEY_ARE = (
    "verify_certificates",
    "connect_seconds",
    "answer_seconds",
    "total_seconds",
    "lookup_dn",
    "lookup_dn_search_user",
    "user_search_base",
    "user_attribute",
    "lookup_dn_search_filter",
    "lookup_dn_user_dn_attribute",
    "use_lookup_dn_username",
    "search_filter",
    "valid_username_regex",
    "group_search_base",
    "group_search_filter",
    "group_name_attribute",
)


def _as_list(value: str | list[str]) -> list[str]:
    return ([value] if value else []) if isinstance(value, str) else list(value)


def _parse_address(text: str, traits: Any) -> ServerAddress:
    found = _HOST_AND_PORT.fullmatch(text)
    assert found is not None, "faults were looked for before"
    default = traits.server_port or _PORTS.get(TlsMode(traits.tls_strategy), _PLAIN_PORT)
    return ServerAddress(host=found["v6"] or found["host"], port=int(found["port"] or default))


def _find_password(traits: Any) -> Masked:
    """The service account's; from the environment only where there is an account."""
    if traits.lookup_dn_search_password:
        return Masked(traits.lookup_dn_search_password)
    file = traits.lookup_dn_search_password_file
    if not file and not traits.lookup_dn_search_user:
        return Masked("")
    return Masked(read_secret(Path(file) if file else None, PASSWORD_VARIABLE))
