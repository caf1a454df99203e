"""The reverse proxies whose X-Forwarded-For an exam hub believes, at this moment.

Pods of proxies change their addresses, so that an admin may name them: a *headless* Service answers
with the addresses of its pods. Threads of their own look names up, so that no event loop waits. A
name that cannot be looked up stands for what it stood for, for a minute, and then for nothing.
"""

from __future__ import annotations

import math
import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from prometheus_client import Gauge
from traitlets.log import get_logger

from e2xhub.domain.proxies import DeclaredProxies
from e2xhub.domain.rooms import Address, parse_address

LOOK_SECONDS = 5.0
KEPT_SECONDS = 600.0
MOST_ADDRESSES = 100
"""That a name may have: more are no proxy's, but what a wrong selector finds."""

Resolver = Callable[[str], Iterable[str]]
"""The addresses of a name, as texts; raises OSError where there are none."""

_ADDRESSES = Gauge(
    "e2xhub_trusted_proxy_addresses",
    "Addresses of reverse proxies that a name in trusted_proxies stands for; while it is 0, their "
    "X-Forwarded-For is not believed",
    ["name"],
)
_EXPECTED = (
    "Expected a headless Service of that name, with a pod that is ready: "
    "kubectl get endpointslices --selector kubernetes.io/service-name=SERVICE; make it as in "
    "helm-values/proxy-pods.yaml"
)


def look_up(name: str) -> set[str]:
    """The addresses that the system's resolver knows; raises OSError where there are none."""
    return {str(found[4][0]) for found in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)}


@dataclass(frozen=True, kw_only=True)
class _Answer:
    addresses: frozenset[Address]
    until: float
    """When it is too old, in seconds of the clock."""


_NOTHING = _Answer(addresses=frozenset(), until=-math.inf)


class ProxyPods:
    """What one name stands for."""

    def __init__(
        self, name: str, *, resolve: Resolver = look_up, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.name, self._resolve, self._clock = name, resolve, clock
        self._last = _NOTHING
        self._is_failing = False
        _ADDRESSES.labels(name).set_function(lambda: len(self.addresses))

    @property
    def addresses(self) -> frozenset[Address]:
        """Those of the last look-up that succeeded; none where that is too long ago.

        The clock decides, not the next look: a look-up may hang.
        """
        last = self._last
        return last.addresses if self._clock() < last.until else frozenset()

    def look(self) -> None:
        """Looks the name up once; never raises for what a resolver may answer."""
        try:
            found = self._find()
        except (OSError, ValueError) as error:
            self._note_failure(getattr(error, "strerror", None) or str(error))
        else:
            self._note(found)

    def watch(self, *, every_seconds: float) -> None:
        """Looks now, and again and again, until the process ends."""
        threading.Thread(
            target=self._watch, args=(every_seconds,), name="e2xhub-proxies", daemon=True
        ).start()

    def _watch(self, every_seconds: float) -> None:
        pause = threading.Event()
        while True:
            try:
                self.look()
            except Exception:  # without this thread nobody would look again
                get_logger().exception("trusted_proxies: could not look up %r", self.name)
            pause.wait(every_seconds)

    def _find(self) -> frozenset[Address]:
        found = frozenset(parse_address(text) for text in self._resolve(self.name))
        if not found:
            raise ValueError("it has no address")
        if len(found) > MOST_ADDRESSES:
            raise ValueError(
                f"it has {len(found)} addresses, and a proxy has at most {MOST_ADDRESSES}"
            )
        return found

    def _note(self, found: frozenset[Address]) -> None:
        is_news = self._is_failing or found != self._last.addresses
        self._last = _Answer(addresses=found, until=self._clock() + KEPT_SECONDS)
        self._is_failing = False
        if is_news:
            shown = ", ".join(sorted(map(str, found)))
            get_logger().info("trusted_proxies: %r stands for %s", self.name, shown)

    def _note_failure(self, reason: str) -> None:
        """Tells when it begins, and when nothing is believed any more."""
        if not self._is_failing:
            self._is_failing = True
            get_logger().warning(
                "trusted_proxies: %r cannot be looked up (%s); %s. %s",
                self.name,
                reason,
                self._consequence(),
                _EXPECTED,
            )
        if self._last.addresses and not self.addresses:
            self._last = _NOTHING
            get_logger().error(
                "trusted_proxies: %r could not be looked up for %d seconds (%s); nothing that it "
                "stood for is believed any more, and codes and sessions behind it are refused "
                "until it can be",
                self.name,
                KEPT_SECONDS,
                reason,
            )

    def _consequence(self) -> str:
        if self.addresses:
            return f"what it stood for is believed for {KEPT_SECONDS:.0f} seconds"
        return "until it can be, no proxy of that name is believed, and codes behind it are refused"


class TrustedProxies:
    """Networks that stay, and names that are looked up again and again."""

    def __init__(
        self,
        declared: Iterable[str] = (),
        *,
        resolve: Resolver = look_up,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`declared` as an admin writes it; raises ValueError as `DeclaredProxies.parse` does.

        A name stands for nothing before the first `look`.
        """
        parsed = DeclaredProxies.parse(declared)
        self.networks, self.names = parsed.networks, parsed.names
        self._pods = [ProxyPods(name, resolve=resolve, clock=clock) for name in parsed.names]

    def believes(self, address: Address) -> bool:
        """Whether who is at `address` is one of them; asks nobody."""
        return any(address in network for network in self.networks) or any(
            address in pods.addresses for pods in self._pods
        )

    def look(self) -> None:
        """Looks all names up once, one after the other."""
        for pods in self._pods:
            pods.look()

    def watch(self, *, every_seconds: float = LOOK_SECONDS) -> None:
        """Looks now, and again and again; no name waits for another one."""
        for pods in self._pods:
            pods.watch(every_seconds=every_seconds)
