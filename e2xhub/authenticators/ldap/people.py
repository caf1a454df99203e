"""A person's entry: found once or not at all, and surely the one that was meant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from e2xhub.authenticators.ldap.entries import Entry
from e2xhub.authenticators.ldap.names import escape_in_dn, escape_in_filter, parse_dn
from e2xhub.authenticators.ldap.refusals import (
    AccountLocked,
    DirectoryMisconfigured,
    FoundTwice,
    NotInSearchFilter,
    WrongCredentials,
)
from e2xhub.authenticators.ldap.session import ENTRY_ALONE, Session
from e2xhub.authenticators.ldap.settings import DirectorySettings
from e2xhub.authenticators.ldap.sockets import Deadline

ACTIVE_DIRECTORY_NAME = "sAMAccountName"
_LOCK_ATTRIBUTES = (
    "pwdAccountLockedTime",
    "nsAccountLock",
    "userAccountControl",
    "accountExpires",
)
_LOCKED_FOR_EVER = "000001010000Z"  # draft-behera-ldap-password-policy-10, section 5.3.3
_DISABLED = 0x2  # ADS_UF_ACCOUNTDISABLE
_NEVER = frozenset({0, 0x7FFFFFFFFFFFFFFF})
_WINDOWS_BEGAN = datetime(1601, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True, kw_only=True)
class LookedUp:
    """The one entry that was looked for, or why there is none."""

    entry: Entry | None
    reason: str = ""


def attributes_to_read(settings: DirectorySettings) -> tuple[str, ...]:
    """What is asked of a person's entry."""
    wanted = [
        settings.user_attribute,
        settings.name_attribute,
        *settings.attributes,
        *(["memberOf"] if settings.reads_member_of else []),
        *([ACTIVE_DIRECTORY_NAME] if settings.binds_by_name else []),
        *_LOCK_ATTRIBUTES,
    ]
    return tuple(dict.fromkeys(name for name in wanted if name))


def make_lookup_filter(settings: DirectorySettings, name: str, attribute: str) -> str:
    return settings.lookup_dn_search_filter.format(
        login_attr=attribute, login=escape_in_filter(name)
    )


def find_person(
    session: Session,
    settings: DirectorySettings,
    name: str,
    deadline: Deadline,
    *,
    attribute: str = "",
) -> LookedUp:
    """The entry whose `attribute` (empty: `user_attribute`) is `name`.

    Raises FoundTwice, WrongCredentials if the directory found somebody with another name, and what
    `Session.search` raises.
    """
    attribute = attribute or settings.user_attribute
    found = session.search(
        settings.user_search_base,
        make_lookup_filter(settings, name, attribute),
        deadline,
        attributes=attributes_to_read(settings),
        most=2,
        setting="user_search_base",
    )
    if len(found.entries) > 1 or (found.entries and found.is_cut):
        dns = " and ".join(entry.dn for entry in found.entries)
        raise FoundTwice(
            f"{session.server}: {attribute}={name} is found more than once: {dns}; expected one "
            "entry; narrow LDAPAuthenticator.user_search_base or lookup_dn_search_filter"
        )
    if not found.entries:
        reason = f"nobody below {settings.user_search_base} has {attribute}={name}"
        if found.references:
            others = ", ".join(found.references)
            reason += f"; {others} was not asked: referrals are not followed"
        return LookedUp(entry=None, reason=reason)
    check_name(found.entries[0], name, attribute)
    return LookedUp(entry=found.entries[0])


def check_name(entry: Entry, name: str, attribute: str) -> None:
    """Raises WrongCredentials unless `name` is among the entry's own.

    A directory compares more loosely than a hub: without accents, or by a filter that the admin
    wrote.
    """
    values = entry.get(attribute)
    if not values:
        raise DirectoryMisconfigured(
            f"{entry.dn} shows no {attribute}; whoever searches must be allowed to read it "
            "(LDAPAuthenticator.user_attribute)"
        )
    if name not in (value.lower() for value in values):
        raise WrongCredentials(
            f"the directory found {entry.dn} for {name!r}, but its {attribute} is "
            f"{', '.join(values)}"
        )


def find_hub_name(settings: DirectorySettings, entry: Entry, name: str) -> str:
    """What the hub calls the person. Raises DirectoryMisconfigured."""
    if settings.use_lookup_dn_username:
        return _only_value(settings, entry)
    return name


