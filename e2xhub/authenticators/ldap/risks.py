"""Settings that work and are rarely meant: sentences for the log and `e2xhub ldap test`."""

from __future__ import annotations

from collections.abc import Iterator

from e2xhub.authenticators.ldap.settings import DirectorySettings, TlsMode

_OWNER = "LDAPAuthenticator"
_LDAPS, _PLAIN = "636", "389"
"""As ports end that belong to LDAPS and to STARTTLS: 636, 1636, 10636; 389, 1389."""


def find_risks(settings: DirectorySettings) -> Iterator[str]:
    """Each names its trait; the hub starts nevertheless."""
    yield from _in_protection(settings)
    yield from _in_ports(settings)
    yield from _in_groups(settings)


def _in_protection(settings: DirectorySettings) -> Iterator[str]:
    if settings.tls_strategy is TlsMode.INSECURE:
        yield (
            f"{_OWNER}.tls_strategy is 'insecure': every password crosses the network in the clear"
        )
    elif not settings.verify_certificates:
        yield (
            f"{_OWNER}.verify_certificates is False: every password is sent to whoever poses as "
            "the directory; set ca_file instead"
        )


def _in_ports(settings: DirectorySettings) -> Iterator[str]:
    for server in settings.servers:
        port = str(server.port)
        if settings.tls_strategy is TlsMode.BEFORE_BIND and port.endswith(_LDAPS):
            yield _warn_of_port(server, "before_bind", "STARTTLS", "on_connect", "LDAPS")
        if settings.tls_strategy is TlsMode.ON_CONNECT and port.endswith(_PLAIN):
            yield _warn_of_port(server, "on_connect", "LDAPS", "before_bind", "STARTTLS")


def _in_groups(settings: DirectorySettings) -> Iterator[str]:
    if settings.reads_member_of and not settings.group_search_base:
        yield (
            f"{_OWNER}.group_attributes has 'memberOf' without {_OWNER}.group_search_base: a group "
            "of any branch becomes a group of the hub by its name alone, whoever may create groups "
            "there"
        )


def _warn_of_port(server: object, chosen: str, means: str, other: str, usual: str) -> str:
    return (
        f"{_OWNER}.tls_strategy is '{chosen}' ({means}), and the port of {server} is one for "
        f"{usual}; did you mean '{other}'?"
    )
