"""The session of staff: a cookie of its own beside JupyterHub's, for one person at one address.

JupyterHub's cookie says who somebody is and no more. This one says that the person has passed both
factors, when, and from where: a copy of it opens nothing at another address.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from datetime import datetime, timezone
from typing import Any

from tornado.log import app_log

from e2xhub.storage.live_exam_records import RecordsUnavailableError
from e2xhub.storage.second_factors import SecondFactors
from e2xhub.web.exam_desk import ExamDesk
from e2xhub.web.hub_sessions import cut_user

STAFF_COOKIE = "e2x-staff"
STAFF_SESSION_DAYS = 0.5
_ID_BYTES = 16
_TOLD_AGAIN_SECONDS = 60.0
_MOST_TOLD = 1000
_ELSEWHERE = "its cookie comes from another address than the one of the sign-in"


class StaffSessions:
    """Begins sessions of staff, and says whether a request comes in one."""

    def __init__(self, desk: ExamDesk) -> None:
        self._desk = desk
        self._told: dict[tuple[str, str], float] = {}
        self._notes: set[asyncio.Task[None]] = set()

    def begin(self, handler: Any, user: Any, address: str) -> None:
        """Signs `user` in as staff, in the browser at `address` that `handler` answers.

        Every session that `user` had before is over.
        """
        if handler.current_user:
            handler.clear_login_cookie()  # also takes the tokens of whoever used this browser
        cut_user(user)
        handler.set_session_cookie()  # never the session that the browser had before
        handler.set_login_cookie(user)
        handler._set_cookie(
            STAFF_COOKIE,
            f"{user.name} {address} {secrets.token_hex(_ID_BYTES)}",  # no username has a space
            encrypted=True,
            path=handler.hub.base_url,
            expires_days=STAFF_SESSION_DAYS,
            samesite="Lax",
        )

    def is_in_one(self, handler: Any, username: str) -> bool:
        """Whether the browser has signed in as `username`, here, and not too long ago.

        An examinee's session is none, even where the roster makes the person a proctor meanwhile:
        it has passed no second factor.
        """
        value = handler.get_secure_cookie(STAFF_COOKIE, max_age_days=STAFF_SESSION_DAYS)
        parts = (value or b"").decode("utf-8", "replace").split(" ")
        if len(parts) != 3 or parts[0] != username:
            return False
        address = str(self._desk.address_of(handler))  # "None" is no address of a sign-in
        if address == parts[1]:
            return True
        self._tell(username, address)
        return False

    def _tell(self, username: str, address: str) -> None:
        """Once in a while: the page that is open there asks again and again."""
        now = time.monotonic()
        if now - self._told.get((username, address), -_TOLD_AGAIN_SECONDS) < _TOLD_AGAIN_SECONDS:
            return
        if len(self._told) >= _MOST_TOLD:
            self._told.clear()
        self._told[(username, address)] = now
        app_log.warning(
            "A browser in the session of %s is refused: %s (%s)", username, _ELSEWHERE, address
        )
        task = asyncio.ensure_future(self._note(username, address))
        self._notes.add(task)
        task.add_done_callback(self._notes.discard)

    async def _note(self, username: str, address: str) -> None:
        now = datetime.now(timezone.utc)
        try:
            await self._desk.records.run(
                lambda all_: SecondFactors(all_.engine, all_.peppers).note_refused(
                    username, _ELSEWHERE, address=address, now=now
                )
            )
        except RecordsUnavailableError:
            app_log.error("The refusal of %s at %s is not in the records", username, address)
