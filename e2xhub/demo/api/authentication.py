"""Who sends a request: the bearer tokens of the demo cluster.

The administrator has one token, made at the start. A ServiceAccount gets tokens as in Kubernetes,
by its path ``token``; they end with the account, and after their time. What their holders may do
is left to ``authorization``.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from e2xhub.demo.api.authorization import ADMINISTRATORS, User, service_account_name
from e2xhub.demo.api.errors import bad_request, invalid, invalid_value, not_found, unauthorized
from e2xhub.demo.api.object_store import ObjectKey, ObjectStore
from e2xhub.demo.api.object_times import format_time, now_utc
from e2xhub.demo.api.resources import Manifest

DEFAULT_LIFETIME_SECONDS = 3600
SHORTEST_LIFETIME_SECONDS = 600
LONGEST_LIFETIME_SECONDS = 2**32

_EVERYBODY = "system:authenticated"
_ADMINISTRATOR = User(name="e2xhub-demo", groups=frozenset({ADMINISTRATORS, _EVERYBODY}))


@dataclass(frozen=True, kw_only=True)
class _AccountToken:
    key: ObjectKey
    uid: str
    expires_at: datetime


class Tokens:
    """The tokens of a cluster, in memory; of each only its hash is kept.

    Args:
        administrator_token: the token whose holder may do everything.
        clock: tells the time, by which tokens end.
    """

    def __init__(
        self,
        store: ObjectStore,
        *,
        administrator_token: str,
        clock: Callable[[], datetime] = now_utc,
    ) -> None:
        self._store = store
        self._clock = clock
        self._administrator = _digest(administrator_token)
        self._issued: dict[bytes, _AccountToken] = {}

    def authenticate(self, authorization: str) -> User:
        """Return who sends a request with this ``Authorization`` header.

        Raises:
            ApiStatusError: 401, there is no token in it, or none that counts.
        """
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise unauthorized()
        # looked up by hash: how long it takes tells nothing about tokens that exist
        digest = _digest(token.strip())
        if digest == self._administrator:
            return _ADMINISTRATOR
        return self._account(digest)

    def _account(self, digest: bytes) -> User:
        issued = self._issued.get(digest)
        if issued is None or issued.expires_at <= self._clock():
            raise unauthorized()
        account = self._store.get(issued.key)
        if account is None or account["metadata"]["uid"] != issued.uid:
            raise unauthorized()
        namespace = issued.key.namespace
        groups = {_EVERYBODY, "system:serviceaccounts", f"system:serviceaccounts:{namespace}"}
        return User(name=service_account_name(namespace, issued.key.name), groups=frozenset(groups))

    def issue(self, key: ObjectKey, body: Any) -> Manifest:
        """Make a token of a ServiceAccount; return the ``TokenRequest`` with it.

        Args:
            body: a ``TokenRequest``, of which ``spec.expirationSeconds`` counts.

        Raises:
            ApiStatusError: 400 it is none, 404 no such account, 422 the time is too short or long.
        """
        seconds = _parse_lifetime(key, body)
        account = self._store.get(key)
        if account is None:
            raise not_found(key.resource, key.name)
        token = secrets.token_urlsafe(32)
        expires_at = self._clock() + timedelta(seconds=seconds)
        self._issued[_digest(token)] = _AccountToken(
            key=key, uid=account["metadata"]["uid"], expires_at=expires_at
        )
        return {
            "kind": "TokenRequest",
            "apiVersion": "authentication.k8s.io/v1",
            "metadata": {"name": key.name, "namespace": key.namespace},
            "spec": {"audiences": ["e2xhub-demo"], "expirationSeconds": seconds},
            "status": {"token": token, "expirationTimestamp": format_time(expires_at)},
        }


def _parse_lifetime(key: ObjectKey, body: Any) -> int:
    spec = (body.get("spec") or {}) if isinstance(body, dict) else None
    if not isinstance(spec, dict):
        raise bad_request("a TokenRequest has a spec")
    seconds = spec.get("expirationSeconds") or DEFAULT_LIFETIME_SECONDS
    if isinstance(seconds, bool) or not isinstance(seconds, int):
        raise bad_request("spec.expirationSeconds must be a whole number")
    field = "spec.expirationSeconds"
    if seconds < SHORTEST_LIFETIME_SECONDS:
        fault = invalid_value(field, seconds, "may not specify a duration less than 10 minutes")
        raise invalid(key.resource, key.name, [fault])
    if seconds > LONGEST_LIFETIME_SECONDS:
        detail = "may not specify a duration larger than 2^32 seconds"
        raise invalid(key.resource, key.name, [invalid_value(field, seconds, detail)])
    return seconds


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogateescape")).digest()
