"""What keeps a hub from changing members at all: found before an instructor runs into it."""

from __future__ import annotations

import threading

from traitlets.log import get_logger

from e2xhub.domain.course_staff import ReadOnlyReason
from e2xhub.storage.live_registry import LiveRegistry
from e2xhub.storage.members_log import MembersLog, MembersLogError, OtherPepperError
from e2xhub.storage.roster.store import RosterBusyError, RosterNotChangedError

_LOOK_SECONDS = 60.0
_UNWRITABLE = (
    "%s. Where members shall be changed here, mount the roster without readOnly (hub.extraVolumes "
    "and hub.extraVolumeMounts; a ConfigMap or a Secret is never written), or let the hub's "
    "database user change its rows; where not, set roster_changes: off"
)


class Obstacles:
    """Tries whether the roster could be written, and whether the log is under this hub's pepper."""

    reason: ReadOnlyReason | None = None
    """Why nobody can change anything, as it was at the last look."""

    def __init__(self, live: LiveRegistry, log: MembersLog) -> None:
        self._live, self._log = live, log
        self._is_clear = False
        self._told = ""
        self._one_look = threading.Lock()

    def watch(self, *, every_seconds: float = _LOOK_SECONDS) -> None:
        """Looks now, and again and again while anything is in the way."""
        threading.Thread(
            target=self._watch, args=(every_seconds,), name="e2xhub-obstacles", daemon=True
        ).start()

    def look(self) -> None:
        """Looks once; may take as long as roster and log take. Each obstacle is logged once."""
        with self._one_look:
            try:
                self._live.roster_store.check_writable()
                self._log.check_key()
            except OtherPepperError as error:
                self._note(ReadOnlyReason.OTHER_PEPPER, str(error))
            except (RosterBusyError, MembersLogError):
                pass  # what does not answer is tried again, also by each change
            except RosterNotChangedError as error:
                self._note(ReadOnlyReason.ROSTER_UNWRITABLE, _UNWRITABLE % error)
            else:
                self._clear()

    def _note(self, reason: ReadOnlyReason, text: str) -> None:
        self.reason, self._is_clear = reason, False
        if text != self._told:
            get_logger().warning("The hub's pages of courses are read-only: %s", text)
        self._told = text

    def _clear(self) -> None:
        if self._told:
            get_logger().info("Members can be changed on the hub's pages of courses again")
        self.reason, self._is_clear, self._told = None, True, ""

    def _watch(self, every_seconds: float) -> None:
        pause = threading.Event()
        while True:
            try:
                if not self._is_clear:
                    self.look()
            except Exception:  # each change finds out by itself
                get_logger().exception("e2xhub could not try whether members can be changed")
            pause.wait(every_seconds)
