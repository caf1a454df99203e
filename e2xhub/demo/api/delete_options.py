"""What a DELETE asks for: ``DeleteOptions`` of its body, or the same as query parameters.

Doing it is left to ``object_registry``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from e2xhub.demo.api import errors as api_errors
from e2xhub.demo.api.object_store import ObjectKey
from e2xhub.demo.api.resources import Manifest

BACKGROUND, FOREGROUND, ORPHAN = PROPAGATIONS = ("Background", "Foreground", "Orphan")


@dataclass(frozen=True, kw_only=True)
class DeleteOptions:
    """How an object is deleted.

    Attributes:
        grace_period_seconds: how long a pod has to end; None for what the pod says, 0 for at once.
        propagation: what happens to the objects that it owns.
        uid: delete only the object with this uid.
        resource_version: delete only this version.
        dry_run: check only.
    """

    grace_period_seconds: int | None = None
    propagation: str = BACKGROUND
    uid: str | None = None
    resource_version: str | None = None
    dry_run: bool = False

    @classmethod
    def parse(cls, body: Any, query: Mapping[str, str]) -> DeleteOptions:
        """Return the options of a request; those in the body go before those in the query.

        Raises:
            ApiStatusError: 400, an option cannot be read.
        """
        options = {**_query_options(query), **(body if isinstance(body, dict) else {})}
        preconditions = options.get("preconditions") or {}
        if not isinstance(preconditions, dict):
            raise api_errors.bad_request("preconditions must be an object")
        return cls(
            grace_period_seconds=_grace_period(options.get("gracePeriodSeconds")),
            propagation=_propagation(options),
            uid=preconditions.get("uid"),
            resource_version=preconditions.get("resourceVersion"),
            dry_run=bool(options.get("dryRun")),
        )

    def check_preconditions(self, key: ObjectKey, manifest: Manifest) -> None:
        """Check that this is the object that the client means.

        Raises:
            ApiStatusError: 409, it has another uid or version.
        """
        metadata = manifest["metadata"]
        for word, expected, found in (
            ("UID", self.uid, metadata["uid"]),
            ("ResourceVersion", self.resource_version, metadata["resourceVersion"]),
        ):
            if expected is not None and expected != found:
                detail = (
                    f"Precondition failed: {word} in precondition: {expected}, "
                    f"{word} in object meta: {found}"
                )
                raise api_errors.conflict(key.resource, key.name, detail)


def _query_options(query: Mapping[str, str]) -> dict[str, Any]:
    names = ("gracePeriodSeconds", "propagationPolicy", "orphanDependents", "dryRun")
    return {name: query[name] for name in names if name in query}


def _grace_period(value: Any) -> int | None:
    if value is None:
        return None
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise api_errors.bad_request(f"invalid gracePeriodSeconds: {value!r}") from error


def _propagation(options: Mapping[str, Any]) -> str:
    if str(options.get("orphanDependents")).lower() == "true":
        return ORPHAN
    policy = options.get("propagationPolicy") or BACKGROUND
    if policy not in PROPAGATIONS:
        raise api_errors.bad_request(f"invalid propagationPolicy: {policy!r}")
    return str(policy)
