"""Signs an examinee in with a one-time password, once, in the exam's window and room."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from jupyterhub.auth import Authenticator
from jupyterhub.utils import maybe_future
from sqlalchemy.exc import SQLAlchemyError
from tornado import web
from traitlets import Any as AnyTrait
from traitlets import Bool, List, TraitError, Unicode, default

from e2xhub.domain.exam_entry import Entry, decide_entry
from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.domain.passwords import OneTimePassword
from e2xhub.domain.rooms import Address, client_address
from e2xhub.errors import ConfigurationError
from e2xhub.storage.exam_records import open_exam_records
from e2xhub.web.exam_login import ExamLoginHandler
from e2xhub.web.translations import translator_for

_UNAVAILABLE = "Signing in is not possible at the moment. Your code stays valid."
_NOBODY = Username.parse("somebody")  # whose name is not one, or is not logged
_HASHING_THREADS = 2  # a hash keeps one core busy for about 50 ms


class OneTimePasswordAuthenticator(Authenticator):  # type: ignore[misc]
    """Admits examinees with the code that a proctor issued: each code once, then never again.

    A code opens the door for the person that it was issued for, while the exam is open, from a
    room of the exam, and only on the login page. A refused attempt consumes nothing.

    Use it through `e2xhub.configure`, which gives it its registry::

        configure(c, hub="exam", catalog=…, roster=…, database_url=…, pepper_file=…)
    """

    registry = AnyTrait(
        config=True,
        help="""
        Which exams there are and who sits them: an object with a property `current` that gives
        the `e2xhub.domain.offers.Registry` in force. Set by `e2xhub.configure`.
        """,
    )
    database_url = Unicode(
        config=True,
        help="""
        The SQLAlchemy URL of the database with the passwords.

        `e2xhub password issue` and the hub must use the same one. Example:
        `sqlite:////srv/jupyterhub/e2xhub.sqlite`, or `postgresql+psycopg://…` for several hubs.
        """,
    )
    pepper_file = Unicode(
        config=True,
        help="""
        The file with the secret key of the password hashes: 64 hexadecimal digits.

        Keep it outside the database, readable by the hub alone. Make one with
        `openssl rand -hex 32`. If it is lost, all passwords must be issued again.
        """,
    )
    trusted_proxies = List(
        Unicode(),
        config=True,
        help="""
        Networks (CIDR) of the reverse proxies whose X-Forwarded-For is believed.

        Empty by default: then the room is checked against the address that is connected to the
        hub. Name the proxy's own addresses only; a range in which students' servers run would
        let a student choose an address.
        """,
    )
    allow_examinees = Bool(
        True,
        config=True,
        help="Admit everybody who is an examinee on the roster. False closes the hub's door.",
    )

    @default("allow_existing_users")
    def _allow_existing_users_default(self) -> bool:
        # JupyterHub's own default would become True as soon as allowed_users is set.
        return False

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._threads = ThreadPoolExecutor(_HASHING_THREADS, "one-time-password")
        for name in ("registry", "database_url", "pepper_file"):
            if not getattr(self, name):
                raise TraitError(
                    f"OneTimePasswordAuthenticator.{name} is not set; "
                    'call e2xhub.configure(c, hub="exam", …) in the hub\'s configuration'
                )
        try:
            self._records = open_exam_records(self.database_url, Path(self.pepper_file))
        except ConfigurationError as error:
            # JupyterHub ends on a TraitError with its text and no traceback.
            raise TraitError(str(error)) from error

    def get_handlers(self, _app: Any) -> list[tuple[str, type]]:
        """The login page."""
        return [("/login", ExamLoginHandler)]

    async def authenticate(self, handler: Any, data: dict[str, str] | None = None) -> str | None:
        """The username whose code this is; None in every other case, in the same time."""
        if not isinstance(handler, ExamLoginHandler) or not data:
            self.log.warning("A sign-in that did not come from the login page is refused")
            return None
        password = OneTimePassword.parse(data.get("password", ""))
        try:
            username = Username.parse(data.get("username", ""))
        except ValueError:
            username, entry = _NOBODY, Entry(exams=(), reason="is on no exam's roster")
        else:
            entry = await self._decide_entry(handler, username)
        exam = await self._consume(entry, username, password, handler)
        if exam is None:
            reason = entry.reason or "has no such code, or it was used"
            self.log.warning("%s is not signed in: %s", username, reason)
            return None
        self.log.info("%s is signed in to %s", username, exam)
        return str(username)

    async def check_allowed(self, username: str, _authentication: Any = None) -> bool:
        """Whether `username` is an examinee at all; JupyterHub asks this after `authenticate`."""
        return self.allow_examinees and self.is_examinee(username)

    def is_examinee(self, typed: str) -> bool:
        """Whether `typed` is the username of an examinee of any exam."""
        try:
            username = Username.parse(typed)
        except ValueError:
            return False
        return bool(self.registry.current.roster.is_examinee(username))

    async def _decide_entry(self, handler: Any, username: Username) -> Entry:
        """Everything that can refuse, before a password is touched."""
        if not self.allow_examinees:
            return Entry(exams=(), reason="is not admitted: allow_examinees is False")
        if not await maybe_future(self.check_blocked_users(username, None)):
            return Entry(exams=(), reason="is blocked")
        if self.normalize_username(username) != username or not self.validate_username(username):
            return Entry(exams=(), reason="is refused or renamed by the hub's own settings")
        address = self._address_of(handler)
        if address is None:
            return Entry(exams=(), reason="has no address that can be believed")
        return decide_entry(self.registry.current, username, address, _now())

    def _address_of(self, handler: Any) -> Address | None:
        """Where the request comes from, or None where that cannot be told; never X-Real-Ip."""
        try:
            peer = handler.request.connection.stream.socket.getpeername()[0]
            forwarded = handler.request.headers.get_list("X-Forwarded-For")
            return client_address(peer, forwarded, self.trusted_proxies)
        except (AttributeError, OSError, ValueError) as error:
            self.log.warning("The address of a sign-in cannot be told: %s", error)
            return None

    async def _consume(
        self, entry: Entry, username: Username, password: OneTimePassword | None, handler: Any
    ) -> ExamId | None:
        def consume() -> ExamId | None:
            return self._records.consume(
                entry.exams, username, password, consumed_from=str(entry.address), now=_now()
            )

        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, consume)
        except SQLAlchemyError as error:
            self.log.error("The database of the passwords does not answer: %s", error)
            raise web.HTTPError(503, translator_for(handler)(_UNAVAILABLE)) from None


def _now() -> datetime:
    return datetime.now(timezone.utc)
