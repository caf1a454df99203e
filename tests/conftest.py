"""The small university of `tests/university` and moments of its year."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import settings

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.identifiers import Username
from e2xhub.domain.offers import Registry
from e2xhub.domain.roles import HubKind
from e2xhub.domain.roster import Roster
from e2xhub.storage.catalog_files import load_catalog
from e2xhub.storage.roster.csv_reading import load_roster
from tests.log_search import SEARCH, keeping_log

_UNIVERSITY = Path(__file__).parent / "university"

# A slow machine is no fault of the code.
settings.register_profile("e2xhub", deadline=None)
settings.load_profile("e2xhub")


@pytest.fixture(scope="session", autouse=True)
def no_secret_is_logged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """After the last test, when every hub has ended: nobody has logged a code, a pepper or a token.

    Fails as an error of the last test.
    """
    directory = tmp_path_factory.getbasetemp()
    with keeping_log(directory / "in-process.log"):
        yield
    leaks = SEARCH.find_leaks(directory)
    assert not leaks, "\n".join(map(str, leaks))


@pytest.fixture(scope="session")
def catalog_file() -> Path:
    return _UNIVERSITY / "catalog.yaml"


@pytest.fixture(scope="session")
def roster_directory() -> Path:
    return _UNIVERSITY / "roster"


@pytest.fixture(scope="session")
def small_catalog(catalog_file: Path) -> Catalog:
    """Two courses and two exams of one of them."""
    return load_catalog(catalog_file)


@pytest.fixture(scope="session")
def small_roster(roster_directory: Path, small_catalog: Catalog) -> Roster:
    """Alice and Ben study, Gina grades, Ito teaches, Oscar observes, Petra watches an exam."""
    return load_roster(roster_directory, small_catalog)


@pytest.fixture(scope="session")
def assignment_hub(small_catalog: Catalog, small_roster: Roster) -> Registry:
    return Registry(catalog=small_catalog, roster=small_roster, hub=HubKind.ASSIGNMENT)


@pytest.fixture(scope="session")
def exam_hub(small_catalog: Catalog, small_roster: Roster) -> Registry:
    return Registry(catalog=small_catalog, roster=small_roster, hub=HubKind.EXAM)


@pytest.fixture(scope="session")
def grading_hub(small_catalog: Catalog, small_roster: Roster) -> Registry:
    return Registry(catalog=small_catalog, roster=small_roster, hub=HubKind.GRADING)


@pytest.fixture(scope="session")
def alice_student() -> Username:
    """A student of two courses and an examinee of two exams."""
    return Username.parse("alice")


@pytest.fixture(scope="session")
def in_winter_term() -> datetime:
    """A moment of the term WS26, weeks away from any exam."""
    return datetime(2026, 11, 2, 10, 0, tzinfo=timezone.utc)


@pytest.fixture(scope="session")
def exam_open_at_nine() -> datetime:
    """The moment at which the exam ml-pz1 starts: nine o'clock in Berlin."""
    return datetime(2027, 2, 15, 8, 0, tzinfo=timezone.utc)
