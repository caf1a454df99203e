"""Signs people in with the username and password that a directory (LDAP) knows.

The directory is asked in threads of a bounded pool (`bounded_pool`), never on the event loop;
what is asked, and what its answers mean, is `ldap.directory`'s.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from jupyterhub.auth import Authenticator
from traitlets import Integer, default

from e2xhub.authenticators.ldap.admission import Facts, Verdict, decide_admission
from e2xhub.authenticators.ldap.directory import DirectoryPerson
from e2xhub.authenticators.ldap.group_traits import GroupTraits
from e2xhub.authenticators.ldap.hub_names import fitting_groups, name_in_directory, parse_hub_name
from e2xhub.authenticators.ldap.patience import Patience
from e2xhub.authenticators.ldap.person_traits import PersonTraits
from e2xhub.authenticators.ldap.reading import open_directory, read_settings
from e2xhub.authenticators.ldap.refusals import (
    DirectoryRefusal,
    DirectoryUnavailable,
    HubIsBusy,
    NotInAllowedGroups,
)
from e2xhub.authenticators.ldap.risks import find_risks
from e2xhub.authenticators.ldap.server_traits import ServerTraits
from e2xhub.authenticators.starting import ends_the_hub
from e2xhub.bounded_pool import (
    BoundedPool,
    CallNeverBeganError,
    NoResultInTimeError,
    PoolIsFullError,
)
from e2xhub.errors import printable
from e2xhub.web.sign_in_refusals import SignInRefusedError

_IN_ALLOWED_GROUP = "is_in_allowed_group"
_UNASKED_REFRESHES = 2
"""How often `auth_refresh_age` may go by without an answer because the hub is busy."""
_LEAST_UNASKED_SECONDS = 600.0
"""For which the hub may be too busy to ask, however short `auth_refresh_age` is."""
_GRACE_SECONDS = 0.5  # so that the directory's own end, which knows the cause, comes first


class LDAPAuthenticator(ServerTraits, PersonTraits, GroupTraits, Authenticator):  # type: ignore[misc]
    """Signs people in with a directory: Active Directory, OpenLDAP, or another one.

    Settings of jupyterhub-ldapauthenticator work where they mean the same, in the same section::

        c.JupyterHub.authenticator_class = "e2x-ldap"
        c.LDAPAuthenticator.server_address = "ldap.example.org"
        c.LDAPAuthenticator.bind_dn_template = "uid={username},ou=people,dc=example,dc=org"
        c.LDAPAuthenticator.allow_all = True

    To change more: override `check_allowed` (who may come in) or `make_model` (what the hub
    gets to know of a person).
    """

    keep_seconds = Integer(
        14400,
        min=0,
        config=True,
        help="""
        How long people who are signed in stay so while the directory does not answer, in seconds
        since it last knew them. 14400 (4 hours), the default. 0: not at all.

        Their groups and rights stay as they were. Only where the directory is asked again:
        with `lookup_dn`, each `auth_refresh_age` seconds. Where the hub is too busy to ask, they
        stay for 10 minutes since it was that for the first time (twice `auth_refresh_age`, where
        that is longer), and never longer than in an outage.
        """,
    )

    @default("manage_groups")
    def _manage_groups_default(self) -> bool:
        return True

    @default("refresh_pre_spawn")
    def _refresh_pre_spawn_default(self) -> bool:
        return True  # groups decide what may be started

    @default("allow_existing_users")
    def _allow_existing_users_default(self) -> bool:
        # JupyterHub's own default is True where allowed_users is set: whoever a group has admitted
        # once would go on coming in after they have left it.
        return False

    @ends_the_hub
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.settings = read_settings(self)
        self.directory = open_directory(self.settings)
        self.patience = Patience(
            self.keep_seconds,
            self.log,
            unasked_seconds=max(_UNASKED_REFRESHES * self.auth_refresh_age, _LEAST_UNASKED_SECONDS),
        )
        self._sign_ins = self._make_pool("ldap-sign-ins")
        self._refreshes = self._make_pool("ldap-refreshes")  # strangers cannot fill it
        self._being_refreshed: dict[str, asyncio.Future[DirectoryPerson]] = {}
        self._warn_of_risks()

    def _make_pool(self, name: str) -> BoundedPool:
        return BoundedPool(
            name,
            threads=self.max_threads,
            waiting=self.max_waiting,
            seconds=self.total_seconds + _GRACE_SECONDS,
        )

    async def authenticate(
        self, handler: Any, data: dict[str, Any] | None = None
    ) -> dict[str, Any] | None:
        """The person whose password this is; raises SignInRefusedError in every other case."""
        typed, password = _read_form(data)
        try:
            person = await self._ask(
                self._sign_ins, lambda: self.directory.sign_in(typed, password)
            )
            name = parse_hub_name(self, person.username)
        except DirectoryRefusal as refused:
            raise self._refuse(handler, refused) from None
        for note in person.notes:
            self.log.info("%s: %s", name, note)
        model = self.make_model(person)
        if self.judge(name, model).is_admitted:
            self.patience.confirm(name)
        return model

    def make_model(self, person: DirectoryPerson) -> dict[str, Any]:
        """What JupyterHub gets to know of `person`, as its `auth_model`; never the password."""
        return {
            "name": person.username,
            "admin": self._is_admin(person),
            "groups": fitting_groups(person.groups, self.log),
            "auth_state": {
                "dn": person.dn,
                "ldap_groups": list(person.group_dns),
                _IN_ALLOWED_GROUP: bool(person.is_in_allowed_group),
                "user_attributes": {name: list(of) for name, of in person.attributes.items()},
            },
        }

    def check_blocked_users(self, username: str, authentication: Any = None) -> bool:
        """Whether `username` is not blocked; raises SignInRefusedError."""
        if not super().check_blocked_users(username, authentication):
            raise self._refuse_admission(username, Verdict.BLOCKED)
        return True

    def check_allowed(self, username: str, authentication: Any = None) -> bool:
        """Whether a setting admits `username`; raises SignInRefusedError where none does."""
        verdict = self.judge(username, authentication)
        if not verdict.is_admitted:
            raise self._refuse_admission(username, verdict)
        return True

    def judge(self, username: str, model: dict[str, Any] | None) -> Verdict:
        """Whether `username` may come in, with the reason; `model` is from `make_model`."""
        state = (model or {}).get("auth_state") or {}
        return decide_admission(
            Facts(
                is_blocked=username in self.blocked_users,
                allows_all=bool(self.allow_all),
                is_named=username in self.allowed_users,
                is_in_allowed_group=bool(state.get(_IN_ALLOWED_GROUP)),
            )
        )

    @property
    def may_admit_anybody(self) -> bool:
        """Whether `judge` can say yes of anybody at all."""
        return bool(self.allow_all or self.allowed_users or self.allowed_groups)

    async def refresh_user(self, user: Any, handler: Any = None, **_: Any) -> Any:
        """What the directory says of somebody who is signed in: JupyterHub's `refresh_user`.

        False ends the session: the person is gone, locked, or admitted by nothing any more.
        """
        if not self.settings.can_look_up:
            return True
        if handler is not None and not hasattr(handler, "_token_authenticated"):
            handler._token_authenticated = False  # JupyterHub 6.1 reads it where this answers False
        name: str = user.name
        try:
            typed = name_in_directory(name, self.username_map)
            person = await self._look_up(typed)
        except HubIsBusy as busy:
            if self.patience.may_stay_unasked(name, busy.log_line):
                return True
            return self._end_session(name, f"the hub was too busy to ask: {busy.log_line}")
        except DirectoryUnavailable as outage:
            if self.patience.may_stay(name, outage.log_line):
                return True
            return self._end_session(name, f"the directory does not know them: {outage.log_line}")
        except DirectoryRefusal as refused:
            self.patience.refuse(name)
            return self._end_session(name, refused.log_line)
        model = self.make_model(person)
        verdict = self.judge(name, model)
        if not verdict.is_admitted:
            self.patience.refuse(name)
            return self._end_session(name, verdict.value)
        self.patience.confirm(name)
        return {**model, "name": name}

    def _end_session(self, username: str, why: str) -> bool:
        self.log.warning("%s has to sign in again: %s", username, why)
        return False

    def _is_admin(self, person: DirectoryPerson) -> bool | None:
        """None where groups do not say who is admin: then nothing changes."""
        if not self.admin_groups:
            return None
        return bool(person.is_admin) or self.normalize_username(person.username) in self.admin_users

    async def _look_up(self, typed: str) -> DirectoryPerson:
        """What the directory says of one person, asked once for all requests that wait for it.

        Or somebody with many requests at once would take the places of everybody.
        """
        asked = self._being_refreshed.get(typed)
        if asked is None:
            asked = asyncio.ensure_future(
                self._ask(self._refreshes, lambda: self.directory.look_up(typed))
            )
            self._being_refreshed[typed] = asked
            asked.add_done_callback(lambda done: self._forget_refresh(typed, done))
        return await asyncio.shield(asked)

    def _forget_refresh(self, typed: str, done: asyncio.Future[DirectoryPerson]) -> None:
        del self._being_refreshed[typed]
        if not done.cancelled():
            done.exception()  # or asyncio complains where nobody waits any more

    async def _ask(self, pool: BoundedPool, call: Callable[[], DirectoryPerson]) -> DirectoryPerson:
        """What `call` answers, in a thread; whatever goes wrong is a DirectoryRefusal."""
        try:
            return await pool.run(call)
        except DirectoryRefusal:
            raise
        except (PoolIsFullError, CallNeverBeganError) as error:
            raise HubIsBusy(f"{error}; {self.max_threads} at a time") from None
        except NoResultInTimeError as error:
            raise DirectoryUnavailable(f"{error}; {self.max_threads} at a time") from None
        except Exception as error:  # its text may have anything in it, a password too
            raise DirectoryUnavailable(f"unexpected {_place_of(error)}") from None

    def _refuse(self, handler: Any, refused: DirectoryRefusal) -> SignInRefusedError:
        reason = f"{type(refused).__name__}: {refused.log_line}"
        address = getattr(getattr(handler, "request", None), "remote_ip", None) or "(no address)"
        self.log.warning("A sign-in at %s is refused: %s", printable(address), reason)
        return SignInRefusedError(
            handler, refused.sentence, reason=reason, status=HTTPStatus(refused.status)
        )

    def _refuse_admission(self, username: str, verdict: Verdict) -> SignInRefusedError:
        """JupyterHub says here neither who asks nor in which language; the page translates."""
        self.log.warning("%s is not admitted: %s", username, verdict.value)
        return SignInRefusedError(None, NotInAllowedGroups.sentence, reason=verdict.value)

    def _warn_of_risks(self) -> None:
        for risk in find_risks(self.settings):
            self.log.warning("%s", risk)


def _read_form(data: dict[str, Any] | None) -> tuple[str, str]:
    """Username and password; the token API may send anything in their place."""
    given = data if isinstance(data, dict) else {}
    username, password = given.get("username"), given.get("password")
    return (
        username if isinstance(username, str) else "",
        password if isinstance(password, str) else "",
    )


def _place_of(error: BaseException) -> str:
    """Which error came from where, without what it says."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}"
