"""Which kind of store a location names: CSV files, or a database where it is a URL."""

from __future__ import annotations

import re
from pathlib import Path

from e2xhub.errors import ConfigurationError
from e2xhub.storage.roster.csv_store import RosterFiles
from e2xhub.storage.roster.store import RosterStore

_SCHEME = re.compile(r"\w+(\+\w+)?:/")


def open_roster(location: str | Path) -> RosterStore:
    """The store at `location`: a SQLAlchemy URL, a CSV file or a directory of them.

    Nothing is read yet. Raises ConfigurationError where a URL, or what seems to be meant as one,
    cannot be used.
    """
    if "://" in str(location):
        from e2xhub.storage.roster.database_store import RosterDatabase

        return RosterDatabase(str(location))
    if _SCHEME.match(str(location)):  # shown as a file's name, it would show its password
        from e2xhub.storage.database import URL_EXPECTED

        message = f"the roster is at no file and at no URL of a database; {URL_EXPECTED}"
        raise ConfigurationError(message)
    return RosterFiles(Path(location))
