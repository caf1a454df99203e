"""One connection to one server: bind, search, close.

The only module that calls ldap3. Whatever ldap3, ssl or the socket raise leaves it as a refusal,
also where a hostile answer makes ldap3 stumble.
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import ldap3
from ldap3.core.exceptions import LDAPExceptionError, LDAPInvalidFilterError

from e2xhub.authenticators.ldap.bind_answers import (
    POLICY_CONTROL,
    POLICY_REQUEST,
    SERVER_FAILS,
    BindAnswer,
    parse_policy,
)
from e2xhub.authenticators.ldap.entries import Entry, read_entry
from e2xhub.authenticators.ldap.masked import Masked
from e2xhub.authenticators.ldap.refusals import (
    DirectoryMisconfigured,
    DirectoryRefusal,
    DirectoryUnavailable,
    ServerFailed,
)
from e2xhub.authenticators.ldap.settings import DirectorySettings, ServerAddress, TlsMode
from e2xhub.authenticators.ldap.sockets import (
    CHECK_STRATEGY,
    Deadline,
    LimitedSocket,
    OutOfTimeError,
    connect,
    wrap,
)

_START_TLS = "1.3.6.1.4.1.1466.20037"  # RFC 4511, section 4.14
_RECEIVING = "error receiving data: "  # what ldap3 writes before each reason
_WHO_AM_I = "1.3.6.1.4.1.4203.1.11.3"
_SUCCESS, _SIZE_LIMIT, _REFERRAL, _NO_SUCH_OBJECT = 0, 4, 10, 32
_NOT_ALLOWED = frozenset({1, 8, 13, 48, 50})
"""operationsError is what Active Directory answers to searches by nobody."""

ENTRY_ALONE = ldap3.BASE
DIRECTLY_BELOW = ldap3.LEVEL
AND_BELOW = ldap3.SUBTREE


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a search found."""

    entries: tuple[Entry, ...]
    is_cut: bool = False
    """Whether the server had more than it was asked for, or than it gives."""
    references: tuple[str, ...] = ()
    """Other servers to which it sends us; none is ever asked."""


