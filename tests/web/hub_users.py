"""Users in a database of JupyterHub's own, without a hub."""

from __future__ import annotations

from typing import Any

from jupyterhub import orm


class HubUsers:
    """A hub's database with users, their cookies and tokens."""

    def __init__(self) -> None:
        self.db = orm.new_session_factory("sqlite://")()
        for identifier in ("jupyterhub", "jupyterhub-user"):
            self.db.add(orm.OAuthClient(identifier=identifier))
        self.db.add(orm.Role(name="token", scopes=[]))
        self.db.commit()

    def add(self, name: str) -> HubUser:
        """Somebody who has signed in to this hub once."""
        user = orm.User(name=name)
        self.db.add(user)
        self.db.commit()
        return HubUser(self.db, user)

    def find(self, name: str) -> HubUser | None:
        """The user of that name."""
        found = orm.User.find(self.db, name)
        return HubUser(self.db, found) if found else None


class HubUser:
    """What we use of JupyterHub's `User`."""

    def __init__(self, db: Any, orm_user: orm.User) -> None:
        self.db, self.orm_user = db, orm_user
        self.name: str = orm_user.name

    @property
    def cookie_id(self) -> str:
        """What the hub's cookie names."""
        return str(self.orm_user.cookie_id)

    def add_token(self, session_id: str | None) -> None:
        """The token of a browser at the user's server, or (None) of the server itself."""
        client = "jupyterhub-user" if session_id else "jupyterhub"
        note = "" if session_id else "Server at /user/x/"
        orm.APIToken.new(
            user=self.orm_user, session_id=session_id, client_id=client, scopes=[], note=note
        )

    def add_code(self, session_id: str) -> None:
        """A browser is on its way to the user's server."""
        code = orm.OAuthCode(
            client_id="jupyterhub-user", code=session_id, session_id=session_id, expires_at=2**31
        )
        code.user_id = self.orm_user.id
        self.db.add(code)
        self.db.commit()

    @property
    def sessions(self) -> set[str | None]:
        """The sessions whose tokens and codes are there."""
        kinds = (orm.APIToken, orm.OAuthCode)
        mine = [self.db.query(kind).filter_by(user_id=self.orm_user.id) for kind in kinds]
        return {found.session_id for query in mine for found in query}
