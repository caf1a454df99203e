"""Signs an examinee in with a one-time password, once, in the exam's window and room."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from jupyterhub.auth import Authenticator
from jupyterhub.traitlets import EntryPointType
from jupyterhub.utils import maybe_future
from traitlets import Any as AnyTrait
from traitlets import Bool, Enum, TraitError, default

from e2xhub.authenticators.refresh import SessionCheckedAuthenticator
from e2xhub.authenticators.staff import make_staff_routes, open_staff_door
from e2xhub.authenticators.starting import ends_the_hub
from e2xhub.domain.exam_entry import Entry, EntryRefusal, decide_entry, is_near_an_exam, rooms_at
from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.domain.passwords import OneTimePassword
from e2xhub.domain.roles import Role
from e2xhub.domain.sessions import digest_of
from e2xhub.storage.exam_records.door import Attempt, RefusedAttemptError
from e2xhub.storage.live_exam_records import RecordsUnavailableError
from e2xhub.web.exam_desk import ExamDesk
from e2xhub.web.exam_login import ExamLoginHandler, SignInUnavailableError
from e2xhub.web.session_guard import SessionGuard
from e2xhub.web.session_keeper import start_session_keeper
from e2xhub.web.sign_in_metrics import SIGNED_IN, UNAVAILABLE, count_sign_in, result_of
from e2xhub.web.sign_out import SignOutHandler
from e2xhub.web.staff_sessions import StaffSessions
from e2xhub.web.staff_sign_in import StaffDoor

_EXPLAINED_AFTER_SECONDS = (0.2, 1.2)
_RANDOM = secrets.SystemRandom()

_UNKNOWN_PROXY = (
    "{address} is in no room of the exam, and says in X-Forwarded-For that it passes sign-ins on, "
    "which is believed of trusted_proxies alone. If it is a reverse proxy of yours, put its "
    "address into trusted_proxies, or the name of a headless Service of its pods "
    "(helm-values/proxy-pods.yaml); else somebody forges the header"
)


class OneTimePasswordAuthenticator(SessionCheckedAuthenticator):
    """Admits examinees with the code that a proctor issued: each code once, then never again.

    A code opens the door for the person that it was issued for, while the exam is open, from a
    room of the exam, and only on the login page. A refused attempt consumes nothing.

    Use it through `e2xhub.configure`, which gives it its desk::

        configure(c, hub="exam", catalog=…, roster=…, database_url=…, pepper_file=…)
    """

    desk = AnyTrait(
        config=True,
        help="""
        What the door works with: an `e2xhub.web.exam_desk.ExamDesk`. Set by `e2xhub.configure`.
        """,
    )
    allow_examinees = Bool(
        True,
        config=True,
        help="Admit everybody who is an examinee on the roster. False closes the hub's door.",
    )

    staff_authenticator_class = EntryPointType(
        None,
        klass=Authenticator,
        allow_none=True,
        entry_point_group="jupyterhub.authenticators",
        config=True,
        help="""
        The first factor of proctors and instructors: an authenticator by its short name (`pam`,
        `e2x-ldap`, `generic-oauth`) or import path. None, the default, admits no staff.

        Its own traits are configured as always, such as `c.GenericOAuthenticator.client_id`. Whom
        it admits has to be staff of an exam that this hub serves, too.
        """,
    )
    second_factor = Enum(
        ("required", "off"),
        "required",
        config=True,
        help="""
        Whether staff need the codes of an app besides: `required`, the default, or `off`, where
        the first factor asks for one already.
        """,
    )

    @default("allow_existing_users")
    def _allow_existing_users_default(self) -> bool:
        # JupyterHub's own default would become True as soon as allowed_users is set.
        return False

    @ends_the_hub
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(self.desk, ExamDesk):
            raise TraitError(
                "OneTimePasswordAuthenticator.desk is not set; "
                'call e2xhub.configure(c, hub="exam", …) in the hub\'s configuration'
            )
        self._explanations: set[asyncio.Task[None]] = set()
        self.guard = SessionGuard(self.desk)
        self.staff_sessions = StaffSessions(self.desk)
        self.staff = self._open_staff_door()

    def get_handlers(self, app: Any) -> list[tuple[Any, ...]]:
        """Signing in and out, and what staff need; from now on sessions are looked after."""
        start_session_keeper(app, self.desk)
        staff = make_staff_routes(self.staff, app) if self.staff else []
        self.desk.shared_origin.has_own_hosts = bool(app.subdomain_host)
        return [("/login", ExamLoginHandler), ("/logout", SignOutHandler), *staff]

    def _open_staff_door(self) -> StaffDoor | None:
        if self.staff_authenticator_class is None:
            return None
        return open_staff_door(
            self.staff_authenticator_class,
            self,
            self.desk,
            requires_second_factor=self.second_factor == "required",
        )

    async def authenticate(self, handler: Any, data: dict[str, str] | None = None) -> str | None:
        """The username whose code this is; None in every other case, in the same time."""
        if not isinstance(handler, ExamLoginHandler) or not data:
            self.log.warning("A sign-in %s", EntryRefusal.OTHER_DOOR.value)
            count_sign_in(result_of(EntryRefusal.OTHER_DOOR))
            return None
        try:
            await self.desk.records.refresh()  # a proctor's code of this second counts
            attempt = await self._make_attempt(handler, data)
            now = _now()
            exam = await self.desk.records.run(
                lambda all_: all_.door.sign_in(attempt, now), hashes=True
            )
        except RefusedAttemptError as refused:
            self._explain_later(attempt, refused, now)
            return None
        except RecordsUnavailableError:
            count_sign_in(UNAVAILABLE)
            raise SignInUnavailableError(handler) from None
        count_sign_in(SIGNED_IN)
        self.log.info("%s is signed in to %s", attempt.username, exam)
        return str(attempt.username)

    async def check_allowed(self, username: str, _authentication: Any = None) -> bool:
        """Whether `username` is an examinee at all; JupyterHub asks this after `authenticate`."""
        return self.allow_examinees and self.is_examinee(username)

    def is_examinee(self, typed: str) -> bool:
        """Whether `typed` is the username of an examinee of any exam."""
        try:
            username = Username.parse(typed)
        except ValueError:
            return False
        return bool(self.desk.registry.current.roster.is_examinee(username))

    def sits_here(self, username: str) -> bool:
        """Whether `username` sits an exam of this hub."""
        registry = self.desk.registry.current
        sat = registry.roster.exam_memberships_of(username, Role.STUDENT)
        return any(registry.serves_exam(membership.exam) for membership in sat)

    async def _make_attempt(self, handler: ExamLoginHandler, data: dict[str, str]) -> Attempt:
        typed = data.get("username", "")
        username = Username.parse(typed) if self.is_examinee(typed) else None
        entry = await self._decide_entry(handler, username)
        registry, address = self.desk.registry.current, entry.address
        former = handler.get_session_cookie()
        return Attempt(
            typed_name=username or handler.typed_username,
            username=username,
            password=OneTimePassword.parse(data.get("password", "")),
            entry=entry,
            session=digest_of(handler.new_session_id),
            former_session=digest_of(former) if former else None,
            room_code=data.get("room_code", ""),
            other_exams=self._other_exams(username, entry),
            is_from_afar=address is None or not is_near_an_exam(registry, address, _now()),
            room_code_rooms=self._rooms_with_code(entry),
            safe_browser=self.desk.safe_browser_of(handler, entry.exams, data),
        )

    async def _decide_entry(self, handler: Any, username: Username | None) -> Entry:
        """Everything that can refuse, before a password is touched."""
        origin = self.desk.origin_of(handler)
        refusal = await self._find_refusal(username)
        if username is None or refusal:
            refusal = refusal or EntryRefusal.NO_EXAMINEE
            return Entry(exams=(), refusal=refusal, address=origin.address if origin else None)
        if origin is None:
            return Entry(exams=(), refusal=EntryRefusal.NO_ADDRESS)
        entry = decide_entry(self.desk.registry.current, username, origin.address, _now())
        return replace(entry, is_passed_on=origin.is_passed_on)

    async def _find_refusal(self, username: Username | None) -> EntryRefusal | None:
        """What the hub's own settings say against somebody."""
        if not self.allow_examinees:
            return EntryRefusal.NOT_ADMITTED
        if username is None:
            return None
        if not await maybe_future(self.check_blocked_users(username, None)):
            return EntryRefusal.BLOCKED
        if self.normalize_username(username) != username or not self.validate_username(username):
            return EntryRefusal.RENAMED
        return None

    def _other_exams(self, username: Username | None, entry: Entry) -> list[ExamId]:
        roster = self.desk.registry.current.roster
        sat = roster.exam_memberships_of(username or "", Role.STUDENT)
        return [membership.exam for membership in sat if membership.exam not in entry.exams]

    def _rooms_with_code(self, entry: Entry) -> dict[ExamId, tuple[str, ...]]:
        """The exams that demand a room code, with the rooms in which the person may be."""
        registry = self.desk.registry.current
        return {
            exam: rooms_at(registry, exam, entry.address)
            for exam in entry.exams
            if registry.catalog.exams[exam].room_code and entry.address
        }

    def _explain_later(self, attempt: Attempt, refused: RefusedAttemptError, now: datetime) -> None:
        """Not before the answer: the time that it takes would tell what it finds."""
        address = attempt.entry.address
        if attempt.username is None and address is not None and not attempt.is_from_afar:
            self.desk.strangers.note(address, now)
        task = asyncio.ensure_future(self._explain(attempt, refused, now))
        self._explanations.add(task)
        task.add_done_callback(self._explanations.discard)

    async def _explain(self, attempt: Attempt, refused: RefusedAttemptError, now: datetime) -> None:
        # Nor at once: the next attempt would be answered the later, the more there is to compare.
        await asyncio.sleep(_RANDOM.uniform(*_EXPLAINED_AFTER_SECONDS))
        refusal = refused.refusal
        try:
            refusal = await self.desk.records.run(
                lambda all_: all_.door.explain(attempt, refused, now)
            )
        except RecordsUnavailableError:
            self.log.error("The refusal of %s is not in the records", attempt.name)
        count_sign_in(result_of(refusal))
        self.log.warning(
            "%s at %s is not signed in: %s", attempt.name, attempt.address, refusal.value
        )
        if refusal is EntryRefusal.WRONG_ROOM and attempt.entry.is_passed_on:
            self.guard.tell_once(_UNKNOWN_PROXY.format(address=attempt.address))


def _now() -> datetime:
    return datetime.now(timezone.utc)
