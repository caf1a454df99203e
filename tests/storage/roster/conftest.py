"""An empty roster of each kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from e2xhub.storage.database import make_engine
from e2xhub.storage.roster.opening import open_roster
from e2xhub.storage.roster.store import RosterStore
from tests.storage.roster.rosters import (
    Places,
)

_KINDS = ["directory", "file", "sqlite", "postgresql"]


@pytest.fixture(params=_KINDS)
def places(request: pytest.FixtureRequest, tmp_path: Path) -> Places:
    url = request.getfixturevalue("postgresql_url") if request.param == "postgresql" else None
    return Places(request.param, tmp_path, url)


@pytest.fixture
def location(places: Places) -> str:
    return places.make()


@pytest.fixture
def store(location: str) -> RosterStore:
    return open_roster(location)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    """The engine of an empty roster in a database."""
    url = request.getfixturevalue("postgresql_url") if request.param == "postgresql" else None
    engine = make_engine(Places(request.param, tmp_path, url).make(), poolclass=sa.NullPool)
    yield engine
    engine.dispose()
