"""A person's own connection: opened for one sign-in, used by nobody else, closed after it."""

from __future__ import annotations

import secrets
import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from e2xhub.authenticators.ldap.bind_answers import BindAnswer, find_refusal
from e2xhub.authenticators.ldap.entries import Entry
from e2xhub.authenticators.ldap.masked import Masked
from e2xhub.authenticators.ldap.names import NotADnError, escape_in_dn, parse_dn
from e2xhub.authenticators.ldap.people import (
    ACTIVE_DIRECTORY_NAME,
    attributes_to_read,
    check_name,
    find_person,
)
from e2xhub.authenticators.ldap.refusals import (
    DirectoryMisconfigured,
    DirectoryRefusal,
    WrongCredentials,
)
from e2xhub.authenticators.ldap.session import ENTRY_ALONE, Session, open_session
from e2xhub.authenticators.ldap.settings import DirectorySettings, ServerAddress
from e2xhub.authenticators.ldap.sockets import Deadline


@contextmanager
def persons_session(
    settings: DirectorySettings,
    context: ssl.SSLContext | None,
    server: ServerAddress,
    deadline: Deadline,
) -> Iterator[Session]:
    session = open_session(settings, context, server, deadline)
    try:
        yield session
    finally:
        session.close()


def bind_as_person(
    session: Session, dns: Iterable[str], password: Masked, deadline: Deadline
) -> tuple[str, BindAnswer]:
    """The first of `dns` whose password it is, with the server's answer.

    Raises WrongCredentials if it is nobody's, at once what else speaks against one of them, and
    what `Session.bind` raises.
    """
    refusals: list[DirectoryRefusal] = []
    for dn in dns:
        answer = session.bind(dn, password, deadline)
        refusal = find_refusal(answer, f"{session.server}: {dn}")
        if refusal is None:
            return dn, answer
        if not isinstance(refusal, WrongCredentials):
            raise refusal
        refusals.append(refusal)
    if not refusals:
        raise WrongCredentials(
            f"{session.server}: no LDAPAuthenticator.bind_dn_template leads to the entry that was "
            "found, and nobody else's password counts"
        )
    raise WrongCredentials("; ".join(refusal.log_line for refusal in refusals))


def bind_as_entry(
    session: Session, entry: Entry, dns: Iterable[str], password: Masked, deadline: Deadline
) -> BindAnswer:
    """As `bind_as_person`, with `dns` that were made for `entry`.

    Raises WrongCredentials where the server took one for another person's, DirectoryMisconfigured
    where it does not tell.
    """
    bound_as, answer = bind_as_person(session, dns, password, deadline)
    if not _is_dn_of(entry, bound_as):
        _check_bound(session, entry, session.ask_who_i_am(deadline))
    return answer


def bind_as_nobody_real(
    session: Session, settings: DirectorySettings, name: str, deadline: Deadline
) -> None:
    """Asks as much of the server as for somebody who exists, so that time tells nothing."""
    dn = f"{settings.user_attribute}={escape_in_dn(name)},{settings.user_search_base}"
    session.bind(dn, Masked(secrets.token_urlsafe()), deadline)


def read_own_entry(
    session: Session, settings: DirectorySettings, bound_as: str, name: str, deadline: Deadline
) -> tuple[Entry, list[str]]:
    """The entry of whoever is bound in `session` by a template, and notes.

    Raises WrongCredentials if it is another person's, DirectoryMisconfigured where that cannot be
    found out, and what `Session.search` raises.
    """
    if "=" in bound_as:
        return _read_at(session, settings, bound_as, name, deadline)
    who = session.ask_who_i_am(deadline)
    if who.lower().startswith("dn:") and who[3:].strip():
        entry, notes = _read_at(session, settings, who[3:], name, deadline)
        # Nothing else ties it to `name`: the server chose the entry by rules of its own.
        check_name(entry, name, settings.user_attribute)
        return entry, notes
    return _find_by_name(session, settings, who, name, deadline), []


def _read_at(
    session: Session, settings: DirectorySettings, dn: str, name: str, deadline: Deadline
) -> tuple[Entry, list[str]]:
    try:
        unread = Entry(dn=dn, parsed_dn=parse_dn(dn), attributes={})
    except NotADnError as error:
        raise DirectoryMisconfigured(f"{session.server}: {dn!r} is no DN: {error}") from error
    try:
        found = session.search(
            dn,
            "(objectClass=*)",
            deadline,
            scope=ENTRY_ALONE,
            attributes=attributes_to_read(settings),
        )
    except DirectoryMisconfigured as error:
        return unread, [f"{dn} may not read the own entry: {error.log_line}"]
    if not found.entries:
        return unread, [f"{dn} may not read the own entry, so that it has no attributes here"]
    entry = found.entries[0]
    if settings.user_attribute and entry.get(settings.user_attribute):
        check_name(entry, name, settings.user_attribute)
    return entry, []


def _find_by_name(
    session: Session, settings: DirectorySettings, who: str, name: str, deadline: Deadline
) -> Entry:
    """The entry with the username, if it is the one that is bound."""
    found = find_person(session, settings, name, deadline)
    entry = found.entry
    if entry is None:
        raise DirectoryMisconfigured(
            f"{session.server}: {name!r} is bound, but {found.reason}; check "
            "LDAPAuthenticator.user_search_base"
        )
    _check_bound(session, entry, who)
    return entry


def _is_dn_of(entry: Entry, text: str) -> bool:
    try:
        return parse_dn(text) == entry.parsed_dn
    except NotADnError:
        return False


def _check_bound(session: Session, entry: Entry, who: str) -> None:
    """Raises WrongCredentials unless `who`, `dn:…` or `u:EXAMPLE\\alice`, is `entry`.

    In Active Directory the first part of somebody's `userPrincipalName` may be another person's
    `sAMAccountName`: who is bound need not be who is found.
    """
    kind, _, bound = who.partition(":")
    if kind.lower() == "dn" and bound.strip():
        is_entry = _is_dn_of(entry, bound)
    elif kind.lower() == "u" and bound:
        own = {value.lower() for value in entry.get(ACTIVE_DIRECTORY_NAME)}
        is_entry = bound.rpartition("\\")[2].lower() in own
    else:
        raise DirectoryMisconfigured(
            f"{session.server} does not tell who is bound ({who!r}), so that nobody knows whether "
            f"it is {entry.dn}; set LDAPAuthenticator.lookup_dn instead of a template that is no DN"
        )
    if not is_entry:
        raise WrongCredentials(f"{session.server}: bound is {who!r}, and found was {entry.dn}")