class Session:
    """An open connection. Not for two threads at once."""

    def __init__(self, server: ServerAddress, connection: Any, limited: LimitedSocket) -> None:
        self.server = server
        self._connection = connection
        self._limited = limited

    def bind(self, dn: str, password: Masked, deadline: Deadline) -> BindAnswer:
        """Tries a password. Raises ServerFailed, DirectoryUnavailable.

        Neither DN nor password may be empty: a directory takes that for nobody, and says yes
        (RFC 4513, 5.1.2).
        """
        if not dn or not password:
            raise ValueError("a bind without DN or password proves nothing")
        # As bytes: ldap3 would prepare a text (RFC 4013) in a way that few other programs do.
        secret = password.reveal().encode("utf-8", "surrogatepass")
        with self._asking(f"bind as {dn}", deadline):
            self._set_login(dn, secret)
            try:
                self._connection.bind(read_server_info=False, controls=[POLICY_REQUEST])
            finally:
                self._set_login(dn, None)
            return _read_bind_answer(self._connection.result)

    def _set_login(self, dn: str, secret: bytes | None) -> None:
        self._connection.user = dn
        self._connection.password = secret
        self._connection.authentication = ldap3.SIMPLE
        self._connection.request = None  # ldap3 keeps the password in it

    @property
    def bound_as(self) -> str:
        """Who asks, for people to read."""
        return str(self._connection.user or "nobody (anonymous)")

    def bind_as_nobody(self, deadline: Deadline) -> BindAnswer:
        """For a look-up that needs no account; it proves nothing of anybody."""
        with self._asking("bind as nobody", deadline):
            self._connection.bind(read_server_info=False)
            return _read_bind_answer(self._connection.result)

    def describe_protection(self) -> str:
        """How the connection is encrypted, and whether the certificate was checked."""
        inner = self._limited.inner
        if not isinstance(inner, ssl.SSLSocket):
            return "not encrypted: everybody on the way can read the passwords"
        checked = inner.context.verify_mode == ssl.CERT_REQUIRED and inner.context.check_hostname
        certificate = f"checked for {self.server.host}" if checked else "NOT checked"
        return f"{inner.version()}; the certificate was {certificate}"

    def ask_who_i_am(self, deadline: Deadline) -> str:
        """`dn:<DN>` or `u:<name>` (RFC 4532); empty where the server does not tell."""
        with self._asking("who am I", deadline):
            self._connection.extended(_WHO_AM_I)
            value = self._connection.result.get("responseValue") or b""
            return bytes(value).decode()

    def search(
        self,
        base: str,
        text: str,
        deadline: Deadline,
        *,
        scope: str = AND_BELOW,
        attributes: tuple[str, ...] = (),
        most: int = 0,
        setting: str = "",
    ) -> Found:
        """The entries below `base` that the filter `text` matches, `most` of them (0: all).

        A `base` that does not exist has none, unless `setting` is the trait that names it: then
        DirectoryMisconfigured is raised, as where the search is not allowed. Raises also
        ServerFailed, DirectoryUnavailable.
        """
        with self._asking(f"search {text} below {base}", deadline):
            self._connection.search(
                base,
                text,
                scope,
                ldap3.DEREF_NEVER,
                attributes=list(attributes),
                size_limit=most,
                time_limit=max(1, round(deadline.left(60))),
            )
            answers, result = self._connection.response or [], self._connection.result
            self._check_search(base, text, result, setting)
            return _read_found(answers, result)

    def close(self) -> None:
        """Says goodbye, and never fails."""
        with contextlib.suppress(Exception):
            self._limited.begin(Deadline(total_seconds=1))
            self._connection.unbind()
        with contextlib.suppress(OSError):
            self._limited.close()

    def start_tls(self, context: ssl.SSLContext, deadline: Deadline, seconds: float) -> None:
        """Encrypts the connection, or raises; nothing else has been said on it."""
        try:
            with self._asking("STARTTLS", deadline):
                self._connection.extended(_START_TLS)
                result = self._connection.result
        except ServerFailed as error:  # so does one that expects TLS from the first byte
            raise type(error)(f"{error.log_line}; {CHECK_STRATEGY}") from error
        if result["result"] != _SUCCESS:
            raise ServerFailed(
                f"{self.server} refuses STARTTLS: {_told(result)}; no password was sent. Set up "
                "TLS on the server, or LDAPAuthenticator.tls_strategy to 'on_connect' where it "
                "has LDAPS"
            )
        self._limited.inner = wrap(self._limited.inner, context, self.server, deadline, seconds)

    def _check_search(self, base: str, text: str, result: dict[str, Any], setting: str) -> None:
        code = result["result"]
        told = f"{self.server}: search {text} below {base}: {_told(result)}"
        if code in (_SUCCESS, _SIZE_LIMIT) or (code == _NO_SUCH_OBJECT and not setting):
            return
        if code == _NO_SUCH_OBJECT:
            # Many servers answer so instead of saying that the search is forbidden.
            raise DirectoryMisconfigured(
                f"{told}; check LDAPAuthenticator.{setting}, or whether {self.bound_as} may search "
                "there"
            )
        if code == _REFERRAL:
            raise DirectoryMisconfigured(
                f"{told}; the server sends us to {', '.join(result.get('referrals') or ())}, and "
                "referrals are not followed; ask that server instead"
            )
        if code in _NOT_ALLOWED:
            raise DirectoryMisconfigured(
                f"{told}; whoever searches must be allowed to: check "
                "LDAPAuthenticator.lookup_dn_search_user and its rights"
            )
        if code in SERVER_FAILS:
            raise ServerFailed(told)
        raise DirectoryUnavailable(told)

    @contextlib.contextmanager
    def _asking(self, what: str, deadline: Deadline) -> Iterator[None]:
        """Nothing but refusals comes out of it."""
        self._limited.begin(deadline)
        try:
            yield
        except DirectoryRefusal:
            raise
        except LDAPInvalidFilterError as error:
            raise DirectoryMisconfigured(f"{what}: no valid filter: {error}") from error
        except OutOfTimeError as error:
            reason = str(error).removeprefix(_RECEIVING)
            raise DirectoryUnavailable(f"{self.server}: {what}: {reason}") from error
        except (OSError, LDAPExceptionError) as error:
            reason = str(self._connection.last_error or error).removeprefix(_RECEIVING)
            raise ServerFailed(f"{self.server}: {what}: {reason}") from error
        except Exception as error:
            # A malformed answer makes ldap3 raise IndexError, KeyError, TypeError, and others.
            raise ServerFailed(
                f"{self.server}: {what}: an answer that is no LDAP: {type(error).__name__}"
            ) from error


