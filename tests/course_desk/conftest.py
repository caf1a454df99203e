"""A school with its roster in each kind of place, and the log where such a hub has it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from e2xhub.storage.database import make_engine
from tests.course_desk.school import CATALOG, HEADER, MEMBERS, School, move_roster
from tests.storage.postgresql import running_postgresql


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    with running_postgresql() as url:
        yield url


@pytest.fixture
def empty_postgresql(postgresql_url: str) -> str:
    engine = make_engine(postgresql_url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA public"))
    return postgresql_url


@pytest.fixture
def roster_file(tmp_path: Path) -> Path:
    (tmp_path / "catalog.yaml").write_text(CATALOG)
    file = tmp_path / "roster.csv"
    file.write_text(HEADER + "\n".join(MEMBERS) + "\n")
    return file


@pytest.fixture
def school(tmp_path: Path, roster_file: Path) -> School:
    """Its roster is a file."""
    return School(tmp_path, str(roster_file), f"sqlite:///{tmp_path}/log.sqlite")


@pytest.fixture(params=["directory", "file", "one sqlite", "one postgresql"])
def any_school(request: pytest.FixtureRequest, tmp_path: Path, roster_file: Path) -> School:
    """Its roster is in a directory of files, a file, or the database that also has the log."""
    if request.param == "file":
        return School(tmp_path, str(roster_file), f"sqlite:///{tmp_path}/log.sqlite")
    if request.param == "directory":
        directory = tmp_path / "roster"
        directory.mkdir()
        roster_file.rename(directory / "all.csv")
        return School(tmp_path, str(directory), f"sqlite:///{tmp_path}/log.sqlite")
    url = f"sqlite:///{tmp_path}/all.sqlite"
    if request.param == "one postgresql":
        url = request.getfixturevalue("empty_postgresql")
    move_roster(tmp_path, roster_file, url)
    return School(tmp_path, url, url)
