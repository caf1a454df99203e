"""Staff sign in on an exam hub: with a method of their own, on the page of the examinees.

The first factor is any JupyterHub authenticator. Whatever page of it says that somebody has signed
in, nobody has: `StaffSignIn` keeps the sign-in pending and sends the browser to the second factor
(`web.second_factor`), which alone gives out a session.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, ClassVar, NoReturn, TypeVar

from jupyterhub.auth import Authenticator
from jupyterhub.handlers.base import BaseHandler
from jupyterhub.utils import maybe_future
from sqlalchemy.exc import SQLAlchemyError
from tornado import web
from tornado.log import app_log

from e2xhub.domain.exam_staff import StaffEntry, decide_staff_entry
from e2xhub.domain.identifiers import Username
from e2xhub.domain.pending_sign_ins import PendingSignIn, PendingSignIns
from e2xhub.storage.second_factors import SecondFactors
from e2xhub.web.exam_desk import ExamDesk
from e2xhub.web.exam_login import ExamLoginHandler
from e2xhub.web.proctor_pages import choose_staff_page
from e2xhub.web.sign_in_refusals import SignInRefusedError
from e2xhub.web.translations import translator_for

PENDING_COOKIE = "e2x-second-factor"
SECOND_FACTOR = "e2x/second-factor"
STAFF_LOGIN = "e2x/staff-login"
_PENDING_DAYS = 1 / 24
_THREADS = 2  # a recovery code is hashed for about 50 ms
_REFUSED = "This username and password do not admit you here."
_WAIT = "Too many attempts. Wait a minute, then try again."
_UNAVAILABLE = "Signing in is not possible at the moment. Wait a minute, then try again."
_UNKNOWN = "(not on the roster)"

_Result = TypeVar("_Result")


class StaffUnavailableError(web.HTTPError):
    """The database does not answer; nothing was used up."""

    def __init__(self) -> None:
        super().__init__(503, _UNAVAILABLE)
        self.jupyterhub_message = _UNAVAILABLE


@dataclass(frozen=True, kw_only=True)
class StaffEntrance:
    """How the sign-in page leads staff to their own method."""

    path: str
    """Below the hub's path: where the form is sent, or the link leads."""
    has_form: bool
    """Whether there is a form with username and password, or a link to another service."""
    service: str = ""
    """What that service is called."""