def open_session(
    settings: DirectorySettings,
    context: ssl.SSLContext | None,
    server: ServerAddress,
    deadline: Deadline,
) -> Session:
    """A connection to `server`, encrypted as the settings say, on which nobody is bound yet.

    Raises ServerFailed, DirectoryUnavailable.
    """
    try:
        return _open(settings, context, server, deadline)
    except OutOfTimeError as error:
        raise DirectoryUnavailable(f"{server}: {error}") from error


def _open(
    settings: DirectorySettings,
    context: ssl.SSLContext | None,
    server: ServerAddress,
    deadline: Deadline,
) -> Session:
    plain = connect(server, deadline, settings.connect_seconds)
    if context and settings.tls_strategy is TlsMode.ON_CONNECT:
        plain = wrap(plain, context, server, deadline, settings.answer_seconds)
    session = _make_session(server, LimitedSocket(plain, deadline, settings.answer_seconds))
    try:
        if context and settings.tls_strategy is TlsMode.BEFORE_BIND:
            session.start_tls(context, deadline, settings.answer_seconds)
    except BaseException:
        session.close()
        raise
    return session


def _make_session(server: ServerAddress, limited: LimitedSocket) -> Session:
    """A connection of ldap3 over a socket that is open already.

    `no_real_dsa` keeps ldap3 from opening one of its own, whose waits have no end.
    """
    connection = ldap3.Connection(
        ldap3.Server(server.host, server.port, get_info=ldap3.NONE),
        authentication=ldap3.ANONYMOUS,
        client_strategy=ldap3.SYNC,
        auto_referrals=False,
        check_names=False,
        auto_escape=False,
        read_only=True,
        return_empty_attributes=False,
    )
    connection.strategy.no_real_dsa = True
    connection.socket = limited
    connection.closed = False
    connection.open(read_server_info=False)
    return Session(server, connection, limited)


def _read_bind_answer(result: dict[str, Any]) -> BindAnswer:
    if result["type"] != "bindResponse":
        raise ValueError("another answer than one to a bind")
    control = (result.get("controls") or {}).get(POLICY_CONTROL) or {}
    return BindAnswer(
        code=result["result"],
        name=result["description"],
        message=result["message"] or "",
        policy=parse_policy(control.get("value")),
    )


def _read_found(answers: list[dict[str, Any]], result: dict[str, Any]) -> Found:
    entries = [answer for answer in answers if answer["type"] == "searchResEntry"]
    references = [answer["uri"] for answer in answers if answer["type"] == "searchResRef"]
    return Found(
        entries=tuple(read_entry(answer) for answer in entries),
        is_cut=result["result"] == _SIZE_LIMIT,
        references=tuple(str(uri) for uris in references for uri in uris),
    )


def _told(result: dict[str, Any]) -> str:
    parts = (f"{result['description']} ({result['result']})", result["message"])
    return ": ".join(part for part in parts if part)
