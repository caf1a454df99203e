"""What is at a location is told by its form."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2xhub.errors import ConfigurationError
from e2xhub.storage.roster.csv_store import RosterFiles
from e2xhub.storage.roster.database_store import RosterDatabase
from e2xhub.storage.roster.opening import open_roster

EXPECTED = (
    "expected one such as postgresql+psycopg://hub@db:5432/e2xhub, with two slashes, a number as "
    "the port, and '@' in a password written as '%40'"
)

NO_URL = f"the roster cannot be used: this is no URL of a database; {EXPECTED}"


def test_location_with_a_scheme_is_a_database_and_any_other_is_files(tmp_path: Path) -> None:
    assert isinstance(open_roster("sqlite:///x.db"), RosterDatabase)
    assert isinstance(open_roster(str(tmp_path)), RosterFiles)
    assert isinstance(open_roster(tmp_path / "a.csv"), RosterFiles)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (
            "nothing://x",
            "the roster cannot be used: nothing://x is in no database that e2xhub knows; expected "
            "sqlite:// or postgresql+psycopg://",
        ),
        (
            "mysql://hub:geheim@db/e2x",
            "the roster cannot be used: mysql://hub:***@db/e2x is in no database that e2xhub "
            "knows; expected sqlite:// or postgresql+psycopg://",
        ),
        ("postgresql+none://db/x", "the roster postgresql+none://db/x cannot be used (NoSuch"),
        ("://", NO_URL),
        ("postgresql://hub:geheim@db:abc/x", NO_URL),
        ("postgresql://hub:a@b:geheim@db/x", NO_URL),
        (
            "postgresql+psycopg:/hub:geheim@db/x",
            f"the roster is at no file and at no URL of a database; {EXPECTED}",
        ),
        ("sqlite:/srv/x", f"the roster is at no file and at no URL of a database; {EXPECTED}"),
    ],
)
def test_url_that_cannot_be_used_is_told_at_once(url: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_roster(url)
    assert str(caught.value).startswith(message)
    assert "geheim" not in str(caught.value)
