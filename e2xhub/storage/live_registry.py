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
from e2xhub.storage.registry import ALL, load_registry

_FAULTS = Gauge(
    "e2xhub_registry_faults",
    "Faults in the catalog's and roster's files; while there are any, the hub serves what it read "
    "before them",
)
_MEMBERSHIPS = Gauge("e2xhub_registry_memberships", "Memberships that the hub serves")

Fingerprint = frozenset[tuple[str, int, int, int]]
"""What tells one state of the files from another: path, inode, size, time of change."""


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
        self._accepted = self._seen = self._suspected = self._take_fingerprint()
        self._accept(self._load())

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
        if not is_settled or found == self._accepted:
            return
        try:
            registry = self._load()
        except FaultsFoundError as error:
            self._accepted = found
            _FAULTS.set(len(error.faults))
            get_logger().error("e2xhub keeps the last good catalog and roster:\n%s", error)
            return
        if self._take_fingerprint() != found:  # written while it was read
            return
        if self._suspected != found and self._loses_many(registry):
            self._suspected = found
            return
        self._accepted = found
        self._accept(registry)

    def _watch(self, every_seconds: float) -> None:
        pause = threading.Event()
        while not pause.wait(every_seconds):
            try:
                self.look()
            except Exception:  # the next look may succeed; without a thread nobody would look
                get_logger().exception("e2xhub could not look at the catalog and the roster")

    def _load(self) -> Registry:
        return load_registry(
            catalog=self._catalog, roster=self._roster, hub=self._hub, served=self._served
        )

    def _accept(self, registry: Registry) -> None:
        self.current = registry
        _FAULTS.set(0)
        _MEMBERSHIPS.set(len(registry.roster))

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
        found = set()
        for root in (self._catalog, self._roster):
            for file in [root, *root.rglob("*")] if root.is_dir() else [root]:
                try:
                    stat = file.stat()
                except OSError:  # removed in between; the next look tells
                    continue
                found.add((str(file), stat.st_ino, stat.st_size, stat.st_mtime_ns))
        return frozenset(found)
