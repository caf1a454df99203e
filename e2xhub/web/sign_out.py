"""Signing out of an exam hub: asked first of examinees, and then for good."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from jupyterhub.handlers.login import LogoutHandler

from e2xhub.domain.exam_records import SessionEnd
from e2xhub.domain.sessions import digest_of
from e2xhub.storage.live_exam_records import RecordsUnavailableError
from e2xhub.web.hub_sessions import cut_user
from e2xhub.web.proctor_pages import is_staff_session
from e2xhub.web.staff_sessions import STAFF_COOKIE
from e2xhub.web.translations import translator_for


class SignOutHandler(LogoutHandler):  # type: ignore[misc]
    """JupyterHub's sign-out, which alone leaves copies of a cookie working.

    Staff are signed out in every browser of theirs, because JupyterHub's cookie is the same.
    """

    async def get(self) -> None:
        """Signs out, or asks: an examinee would need a new code to come back."""
        if not self._is_in_an_exam():
            await super().get()
            return
        self.finish(await self.render_template("sign_out.html", translate=translator_for(self)))

    async def post(self) -> None:
        """An examinee is sure."""
        await super().get()

    async def handle_logout(self) -> None:
        """Makes what the person's browsers have worthless."""
        if is_staff_session(self):
            cut_user(self.current_user)
        elif self._is_in_an_exam():
            cut_user(self.current_user)
            await self._end_session()
        self.clear_cookie(STAFF_COOKIE, path=self.hub.base_url)

    def _is_in_an_exam(self) -> bool:
        session_id, user = self.get_session_cookie(), self.current_user
        return bool(
            user and session_id and self.authenticator.guard.has_open_session(session_id, user.name)
        )

    async def _end_session(self) -> None:
        digest, now = digest_of(self.get_session_cookie()), datetime.now(timezone.utc)
        records: Any = self.authenticator.desk.records
        try:
            await records.run(lambda all_: all_.door.sign_out(digest, SessionEnd.SIGNED_OUT, now))
        except RecordsUnavailableError:
            name = self.current_user.name
            self.log.error("%s has signed out, which the records do not show", name)
