"""Which server is asked, and which ones are left alone for a while.

A server that failed is remembered, so that it costs one person time and not everybody. Once its
time is over one person's sign-in tries it again, while the others go on without it. Where every
server has failed, one sign-in at a time tries them, and the others end at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from typing import TypeVar

from e2xhub.authenticators.ldap.refusals import DirectoryUnavailable, ServerFailed
from e2xhub.authenticators.ldap.settings import ServerAddress

REMEMBERED_SECONDS = 30.0

_Result = TypeVar("_Result")


@dataclass(kw_only=True)
class _Failure:
    until: float
    reason: str


class Servers:
    """The servers of a directory, for many threads."""

    def __init__(
        self, addresses: tuple[ServerAddress, ...], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.addresses = addresses
        self._clock = clock
        self._lock = threading.Lock()
        self._trying_again = threading.Lock()
        self._failures: dict[ServerAddress, _Failure] = {}

    def ask(self, question: Callable[[ServerAddress], _Result]) -> _Result:
        """What `question` answers for the first server at which it raises no ServerFailed.

        Raises what the last one raised, with the reasons of all.
        """
        reasons: list[str] = []
        last: ServerFailed | None = None
        with closing(self._choose()) as chosen:
            for server in chosen:
                try:
                    answer = question(server)
                except ServerFailed as error:
                    self._remember(server, error)
                    reasons.append(error.log_line)
                    last = error
                except DirectoryUnavailable as error:
                    raise type(error)("; ".join([*reasons, error.log_line])) from error
                else:
                    self._forget(server)
                    return answer
        raise self._make_refusal(reasons, last) from last

    def reasons(self) -> dict[ServerAddress, str]:
        """Servers that are left alone at the moment, and why."""
        with self._lock:
            return {server: failure.reason for server, failure in self._failures.items()}

    def _choose(self) -> Generator[ServerAddress, None, None]:
        chosen = [server for server in self.addresses if self._may_ask(server)]
        yield from chosen
        left_alone = [server for server in self.addresses if server not in chosen]
        if not left_alone or not self._trying_again.acquire(blocking=False):
            return
        try:
            yield from left_alone
        finally:
            self._trying_again.release()

    def _may_ask(self, server: ServerAddress) -> bool:
        """Whether it has not failed; if long ago, one caller is told yes and tries it."""
        with self._lock:
            failure = self._failures.get(server)
            if failure is None:
                return True
            if failure.until > self._clock():
                return False
            failure.until = self._clock() + REMEMBERED_SECONDS
            return True

    def _remember(self, server: ServerAddress, error: ServerFailed) -> None:
        with self._lock:
            until = self._clock() + REMEMBERED_SECONDS
            self._failures[server] = _Failure(until=until, reason=error.log_line)

    def _forget(self, server: ServerAddress) -> None:
        with self._lock:
            self._failures.pop(server, None)

    def _make_refusal(self, reasons: list[str], last: ServerFailed | None) -> DirectoryUnavailable:
        if last is None:
            known = "; ".join(self.reasons().values())
            return DirectoryUnavailable(
                f"no server was asked: each has failed within {REMEMBERED_SECONDS:g} s and is "
                f"being tried again: {known}"
            )
        return type(last)("; ".join(reasons))
