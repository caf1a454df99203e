"""How long people who are signed in stay so while the directory cannot be asked about them.

That the hub is too busy to ask is no outage: whoever makes it busy could keep people who have left.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from logging import Logger, LoggerAdapter
from typing import Any


class Patience:
    """Remembers when the directory last knew somebody; tells of an outage once, and of its end.

    What it knows is lost with the hub; whoever is seen first during an outage counts from then.
    Used on the event loop alone.
    """

    def __init__(
        self,
        seconds: float,
        log: Logger | LoggerAdapter[Any],
        *,
        unasked_seconds: float = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.seconds = seconds
        self.unasked_seconds = unasked_seconds
        self._log = log
        self._clock = clock
        self._confirmed: dict[str, float] = {}
        self._unasked_since: dict[str, float] = {}
        self._down_since: float | None = None

    def confirm(self, username: str) -> None:
        """The directory knows `username` now."""
        now = self._clock()
        self._confirmed[username] = now
        self._unasked_since.pop(username, None)
        if self._down_since is not None:
            self._log.warning("The directory answers again, after %d s", now - self._down_since)
            self._down_since = None

    def refuse(self, username: str) -> None:
        """The directory does not admit `username` any more; no outage lets them in again.

        Their cookie is still valid, and JupyterHub asks again at each request.
        """
        self._confirmed[username] = -math.inf

    def may_stay(self, username: str, why: str) -> bool:
        """Whether `username` stays signed in, though the directory does not say so: `why`."""
        now = self._clock()
        if self._down_since is None:
            self._down_since = now
            self._log.error(
                "The directory cannot be asked about people who are signed in: %s; they keep "
                "groups and rights, at most %d s after it last knew them",
                why,
                self.seconds,
            )
        return self._seconds_since(username) <= self.seconds

    def may_stay_unasked(self, username: str, why: str) -> bool:
        """Whether `username` stays signed in, though the hub was too busy to ask: `why`.

        For `unasked_seconds` since the first time that they were not asked about, and at most as
        long as in `may_stay`. In an outage, which others have found out, as in `may_stay`.
        """
        is_patient = self._seconds_since(username) <= self.seconds
        if self._down_since is not None or not is_patient:
            return is_patient
        now = self._clock()
        is_patient = now - self._unasked_since.setdefault(username, now) <= self.unasked_seconds
        if is_patient:
            self._log.warning("%s stays signed in unasked, this time: %s", username, why)
        return is_patient

    def _seconds_since(self, username: str) -> float:
        """Since the directory knew them; whoever is seen for the first time counts from now."""
        now = self._clock()
        return now - self._confirmed.setdefault(username, now)
