"""What JupyterHub keeps of a browser that has signed in, and how it is taken away.

A browser has the hub's cookie, which names the user's `cookie_id` whatever browser it is, and the
cookie of the user's server, which is an OAuth token. JupyterHub ends neither when somebody signs
out. The token with which a server itself reports to the hub belongs to no session.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jupyterhub import orm

from e2xhub.domain.sessions import digest_of


def cut_user(user: Any) -> None:
    """Ends whatever browsers of `user` (JupyterHub's) have; the servers run on."""
    user.orm_user.cookie_id = orm.new_token()
    cut_tokens(user, lambda _digest: False)


def cut_tokens(user: Any, is_open: Callable[[str], bool]) -> None:
    """Deletes the OAuth tokens and codes of every session of `user` that is not open.

    `is_open` is asked for the digest of a session (`domain.sessions`).
    """
    for kind in (orm.APIToken, orm.OAuthCode):
        of_browsers = user.db.query(kind).filter(
            kind.user_id == user.orm_user.id, kind.session_id.is_not(None)
        )
        for found in of_browsers.all():
            if not is_open(digest_of(found.session_id)):
                user.db.delete(found)
    user.db.commit()
