"""The registry in force: catalog and roster are read again when their files change.

A thread of its own looks at the files, so that no event loop waits for a disk. A change becomes
visible all at once, and only when it is whole: the files must have stood still for one look, and a
roster that has lost many of its members must be read twice. A faulty change keeps the last good
state, is logged once with file and line, and shows in the metrics of the hub.
"""

from __future__ import annotations

import threading
from pathlib import Path

from prometheus_client import Gauge
from traitlets.log import get_logger

from e2xhub.domain.offers import Registry, ServedPart
from e2xhub.domain.roles import HubKind
from e2xhub.errors import FaultsFoundError
from e2xhub.storage import catalog_files, roster_files
from e2xhub.storage.registry import ALL, load_registry

_FAULTS = Gauge(
    "e2xhub_registry_faults",
    "Faults in the catalog's and roster's files; while there are any, the hub serves what it read "
    "before them",
)
_MEMBERSHIPS = Gauge("e2xhub_registry_memberships", "Memberships that the hub serves")

Fingerprint = frozenset[tuple[str | int, ...]]
"""What tells one state of the files from another: path, inode, size, times of change."""


class LiveRegistry:
    """Gives the registry of this moment (`current`) to spawner and authenticator."""

    current: Registry

    def __init__(
        self,
        *,
        catalog: Path,
        roster: Path,
        hub: HubKind,
        most_loss: float,
        served: ServedPart = ALL,
    ) -> None:
        """Reads both; raises FaultsFoundError with every fault where there is any.

        A roster that loses more than the share `most_loss` (0 to 1) of its memberships at once is
        taken only when it is read like that twice.
        """
        self._catalog, self._roster, self._hub, self._served = catalog, roster, hub, served
        self._most_loss = most_loss
        self._seen = self._take_fingerprint()
        self._faulty_state: Fingerprint | None = None
        self._suspected: Fingerprint | None = None
        self._told = ""
        self._accept(self._load(), self._seen)
        _FAULTS.set(0)

    def __deepcopy__(self, memo: object) -> LiveRegistry:
        # traitlets copies every configured value for every spawner; this one is shared.
        return self

    def watch(self, *, every_seconds: float) -> None:
        """Looks at the files again and again, until the process ends."""
        threading.Thread(
            target=self._watch, args=(every_seconds,), name="e2xhub-registry", daemon=True
        ).start()

    def look(self) -> None:
        """Looks at the files once; takes a change that was there at the last look already."""
        found = self._take_fingerprint()
        is_settled, self._seen = found == self._seen, found
        if not is_settled or found == self._faulty_state:
            return
        if found == self._served_state:
            self._forget_faults()  # what was wrong has passed without a change
            return
        try:
            registry = self._load()
        except FaultsFoundError as error:
            self._refuse(error, found)
            return
        if self._take_fingerprint() != found:  # written while it was read
            return
        if self._suspected != found and self._loses_many(registry):
            self._suspected = found
            return
        self._accept(registry, found)

    def _refuse(self, error: FaultsFoundError, found: Fingerprint) -> None:
        """Keeps the last good state; what may pass is tried again at each look."""
        if not any(fault.may_pass for fault in error.faults):
            self._faulty_state = found
        self._tell(f"e2xhub keeps the last good catalog and roster:\n{error}", len(error.faults))

    def _tell(self, text: str, faults: int) -> None:
        """Shows the number of faults in the metrics, and logs the same text once."""
        _FAULTS.set(faults)
        if text != self._told:
            get_logger().error("%s", text)
        self._told = text

    def _watch(self, every_seconds: float) -> None:
        pause = threading.Event()
        while not pause.wait(every_seconds):
            try:
                self.look()
            except Exception as error:  # without this thread nobody would look again
                self._tell(f"e2xhub could not look at the catalog and the roster: {error!r}", 1)

    def _load(self) -> Registry:
        return load_registry(
            catalog=self._catalog, roster=self._roster, hub=self._hub, served=self._served
        )

    def _accept(self, registry: Registry, found: Fingerprint) -> None:
        self.current, self._served_state = registry, found
        self._forget_faults()
        _MEMBERSHIPS.set(len(registry.roster))

    def _forget_faults(self) -> None:
        self._faulty_state = self._suspected = None
        if self._told:
            self._told = ""
            _FAULTS.set(0)

    def _loses_many(self, registry: Registry) -> bool:
        before, after = len(self.current.roster), len(registry.roster)
        if before - after <= before * self._most_loss:
            return False
        get_logger().warning(
            "e2xhub: the roster goes from %d to %d memberships; if it stays like that, it is taken",
            before,
            after,
        )
        return True

    def _take_fingerprint(self) -> Fingerprint:
        found: set[tuple[str | int, ...]] = set()
        for root, files_of in (
            (self._catalog, catalog_files.files_of),
            (self._roster, roster_files.files_of),
        ):
            try:
                files = files_of(root)
            except FaultsFoundError as error:
                found.add((str(root), str(error)))
                continue
            found.update(_print_of(file) for file in files)
        return frozenset(found)


def _print_of(file: Path) -> tuple[str | int, ...]:
    try:
        stat = file.stat()
    except OSError as error:
        return (str(file), error.errno or 0)
    # The time of the inode's change also moves when rights are given or taken.
    return (str(file), stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
