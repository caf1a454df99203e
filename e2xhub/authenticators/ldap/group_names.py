"""What a group of the directory is called on the hub, and which ones the settings mean."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from e2xhub.authenticators.ldap.entries import Entry
from e2xhub.authenticators.ldap.names import Dn, value_in_rdn
from e2xhub.authenticators.ldap.settings import DirectorySettings

_LONGEST_NAME = 255  # a column of JupyterHub's database


class NamelessGroupError(ValueError):
    """The group has no name that a hub can use."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """A group of the directory."""

    dn: str
    parsed_dn: Dn
    name: str


def make_group(settings: DirectorySettings, entry: Entry) -> Group:
    """Raises NamelessGroupError."""
    name = _find_name(settings, entry)
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise NamelessGroupError(
            f"group {entry.dn} is left out: {name!r} is no name for a group of the hub; give it "
            "one with LDAPAuthenticator.group_names"
        )
    return Group(dn=entry.dn, parsed_dn=entry.parsed_dn, name=name)


def _find_name(settings: DirectorySettings, entry: Entry) -> str:
    if entry.parsed_dn in settings.parsed_group_names:
        return settings.parsed_group_names[entry.parsed_dn]
    attribute = settings.group_name_attribute
    if attribute.lower() == "dn":
        return entry.dn
    # Of several names that a group has, the one in its DN is the one that is unique beside it.
    in_dn = value_in_rdn(entry.dn, attribute)
    values = entry.get(attribute)
    return in_dn if in_dn is not None else (values[0] if len(values) == 1 else "")


def is_in_any(settings: DirectorySettings, groups: Iterable[Group], wanted: Iterable[str]) -> bool:
    """Whether one of `groups` is meant by one of `wanted`: DNs, or names.

    Compared as a directory does, without case or doubled spaces, and always by the whole DN: a
    name is whoever's may create groups anywhere below the base.
    """
    dns = settings.find_group_dns(wanted)
    return any(group.parsed_dn in dns for group in groups)


def find_shared_names(groups: Iterable[Group]) -> list[str]:
    """Notes on names that several groups have in common on the hub."""
    dns: dict[str, list[str]] = {}
    for group in groups:
        dns.setdefault(group.name, []).append(group.dn)
    return [
        f"{' and '.join(sorted(several))} are one group {name!r} on the hub; tell them apart with "
        "LDAPAuthenticator.group_names"
        for name, several in sorted(dns.items())
        if len(several) > 1
    ]
