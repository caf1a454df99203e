"""The registry in force: catalog and roster are read again when they change.

A thread of its own looks at files and database, so that no event loop waits for either. A change
becomes visible all at once, and only when it is whole: it must have stood still for one look, and a
roster that has lost many of its members must be read twice. A faulty change keeps the last good
state, is logged once with file and line, and shows in the metrics of the hub.
"""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Hashable, Sequence
from pathlib import Path

from prometheus_client import Gauge
from traitlets.log import get_logger

from e2xhub.domain.offers import Registry, ServedPart
from e2xhub.domain.roles import HubKind
from e2xhub.domain.roster import Roster
from e2xhub.domain.roster_changes import loses_many
from e2xhub.domain.staff import memberships_of_staff
from e2xhub.errors import Fault, FaultsFoundError
from e2xhub.storage import catalog_files
from e2xhub.storage.catalog_files import Check
from e2xhub.storage.fingerprints import Fingerprint, fingerprint_of
from e2xhub.storage.giving_way import let_go
from e2xhub.storage.registry import ALL, load_registry
from e2xhub.storage.roster.store import RosterStore

_FAULTS = Gauge(
    "e2xhub_registry_faults",
    "Faults in the catalog and the roster; while there are any, the hub serves what it read before "
    "them",
)
_MEMBERSHIPS = Gauge("e2xhub_registry_memberships", "Memberships that the hub serves")
_LOADED = Gauge(
    "e2xhub_registry_loaded_timestamp_seconds",
    "When the hub took the catalog and the roster that it serves, in seconds since 1970",
)

_State = tuple[Fingerprint, Hashable]
"""What tells one state of catalog and roster from another."""
_MOST_LOOKS = 4  # a change that loses many members is read twice
_BETWEEN_LOOKS_SECONDS = 0.2


