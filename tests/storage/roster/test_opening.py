"""What is at a location is told by its form."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2xhub.errors import ConfigurationError
from e2xhub.storage.roster.csv_store import RosterFiles
from e2xhub.storage.roster.database_store import RosterDatabase
from e2xhub.storage.roster.opening import open_roster


def test_location_with_a_scheme_is_a_database_and_any_other_is_files(tmp_path: Path) -> None:
    assert isinstance(open_roster("sqlite:///x.db"), RosterDatabase)
    assert isinstance(open_roster(str(tmp_path)), RosterFiles)
    assert isinstance(open_roster(tmp_path / "a.csv"), RosterFiles)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nothing://x", "the roster nothing://x cannot be used (NoSuchModuleError)"),
        ("://", "the roster URL (it is none) cannot be used (ArgumentError)"),
    ],
)
def test_url_that_cannot_be_used_is_told_at_once(url: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_roster(url)
    assert str(caught.value).startswith(message)
