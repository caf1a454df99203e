"""A roster of CSV files: `csv_reading` reads them, `csv_writing` changes them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.roster import Roster
from e2xhub.domain.roster_changes import RosterChange
from e2xhub.storage.fingerprints import Fingerprint, fingerprint_of
from e2xhub.storage.roster.csv_reading import files_of, is_not_begun, load_roster
from e2xhub.storage.roster.csv_writing import LOCK_SECONDS, change_files, try_lock


class RosterFiles:
    """A roster in the CSV file, or the directory of them, at `path`."""

    def __init__(self, path: Path, *, lock_seconds: float = LOCK_SECONDS) -> None:
        """Whoever changes it waits up to `lock_seconds` for somebody else who does."""
        self._path, self._lock_seconds = path, lock_seconds

    def load(
        self,
        catalog: Catalog,
        *,
        may_be_new: bool = False,
        may_be_uncounted: bool = False,  # noqa: ARG002 - a file always shows its change
    ) -> Roster:
        """The roster; raises FaultsFoundError with every fault where it has any."""
        with suppress(OSError, RuntimeError):  # a link that leads to itself; reading tells that
            if may_be_new and is_not_begun(self._path.resolve()):
                return Roster(())
        return load_roster(self._path, catalog)

    def fingerprint(self) -> Fingerprint:
        """The files' paths, inodes, sizes and times of change."""
        return fingerprint_of(self._path, files_of)

    def update(self, catalog: Catalog, decide: Callable[[Roster], RosterChange]) -> RosterChange:
        """Makes the change that `decide` finds; the change that was made (`change_files`)."""
        return change_files(self._path, catalog, decide, lock_seconds=self._lock_seconds)

    def check_writable(self) -> None:
        """Raises RosterNotChangedError where nobody could even take the lock (`try_lock`)."""
        try_lock(self._path)
