"""The method by which staff sign in on an exam hub: any authenticator of JupyterHub.

It is not the hub's authenticator and cannot sign anybody in. Its pages, if it has some, are mounted
as subclasses made here, which begin a sign-in and hand it to the second factor.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from jupyterhub.auth import Authenticator
from jupyterhub.handlers.base import BaseHandler
from jupyterhub.handlers.login import LogoutHandler
from traitlets import TraitError

from e2xhub.authenticators.oauth.later_settings import check_staff_sign_in
from e2xhub.storage.second_factors import SecondFactors
from e2xhub.web.exam_desk import ExamDesk
from e2xhub.web.second_factor import SecondFactorHandler
from e2xhub.web.staff_sign_in import (
    SECOND_FACTOR,
    STAFF_LOGIN,
    StaffDoor,
    StaffEntrance,
    StaffLoginHandler,
    StaffSignIn,
)

_TRAIT = "OneTimePasswordAuthenticator.staff_authenticator_class"
_HUB = "/hub/"  # stands for the hub's path
_OURS = frozenset({"/login", "/logout"})

Route = tuple[Any, ...]
"""A path below the hub's, a handler, and perhaps its arguments."""


def open_staff_door(
    chosen: type[Authenticator],
    owner: Authenticator,
    desk: ExamDesk,
    *,
    requires_second_factor: bool,
) -> StaffDoor:
    """The door through which staff come, with `chosen` as their first factor.

    `owner` is the hub's authenticator, whose configuration `chosen` shares. Raises TraitError
    where `chosen` cannot be used.
    """
    authenticator = _make_authenticator(chosen, owner)
    records = desk.records.records
    return StaffDoor(
        authenticator=authenticator,
        entrance=find_entrance(authenticator),
        factors=SecondFactors(records.engine, records.peppers),
        requires_second_factor=requires_second_factor,
        desk=desk,
    )


def _make_authenticator(chosen: type[Authenticator], owner: Authenticator) -> Authenticator:
    """An instance of `chosen`, configured as always: `c.<Class>.<trait> = …`.

    JupyterHub makes these checks only for its own authenticator.
    """
    check_staff_sign_in(owner.config, chosen)
    made = chosen(parent=owner.parent, config=owner.config)
    for names in (made.allowed_users, made.blocked_users):
        normal = {made.normalize_username(name) for name in names}
        names.clear()
        names.update(normal)
    made.check_allow_config()
    return made


def find_entrance(authenticator: Authenticator) -> StaffEntrance:
    """A form where the authenticator has no page of its own, else a link to that page."""
    path = urlsplit(authenticator.login_url(_HUB)).path
    if path == _HUB + "login":
        return StaffEntrance(path=STAFF_LOGIN, has_form=True)
    if not path.startswith(_HUB):
        raise TraitError(
            f"{_TRAIT}: {type(authenticator).__name__} begins its sign-in at {path}, outside the "
            "hub; expected a path below the hub's"
        )
    service = authenticator.login_service or ""
    return StaffEntrance(path=path.removeprefix(_HUB), has_form=False, service=service)


def make_staff_routes(door: StaffDoor, app: Any) -> list[Route]:
    """The pages of the sign-in, below the hub's path.

    An authenticator with a form gets no page: what else it has (signing up, changing passwords)
    has no place on an exam hub.
    """
    routes: list[Route] = [("/" + SECOND_FACTOR, _with_door(SecondFactorHandler, door))]
    if door.entrance.has_form:
        return [("/" + STAFF_LOGIN, _with_door(StaffLoginHandler, door)), *routes]
    for path, handler, *arguments in door.authenticator.get_handlers(app):
        if path not in _OURS and not issubclass(handler, LogoutHandler):
            routes.append((path, _begin_only(handler, door), *arguments))
    return routes


def _begin_only(handler: type, door: StaffDoor) -> type:
    """`handler` with the staff's authenticator, and without the power to sign anybody in."""
    if not issubclass(handler, BaseHandler):
        raise TraitError(
            f"{_TRAIT}: {handler.__name__} is no handler of JupyterHub; choose an authenticator "
            "whose pages are"
        )
    authenticator = property(lambda _handler: door.authenticator)
    return type(
        f"Staff{handler.__name__}",
        (StaffSignIn, handler),
        {"door": door, "authenticator": authenticator},
    )


def _with_door(handler: type, door: StaffDoor) -> type:
    return type(handler.__name__, (handler,), {"door": door})
