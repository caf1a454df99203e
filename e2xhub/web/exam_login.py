"""The sign-in page of an exam hub."""

from __future__ import annotations

import asyncio
import re
import secrets
from datetime import datetime, timedelta, timezone
from typing import Any

from jupyterhub.handlers.login import LoginHandler
from tornado import web

from e2xhub.domain.exam_records import SessionEnd
from e2xhub.domain.server_paths import find_owner
from e2xhub.domain.sessions import digest_of
from e2xhub.storage.exam_records import ExamRecords
from e2xhub.storage.exam_records.ended_sessions import find_end
from e2xhub.storage.live_exam_records import RecordsUnavailableError
from e2xhub.web.hub_sessions import cut_user
from e2xhub.web.proctor_pages import EXAM_LIST, choose_staff_page, is_staff_session
from e2xhub.web.translations import Translator, translator_for

_REFUSED = (
    "This username and code do not open an exam now. Check both, wait a moment, and try again. "
    "Then ask your proctor."
)
_UNAVAILABLE = "Signing in is not possible at the moment. Your code stays valid."
# Whoever sits down at the computer after that is somebody else.
_TOLD_FOR = timedelta(minutes=15)
_MOST_SECONDS_OF_A_LOOK = 2.0
_SESSION_ID = re.compile("[0-9a-f]{32}")
UNKNOWN_USERNAME = "(not on the roster)"
# What JupyterHub says where `authenticate` returns nothing.
_UPSTREAM_REFUSAL = "Invalid username or password"


class SignInUnavailableError(web.HTTPError):
    """The records do not answer; nothing was used up."""

    def __init__(self, handler: Any) -> None:
        super().__init__(503, _UNAVAILABLE)
        self.jupyterhub_message = translator_for(handler)(_UNAVAILABLE)


class ExamLoginHandler(LoginHandler):  # type: ignore[misc]
    """JupyterHub's login page with our words; the template is `templates/exam/login.html`."""

    new_session_id = ""
    """The id of the session that a sign-in begins: never one that the browser had before."""
    typed_username = ""
    ended = ""
    """Why the session that the browser had is over; empty: it had none, or nobody knows."""

    async def get(self) -> None:
        """The page; a browser whose session has ended is told why."""
        if self.current_user is None:
            self.ended = await self._find_end_of_session()
        await super().get()

    async def _find_end_of_session(self) -> str:
        """Reveals nothing to strangers: the session's id is a secret."""
        session_id, now = self.get_session_cookie() or "", datetime.now(timezone.utc)
        if not _SESSION_ID.fullmatch(session_id):
            return ""
        digest = digest_of(session_id)

        def find(records: ExamRecords) -> SessionEnd | None:
            with records.reading() as connection:
                return find_end(connection, digest, since=now - _TOLD_FOR, now=now)

        try:
            looking = self.authenticator.desk.records.run(find)
            end = await asyncio.wait_for(looking, _MOST_SECONDS_OF_A_LOOK)
        except (RecordsUnavailableError, asyncio.TimeoutError):
            return ""
        return _tell(end, translator_for(self)) if end else ""

    async def login_user(self, data: dict[str, str] | None = None) -> Any:
        """Signs in; a name that is on no exam's list is not logged, it may be a code.

        People type into the wrong field, and JupyterHub logs the names of failed sign-ins.
        """
        self.typed_username = (data or {}).get("username", "")
        if data and not self.authenticator.is_examinee(data.get("username", "")):
            data = {**data, "username": UNKNOWN_USERNAME}
        self.new_session_id = secrets.token_hex(16)
        return await super().login_user(data)

    def set_login_cookie(self, user: Any) -> None:
        """Nothing that a browser has from before opens anything afterwards."""
        if self.new_session_id:
            cut_user(user)
            self._session_id = self.new_session_id
            self.set_session_cookie()
        super().set_login_cookie(user)

    def get_next_url(self, user: Any = None, default: str | None = None) -> str:
        """Staff who are signed in already are led to their own pages alone, too.

        Nobody is led to the server of whoever sat at the computer before.
        """
        wanted: str = super().get_next_url(user, default)
        hub_url: str = self.hub.base_url
        if is_staff_session(self):
            return choose_staff_page(wanted, hub_url) or hub_url + EXAM_LIST
        return wanted if _may_lead_to(wanted, user, self.settings["base_url"]) else hub_url

    def _render(
        self, login_error: str | None = None, username: str | None = None, **context: Any
    ) -> Any:
        translate = translator_for(self)
        if login_error == _UPSTREAM_REFUSAL:
            login_error = translate(_REFUSED)
        return super()._render(
            login_error=login_error,
            username=username,
            translate=translate,
            ended="" if login_error else self.ended,
            asks_room_code=self.authenticator.desk.asks_room_code(),
            **context,
        )


def _may_lead_to(path: str, user: Any, base_url: str) -> bool:
    """Whether `path` is one of the hub or of the server of `user`, however it is spelled."""
    try:
        owner = find_owner(path, base_url)
    except ValueError:
        return False
    return owner is None or (user is not None and owner == user.name)


def _tell(end: SessionEnd, translate: Translator) -> str:
    sentences = {
        SessionEnd.EXAM_ENDED: translate("Your exam is over."),
        SessionEnd.FINISHED: translate("Your exam was ended by a proctor."),
        SessionEnd.REISSUED: translate("A new code was issued for you: sign in with it."),
        SessionEnd.REVOKED: translate("Your code is not valid any more. Ask your proctor."),
    }
    return sentences.get(end, "")
