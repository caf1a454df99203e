"""Step by step what a directory answers about one person, for an admin who asks why.

It goes on after a refusal as far as that makes sense: a wrong password does not keep it from
telling the groups.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from functools import partial

from e2xhub.authenticators.ldap.entries import Entry
from e2xhub.authenticators.ldap.group_names import find_shared_names, is_in_any
from e2xhub.authenticators.ldap.groups import GroupSearch, make_group_filter
from e2xhub.authenticators.ldap.masked import Masked
from e2xhub.authenticators.ldap.names import parse_dn
from e2xhub.authenticators.ldap.people import (
    check_hub_name,
    check_not_locked,
    check_search_filter,
    find_hub_name,
    find_person,
    find_uid,
    make_dns,
    make_lookup_filter,
    make_search_filter,
)
from e2xhub.authenticators.ldap.persons_session import (
    bind_as_entry,
    bind_as_person,
    persons_session,
    read_own_entry,
)
from e2xhub.authenticators.ldap.refusals import DirectoryRefusal
from e2xhub.authenticators.ldap.service_sessions import ServiceSessions
from e2xhub.authenticators.ldap.session import ENTRY_ALONE, Found, Session, open_session
from e2xhub.authenticators.ldap.settings import DirectorySettings, ServerAddress
from e2xhub.authenticators.ldap.sockets import Deadline
from e2xhub.authenticators.ldap.typed_names import check_password, check_username
from e2xhub.authenticators.steps import Step, StepVerdict

_FINE, _NOTED = StepVerdict.FINE, StepVerdict.NOTED
_REFUSED, _SKIPPED = StepVerdict.REFUSED, StepVerdict.SKIPPED


def explain(
    settings: DirectorySettings,
    context: ssl.SSLContext | None,
    username: str,
    password: Masked | None,
) -> Iterator[Step]:
    """Asks every server about one person. Raises nothing; no step has a secret.

    The password is tried at one server only: a wrong one counts at each, and three lock many
    accounts.
    """
    try:
        name = check_username(settings, username)
        if password is not None:
            check_password(name, password.reveal())
    except DirectoryRefusal as refusal:
        yield Step(title="what was typed", answered=refusal.log_line, verdict=_REFUSED)
        return
    for server in settings.servers:
        asked = _OneServer(settings, context, server, name, password)
        yield from asked.steps()
        if asked.has_tried_password:
            password = None


class _OneServer:
    """What one server answers; each step has as much time as a sign-in."""

    def __init__(
        self,
        settings: DirectorySettings,
        context: ssl.SSLContext | None,
        server: ServerAddress,
        name: str,
        password: Masked | None,
    ) -> None:
        self._settings = settings
        self._context = context
        self._server = server
        self._name = name
        self._password = password
        self.has_tried_password = False

    def steps(self) -> Iterator[Step]:
        asked = f"encryption: {self._settings.tls_strategy.value}"
        try:
            session = open_session(self._settings, self._context, self._server, self._deadline())
        except DirectoryRefusal as refusal:
            yield self._step("connection", asked, refusal.log_line, _REFUSED)
            return
        try:
            yield self._describe_connection(asked, session)
            if self._settings.lookup_dn:
                yield from self._look_up(session)
            else:
                yield from self._bind_directly(session)
        except DirectoryRefusal as refusal:
            yield self._step("answer", "", refusal.log_line, _REFUSED)
        finally:
            session.close()

    def _describe_connection(self, asked: str, session: Session) -> Step:
        protection = session.describe_protection()
        is_safe = self._context is not None and self._settings.verify_certificates
        return self._step("connection", asked, protection, _FINE if is_safe else _NOTED)

    def _look_up(self, session: Session) -> Iterator[Step]:
        service = ServiceSessions(self._settings, self._context)
        who = self._settings.lookup_dn_search_user or "nobody (anonymous)"
        yield self._try(
            "service account", f"bind as {who}", lambda: service.bind(session, self._deadline())
        )
        if self._was_refused:
            return
        asked = make_lookup_filter(self._settings, self._name, self._settings.user_attribute)
        asked = f"search {asked} below {self._settings.user_search_base}"
        try:
            found = find_person(session, self._settings, self._name, self._deadline())
        except DirectoryRefusal as refusal:
            yield self._step("look-up", asked, refusal.log_line, _REFUSED)
            return
        if found.entry is None:
            yield self._step("look-up", asked, found.reason, _REFUSED)
            return
        yield self._step("look-up", asked, f"found {found.entry.dn}", _FINE)
        yield from self._explain_entry(session, found.entry)

    def _explain_entry(self, session: Session, entry: Entry) -> Iterator[Step]:
        yield self._try(
            "account", "", lambda: check_not_locked(entry, datetime.now(timezone.utc)), "not locked"
        )
        yield from self._try_password(entry)
        if self._settings.use_lookup_dn_username:
            yield self._try("name on the hub", "", lambda: self._find_hub_name(session, entry))
        yield from self._explain_rights(session, entry)

    def _find_hub_name(self, session: Session, entry: Entry) -> str:
        """Raises a DirectoryRefusal where it is not this person's alone."""
        name = find_hub_name(self._settings, entry, self._name)
        check_hub_name(session, self._settings, entry, name, self._deadline())
        return name

    def _try_password(self, entry: Entry) -> Iterator[Step]:
        if self._password is None:
            yield self._skip_password()
            return
        password = self._password
        dns = list(make_dns(self._settings, self._name, entry))

        def bind() -> str:
            with persons_session(
                self._settings, self._context, self._server, self._deadline()
            ) as own:
                return str(bind_as_entry(own, entry, dns, password, self._deadline()))

        self.has_tried_password = True
        yield self._try("password", f"bind as {' or '.join(dns)}", bind)

    def _bind_directly(self, session: Session) -> Iterator[Step]:
        """Without a service account everything is asked as the person."""
        if self._password is None:
            yield self._skip_password()
            return
        dns = list(make_dns(self._settings, self._name, None))
        asked = f"bind as {' or '.join(dns)}"
        self.has_tried_password = True
        try:
            bound_as, answer = bind_as_person(session, dns, self._password, self._deadline())
        except DirectoryRefusal as refusal:
            yield self._step("password", asked, refusal.log_line, _REFUSED)
            return
        yield self._step("password", asked, str(answer), _FINE)
        entry, notes = read_own_entry(
            session, self._settings, bound_as, self._name, self._deadline()
        )
        yield self._step(
            "own entry",
            f"read {bound_as}",
            "; ".join(notes) or entry.dn,
            _NOTED if notes else _FINE,
        )
        yield from self._explain_rights(session, entry)

    def _explain_rights(self, session: Session, entry: Entry) -> Iterator[Step]:
        text = make_search_filter(self._settings, entry, self._name)
        if text:
            yield self._try(
                "search_filter",
                f"search {text} at {entry.dn}",
                lambda: check_search_filter(
                    session, self._settings, entry, self._name, self._deadline()
                ),
                "matches",
            )
        if not self._settings.asks_for_groups:
            yield self._step("groups", "", "no setting asks for groups", _SKIPPED)
            return
        search = GroupSearch(session=session, settings=self._settings, deadline=self._deadline())
        uid = find_uid(self._settings, entry, self._name)
        search.find(entry, uid)
        text = make_group_filter(self._settings, entry, uid) or f"memberOf of {entry.dn}"
        base = self._settings.group_search_base or "the groups in the settings"
        yield from self._describe_groups(search, f"search {text} below {base}")

    def _describe_groups(self, search: GroupSearch, asked: str) -> Iterator[Step]:
        groups = sorted(search.found.values(), key=lambda group: group.name)
        for group in groups:
            yield self._step("group", asked, f"{group.name}: {group.dn}", _FINE)
        if not groups:
            yield self._step("group", asked, "in none", _NOTED)
            yield from self._try_anybodys_groups(search.session)
        unsearched = [
            f"{uri} is not searched: referrals are not followed"
            for uri in sorted(search.references)
        ]
        for note in (*search.notes, *find_shared_names(groups), *unsearched):
            yield self._step("group", asked, note, _NOTED)
        yield from self._describe_missing_groups(search)
        for trait in ("allowed_groups", "admin_groups"):
            wanted = getattr(self._settings, trait)
            if wanted:
                is_in = is_in_any(self._settings, groups, wanted)
                asked = ", ".join(self._settings.find_group_dns(wanted).values())
                answered = "in one of them" if is_in else "in none of them"
                yield self._step(trait, asked, answered, _NOTED)

    def _try_anybodys_groups(self, session: Session) -> Iterator[Step]:
        """Says where the settings find no group of any person: then they are wrong, not these."""
        base = self._settings.group_search_base
        text = self._settings.group_filter.format(userdn="*", uid="*")
        if not (base and text):
            return
        yield from self._note_nothing(
            "group",
            f"search {text} below {base}",
            lambda: session.search(base, text, self._deadline(), most=1),
            "no group of anybody is found: check LDAPAuthenticator.group_search_base, "
            f"group_search_filter and group_attributes, or whether {session.bound_as} may read "
            "groups",
        )

    def _describe_missing_groups(self, search: GroupSearch) -> Iterator[Step]:
        """Of those that the settings name by DN: nobody is ever in one that does not exist."""
        for dn in self._settings.named_groups.values():
            if parse_dn(dn) not in search.found:
                yield from self._note_nothing(
                    "group in the settings",
                    f"read {dn}",
                    partial(
                        search.session.search,
                        dn,
                        "(objectClass=*)",
                        self._deadline(),
                        scope=ENTRY_ALONE,
                    ),
                    f"no such entry, or {search.session.bound_as} may not read it",
                )

    def _note_nothing(
        self, title: str, asked: str, search: Callable[[], Found], answered: str
    ) -> Iterator[Step]:
        """A step where `search`, which no sign-in makes, finds nothing; it keeps nobody out."""
        try:
            if search().entries:
                return
        except DirectoryRefusal as refusal:
            answered = refusal.log_line
        yield self._step(title, asked, answered, _NOTED)

    def _skip_password(self) -> Step:
        return self._step("password", "", "not tried here", _SKIPPED)

    def _try(
        self, title: str, asked: str, question: Callable[[], object], fine: str = "accepted"
    ) -> Step:
        """A step that is fine if `question` raises nothing."""
        self._was_refused = False
        try:
            answered = question() or fine
        except DirectoryRefusal as refusal:
            self._was_refused = True
            return self._step(title, asked, refusal.log_line, _REFUSED)
        return self._step(title, asked, str(answered), _FINE)

    def _step(self, title: str, asked: str, answered: str, verdict: StepVerdict) -> Step:
        return Step(
            title=title, server=str(self._server), asked=asked, answered=answered, verdict=verdict
        )

    def _deadline(self) -> Deadline:
        return Deadline(total_seconds=self._settings.total_seconds)
