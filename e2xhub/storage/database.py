"""The SQL database of e2xhub: tables, engine, migrations.

One URL (`E2XHUB_DATABASE_URL`), SQLite or PostgreSQL. Nothing here decides anything; the rules of a
password's use are in `storage.exam_records`.
"""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.engine import Dialect, Engine, make_url

_MIGRATIONS = Path(__file__).parent / "migrations"
_BUSY_SECONDS = 30


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

one_time_passwords = sa.Table(
    "one_time_passwords",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("exam", sa.String(63), nullable=False),
    sa.Column("username", sa.String(200), nullable=False),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("salt", sa.LargeBinary(16), nullable=False),
    sa.Column("hash", sa.LargeBinary(32), nullable=False),
    sa.Column("pepper_key_id", sa.String(16), nullable=False),
    sa.Column("issued_at", Moment, nullable=False),
    sa.Column("issued_by", sa.String(200), nullable=False),
    sa.Column("consumed_at", Moment),
    sa.Column("consumed_from", sa.String(45)),
    sa.UniqueConstraint("exam", "username", "generation", name="uq_one_time_passwords_generation"),
    # Two proctors who issue at once get one password: the second active row is refused.
    sa.Index(
        "uq_one_time_passwords_active",
        "exam",
        "username",
        unique=True,
        sqlite_where=sa.text("state = 'active'"),
        postgresql_where=sa.text("state = 'active'"),
    ),
)


def make_engine(url: str) -> Engine:
    """An engine for `url`; SQLite waits for other writers and keeps what it confirmed."""
    engine = sa.create_engine(url, pool_pre_ping=True)
    if engine.dialect.name == "sqlite":

        @sa.event.listens_for(engine, "connect")
        def _set_up_sqlite(connection: Any, _record: object) -> None:
            for pragma in (
                f"busy_timeout={_BUSY_SECONDS}000",
                "journal_mode=WAL",
                "synchronous=FULL",
            ):
                connection.execute(f"PRAGMA {pragma}")

    return engine


def migrate(engine: Engine) -> None:
    """Brings the tables to the newest form; safe at every start and from several processes."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    with engine.begin() as connection:
        _lock_migrations(connection)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _lock_migrations(connection: sa.Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(8275019)"))
    elif connection.dialect.name == "sqlite":
        # Python's driver begins no transaction before CREATE TABLE.
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def masked_url(url: str) -> str:
    """`url` as it may be shown: without its password, and not at all where it is no URL."""
    try:
        return make_url(url).render_as_string(hide_password=True)
    except sa.exc.ArgumentError:
        return "URL (it is none)"
