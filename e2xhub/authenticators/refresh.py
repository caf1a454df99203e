"""An authenticator that asks at every request whether the browser's session is still open."""

from __future__ import annotations

from typing import Any

from jupyterhub.auth import Authenticator
from jupyterhub.handlers.base import SESSION_COOKIE_NAME
from traitlets import TraitError, default

from e2xhub.web.session_guard import BrowserRequest, Passage, SessionGuard
from e2xhub.web.staff_sessions import StaffSessions

ALWAYS = -1
"""As `auth_refresh_age`: whatever was asked before is older than that."""


class SessionCheckedAuthenticator(Authenticator):  # type: ignore[misc]
    """Lets nobody go on in a session that is over, belongs to somebody else, or has moved.

    JupyterHub's own cookie works until the user's `cookie_id` changes, on every machine. A subclass
    has a `guard` and `staff_sessions`, and says who sits an exam here.
    """

    guard: SessionGuard
    staff_sessions: StaffSessions

    def sits_here(self, username: str) -> bool:
        """Whether `username` sits an exam of this hub."""
        raise NotImplementedError

    @default("auth_refresh_age")
    def _auth_refresh_age_default(self) -> int:
        return ALWAYS

    @default("auth_refresh_strict")
    def _auth_refresh_strict_default(self) -> bool:
        return True  # JupyterHub 6.1 lets a token pass otherwise; before, it never did

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if self.auth_refresh_age >= 0:
            raise TraitError(
                f"{type(self).__name__}.auth_refresh_age is {self.auth_refresh_age}; remove it: on "
                "an exam hub every request is checked"
            )

    async def refresh_user(self, user: Any, handler: Any = None, **_: Any) -> bool:
        """Whether a request of `user` may go on; JupyterHub asks this at every one of them.

        The token of a server belongs to no session and passes; that of a browser at a server does
        so while its session is open.
        """
        if handler is None:
            return False
        if getattr(handler, "_token_authenticated", False):
            session_id = handler.get_token().session_id
            return session_id is None or self.guard.has_open_session(session_id, user.name)
        handler._token_authenticated = False  # JupyterHub 6.1 reads it where this answers False
        if self.staff_sessions.is_in_one(handler, user.name):
            return not self.sits_here(user.name)  # nobody is both
        request = BrowserRequest(
            handler=handler,
            session_id=handler.get_cookie(SESSION_COOKIE_NAME),
            request_uri=handler.request.uri,
        )
        return self.guard.judge(request, user.name) is Passage.OPEN
