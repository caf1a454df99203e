"""Whether an exam's network policy is in place, for the proctors' console.

It is made, or put right, whenever a server starts (`policies`); this looks at it in between.
"""

from __future__ import annotations

from typing import Any

from kubernetes_asyncio.client import ApiException
from kubespawner.clients import shared_client

from e2xhub.domain.offers import Offer
from e2xhub.kubernetes.policies import make_policy

_SECONDS = 10


async def find_policy_fault(offer: Offer, namespace: str) -> str:
    """What is wrong with the policy of the servers of `offer`; empty: it is as it should be.

    Raises what the Kubernetes client raises where the cluster does not answer.
    """
    return await find_fault_in(shared_client("NetworkingV1Api"), offer, namespace)


async def find_fault_in(api: Any, offer: Offer, namespace: str) -> str:
    """The same through `api`, a `NetworkingV1Api`."""
    policy = make_policy(offer)
    if policy is None:
        return ""
    name = policy["metadata"]["name"]
    shown = f"NetworkPolicy {namespace}/{name}"
    try:
        found = await api.read_namespaced_network_policy(name, namespace, _request_timeout=_SECONDS)
    except ApiException as error:
        if error.status != 404:
            raise
        return f"{shown} is missing"
    stored = api.api_client.sanitize_for_serialization(found)
    return "" if stored["spec"] == policy["spec"] else f"{shown} was changed"
