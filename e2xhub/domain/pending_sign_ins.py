"""Sign-ins of staff between the first and the second factor: nobody is signed in yet.

They are kept in memory only. After a restart of the hub people begin again.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from e2xhub.domain.identifiers import Username
from e2xhub.domain.second_factor import TotpSecret

LIFETIME = timedelta(minutes=10)  # enough to install an app
_MOST = 1000  # whoever is in this list knows a password of staff; more are no honest people
_TOKEN_BYTES = 32


@dataclass(frozen=True, kw_only=True)
class PendingSignIn:
    """Somebody whose first factor was right."""

    username: Username
    address: str
    began_at: datetime
    next_path: str = ""
    """Where on the hub the person wanted to go; empty: nowhere in particular."""
    new_secret: TotpSecret | None = None
    """What is offered to somebody who has no second factor yet."""


class PendingSignIns:
    """All of them, by a random token that only the person's browser has."""

    def __init__(self) -> None:
        self._by_digest: dict[str, PendingSignIn] = {}

    def begin(self, pending: PendingSignIn) -> str:
        """The token of a new one; where there are too many, the oldest is forgotten."""
        self._forget_old(pending.began_at)
        while len(self._by_digest) >= _MOST:
            del self._by_digest[next(iter(self._by_digest))]
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        self._by_digest[_digest_of(token)] = pending
        return token

    def find(self, token: str, *, address: str, now: datetime) -> PendingSignIn | None:
        """The one that began with this `token` at this `address`, unless it is too long ago."""
        pending = self._by_digest.get(_digest_of(token))
        if pending is None or pending.address != address or now >= pending.began_at + LIFETIME:
            return None
        return pending

    def offer(self, token: str, secret: TotpSecret) -> None:
        """Remembers the secret that the person is shown, until it is confirmed."""
        known = self._by_digest[_digest_of(token)]
        self._by_digest[_digest_of(token)] = replace(known, new_secret=secret)

    def end(self, token: str) -> bool:
        """Forgets it; whether it was still there. Of several that end it, one is told so."""
        return self._by_digest.pop(_digest_of(token), None) is not None

    def _forget_old(self, now: datetime) -> None:
        over = [key for key, item in self._by_digest.items() if now >= item.began_at + LIFETIME]
        for key in over:
            del self._by_digest[key]


def _digest_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
