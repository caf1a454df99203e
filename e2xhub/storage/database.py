"""The SQL database of e2xhub: tables, engine, migrations.

SQLite or PostgreSQL, for exam records (`E2XHUB_DATABASE_URL`) and rosters (`E2XHUB_ROSTER`).
Nothing here decides anything; the tables of exam records are in `storage.exam_records.tables`.
"""

from __future__ import annotations

import re
import sqlite3
import threading
import time
import unicodedata
from collections.abc import Iterable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy.engine import URL, Dialect, Engine, make_url

from e2xhub.errors import ConfigurationError

_MIGRATIONS = Path(__file__).parent / "migrations"
_VERSION_TABLE = "e2xhub_alembic_version"
_BUSY_SECONDS = 30
_RETRY_SECONDS = 0.02
# A server that has died must not hold up whoever asks it: libpq's names, seconds and milliseconds.
_PATIENCE = {"connect_timeout": 4, "tcp_user_timeout": 8_000}
_LIBPQ_DRIVERS = frozenset({"psycopg", "psycopg2"})
_one_migration = threading.Lock()  # alembic keeps what it works on in its module


class Moment(sa.types.TypeDecorator[datetime]):
    """A moment with time zone: stored as UTC, also where the database knows no time zones."""

    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """To UTC without zone; a moment without zone is refused, because it could be any."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        return value.astimezone(timezone.utc).replace(tzinfo=None)

    def process_result_value(self, value: Any | None, _dialect: Dialect) -> datetime | None:
        """Back with its zone."""
        return None if value is None else value.replace(tzinfo=timezone.utc)


metadata = sa.MetaData()

roster = sa.Table(
    "roster",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("username", sa.Text, nullable=False),
    # An empty text where a column does not apply.
    sa.Column("course", sa.Text, nullable=False, server_default=""),
    sa.Column("term", sa.Text, nullable=False, server_default=""),
    sa.Column("exam", sa.Text, nullable=False, server_default=""),
    sa.Column("role", sa.Text, nullable=False, server_default=""),
    sa.Column("attributes", sa.Text, nullable=False, server_default=""),  # a JSON object of texts
    sa.UniqueConstraint("username", "course", "term", "exam", "role", name="uq_roster_membership"),
)
# One row, whose number triggers make larger with every change of the roster.
roster_revision = sa.Table(
    "roster_revision", metadata, sa.Column("number", sa.BigInteger, nullable=False)
)


# Whether each change of the table `roster` makes the number larger: another table of that name has
# no triggers.
_COUNTS_CHANGES = {
    "sqlite": """
        SELECT count(*) = 3 AS are_counted FROM sqlite_master WHERE type = 'trigger'
        AND lower(tbl_name) = 'roster'
        AND name IN ('roster_INSERT', 'roster_UPDATE', 'roster_DELETE')
    """,
    "postgresql": """
        SELECT count(*) = 1 AS are_counted FROM pg_catalog.pg_trigger
        WHERE tgrelid = to_regclass('roster') AND tgname = 'roster_changed'
        AND tgenabled IN ('A', 'O')
    """,
}


def counts_roster_changes(dialect: Dialect) -> sa.ScalarSelect[Any]:
    """Whether the triggers are there that count the changes of `roster`; cheap."""
    query = sa.text(_COUNTS_CHANGES[dialect.name])
    return query.columns(sa.column("are_counted", sa.Boolean)).scalar_subquery()


URL_EXPECTED = (
    "expected one such as postgresql+psycopg://hub@db:5432/e2xhub, with two slashes, a number as "
    "the port, and '@' in a password written as '%40'"
)


def parse_url(url: str | URL) -> URL:
    """The URL of a database that e2xhub knows; raises ConfigurationError where it is none.

    White space at the ends of a text is left out: an editor's line break would silently be a part
    of the database's name.
    """
    url = _stripped(url)
    if isinstance(url, str) and any(unicodedata.category(letter) == "Cc" for letter in url):
        raise ConfigurationError(
            "this URL of a database has a line break or another control character inside; "
            "expected one line"
        )
    try:
        address = make_url(url)
    except (sa.exc.ArgumentError, ValueError):  # whose texts may show a password
        message = f"this is no URL of a database; {URL_EXPECTED}"
        raise ConfigurationError(message) from None
    if address.get_backend_name() not in _COUNTS_CHANGES:
        raise ConfigurationError(
            f"{masked_url(address)} is in no database that e2xhub knows; expected sqlite:// or "
            "postgresql+psycopg://"
        )
    return address


def _stripped(url: str | URL) -> str | URL:
    return url.strip() if isinstance(url, str) else url


def make_engine(url: str | URL, **options: Any) -> Engine:
    """An engine for `url`; SQLite waits for other writers and keeps what it confirmed.

    `options` are those of `sqlalchemy.create_engine`. A PostgreSQL server that does not answer is
    given up after a few seconds, unless the URL says otherwise. Raises ConfigurationError where
    `url` is none of a database that e2xhub knows, or its driver is not installed.
    """
    address = parse_url(url)
    if address.get_backend_name() == "postgresql" and address.get_driver_name() in _LIBPQ_DRIVERS:
        patience = {name: value for name, value in _PATIENCE.items() if name not in address.query}
        options = {"connect_args": patience, **options}
    try:
        engine = sa.create_engine(address, pool_pre_ping=True, **options)
    except ImportError as error:
        raise ConfigurationError(
            f"{masked_url(address)} needs the Python package {error.name}, which is not installed "
            "here; for PostgreSQL say postgresql+psycopg:// and pip install 'e2xhub[postgresql]'"
        ) from None
    if engine.dialect.name == "sqlite":

        @sa.event.listens_for(engine, "connect")
        def _set_up_sqlite(connection: Any, _record: object) -> None:
            connection.execute(f"PRAGMA busy_timeout={_BUSY_SECONDS}000")
            _write_ahead(connection)
            connection.execute("PRAGMA synchronous=FULL")

    return engine


def _write_ahead(connection: Any) -> None:
    """Turns on SQLite's write-ahead log, which readers and writers share without waiting.

    While several turn it on in a new file at once, SQLite refuses without waiting as it was told.
    """
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(_RETRY_SECONDS)


def migrate(engine: Engine) -> None:
    """Brings the tables to the newest form; safe at every start and from several processes.

    Reads one row, and needs no right to write, where they are in that form already. Raises
    ConfigurationError where a newer e2xhub has made them.
    """
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    if _is_current(engine, config):
        return
    try:
        with _one_migration, engine.begin() as connection:
            _lock_migrations(connection)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except CommandError as error:
        raise ConfigurationError(
            f"the tables in {masked_url(engine.url)} are not of this e2xhub: {error}; expected "
            "tables that this release or an older one has made"
        ) from None


def is_migrated(engine: Engine) -> bool:
    """Whether the database is there and an e2xhub has made tables in it; makes no file."""
    return _is_there(engine) and _find_revision(engine) is not None


def has_tables(engine: Engine, tables: Iterable[sa.Table]) -> bool:
    """Whether the database is there and has `tables`, or views of their names; makes no file."""
    if not _is_there(engine):
        return False
    with engine.connect() as connection:
        inspector = sa.inspect(connection)
        return all(inspector.has_table(table.name) for table in tables)


def _is_there(engine: Engine) -> bool:
    """False where connecting would make a new file; a server is asked by connecting."""
    file = engine.url.database
    return engine.dialect.name != "sqlite" or bool(file and Path(file).is_file())


def _is_current(engine: Engine, config: Config) -> bool:
    return _find_revision(engine) == ScriptDirectory.from_config(config).get_current_head()


def _find_revision(engine: Engine) -> str | None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": _VERSION_TABLE})
        return context.get_current_revision()


def _lock_migrations(connection: sa.Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(8275019)"))
    elif connection.dialect.name == "sqlite":
        # Python's driver begins no transaction before CREATE TABLE.
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def masked_url(url: str | URL) -> str:
    """`url` as it may be shown: without its password, and not at all where it is no URL."""
    try:
        address = make_url(_stripped(url))
    except (sa.exc.ArgumentError, ValueError):
        return "URL (it is none)"
    if "@" in str(address.host) or "@" in str(address.database):
        # A password with an '@' that is not written '%40': its rest is taken for the host.
        return f"{address.drivername}://hidden (write '@' in a password as '%40')"
    shown = {name: text if name in _SHOWN else "hidden" for name, text in address.query.items()}
    return address.set(query=shown).render_as_string(hide_password=True)


_SHOWN = frozenset({"application_name", "connect_timeout", "host", "port", "sslmode", "timeout"})
"""Parameters of a URL that are no secret."""


def secrets_in(url: URL) -> list[str]:
    """The texts of `url` that nobody may read."""
    hidden = [
        text for name, texts in url.normalized_query.items() if name not in _SHOWN for text in texts
    ]
    misplaced = [text for text in (url.host, url.database) if text and "@" in text]
    return [str(text) for text in (url.password, *hidden, *misplaced) if text]


# By what drivers and servers say, in small letters: the first that is found.
_CAUSES = {
    "authentication failed": "authentication failed",
    "no password supplied": "authentication failed: no password",
    "no pg_hba.conf entry": "authentication failed: the server has no rule for this user and host",
    "connection refused": "connection refused",
    "could not translate host name": "unknown host",
    "failed to resolve host": "unknown host",
    "name or service not known": "unknown host",
    "no route to host": "no route to the host",
    "timeout": "no answer in time",
    "timed out": "no answer in time",
    "unable to open database file": "unable to open database file",
}
_NO_DATABASE = re.compile(r'database ".*" does not exist')


def cause_of(error: Exception, url: str | URL) -> str:
    """Why a database cannot be used, in a few words without a secret of `url`."""
    said = str(getattr(error, "orig", None) or error).strip()
    if _NO_DATABASE.search(said):
        return "no such database"
    known = next((cause for text, cause in _CAUSES.items() if text in said.lower()), None)
    return known or first_line_of(error, make_url(_stripped(url)))


def first_line_of(error: Exception, url: URL) -> str:
    """What the driver said; only the kind of error where that might show a secret of `url`."""
    said = str(getattr(error, "orig", None) or error).strip().split("\n", 1)[0]
    if not said or any(secret in said for secret in secrets_in(url)):
        return type(error).__name__
    return said


def advice_for(url: str | URL) -> str:
    """What to look at where the database at `url` cannot be used."""
    if make_url(_stripped(url)).get_backend_name() == "sqlite":
        return "is its directory there, and may the hub write to it?"
    return "is it up, and may the hub reach it (hub.networkPolicy)?"
