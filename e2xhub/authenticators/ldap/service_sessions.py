"""Connections of the service account, kept open between questions.

They are nobody's in particular: a person's own connection is opened for the person, and closed.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from e2xhub.authenticators.ldap.bind_answers import find_refusal
from e2xhub.authenticators.ldap.refusals import (
    DirectoryUnavailable,
    ServerFailed,
    ServiceAccountRefused,
)
from e2xhub.authenticators.ldap.session import Session, open_session
from e2xhub.authenticators.ldap.settings import DirectorySettings, ServerAddress
from e2xhub.authenticators.ldap.sockets import Deadline

_MOST_IDLE = 4  # per server
_MOST_IDLE_SECONDS = 60.0  # firewalls forget connections without a word
_REFUSED_SECONDS = 30.0
"""How long a refused service account is not tried again: many directories lock one that fails."""

_Result = TypeVar("_Result")


class ServiceSessions:
    """Sessions of the service account, for many threads."""

    def __init__(
        self,
        settings: DirectorySettings,
        context: ssl.SSLContext | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._context = context
        self._clock = clock
        self._lock = threading.Lock()
        self._idle: dict[ServerAddress, list[tuple[float, Session]]] = {}
        self._refused: tuple[float, str] | None = None

    def ask(
        self,
        server: ServerAddress,
        deadline: Deadline,
        question: Callable[[Session], _Result],
    ) -> _Result:
        """What `question` answers in a session with `server`.

        A session that was kept may be dead, since the server was started anew: then the question is
        put once more, in a new one. Raises DirectoryUnavailable (or below it:
        ServiceAccountRefused, ServerFailed) and what `question` raises.
        """
        kept = self._take(server)
        if kept:
            try:
                return self._ask_in(kept, question)
            except ServerFailed:
                self._close_idle(server)
        return self._ask_in(self.open(server, deadline), question)

    def open(self, server: ServerAddress, deadline: Deadline) -> Session:
        """A new session, bound as the service account, or as nobody where there is none."""
        self._check_not_refused()
        session = open_session(self._settings, self._context, server, deadline)
        try:
            self.bind(session, deadline)
        except BaseException:
            session.close()
            raise
        return session

    def close(self) -> None:
        for server in list(self._idle):
            self._close_idle(server)

    def bind(self, session: Session, deadline: Deadline) -> None:
        """Makes `session` one of the service account. Raises DirectoryUnavailable."""
        settings = self._settings
        who = settings.lookup_dn_search_user or "nobody"
        if settings.has_service_account:
            answer = session.bind(
                settings.lookup_dn_search_user, settings.lookup_dn_search_password, deadline
            )
        else:
            answer = session.bind_as_nobody(deadline)
        refusal = find_refusal(answer, who)
        if isinstance(refusal, DirectoryUnavailable):
            raise type(refusal)(f"{session.server}: {refusal.log_line}")
        if refusal:
            self._refuse(f"{session.server}: service account {refusal.log_line}")

    def _refuse(self, reason: str) -> None:
        text = (
            f"{reason}; check LDAPAuthenticator.lookup_dn_search_user and its password; it is "
            f"tried again after {_REFUSED_SECONDS:g} s"
        )
        with self._lock:
            self._refused = (self._clock() + _REFUSED_SECONDS, text)
        raise ServiceAccountRefused(text)

    def _check_not_refused(self) -> None:
        with self._lock:
            refused = self._refused
        if refused and refused[0] > self._clock():
            raise ServiceAccountRefused(refused[1])

    def _ask_in(self, session: Session, question: Callable[[Session], _Result]) -> _Result:
        try:
            answer = question(session)
        except BaseException:
            session.close()  # whatever it was, nobody knows what comes next on this connection
            raise
        self._keep(session)
        return answer

    def _take(self, server: ServerAddress) -> Session | None:
        """The session that was used last; older ones may be dead."""
        with self._lock:
            idle = self._idle.get(server, [])
            kept, session = idle.pop() if idle else (0.0, None)
        if session and kept + _MOST_IDLE_SECONDS < self._clock():
            session.close()
            self._close_idle(server)
            return None
        return session

    def _keep(self, session: Session) -> None:
        with self._lock:
            idle = self._idle.setdefault(session.server, [])
            is_kept = len(idle) < _MOST_IDLE
            if is_kept:
                idle.append((self._clock(), session))
        if not is_kept:
            session.close()

    def _close_idle(self, server: ServerAddress) -> None:
        with self._lock:
            idle = self._idle.pop(server, [])
        for _, session in idle:
            session.close()