@dataclass(frozen=True, kw_only=True)
class StaffDoor:
    """What the pages of the sign-in share."""

    authenticator: Authenticator
    """The first factor."""
    entrance: StaffEntrance
    factors: SecondFactors
    requires_second_factor: bool
    desk: ExamDesk
    pending: PendingSignIns = field(default_factory=PendingSignIns)
    _threads: Executor = field(
        default_factory=lambda: ThreadPoolExecutor(_THREADS, "staff-sign-in"), repr=False
    )

    def address_of(self, handler: Any) -> str:
        """Where the request comes from; raises HTTPError 403 where that cannot be told."""
        address = self.desk.address_of(handler)
        if address is None:
            raise web.HTTPError(403)
        return str(address)

    def decide(self, username: str) -> StaffEntry:
        """The exams that somebody watches now."""
        return decide_staff_entry(self.desk.registry.current, username)

    async def run(self, call: Callable[[SecondFactors], _Result]) -> _Result:
        """The result of `call`, in a thread; raises StaffUnavailableError."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, call, self.factors)
        except SQLAlchemyError as error:
            # Its own text has the statement and its values.
            cause = getattr(error, "orig", None) or type(error).__name__
            app_log.error("The database of second factors does not answer: %s", cause)
            raise StaffUnavailableError from None

    def is_known(self, username: str) -> bool:
        """Whether the name may be logged: what is typed as a name may be a password."""
        return username in self.desk.registry.current.roster.usernames


class StaffSignIn(BaseHandler):  # type: ignore[misc]
    """Turns a handler of any authenticator into one that only begins a sign-in."""

    door: ClassVar[StaffDoor]

    async def login_user(self, data: dict[str, str] | None = None) -> None:
        """Asks the first factor; who passes is sent to the second one and goes no further here."""
        typed = (data or {}).get("username", "")
        address = self.door.address_of(self)
        now = _now()
        if not await self.door.run(lambda all_: all_.may_sign_in(typed, address, now)):
            self.log.warning("Somebody at %s has to wait before another try as staff", address)
            raise web.HTTPError(429, _WAIT)
        try:
            name, reason = await self._ask_first_factor(data)
        except SignInRefusedError as refused:
            if not refused.is_outage:
                await self._note_refused(typed, refused.cause, address)
            raise  # with its own sentence
        if reason:
            await self._note_refused(typed, reason, address, name=name)
            return
        username = Username.parse(name)
        await self.door.run(
            lambda all_: all_.note_first_factor(username, typed=typed, address=address, now=now)
        )
        self._send_to_second_factor(username, address)
        raise web.Finish

    async def auth_to_user(self, *_args: Any, **_options: Any) -> NoReturn:
        """Nothing here makes a user."""
        raise web.HTTPError(403)

    def set_login_cookie(self, *_args: Any) -> NoReturn:
        """Nothing here signs anybody in."""
        raise web.HTTPError(403)

    async def refresh_auth(self, user: Any, force: bool = False) -> Any:
        """Whoever has used this browser before is none of the staff's service's people."""
        del force
        return user

    async def _ask_first_factor(self, data: dict[str, str] | None) -> tuple[str, str]:
        """The username, and why it is refused: empty where it is not."""
        asked = self.door.authenticator.get_authenticated_user(self, data)
        model = await maybe_future(asked)
        if not model:
            return "", "the authenticator of staff refuses"
        # Groups, roles, rights of an admin and auth_state of the service stay outside.
        name = str(model["name"])
        return name, self.door.decide(name).reason

    async def _note_refused(self, typed: str, reason: str, address: str, name: str = "") -> None:
        """`name` is whom the first factor knows; `typed` is shown where it is nobody's password."""
        shown = name or (typed if self.door.is_known(typed) else _UNKNOWN)
        self.log.warning("%s is not admitted as staff: %s", shown, reason)
        now = _now()
        await self.door.run(lambda all_: all_.note_refused(shown, reason, address=address, now=now))

    def _send_to_second_factor(self, username: Username, address: str) -> None:
        pending = PendingSignIn(
            username=username,
            address=address,
            began_at=_now(),
            next_path=choose_staff_page(self.get_next_url(None), self.hub.base_url),
        )
        self._set_cookie(
            PENDING_COOKIE,
            self.door.pending.begin(pending),
            encrypted=True,
            path=self.hub.base_url,
            expires_days=_PENDING_DAYS,
            samesite="Lax",
        )
        self.redirect(self.hub.base_url + SECOND_FACTOR)


class StaffLoginHandler(StaffSignIn, ExamLoginHandler):
    """Takes the form of staff on the sign-in page of the examinees."""

    async def get(self) -> None:
        """The form is on the sign-in page."""
        self.redirect(self.settings["login_url"])

    async def post(self) -> None:
        """Signs in, or shows the page again."""
        fields = {
            "username": self.get_body_argument("username", ""),
            "password": self.get_body_argument("password", "", strip=False),
        }
        await self.login_user(fields)
        self.set_status(403)
        self.finish(await self._render(login_error=_REFUSED, username=fields["username"]))

    def _render(
        self, login_error: str | None = None, username: str | None = None, **context: Any
    ) -> Any:
        """What went wrong belongs to the form of staff."""
        shown = username if username and self.door.is_known(username) else ""
        said = translator_for(self)(login_error or "")
        return super()._render(staff_error=said, staff_username=shown, **context)


def _now() -> datetime:
    return datetime.now(timezone.utc)
