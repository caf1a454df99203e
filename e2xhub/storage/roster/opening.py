"""Which kind of store a location names: CSV files, or a database where it is a URL."""

from __future__ import annotations

from pathlib import Path

from e2xhub.storage.roster.csv_store import RosterFiles
from e2xhub.storage.roster.store import RosterStore


def open_roster(location: str | Path) -> RosterStore:
    """The store at `location`: a SQLAlchemy URL, a CSV file or a directory of them.

    Nothing is read yet. Raises ConfigurationError where a URL cannot be used.
    """
    if "://" in str(location):
        from e2xhub.storage.roster.database_store import RosterDatabase

        return RosterDatabase(str(location))
    return RosterFiles(Path(location))