class LiveRegistry:
    """Gives the registry of this moment (`current`) to spawner and authenticator."""

    current: Registry
    faults: int
    """Those in catalog and roster as they are now; while there are any, `current` is older."""
    found_faults: tuple[Fault, ...] = ()
    """The same, one by one; those that could not be told apart are missing."""

    def __init__(
        self,
        *,
        catalog: Path,
        roster: RosterStore,
        hub: HubKind,
        most_loss: float,
        served: ServedPart = ALL,
        checks: Sequence[Check],
    ) -> None:
        """Reads both; raises FaultsFoundError with every fault where there is any.

        `checks` find further faults in the catalog; they are asked at each change.
        A roster that loses more than the share `most_loss` (0 to 1) of its memberships at once is
        taken only when it is read like that twice.
        """
        self._catalog, self._hub, self._served, self._checks = catalog, hub, served, checks
        self._roster, self._most_loss = roster, most_loss
        self._one_look = threading.Lock()
        self._ahead: tuple[Hashable, Registry, Roster] | None = None
        self._seen = self._take_fingerprint()
        self._faulty_state: _State | None = None
        self._suspected: _State | None = None
        self._told = ""
        self.current = self._load()
        self._accept(self.current, self._seen)
        self._count_faults(0)

    @property
    def roster_store(self) -> RosterStore:
        """Where the roster is kept."""
        return self._roster

    @property
    def catalog_path(self) -> Path:
        """Where the catalog is: a file or a directory of them."""
        return self._catalog

    def __deepcopy__(self, memo: object) -> LiveRegistry:
        # traitlets copies every configured value for every spawner; this one is shared.
        return self

    def watch(self, *, every_seconds: float) -> None:
        """Looks again and again, until the process ends."""
        gc.freeze()  # what is there now stays; no collection needs to go through it again
        threading.Thread(
            target=self._watch, args=(every_seconds,), name="e2xhub-registry", daemon=True
        ).start()

    def look(self) -> None:
        """Looks once; takes a change that was there at the last look already.

        Any thread may call it; one looks at a time.
        """
        with self._one_look:
            self._look()

    def take_change(self) -> bool:
        """Takes what has just been changed, now and not after two looks; whether it is served.

        As `look`, it takes nothing that is faulty or does not stand still for a moment.
        """
        for _ in range(_MOST_LOOKS):
            self.look()
            if self.is_served():
                return True
            time.sleep(_BETWEEN_LOOKS_SECONDS)
        return self.is_served()

    def is_served(self) -> bool:
        """Whether `current` is the catalog and the roster as they are now."""
        return self._take_fingerprint() == self._served_state

    def read_roster(self) -> tuple[Registry, Roster]:
        """The registry in force, and the roster as it is now, with the staff of its catalog.

        That is the registry's own roster, unless somebody has changed it in the last seconds, or
        faults keep the hub from taking it. Raises FaultsFoundError where it cannot be read.
        """
        served = self._served_state[1]
        registry = self.current  # after its state, so that it is never an older one
        found = self._roster.fingerprint()
        if found == served:
            self._ahead = None
            return registry, registry.roster
        ahead = self._ahead
        if ahead is None or ahead[0] != found or ahead[1] is not registry:
            listed = self._roster.load(registry.catalog)
            roster = listed.including(memberships_of_staff(registry.catalog))
            ahead = self._ahead = (found, registry, roster)
        return ahead[1], ahead[2]

    def _look(self) -> None:
        found = self._take_fingerprint()
        is_settled, self._seen = found == self._seen, found
        if not is_settled or found == self._faulty_state:
            return
        if found == self._served_state:
            self._forget_faults()  # what was wrong has passed without a change
            return
        try:
            registry = self._load_beside_others()
        except FaultsFoundError as error:
            self._refuse(error, found)
            return
        if self._take_fingerprint() != found:  # written while it was read
            return
        if self._suspected != found and self._loses_many(registry):
            self._suspected = found
            return
        before = len(self.current.roster)
        self._accept(registry, found)
        get_logger().info(
            "e2xhub took catalog and roster: %d -> %d memberships", before, len(registry.roster)
        )

    def _refuse(self, error: FaultsFoundError, found: _State) -> None:
        """Keeps the last good state; what may pass is tried again at each look."""
        if not any(fault.may_pass for fault in error.faults):
            self._faulty_state = found
        self._tell(f"e2xhub keeps the last good catalog and roster:\n{error}", len(error.faults))
        self.found_faults = error.faults

    def _tell(self, text: str, faults: int) -> None:
        """Shows the number of faults in the metrics, and logs the same text once."""
        self._count_faults(faults)
        if text != self._told:
            get_logger().error("%s", text)
        self._told = text

    def _count_faults(self, faults: int) -> None:
        self.faults, self.found_faults = faults, ()
        _FAULTS.set(faults)

    def _watch(self, every_seconds: float) -> None:
        pause = threading.Event()
        while not pause.wait(every_seconds):
            try:
                self.look()
            except Exception as error:  # without this thread nobody would look again
                self._tell(f"e2xhub could not look at the catalog and the roster: {error!r}", 1)

    def _load(self) -> Registry:
        return load_registry(
            catalog=self._catalog,
            roster=self._roster,
            hub=self._hub,
            served=self._served,
            checks=self._checks,
        )

    def _load_beside_others(self) -> Registry:
        """As `_load`, while an event loop goes on.

        A collection of garbage stops all threads while it goes through a roster that grows and has
        no garbage: none happens while one is read, and what was read is kept out of later ones.
        """
        was_enabled = gc.isenabled()
        gc.collect()  # or garbage would be kept as well; quick after `watch`
        gc.disable()
        try:
            registry = self._load()
            gc.freeze()
        finally:
            if was_enabled:
                gc.enable()
        return registry

    def _accept(self, registry: Registry, found: _State) -> None:
        before = self.current.roster.parts()
        self.current, self._served_state = registry, found
        self._forget_faults()
        _MEMBERSHIPS.set(len(registry.roster))
        _LOADED.set_to_current_time()
        let_go(before)

    def _forget_faults(self) -> None:
        self._faulty_state = self._suspected = None
        if self._told:
            self._told = ""
            self._count_faults(0)
            get_logger().info("e2xhub: catalog and roster have no faults any more")

    def _loses_many(self, registry: Registry) -> bool:
        before, after = len(self.current.roster), len(registry.roster)
        if not loses_many(before, after, self._most_loss):
            return False
        get_logger().warning(
            "e2xhub: the roster goes from %d to %d memberships; if it stays like that, it is taken",
            before,
            after,
        )
        return True

    def _take_fingerprint(self) -> _State:
        files = fingerprint_of(self._catalog, catalog_files.files_of)
        return files, self._roster.fingerprint()
