"""A directory as a sign-in sees it: who is it, in which groups, and if not, why not.

Synchronous and for many threads. It knows nothing of JupyterHub.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone

from e2xhub.authenticators.ldap.bind_answers import BindAnswer
from e2xhub.authenticators.ldap.entries import Entry
from e2xhub.authenticators.ldap.explaining import explain
from e2xhub.authenticators.ldap.group_names import Group, find_shared_names, is_in_any
from e2xhub.authenticators.ldap.groups import GroupSearch
from e2xhub.authenticators.ldap.masked import Masked
from e2xhub.authenticators.ldap.people import (
    check_hub_name,
    check_not_locked,
    check_search_filter,
    find_hub_name,
    find_person,
    find_uid,
    make_dns,
)
from e2xhub.authenticators.ldap.persons_session import (
    bind_as_entry,
    bind_as_nobody_real,
    bind_as_person,
    persons_session,
    read_own_entry,
)
from e2xhub.authenticators.ldap.refusals import (
    DirectoryMisconfigured,
    PersonGone,
    WrongCredentials,
)
from e2xhub.authenticators.ldap.servers import Servers
from e2xhub.authenticators.ldap.service_sessions import ServiceSessions
from e2xhub.authenticators.ldap.session import Session
from e2xhub.authenticators.ldap.settings import DirectorySettings, ServerAddress
from e2xhub.authenticators.ldap.sockets import Deadline, make_tls_context
from e2xhub.authenticators.ldap.typed_names import check_password, check_username
from e2xhub.authenticators.steps import Step


@dataclass(frozen=True, kw_only=True)
class DirectoryPerson:
    """Somebody whom the directory knows."""

    username: str
    """In lower case, unless `use_lookup_dn_username` takes it from the directory."""
    dn: str
    groups: tuple[str, ...]
    """Names on the hub, sorted."""
    group_dns: tuple[str, ...]
    """Sorted."""
    is_in_allowed_group: bool | None
    """None: `allowed_groups` is not set."""
    is_admin: bool | None
    """None: `admin_groups` is not set."""
    attributes: Mapping[str, tuple[str, ...]]
    """Those of `DirectorySettings.attributes` that the entry has; bytes that are no text are in
    base64."""
    notes: tuple[str, ...] = ()
    """What an admin may want to know of this sign-in, for the log."""


@dataclass(frozen=True, kw_only=True)
class _Known:
    """A person between the password and the groups."""

    name: str
    entry: Entry
    notes: tuple[str, ...] = ()


class Directory:
    """Asks the servers of one directory, within the times of its settings.

    Raises ConfigurationError where `ca_file` cannot be read.
    """

    def __init__(self, settings: DirectorySettings) -> None:
        self.settings = settings
        self._context = make_tls_context(settings)
        self._servers = Servers(settings.servers)
        self._service = ServiceSessions(settings, self._context)
        weakref.finalize(self, self._service.close)

    def sign_in(self, username: str, password: str) -> DirectoryPerson:
        """The person whose username and password these are.

        Raises a DirectoryRefusal in every other case, and nothing else. Whether somebody in none of
        `allowed_groups` may come in is for the caller to decide.
        """
        deadline = Deadline(total_seconds=self.settings.total_seconds)
        name = check_username(self.settings, username)
        secret = check_password(name, password)
        return self._servers.ask(lambda server: self._sign_in_at(server, name, secret, deadline))

    def look_up(self, username: str) -> DirectoryPerson:
        """The same of somebody who is signed in, without the password.

        Raises PersonGone, AccountLocked and every other DirectoryRefusal;
        DirectoryMisconfigured where nobody can be looked up (`settings.can_look_up`).
        """
        if not self.settings.can_look_up:
            raise DirectoryMisconfigured(
                "nobody can be looked up without a password; set LDAPAuthenticator.lookup_dn"
            )
        deadline = Deadline(total_seconds=self.settings.total_seconds)
        return self._servers.ask(lambda server: self._look_up_at(server, username, deadline))

    def name_of(self, username: str) -> str:
        """What the hub calls whoever types `username`, without a password.

        Raises as `look_up`, and BadUsername.
        """
        name = check_username(self.settings, username)
        if not self.settings.use_lookup_dn_username:
            return name
        deadline = Deadline(total_seconds=self.settings.total_seconds)

        def find(session: Session) -> str:
            found = find_person(session, self.settings, name, deadline)
            if found.entry is None:
                raise PersonGone(f"{session.server}: {found.reason}")
            return find_hub_name(self.settings, found.entry, name)

        return self._servers.ask(lambda server: self._service.ask(server, deadline, find))

    def explain(self, username: str, password: Masked | None) -> Iterator[Step]:
        """Asks every server what a sign-in asks, one step after the other.

        Without a password everything but that is tried. Raises nothing; no step has a secret.
        """
        return explain(self.settings, self._context, username, password)

    def close(self) -> None:
        """Closes what is open and not in use; it may be used again."""
        self._service.close()

    def _sign_in_at(
        self, server: ServerAddress, name: str, secret: Masked, deadline: Deadline
    ) -> DirectoryPerson:
        if not self.settings.lookup_dn:
            return self._sign_in_directly(server, name, secret, deadline)
        found = self._service.ask(
            server, deadline, lambda asked: find_person(asked, self.settings, name, deadline)
        )
        entry = found.entry
        answer = self._bind(server, name, entry, secret, deadline)
        if entry is None:
            raise WrongCredentials(f"{server}: {found.reason}")
        known = _Known(
            name=find_hub_name(self.settings, entry, name), entry=entry, notes=_notes_of(answer)
        )

        def complete(session: Session) -> DirectoryPerson:
            check_hub_name(session, self.settings, known.entry, known.name, deadline)
            return self._complete(session, known, name, deadline)

        return self._service.ask(server, deadline, complete)

    def _bind(
        self,
        server: ServerAddress,
        name: str,
        entry: Entry | None,
        secret: Masked,
        deadline: Deadline,
    ) -> BindAnswer | None:
        with persons_session(self.settings, self._context, server, deadline) as session:
            if entry is None:
                bind_as_nobody_real(session, self.settings, name, deadline)
                return None
            dns = make_dns(self.settings, name, entry)
            return bind_as_entry(session, entry, dns, secret, deadline)

    def _sign_in_directly(
        self, server: ServerAddress, name: str, secret: Masked, deadline: Deadline
    ) -> DirectoryPerson:
        with persons_session(self.settings, self._context, server, deadline) as session:
            dns = make_dns(self.settings, name, None)
            bound_as, answer = bind_as_person(session, dns, secret, deadline)
            entry, notes = read_own_entry(session, self.settings, bound_as, name, deadline)
            known = _Known(name=name, entry=entry, notes=(*_notes_of(answer), *notes))
            return self._complete(session, known, name, deadline)

    def _look_up_at(
        self, server: ServerAddress, username: str, deadline: Deadline
    ) -> DirectoryPerson:
        attribute = (
            self.settings.name_attribute
            if self.settings.use_lookup_dn_username
            else self.settings.user_attribute
        )

        def find(session: Session) -> DirectoryPerson:
            found = find_person(
                session, self.settings, username.lower(), deadline, attribute=attribute
            )
            if found.entry is None:
                raise PersonGone(f"{server}: {found.reason}")
            check_not_locked(found.entry, datetime.now(timezone.utc))
            known = _Known(name=username, entry=found.entry)
            return self._complete(session, known, username, deadline)

        return self._service.ask(server, deadline, find)

    def _complete(
        self, session: Session, known: _Known, login: str, deadline: Deadline
    ) -> DirectoryPerson:
        check_search_filter(session, self.settings, known.entry, login, deadline)
        search = GroupSearch(session=session, settings=self.settings, deadline=deadline)
        if self.settings.asks_for_groups:
            search.find(known.entry, find_uid(self.settings, known.entry, login))
        return _make_person(self.settings, known, search)


def _make_person(
    settings: DirectorySettings, known: _Known, search: GroupSearch
) -> DirectoryPerson:
    groups = search.found.values()
    attributes = {name: known.entry.get(name) for name in settings.attributes}
    return DirectoryPerson(
        username=known.name,
        dn=known.entry.dn,
        groups=tuple(sorted({group.name for group in groups})),
        group_dns=tuple(sorted(group.dn for group in groups)),
        is_in_allowed_group=_is_in(settings, groups, settings.allowed_groups),
        is_admin=_is_in(settings, groups, settings.admin_groups),
        attributes={name: values for name, values in attributes.items() if values},
        notes=(*known.notes, *search.notes, *find_shared_names(groups)),
    )


def _is_in(
    settings: DirectorySettings, groups: Iterable[Group], wanted: tuple[str, ...]
) -> bool | None:
    return is_in_any(settings, groups, wanted) if wanted else None


def _notes_of(answer: BindAnswer | None) -> tuple[str, ...]:
    return (answer.policy.note,) if answer and answer.policy.note else ()
