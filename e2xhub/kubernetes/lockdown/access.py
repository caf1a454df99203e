"""Which policies hub and proxy need beside those of locked servers. Pure.

Alone, such a policy would isolate the hub, also from the API server that it would delete the policy
at. So each belongs to the policies that make it necessary: Kubernetes deletes it with the last one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from e2xhub.kubernetes.labels import NETWORK
from e2xhub.kubernetes.lockdown.writing import is_ours
from e2xhub.kubernetes.policies import make_access_policies
from e2xhub.kubernetes.reach import Direction, Pod, Policy, reach_of
from e2xhub.kubernetes.surroundings import COMPONENTS, Surroundings

Manifest = Mapping[str, Any]


def needed_access_policies(
    manifests: Mapping[str, Manifest],
    policies: Iterable[Policy],
    surroundings: Surroundings,
    server: Pod,
) -> list[dict[str, Any]]:
    """The policies that let hub and proxy reach `server`, where others keep them from it.

    `manifests` are all policies by `namespace/name`, `policies` those of them that are understood.
    None where hub and servers have namespaces of their own: those beside the hub are the admin's.
    """
    if surroundings.is_divided:
        return []
    others = [it for it in policies if not is_access_policy(manifests.get(str(it)))]
    needed = []
    for component, made in zip(COMPONENTS, make_access_policies(surroundings), strict=True):
        source = Pod(surroundings.hub_namespace, surroundings.labels_of(component))
        egress = reach_of(source, others).egress
        if egress.is_isolated and not _lets_reach(egress, server, surroundings):
            needed.append(_owned(made, (manifests.get(str(it)) for it in egress.policies)))
    return needed


def is_access_policy(manifest: Manifest | None) -> bool:
    """Whether a hub has made it for itself or its proxy, this one or another one.

    Two that took the other's for a reason to delete their own would do so for ever.
    """
    if manifest is None or not is_ours(manifest):
        return False
    return NETWORK not in manifest["metadata"]["labels"]


def _lets_reach(egress: Direction, server: Pod, surroundings: Surroundings) -> bool:
    return any(
        grant.ports.resolve(server.ports).includes("TCP", surroundings.server_port)
        for grant in egress.grants
        if grant.peer.matches(server, {})
    )


def _owned(policy: dict[str, Any], owners: Iterable[Manifest | None]) -> dict[str, Any]:
    """`policy`, which goes with the last of `owners`; those of files are no objects yet."""
    references = [
        {
            "apiVersion": policy["apiVersion"],
            "kind": policy["kind"],
            "name": owner["metadata"]["name"],
            "uid": owner["metadata"]["uid"],
        }
        for owner in owners
        if owner is not None and "uid" in owner["metadata"]
    ]
    if not references:
        return policy
    references.sort(key=lambda owner: (owner["name"], owner["uid"]))
    return {**policy, "metadata": {**policy["metadata"], "ownerReferences": references}}
