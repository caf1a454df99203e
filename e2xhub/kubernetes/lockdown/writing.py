"""Makes one NetworkPolicy exist in a cluster exactly as it is written."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from aiohttp import ClientError
from kubernetes_asyncio.client import ApiException

from e2xhub.errors import E2xHubError
from e2xhub.kubernetes.policies import MANAGED_BY, OWNER

CLUSTER_ERRORS = (ApiException, ClientError, OSError, asyncio.TimeoutError)
"""What the client raises where a cluster refuses something, or cannot be reached."""

_WORDS_MAX = 500
_ATTEMPTS = 5  # of several spawns that correct a policy at once, one succeeds; the rest look again
RIGHTS = "get, list, watch, create, update and delete on networkpolicies (helm-values/rbac.yaml)"


class PolicyError(E2xHubError):
    """A pod's lockdown is not what it should be, and could not be made so."""


class NoAnswerError(PolicyError):
    """The cluster's API server was asked, and whether it has done anything is not known."""


def name_of(policy: Mapping[str, Any]) -> str:
    """`namespace/name` of a policy."""
    return f"{policy['metadata']['namespace']}/{policy['metadata']['name']}"


def is_ours(policy: Mapping[str, Any]) -> bool:
    """Whether e2xhub has made it."""
    return bool((policy["metadata"].get("labels") or {}).get(MANAGED_BY) == OWNER)


def is_as_written(found: Mapping[str, Any], written: Mapping[str, Any]) -> bool:
    """Whether `found`, as a cluster has it, says what `written` says, and is marked as ours.

    Where `written` has owners, `found` has to have the same; one that is being deleted is not.
    """
    labels = found["metadata"].get("labels") or {}
    is_marked = written["metadata"]["labels"].items() <= labels.items()
    owners = _owners_of(written)
    is_owned = not owners or owners == _owners_of(found)
    is_to_stay = not found["metadata"].get("deletionTimestamp")
    return bool(is_marked and is_owned and is_to_stay and found["spec"] == written["spec"])


def _owners_of(policy: Mapping[str, Any]) -> set[str]:
    return {owner["uid"] for owner in policy["metadata"].get("ownerReferences") or ()}


async def ensure_policy(api: Any, policy: dict[str, Any]) -> dict[str, Any]:
    """Makes `policy` exist in its namespace exactly as it is written; idempotent.

    `api` is a `NetworkingV1Api`. Returns the policy as the cluster has it. Raises PolicyError
    where that is not possible, and where an object of that name belongs to somebody else.
    """
    shown = f"NetworkPolicy {name_of(policy)}"
    try:
        for _ in range(_ATTEMPTS):
            found = await _create_or_read(api, policy)
            if found is None:
                continue
            if is_as_written(found, policy):
                return found
            if found["metadata"].get("deletionTimestamp"):
                kept_by = ", ".join(
                    found["metadata"].get("finalizers") or ["nothing that is named"]
                )
                raise PolicyError(f"{shown} is being deleted, and kept by finalizers: {kept_by}")
            if not is_ours(found):
                raise PolicyError(f"{shown} exists and is not e2xhub's; rename or delete it")
            replaced = await _replace(api, policy, found)
            if replaced and is_as_written(replaced, policy):
                return replaced
    except CLUSTER_ERRORS as error:
        raise PolicyError(f"{shown} could not be ensured: {explain(error, policy)}") from error
    raise PolicyError(f"{shown} is changed again and again by somebody else")


async def delete_policy(api: Any, policy: Mapping[str, Any]) -> bool:
    """Deletes `policy` if it is still the one that was read, and says whether it did.

    Gone already is gone. Raises PolicyError where the cluster does not let it, and NoAnswerError
    where it may be gone.
    """
    meta = policy["metadata"]
    body = {"preconditions": {"resourceVersion": meta["resourceVersion"], "uid": meta["uid"]}}
    try:
        await api.delete_namespaced_network_policy(meta["name"], meta["namespace"], body=body)
    except CLUSTER_ERRORS as error:
        if isinstance(error, ApiException) and error.status in (404, 409):
            return False
        kind = PolicyError if _has_refused(error) else NoAnswerError
        raise kind(
            f"NetworkPolicy {name_of(policy)} could not be deleted: {explain(error, policy)}"
        ) from error
    return True


def _has_refused(error: Exception) -> bool:
    """Whether nothing was done; behind a proxy's 502 anything may have been."""
    return isinstance(error, ApiException) and error.status in range(400, 500)


def explain(error: Exception, policy: Mapping[str, Any]) -> str:
    """What it means that an API server refuses, or does not answer, and what to do."""
    namespace = policy["metadata"]["namespace"]
    if not isinstance(error, ApiException):
        return f"the cluster's API server does not answer ({str(error) or type(error).__name__})"
    said = f"{error.status} {error.reason}"
    if error.status == 404:
        return f"{said}; expected the namespace {namespace} to exist"
    said += _words_of(error)
    if error.status == 403:
        return f"{said}; the hub's service account needs in namespace {namespace}: {RIGHTS}"
    return f"{said}; the API server of the cluster refuses it"


def _words_of(error: ApiException) -> str:
    """The API server's own reason, in brackets, such as that of an admission webhook."""
    try:
        message = json.loads(error.body)["message"]
    except (TypeError, ValueError, KeyError):
        return ""
    return f" ({str(message)[:_WORDS_MAX]})"


async def _create_or_read(api: Any, policy: dict[str, Any]) -> dict[str, Any] | None:
    """The policy as the cluster has it; made, where it had none. None: gone in between."""
    name, namespace = policy["metadata"]["name"], policy["metadata"]["namespace"]
    try:
        return _plain(api, await api.create_namespaced_network_policy(namespace, policy))
    except ApiException as error:
        if error.status != 409:
            raise
    try:
        return _plain(api, await api.read_namespaced_network_policy(name, namespace))
    except ApiException as error:
        if error.status != 404:
            raise
        return None


async def _replace(
    api: Any, policy: dict[str, Any], found: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The policy in the place of `found`; None where somebody changed it in between."""
    version = {"resourceVersion": found["metadata"]["resourceVersion"]}
    body = {**policy, "metadata": {**policy["metadata"], **version}}
    name, namespace = policy["metadata"]["name"], policy["metadata"]["namespace"]
    try:
        return _plain(api, await api.replace_namespaced_network_policy(name, namespace, body))
    except ApiException as error:
        if error.status not in (404, 409):
            raise
        return None


def _plain(api: Any, policy: Any) -> dict[str, Any]:
    plain: dict[str, Any] = api.api_client.sanitize_for_serialization(policy)
    return plain
