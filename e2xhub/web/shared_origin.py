"""Whether pages of other people's servers share the hub's host with the pages of staff.

Such a page, once opened, could act in the name of staff. Forward-auth keeps them from it, and only
a probe shows that a reverse proxy asks: anybody can send a question of their own. A page of staff
has its browser ask for an address below `/user/` that the hub has just made up, and then tells the
hub; until then forward-auth was asked about that very address, or nobody asks.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

from traitlets.log import get_logger

PROBED_OWNER = "-"
"""In the place of a username; what the path `/user/-/…` leads to does not matter."""
PROBE_SECONDS = 60.0
MOST_PROBES = 100
_NOBODY_ASKS = (
    "No reverse proxy asks this hub about requests to servers (forward-auth), as a probe by a page "
    "of staff has shown, and servers share the hub's host: a page of the server of a student or "
    "examinee can act in the name of staff who open it. Set it up as in "
    "docs/how-to/forward-auth.md, or set JupyterHub.subdomain_host"
)


class SharedOrigin:
    """What one hub knows; used by its event loop alone."""

    def __init__(
        self, *, has_own_hosts: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`clock` tells seconds."""
        self.has_own_hosts = has_own_hosts
        """Each server has a host of its own (`JupyterHub.subdomain_host`)."""
        self._clock = clock
        self._is_asked: bool | None = None
        self._probes: dict[str, float] = {}

    def __deepcopy__(self, memo: object) -> SharedOrigin:
        # traitlets copies every configured value; this one is shared.
        return self

    @property
    def is_open(self) -> bool:
        """A probe has shown that nothing keeps staff from opening a page of somebody's server."""
        return self._is_asked is False and not self.has_own_hosts

    def begin_probe(self) -> str:
        """A name for a page of staff to ask for below `/user/-/`; empty: nothing is to be learnt.

        It counts for a minute, and once.
        """
        if self.has_own_hosts or self._is_asked:
            return ""
        now = self._clock()
        self._probes = {
            name: begun for name, begun in self._probes.items() if now - begun < PROBE_SECONDS
        }
        if len(self._probes) >= MOST_PROBES:
            del self._probes[next(iter(self._probes))]  # the oldest
        name = secrets.token_urlsafe(24)
        self._probes[name] = now
        return name

    def note_question(self, owner: str | None, request_uri: str) -> bool:
        """Whether forward-auth is asked about a probe, whose `owner` is nobody."""
        name = request_uri.partition("?")[0].rpartition("/")[2]
        if owner != PROBED_OWNER or not self._take(name):
            return False
        self._is_asked = True
        self._probes.clear()
        return True

    def end_probe(self, name: str) -> None:
        """The browser has its answer: where nobody has asked by now, nobody asks."""
        if self._take(name) and self._is_asked is None:
            self._is_asked = False
            if self.is_open:
                get_logger().warning("%s", _NOBODY_ASKS)

    def _take(self, name: str) -> bool:
        """Whether `name` is that of a probe, which is none any more."""
        begun = self._probes.pop(name, None)
        return begun is not None and self._clock() - begun < PROBE_SECONDS
