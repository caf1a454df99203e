"""NetworkPolicies that make a network class true: built, and ensured before a pod needs them."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import ClientError
from jupyterhub.utils import exponential_backoff
from kubernetes_asyncio.client import ApiException
from kubespawner.slugs import safe_slug

from e2xhub.domain.lockdown import LOCKDOWNS, Lockdown, NetworkClass
from e2xhub.domain.offers import Offer
from e2xhub.errors import E2xHubError
from e2xhub.kubernetes.labels import EXAM, NETWORK

MANAGED_BY = "app.kubernetes.io/managed-by"
_OWNER = "e2xhub"
_ATTEMPTS = 5  # of several spawns that correct a policy at once, one succeeds; the rest look again
_HUB_PODS = {"app": "jupyterhub", "component": "hub"}
_NAME_SERVICE_NAMESPACE = {"kubernetes.io/metadata.name": "kube-system"}


class PolicyError(E2xHubError):
    """A NetworkPolicy that a pod needs is not there and could not be made."""


def make_policy(offer: Offer) -> dict[str, Any] | None:
    """The NetworkPolicy that the pod of `offer` needs; None where its network class is `open`."""
    if offer.server.network is NetworkClass.OPEN:
        return None
    selector = {NETWORK: offer.server.network.value}
    if offer.exam is not None:
        selector[EXAM] = str(offer.exam)
    lockdown = LOCKDOWNS[offer.server.network]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {
            "name": safe_slug("-".join(["e2xhub", *selector.values()]), max_length=63),
            "labels": {MANAGED_BY: _OWNER, **selector},
        },
        "spec": {
            "podSelector": {"matchLabels": selector},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [_ingress_from_proxy_and_hub()],
            "egress": _make_egress(lockdown),
        },
    }


def _ingress_from_proxy_and_hub() -> dict[str, Any]:
    """The chart's label alone could be on another pod of its namespace as well."""
    components = {"key": "component", "operator": "In", "values": ["hub", "proxy"]}
    selector = {
        "matchLabels": {"hub.jupyter.org/network-access-singleuser": "true"},
        "matchExpressions": [components],
    }
    return {
        "from": [{"podSelector": selector}],
        "ports": [{"port": "notebook-port", "protocol": "TCP"}],
    }


def _make_egress(lockdown: Lockdown) -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = [
        {
            "to": [{"podSelector": {"matchLabels": _HUB_PODS}}],
            "ports": [{"port": 8081, "protocol": "TCP"}],
        }
    ]
    if lockdown.name_service:
        rules.append(
            {
                "to": [{"namespaceSelector": {"matchLabels": _NAME_SERVICE_NAMESPACE}}],
                "ports": [{"port": 53, "protocol": protocol} for protocol in ("UDP", "TCP")],
            }
        )
    return rules


async def ensure_policy_in_time(
    api: Any,
    namespace: str,
    policy: dict[str, Any],
    *,
    request_seconds: float,
    seconds: float,
) -> None:
    """The same as `ensure_policy`, again and again for `seconds` while the API does not answer.

    An answer may take `request_seconds`. Raises PolicyError.
    """

    async def ensure() -> bool:
        try:
            await asyncio.wait_for(ensure_policy(api, namespace, policy), request_seconds)
        except asyncio.TimeoutError:
            return False
        return True

    failure = f"NetworkPolicy {policy['metadata']['name']} could not be ensured in {seconds:g} s"
    try:
        await exponential_backoff(ensure, failure, timeout=seconds)
    except (TimeoutError, asyncio.TimeoutError) as error:
        raise PolicyError(failure) from error


async def ensure_policy(api: Any, namespace: str, policy: dict[str, Any]) -> None:
    """Makes `policy` exist in `namespace` exactly as it is written; idempotent.

    `api` is a `NetworkingV1Api`. Raises PolicyError where that is not possible, and where an
    object of that name belongs to somebody else.
    """
    shown = f"NetworkPolicy {namespace}/{policy['metadata']['name']}"
    try:
        for _ in range(_ATTEMPTS):
            found = await _read_or_create(api, namespace, policy)
            if found is None or _is_as_written(api, found, policy):
                return
            if (found.metadata.labels or {}).get(MANAGED_BY) != _OWNER:
                raise PolicyError(f"{shown} exists and is not e2xhub's; rename or delete it")
            if await _replace(api, namespace, policy, found):
                return
    except ApiException as error:
        raise PolicyError(
            f"{shown} could not be ensured ({error.status} {error.reason}); "
            "the hub's service account needs get, create and update on networkpolicies"
        ) from error
    except ClientError as error:
        raise PolicyError(f"{shown} could not be ensured: {error}") from error
    raise PolicyError(f"{shown} is changed again and again by somebody else")


async def _read_or_create(api: Any, namespace: str, policy: dict[str, Any]) -> Any:
    """The policy as the cluster has it, or None where it had none and has `policy` now."""
    try:
        return await api.read_namespaced_network_policy(policy["metadata"]["name"], namespace)
    except ApiException as error:
        if error.status != 404:
            raise
    try:
        await api.create_namespaced_network_policy(namespace, policy)
    except ApiException as error:
        if error.status != 409:
            raise
        # Another spawn made it in between.
        return await api.read_namespaced_network_policy(policy["metadata"]["name"], namespace)
    return None


async def _replace(api: Any, namespace: str, policy: dict[str, Any], found: Any) -> bool:
    """Whether `found` is now as written; not, where somebody changed it in between."""
    name, body = found.metadata.name, {**policy, "metadata": _with_version(policy, found)}
    try:
        await api.replace_namespaced_network_policy(name, namespace, body)
    except ApiException as error:
        if error.status != 409:
            raise
        return False
    return True


def _is_as_written(api: Any, found: Any, policy: dict[str, Any]) -> bool:
    stored = api.api_client.sanitize_for_serialization(found)
    labels = stored["metadata"].get("labels", {})
    return bool(
        stored["spec"] == policy["spec"] and policy["metadata"]["labels"].items() <= labels.items()
    )


def _with_version(policy: dict[str, Any], found: Any) -> dict[str, Any]:
    return {**policy["metadata"], "resourceVersion": found.metadata.resource_version}
