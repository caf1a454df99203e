"""Who is in which of JupyterHub's browser sessions: what forward-auth of a teaching hub asks.

A browser's request for a server has the id of a session in a cookie, and nothing that would tell
the hub who that is. Each request for a page of the hub has both: from these it is learned. After a
restart the tokens with which browsers are at their servers say it.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from jupyterhub import orm
from jupyterhub.handlers.base import BaseHandler
from jupyterhub.log import log_request
from sqlalchemy.exc import SQLAlchemyError
from tornado.log import app_log
from tornado.web import RequestHandler

from e2xhub.domain.sessions import digest_of

MOST_OF_ONE_PERSON = 50
MOST_SHARED = 10_000


class BrowserSessions:
    """In memory, by digest; a session in which two people were seen is nobody's any more."""

    def __init__(self) -> None:
        self._people: dict[str, str] = {}
        self._of: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._shared: dict[str, None] = {}
        self._is_loaded = False

    def __deepcopy__(self, memo: object) -> BrowserSessions:
        # traitlets copies every configured value; this one is shared.
        return self

    def find(self, session_id: str | None) -> str | None:
        """Who is in the session; None: nobody that is known."""
        return self._people.get(digest_of(session_id)) if session_id else None

    def is_shared(self, session_id: str | None) -> bool:
        """Whether two people were seen in it: somebody may have planted it in a browser."""
        return bool(session_id) and digest_of(session_id or "") in self._shared

    def learn(self, session_id: str, username: str) -> None:
        """`username` has shown the hub's own cookie in this session."""
        digest = digest_of(session_id)
        known = self._people.get(digest)
        if known == username or digest in self._shared:
            return
        if known is not None:
            self._share(digest, known)
            return
        mine = self._of[username]
        if len(mine) >= MOST_OF_ONE_PERSON:
            oldest = next(iter(mine))
            del mine[oldest], self._people[oldest]
        mine[digest] = None
        self._people[digest] = username

    def load(self, db: Any) -> None:
        """Learns, once, from the tokens in the hub's database `db` (JupyterHub's)."""
        if self._is_loaded:
            return
        self._is_loaded = True  # also where it fails: each visit of a page of the hub helps
        columns = (orm.APIToken.session_id, orm.User.name)
        query = db.query(*columns).join(orm.User, orm.APIToken.user_id == orm.User.id)
        try:
            found = query.filter(orm.APIToken.session_id.is_not(None)).all()
        except SQLAlchemyError as error:
            db.rollback()
            app_log.error("forward-auth could not read who is in which session: %s", error)
            return
        for session_id, username in found:
            self.learn(session_id, username)

    def _share(self, digest: str, first: str) -> None:
        del self._people[digest], self._of[first][digest]
        if len(self._shared) >= MOST_SHARED:
            del self._shared[next(iter(self._shared))]
        self._shared[digest] = None
        app_log.warning(
            "Two people were signed in in one browser session, %s and another one; forward-auth "
            "lets it to no server until the browser signs out and in again",
            first,
        )

    def note_request(self, handler: RequestHandler) -> None:
        """For tornado's `log_function`: learns from a request that has ended, and logs it."""
        try:
            self._learn_from(handler)
        except Exception:  # the request itself is answered, whatever becomes of this
            app_log.exception("forward-auth could not learn who is in a session")
        log_request(handler)

    def _learn_from(self, handler: RequestHandler) -> None:
        """A token says nothing of the browser, and whoever has one chooses the cookies."""
        user: Any = getattr(handler, "_jupyterhub_user", None)
        if not isinstance(handler, BaseHandler) or handler.get_auth_token() is not None:
            return
        if not isinstance(getattr(user, "orm_user", None), orm.User):
            return
        session_id = getattr(handler, "_session_id", None) or handler.get_session_cookie()
        if session_id:
            self.learn(session_id, user.name)
