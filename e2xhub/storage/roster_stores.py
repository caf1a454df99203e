"""Which kind of store a location names: CSV files, or a database where it is a URL."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.roster import Roster
from e2xhub.domain.roster_changes import RosterChange
from e2xhub.storage.fingerprints import Fingerprint, fingerprint_of
from e2xhub.storage.roster_files import files_of, load_roster
from e2xhub.storage.roster_store import RosterStore
from e2xhub.storage.roster_writer import change_files


def open_roster(location: str | Path) -> RosterStore:
    """The store at `location`: a SQLAlchemy URL, a CSV file or a directory of them.

    Nothing is read yet. Raises ConfigurationError where a URL cannot be used.
    """
    if "://" in str(location):
        from e2xhub.storage.roster_database import RosterDatabase

        return RosterDatabase(str(location))
    return RosterFiles(Path(location))


class RosterFiles:
    """A roster of CSV files; see `roster_files` for reading and `roster_writer` for changes."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self, catalog: Catalog) -> Roster:
        """The roster; raises FaultsFoundError with every fault where it has any."""
        return load_roster(self._path, catalog)

    def fingerprint(self) -> Fingerprint:
        """The files' paths, inodes, sizes and times of change."""
        return fingerprint_of(self._path, files_of)

    def update(self, catalog: Catalog, decide: Callable[[Roster], RosterChange]) -> RosterChange:
        """Makes the change that `decide` finds; the change that was made (`change_files`)."""
        return change_files(self._path, catalog, decide)
