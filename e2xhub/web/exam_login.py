"""The sign-in page of an exam hub."""

from __future__ import annotations

import secrets
from typing import Any

from jupyterhub.handlers.login import LoginHandler
from tornado import web

from e2xhub.web.hub_sessions import cut_user
from e2xhub.web.translations import translator_for

_REFUSED = (
    "This username and code do not open an exam now. Check both, wait a moment, and try again. "
    "Then ask your proctor."
)
_UNAVAILABLE = "Signing in is not possible at the moment. Your code stays valid."
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
            asks_room_code=self.authenticator.desk.asks_room_code(),
            **context,
        )
