"""Which account of a sign-in service is which user: bound at the first sign-in, and kept.

The pair of issuer and subject never changes and is never given to somebody else
(https://openid.net/specs/openid-connect-core-1_0.html#ClaimStability); a name may be both. Unique
constraints decide between two hubs.

Every call may take as long as a database takes: call it from a thread, never from the event loop.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from e2xhub.domain.identifiers import Username
from e2xhub.domain.shared_directories import directory_key
from e2xhub.errors import ConfigurationError, E2xHubError
from e2xhub.storage.database import (
    Moment,
    advice_for,
    cause_of,
    is_migrated,
    make_engine,
    masked_url,
    metadata,
    migrate,
)

identities = sa.Table(
    "identities",
    metadata,
    sa.Column("issuer", sa.String(500), primary_key=True),
    sa.Column("subject", sa.String(255), primary_key=True),
    sa.Column("username", sa.String(200), nullable=False),
    # What file systems may take for the same name; see `domain.shared_directories`.
    sa.Column("directory", sa.Text, nullable=False),
    sa.Column("bound_at", Moment, nullable=False),
    sa.UniqueConstraint("username", name="uq_identities_username"),
    sa.UniqueConstraint("directory", name="uq_identities_directory"),
)


@dataclass(frozen=True, kw_only=True)
class Identity:
    """An account of a sign-in service, and the user that it is."""

    issuer: str
    subject: str
    username: str
    bound_at: datetime


class UsernameTakenError(E2xHubError):
    """The name, or one of the same directory, is bound to another account: `owner`."""

    def __init__(self, username: str, owner: Identity) -> None:
        self.owner = owner
        super().__init__(
            f"the username {username!r} is bound to the subject {owner.subject!r} of "
            f"{owner.issuer} since {owner.bound_at:%Y-%m-%d}, as {owner.username!r}"
        )


class NoTablesError(ConfigurationError):
    """No e2xhub has made its tables in the database, or it is not there."""


class Identities:
    """All bindings, in a database that hubs may share."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def find(self, issuer: str, subject: str) -> Username | None:
        """The user that this account is; None where it was never bound."""
        with self.engine.connect() as connection:
            return _find(connection, issuer, subject)

    def bind(self, issuer: str, subject: str, username: Username, *, now: datetime) -> Username:
        """The user that this account is from now on: `username`, unless it was bound before.

        Raises UsernameTakenError where another account has that name.
        """
        row = {
            "issuer": issuer,
            "subject": subject,
            "username": username,
            "directory": directory_key(username),
            "bound_at": now,
        }
        try:
            with self.engine.begin() as connection:
                connection.execute(identities.insert().values(row))
        except sa.exc.IntegrityError:
            return self._find_winner(issuer, subject, username)
        return username

    def _find_winner(self, issuer: str, subject: str, username: Username) -> Username:
        """Who was there before, perhaps by a moment: the same account, or another one."""
        with self.engine.connect() as connection:
            if found := _find(connection, issuer, subject):
                return found
            same = identities.c.directory == directory_key(username)
            owner = connection.execute(sa.select(identities).where(same)).one()
        raise UsernameTakenError(username, _as_identity(owner))

    def forget(self, username: str) -> Identity | None:
        """Takes the binding of `username` away; the one that there was, or None."""
        with self.engine.begin() as connection:
            same = identities.c.username == username
            found = connection.execute(sa.select(identities).where(same)).one_or_none()
            connection.execute(identities.delete().where(same))
        return None if found is None else _as_identity(found)

    def all(self) -> list[Identity]:
        """Every binding, by username."""
        with self.engine.connect() as connection:
            rows = connection.execute(sa.select(identities).order_by(identities.c.username))
            return [_as_identity(row) for row in rows]


def open_identities(database_url: str, *, must_exist: bool = False) -> Identities:
    """The bindings in the database at `database_url`, its tables brought to the newest form.

    With `must_exist` no database is made; raises NoTablesError then. Raises ConfigurationError
    where it cannot be used.
    """
    try:
        engine = make_engine(database_url, hide_parameters=True)
        if must_exist and not is_migrated(engine):
            raise NoTablesError(
                f"there are no tables of e2xhub at {masked_url(database_url)}; expected the hub's "
                "database_url, whose tables the hub makes when it starts"
            )
        migrate(engine)
    except sa.exc.SQLAlchemyError as error:
        raise ConfigurationError(
            f"the database {masked_url(database_url)} cannot be used "
            f"({cause_of(error, database_url)}); {advice_for(database_url)}"
        ) from None
    return Identities(engine)


def _find(connection: Connection, issuer: str, subject: str) -> Username | None:
    query = sa.select(identities.c.username).where(
        identities.c.issuer == issuer, identities.c.subject == subject
    )
    found = connection.execute(query).scalar_one_or_none()
    return None if found is None else Username.parse(found)


def _as_identity(row: sa.Row[tuple[str, str, str, str, datetime]]) -> Identity:
    return Identity(
        issuer=row.issuer, subject=row.subject, username=row.username, bound_at=row.bound_at
    )
