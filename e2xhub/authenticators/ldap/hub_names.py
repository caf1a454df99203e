"""What people and groups of a directory are called on the hub."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from logging import Logger, LoggerAdapter
from typing import Any

from e2xhub.authenticators.ldap.refusals import DirectoryRefusal, FoundTwice
from e2xhub.domain.identifiers import Username
from e2xhub.errors import printable

LONGEST_GROUP = 255
"""Characters that JupyterHub's database has for the name of a group."""


class UnusableName(DirectoryRefusal):
    """The directory's name of somebody can be no hub's."""


def parse_hub_name(authenticator: Any, name: str) -> str:
    """The hub's username of whom the directory calls `name`.

    Raises UnusableName where JupyterHub, or a directory of files, would have to change it, and
    FoundTwice where `username_map` gives it to somebody else: two people could become one.
    """
    normal: str = authenticator.normalize_username(name)
    try:
        is_usable = Username.parse(normal) == normal and authenticator.validate_username(normal)
    except ValueError:
        is_usable = False
    if not is_usable:
        raise UnusableName(
            f"the directory's username {name!r} cannot be a hub's; {Username.expectation}"
        )
    mapped = authenticator.username_map
    if normal != name.lower() and normal not in mapped.values():
        raise UnusableName(
            f"{type(authenticator).__name__}.normalize_username makes {normal!r} of the "
            f"directory's username {name!r}, so that two people could be one user; map names with "
            "username_map, which is followed back, and leave normalize_username as it is"
        )
    if name_in_directory(normal, mapped) != name.lower():
        raise FoundTwice(
            f"username_map maps another name than {name.lower()!r} to {normal!r}, so that two "
            "people would be one user; map each to a name that nobody has in the directory"
        )
    return normal


def name_in_directory(username: str, username_map: Mapping[str, str]) -> str:
    """What the directory calls the hub's `username`; raises FoundTwice where that is unclear."""
    names = [name for name, mapped in username_map.items() if mapped == username]
    if len(names) > 1:
        raise FoundTwice(f"username_map maps {', '.join(map(repr, sorted(names)))} to {username!r}")
    return names[0] if names else username


def fitting_groups(groups: Iterable[str], log: Logger | LoggerAdapter[Any]) -> list[str]:
    """The groups that JupyterHub can keep; each other one is logged and left out."""
    fitting = []
    for name in groups:
        if 0 < len(name) <= LONGEST_GROUP:
            fitting.append(name)
        else:
            log.warning(
                "The group %s… has %d characters and is left out; at most %d fit: name it in "
                "LDAPAuthenticator.group_names",
                printable(name[:40]),
                len(name),
                LONGEST_GROUP,
            )
    return fitting
