"""Whether a browser may reach a server of a teaching hub: asked by forward-auth.

JupyterHub's own rules decide: the owner's browsers may, and those of people with the scope
`access:servers` for it. A server asks the same, but whoever owns it can have it ask nobody; then a
page of it would run in the browser of whoever opens it, on the host where the hub's pages are.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from jupyterhub import orm, scopes
from sqlalchemy.exc import SQLAlchemyError
from tornado.log import app_log

from e2xhub.web.browser_sessions import BrowserSessions
from e2xhub.web.session_guard import BrowserRequest, Passage
from e2xhub.web.shared_origin import SharedOrigin
from e2xhub.web.telling import Teller

_KEPT_SECONDS = 10.0
_MOST_KEPT = 10_000
_Servers = dict[str, bool]
"""By name, the one without a name among them: whether it may be entered."""


class ServerGuard:
    """Judges requests by who is in the browser's session."""

    def __init__(
        self,
        sessions: BrowserSessions,
        shared_origin: SharedOrigin,
        *,
        most_kept: int = _MOST_KEPT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`most_kept` answers of the database are remembered; `clock` tells seconds."""
        self.sessions, self.shared_origin = sessions, shared_origin
        self._teller = Teller()
        self._most_kept, self._clock = most_kept, clock
        self._kept: dict[tuple[str, str], tuple[float, _Servers]] = {}

    def __deepcopy__(self, memo: object) -> ServerGuard:
        # traitlets copies every configured value; this one is shared.
        return self

    def tell_once(self, sentence: str) -> None:
        """Once in a while."""
        self._teller.tell_once(sentence)

    def judge(self, request: BrowserRequest, username: str) -> Passage:
        """Whether `request` may go on to a server of `username`."""
        self.sessions.load(request.handler.settings["db"])
        if self.sessions.is_shared(request.session_id):
            return Passage.REFUSED  # which has been told; the sign-in page would lead back here
        person = self.sessions.find(request.session_id)
        if person is None:
            return Passage.SIGN_IN
        if person == username or self._may_enter(request, person, username):
            return Passage.OPEN
        self.tell_once(f"{person} may not enter the server of {username!r}")
        return Passage.REFUSED

    def _may_enter(self, request: BrowserRequest, person: str, owner: str) -> bool:
        settings = request.handler.settings
        servers = self._servers_of(settings["db"], person, owner)
        if servers is None:
            return False
        wanted = _part_below(request.request_uri, settings["base_url"])
        return servers.get(wanted, servers[""])

    def _servers_of(self, db: Any, person: str, owner: str) -> _Servers | None:
        """Asked of the database every ten seconds at most, for each pair of people.

        Of somebody who does not exist nothing is kept: browsers could make up any number of them.
        """
        pair, now = (person, owner), self._clock()
        if pair in self._kept:
            asked_at, servers = self._kept[pair]
            if now - asked_at < _KEPT_SECONDS:
                return servers
            del self._kept[pair]
        found = _find_servers(db, person, owner)
        if found is not None:
            if len(self._kept) >= self._most_kept:
                del self._kept[next(iter(self._kept))]  # the oldest
            self._kept[pair] = (now, found)
        return found


def _part_below(request_uri: str, base_url: str) -> str:
    """What follows `/user/<name>/`: the name of a server, or a path in the one without a name."""
    path = unquote(request_uri.partition("?")[0]).removeprefix(f"{base_url}user/")
    return path.partition("/")[2].partition("/")[0]


def _find_servers(db: Any, person: str, owner: str) -> _Servers | None:
    """Which servers of `owner` there are, and may `person` enter them; None: no such people."""
    try:
        found, owning = orm.User.find(db, person), orm.User.find(db, owner)
        if found is None or owning is None:
            return None
        held = scopes.parse_scopes(scopes.get_scopes_for(found))
        return {
            name: bool(scopes.has_scope(f"access:servers!server={owner}/{name}", held, db=db))
            for name in ("", *owning.orm_spawners)
        }
    except SQLAlchemyError as error:
        db.rollback()
        app_log.error("forward-auth could not ask who may enter a server: %s", error)
        return {"": False}
