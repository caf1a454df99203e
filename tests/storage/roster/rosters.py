"""Empty rosters of every kind, and what tests do with them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

import sqlalchemy as sa
from hypothesis import HealthCheck, settings

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.roster import Membership, Roster
from e2xhub.domain.roster_changes import RosterChange
from e2xhub.domain.roster_rows import parse_membership
from e2xhub.storage.database import make_engine, migrate
from e2xhub.storage.roster.database_store import RosterDatabase


class Places:
    """Makes empty rosters of one kind, one after the other."""

    def __init__(self, kind: str, directory: Path, postgresql_url: str | None) -> None:
        self.kind, self._directory, self._postgresql_url = kind, directory, postgresql_url
        self._numbers = count()
        if postgresql_url:
            engine = make_engine(postgresql_url, poolclass=sa.NullPool)
            run(engine, "DROP SCHEMA public CASCADE")
            run(engine, "CREATE SCHEMA public")
            run(engine, "GRANT USAGE ON SCHEMA public TO PUBLIC")

    def make(self) -> str:
        """The location of an empty roster."""
        if self._postgresql_url:
            engine = make_engine(self._postgresql_url)
            migrate(engine)
            with engine.begin() as connection:
                connection.execute(sa.text("TRUNCATE roster"))
            engine.dispose()
            return self._postgresql_url
        place = self._directory / str(next(self._numbers))
        if self.kind == "sqlite":
            url = f"sqlite:///{place}.sqlite"
            migrate(make_engine(url, poolclass=sa.NullPool))
            return url
        place.mkdir()
        (place / "roster.csv").write_text("username,course,term,exam,role\n")
        return str(place if self.kind == "directory" else place / "roster.csv")


def store_of(database: sa.Engine) -> RosterDatabase:
    return RosterDatabase(database.url.render_as_string(hide_password=False))


def run(database: sa.Engine, statement: str, **values: object) -> None:
    with database.begin() as connection:
        connection.execute(sa.text(statement), values)


def student(catalog: Catalog, username: str, **cells: str) -> Membership:
    place = cells if "exam" in cells else {"course": "databases", "term": "WS26", **cells}
    return parse_membership({"username": username, "role": "student", **place}, catalog)


def adding(*memberships: Membership) -> Callable[[Roster], RosterChange]:
    return lambda _roster: RosterChange(added=memberships)


def removing(*memberships: Membership) -> Callable[[Roster], RosterChange]:
    return lambda _roster: RosterChange(removed=memberships)


def contents(roster: Roster) -> dict[Membership, dict[str, str]]:
    """Every membership with its attributes, which do not count where two are compared."""
    return {item: dict(getattr(item, "attributes", {})) for item in roster}


several_examples = settings(
    max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


INSERT = (
    "INSERT INTO roster (username, course, term, exam, role, attributes) "
    "VALUES (:username, :course, :term, :exam, :role, :attributes)"
)
ROW = {
    "username": "alice",
    "course": "databases",
    "term": "WS26",
    "exam": "",
    "role": "student",
    "attributes": "",
}
