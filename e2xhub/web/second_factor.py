"""The page of the second factor: staff enrol, or type the code of their app.

Nobody is signed in before this page says so. Whoever opens it has passed the first factor a few
minutes ago, in the same browser and at the same address, or is sent back to the beginning.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any, ClassVar

import segno
from tornado import web

from e2xhub.domain.passwords import OneTimePassword
from e2xhub.domain.pending_sign_ins import PendingSignIn
from e2xhub.domain.second_factor import TotpSecret
from e2xhub.storage.second_factors import (
    AlreadyEnrolledError,
    SecondFactorVerdict,
    SecretUnreadableError,
)
from e2xhub.web.proctor_groups import sync_proctor_groups
from e2xhub.web.proctor_pages import EXAM_LIST
from e2xhub.web.staff_sign_in import PENDING_COOKIE, StaffDoor
from e2xhub.web.standalone_pages import StandalonePage
from e2xhub.web.translations import Translator, translator_for

_TYPED_MAX = 64  # a longer text is no code


class SecondFactorHandler(StandalonePage):
    """Finishes the sign-in of whoever is pending in this browser."""

    door: ClassVar[StaffDoor]

    async def prepare(self) -> None:
        """Sends everybody back whose sign-in is not pending, or who is no staff any more."""
        await super().prepare()
        if self._finished:
            return
        cookie = self.get_secure_cookie(PENDING_COOKIE) or b""
        self.token = cookie.decode("ascii", "replace")
        address, now = self.door.address_of(self), _now()
        found = self.door.pending.find(self.token, address=address, now=now)
        if found is None:
            self.redirect(self.settings["login_url"])
            return
        self.pending: PendingSignIn = found
        if reason := self.door.decide(found.username).reason:
            self.log.warning("%s is not admitted as staff: %s", found.username, reason)
            self.door.pending.end(self.token)
            raise web.HTTPError(403)

    async def get(self) -> None:
        """The page on which the person enrols, or types a code."""
        if not self.door.requires_second_factor:
            await self._sign_in()
            self._go_on()
            return
        self.finish(await self._render())

    async def post(self) -> None:
        """Takes a code."""
        typed = self.get_body_argument("code", "")[:_TYPED_MAX]
        if not self.door.requires_second_factor:
            raise web.HTTPError(403)
        if await self._is_enrolled():
            await self._check(typed)
        else:
            await self._enrol(typed)

    async def _check(self, typed: str) -> None:
        pending = self.pending
        try:
            verdict = await self.door.run(
                lambda all_: all_.check(
                    pending.username, typed, address=pending.address, now=_now()
                )
            )
        except SecretUnreadableError as error:
            self.log.error("%s", error)
            raise web.HTTPError(503) from None
        if verdict is SecondFactorVerdict.ACCEPTED:
            await self._sign_in()
            self._go_on()
            return
        self.log.warning("The second factor of %s: %s", pending.username, verdict.value)
        self.set_status(403)
        self.finish(await self._render(verdict))

    async def _enrol(self, typed: str) -> None:
        pending, now = self.pending, _now()
        secret = pending.new_secret
        step = secret.accepted_step(typed, now) if secret else None
        if secret is None or step is None:
            self.set_status(403)
            self.finish(await self._render(SecondFactorVerdict.WRONG))
            return
        confirmed, confirmed_step = secret, step
        try:
            codes = await self.door.run(
                lambda all_: all_.enrol(
                    pending.username, confirmed, confirmed_step, address=pending.address, now=now
                )
            )
        except AlreadyEnrolledError as error:  # in another window, or by somebody else
            self.log.warning("%s", error)
            self.set_status(409)
            self.finish(await self._render(SecondFactorVerdict.NOT_ENROLLED))
            return
        await self._sign_in()
        self.finish(self._render_recovery_codes(codes))

    async def _sign_in(self) -> None:
        """The one place where staff get a session."""
        if not self.door.pending.end(self.token):  # another request was faster
            raise web.HTTPError(403)
        self.clear_cookie(PENDING_COOKIE, path=self.hub.base_url)
        username, address = self.pending.username, self.pending.address
        await self.door.run(lambda all_: all_.note_signed_in(username, address=address, now=_now()))
        user = await self.auth_to_user({"name": str(username), "admin": False})
        sync_proctor_groups(user, self.door.decide(username).exams)
        self.authenticator.staff_sessions.begin(self, user, address)
        self.log.info("%s is signed in as staff", user.name)

    def _go_on(self) -> None:
        self.redirect(self._next_path)

    @property
    def _next_path(self) -> str:
        return self.pending.next_path or self.hub.base_url + EXAM_LIST

    async def _is_enrolled(self) -> bool:
        username = self.pending.username
        return await self.door.run(lambda all_: all_.is_enrolled(username))

    async def _render(self, refused: SecondFactorVerdict | None = None) -> str:
        said = _describe(refused, translator_for(self)) if refused else ""
        if await self._is_enrolled():
            return self.render_page("staff/check.html", error=said, who=self.pending.username)
        secret = self.pending.new_secret
        if secret is None:
            secret = TotpSecret.make()
            self.door.pending.offer(self.token, secret)
        return self.render_page(
            "staff/enrol.html",
            error=said,
            who=self.pending.username,
            secret=secret.reveal(),
            qr_code=_draw(secret, self.pending.username, self._issuer),
        )

    def _render_recovery_codes(self, codes: Sequence[OneTimePassword]) -> str:
        shown = [code.reveal() for code in codes]
        return self.render_page("staff/recovery_codes.html", codes=shown, next_path=self._next_path)

    @property
    def _issuer(self) -> str:
        """What the app calls this hub."""
        university: Any = self.door.desk.registry.current.catalog.university
        return str(university)


def _describe(refused: SecondFactorVerdict, translate: Translator) -> str:
    sentences = {
        SecondFactorVerdict.WRONG: translate(
            "This code is not right, or was used before. Wait until your app shows a new one."
        ),
        SecondFactorVerdict.WAIT: translate("Too many attempts. Wait a minute, then try again."),
        SecondFactorVerdict.LOCKED: translate(
            "Far too many attempts. Ask those who run this hub to reset you."
        ),
        SecondFactorVerdict.NOT_ENROLLED: translate(
            "Something else has happened meanwhile. Sign in again."
        ),
    }
    return sentences[refused]


def _draw(secret: TotpSecret, username: str, issuer: str) -> str:
    """The QR code as SVG without styles, which the page's policy would not admit."""
    uri = secret.provisioning_uri(username=username, issuer=issuer)
    drawn = segno.make(uri, error="m", micro=False)
    return str(drawn.svg_inline(scale=4, light="#fff", omitsize=True))


def _now() -> datetime:
    return datetime.now(timezone.utc)