def check_hub_name(
    session: Session, settings: DirectorySettings, entry: Entry, name: str, deadline: Deadline
) -> None:
    """Raises FoundTwice unless the hub's `name` leads back to `entry`, as a refresh goes.

    `user_attribute` finds one entry for what was typed; another one may have the same value of
    `name_attribute`, and would be the same user of the hub. Raises also what `find_person` raises.
    """
    if not settings.use_lookup_dn_username:
        return
    attribute = settings.name_attribute
    found = find_person(session, settings, name.lower(), deadline, attribute=attribute)
    if found.entry is None or found.entry.parsed_dn != entry.parsed_dn:
        other = found.entry.dn if found.entry else "nobody"
        raise FoundTwice(
            f"{session.server}: {entry.dn} would be {name!r} on the hub, but {attribute}="
            f"{name.lower()} finds {other}; LDAPAuthenticator.lookup_dn_user_dn_attribute has to "
            "be an attribute whose value is one person's alone"
        )


def find_uid(settings: DirectorySettings, entry: Entry, name: str) -> str:
    """What `{uid}` and `{username}` of filters stand for, as the directory writes it.

    `memberUid` is compared with case.
    """
    if settings.lookup_dn and settings.lookup_dn_user_dn_attribute:
        return _only_value(settings, entry)
    values = entry.get(settings.user_attribute) if settings.user_attribute else ()
    return next((value for value in values if value.lower() == name), name)


def make_dns(settings: DirectorySettings, name: str, entry: Entry | None) -> Iterator[str]:
    """DNs, or what the server takes for one, with which the person may bind.

    A DN of another entry than `entry`, where there is one, is left out: its password is another
    person's. Raises DirectoryMisconfigured.
    """
    if entry and not settings.bind_dn_template:
        yield entry.dn
    for template in settings.bind_dn_template:
        value = _only_value(settings, entry) if entry else name
        is_dn = "=" in template
        made = template.format(username=escape_in_dn(value) if is_dn else value)
        if not (entry and is_dn) or parse_dn(made) == entry.parsed_dn:
            yield made


def _only_value(settings: DirectorySettings, entry: Entry) -> str:
    values = entry.get(settings.name_attribute)
    if len(values) != 1:
        raise DirectoryMisconfigured(
            f"{entry.dn} has {len(values)} values of {settings.name_attribute}; expected one "
            "(LDAPAuthenticator.lookup_dn_user_dn_attribute)"
        )
    return values[0]


def make_search_filter(settings: DirectorySettings, entry: Entry, name: str) -> str:
    """`search_filter` with this person in it; empty where it is not set."""
    return settings.search_filter.format(
        userattr=settings.user_attribute,
        username=escape_in_filter(find_uid(settings, entry, name)),
    )


def check_search_filter(
    session: Session, settings: DirectorySettings, entry: Entry, name: str, deadline: Deadline
) -> None:
    """Raises NotInSearchFilter."""
    text = make_search_filter(settings, entry, name)
    if not text:
        return
    found = session.search(entry.dn, text, deadline, scope=ENTRY_ALONE, most=1)
    if not found.entries:
        raise NotInSearchFilter(
            f"{session.server}: {entry.dn} does not match LDAPAuthenticator.search_filter {text}"
        )


def check_not_locked(entry: Entry, now: datetime) -> None:
    """Raises AccountLocked where staff have locked the account, or its time is over.

    A lock after wrong passwords does not count: anybody could sign somebody else out with it.
    """
    if _LOCKED_FOR_EVER in entry.get("pwdAccountLockedTime"):
        raise AccountLocked(f"{entry.dn}: the account is locked (pwdAccountLockedTime)")
    if "true" in (value.lower() for value in entry.get("nsAccountLock")):
        raise AccountLocked(f"{entry.dn}: the account is locked (nsAccountLock)")
    if any(flags & _DISABLED for flags in _numbers(entry, "userAccountControl")):
        raise AccountLocked(f"{entry.dn}: the account is disabled (userAccountControl)")
    ticks_now = (now - _WINDOWS_BEGAN) // timedelta(microseconds=1) * 10
    for ticks in _numbers(entry, "accountExpires"):
        if ticks not in _NEVER and ticks <= ticks_now:
            raise AccountLocked(f"{entry.dn}: the account has expired (accountExpires)")


def _numbers(entry: Entry, attribute: str) -> Iterator[int]:
    for value in entry.get(attribute):
        if value.isdecimal() and len(value) < 20:
            yield int(value)
