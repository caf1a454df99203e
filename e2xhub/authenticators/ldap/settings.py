"""What has to be known of a directory, checked once.

Fields are called as the traits of `LDAPAuthenticator`, so that a fault names what the admin wrote.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from e2xhub.authenticators.ldap.masked import Masked
from e2xhub.authenticators.ldap.names import Dn, escape_in_dn, parse_dn, same_text
from e2xhub.authenticators.ldap.setting_faults import find_faults
from e2xhub.errors import ConfigurationError

__all__ = [
    "DirectorySettings",
    "Masked",
    "NestedGroups",
    "ServerAddress",
    "TlsMode",
]

_IN_CHAIN = "member:1.2.840.113556.1.4.1941:"


class TlsMode(Enum):
    """When a connection is encrypted; the values are those of `tls_strategy`."""

    ON_CONNECT = "on_connect"
    """LDAPS: from the first byte."""
    BEFORE_BIND = "before_bind"
    """STARTTLS: before anything else is said."""
    INSECURE = "insecure"
    """Never: passwords cross the network in the clear."""


class NestedGroups(Enum):
    """How members of a group that is in a group are found."""

    OFF = "off"
    ACTIVE_DIRECTORY = "active_directory"
    """The server follows them (LDAP_MATCHING_RULE_IN_CHAIN)."""
    WALK = "walk"
    """We ask for the groups of each group, to a depth of `MOST_LEVELS`."""


@dataclass(frozen=True, kw_only=True)
class ServerAddress:
    """Where a directory listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, kw_only=True)
class DirectorySettings:
    """One directory, on one server or on several with the same content.

    Raises ConfigurationError that names every trait at fault.
    """

    servers: tuple[ServerAddress, ...]
    """Asked in this order: a further one only where those before it fail."""
    tls_strategy: TlsMode = TlsMode.BEFORE_BIND
    ca_file: Path | None = None
    """Certificates (PEM) of those who may sign a server's; None: those of the system."""
    verify_certificates: bool = True
    """Whether a server's certificate and the host name in it are checked."""
    connect_seconds: float = 5
    """For the name and the connection of one server."""
    answer_seconds: float = 5
    """For one answer, the TLS handshake among them."""
    total_seconds: float = 15
    """After which a sign-in has ended, whatever happens."""

    lookup_dn: bool = False
    """Whether a person's DN is looked up; else it is made from `bind_dn_template`."""
    lookup_dn_search_user: str = ""
    """Who looks up; empty: nobody in particular (anonymous)."""
    lookup_dn_search_password: Masked = field(default_factory=lambda: Masked(""))
    bind_dn_template: tuple[str, ...] = ()
    """DNs, or names that the server takes for one (`{username}@example.org`), tried in order."""
    user_search_base: str = ""
    user_attribute: str = ""
    """What holds the username: `uid`, in Active Directory `sAMAccountName`."""
    lookup_dn_search_filter: str = "({login_attr}={login})"
    lookup_dn_user_dn_attribute: str = ""
    """What fills `bind_dn_template` after a look-up; empty: `user_attribute`."""
    use_lookup_dn_username: bool = False
    """Whether `lookup_dn_user_dn_attribute` holds the name of the hub's user as well."""
    search_filter: str = ""
    """What a person's own entry has to match besides; with `{userattr}` and `{username}`."""
    valid_username_regex: str = r"^[a-z][.a-z0-9_-]*$"
    attributes: tuple[str, ...] = ()
    """Of the person's entry, handed on in `DirectoryPerson.attributes`."""

    group_search_base: str = ""
    """Where groups are searched; empty: only those named in the settings by their DN are tried."""
    group_search_filter: str = ""
    """With `{userdn}` and `{uid}`; empty: made from `group_attributes`."""
    group_attributes: tuple[str, ...] = ("member", "uniqueMember", "memberUid")
    """How groups and people know of each other: of a group, or `memberOf` of a person."""
    nested_groups: NestedGroups = NestedGroups.OFF
    group_name_attribute: str = "cn"
    """What a group is called on the hub; `dn`: its whole DN."""
    group_names: Mapping[str, str] = field(default_factory=dict)
    """DN of a group → its name on the hub, before `group_name_attribute`."""
    allowed_groups: tuple[str, ...] = ()
    """DNs or names, see `find_group_dns`."""
    admin_groups: tuple[str, ...] = ()
    """DNs or names, see `find_group_dns`."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "group_names", MappingProxyType(dict(self.group_names)))
        faults = find_faults(self)
        if faults:
            raise ConfigurationError("\n".join(faults))

    @cached_property
    def username_pattern(self) -> re.Pattern[str]:
        return re.compile(self.valid_username_regex)

    @property
    def name_attribute(self) -> str:
        """What fills `bind_dn_template` after a look-up."""
        return self.lookup_dn_user_dn_attribute or self.user_attribute

    @property
    def reads_member_of(self) -> bool:
        return any(name.lower() == "memberof" for name in self.group_attributes)

    @property
    def binds_by_name(self) -> bool:
        """Whether the server chooses who is meant by `{username}@example.org`."""
        return any("=" not in template for template in self.bind_dn_template)

    @cached_property
    def group_filter(self) -> str:
        """With `{userdn}` and `{uid}`; empty where no group knows its members."""
        direct = self.group_search_filter or self._filter_of_members()
        if self.nested_groups is NestedGroups.ACTIVE_DIRECTORY:
            return f"(|{direct}({_IN_CHAIN}={{userdn}}))"
        return direct

    def _filter_of_members(self) -> str:
        parts = "".join(
            f"({name}={{uid}})" if name.lower() == "memberuid" else f"({name}={{userdn}})"
            for name in self.group_attributes
            if name.lower() != "memberof"
        )
        return f"(|{parts})" if parts else ""

    @property
    def can_look_up(self) -> bool:
        """Whether somebody can be looked up without a password, so that groups can be refreshed."""
        return self.lookup_dn

    @property
    def has_service_account(self) -> bool:
        return bool(self.lookup_dn_search_user)

    @cached_property
    def parsed_group_names(self) -> Mapping[Dn, str]:
        return {parse_dn(dn): name for dn, name in self.group_names.items()}

    @property
    def asks_for_groups(self) -> bool:
        return bool(self.group_search_base or self.reads_member_of or self.named_groups)

    def find_group_dns(self, wanted: Iterable[str]) -> Mapping[Dn, str]:
        """The groups that `wanted` means, as they are compared → as they are written.

        A name stands for the group that `group_names` calls so, else for the one of that name
        directly below `group_search_base`: of those there is one at most. Groups of the same name
        in other branches are somebody else's.
        """
        return {parse_dn(dn): dn for text in wanted for dn in self._dns_of(text)}

    def _dns_of(self, group: str) -> list[str]:
        if "=" in group:
            return [group]
        wanted = same_text(group)
        renamed = [dn for dn, name in self.group_names.items() if same_text(name) == wanted]
        value = escape_in_dn(group.strip())
        return renamed or [f"{self.group_name_attribute}={value},{self.group_search_base}"]

    @cached_property
    def named_groups(self) -> Mapping[Dn, str]:
        """Every group in the settings, as `find_group_dns` has them."""
        return self.find_group_dns((*self.allowed_groups, *self.admin_groups, *self.group_names))
