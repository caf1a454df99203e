"""Databases: SQLite in a file and a real PostgreSQL, empty for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from e2xhub.domain.passwords import Pepper, Peppers
from e2xhub.storage.database import make_engine, migrate
from e2xhub.storage.exam_records import ExamRecords
from tests.storage.postgresql import running_postgresql


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    with running_postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/e2xhub.sqlite"
    url: str = request.getfixturevalue("postgresql_url")
    engine = make_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA public"))
    engine.dispose()
    return url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine for an empty database."""
    made = make_engine(database_url)
    yield made
    made.dispose()


@pytest.fixture
def peppers() -> Peppers:
    return Peppers(Pepper(b"p" * 32))


@pytest.fixture
def records(engine: Engine, peppers: Peppers) -> ExamRecords:
    """Records without a password in them."""
    migrate(engine)
    return ExamRecords(engine, peppers)
