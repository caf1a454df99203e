"""What the nodes of a cluster have left for people's servers, by type of node."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kubernetes_asyncio.client import ApiClient, ApiException, CoreV1Api

from e2xhub.domain.node_types import (
    INSTANCE_TYPE,
    NodeType,
    Resources,
    check_room,
    check_type_name,
    subtract,
)
from e2xhub.errors import E2xHubError
from e2xhub.kubernetes.capacity.requests import is_of_a_user, sum_requests, to_resources
from e2xhub.kubernetes.cluster_access import open_cluster

_CONTROL_PLANES = {"node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"}
_ENDED = {"Succeeded", "Failed"}
_PAGE = 500
_TIMEOUT_SECONDS = 30


class ClusterUnreadableError(E2xHubError):
    """The cluster's nodes and pods could not be read."""


@dataclass(frozen=True, kw_only=True)
class ClusterNodes:
    """What was found on the nodes of a cluster."""

    types: Mapping[str, NodeType]
    """What is `available` on the worst node of each type."""
    warnings: Sequence[str]
    """Which nodes do not count, and why."""


async def read_cluster() -> ClusterNodes:
    """The nodes of the cluster that KUBECONFIG names, or of the one that this pod runs in.

    Without both it is the cluster of `~/.kube/config`. Raises ClusterAccessError, and
    ClusterUnreadableError where it does not show its nodes.
    """
    try:
        async with open_cluster() as client:
            return await read_nodes(client)
    except ApiException as error:
        raise ClusterUnreadableError(
            f"the cluster does not show its nodes and pods ({error.status} {error.reason}); "
            "expected the right to list nodes, and pods in all namespaces"
        ) from error


async def read_nodes(client: ApiClient, *, page: int = _PAGE) -> ClusterNodes:
    """What the nodes of the cluster have left, asked for by `page` objects at once.

    Raises ApiException and aiohttp's errors where the API does not answer as it should.
    """
    core = CoreV1Api(client)
    nodes = [node async for node in _list_all(core.list_node, page) if not _is_control_plane(node)]
    overheads: defaultdict[str, list[Resources]] = defaultdict(list)
    async for pod in _list_all(core.list_pod_for_all_namespaces, page):
        if pod.spec.node_name and pod.status.phase not in _ENDED and not is_of_a_user(pod):
            overheads[pod.spec.node_name].append(sum_requests(pod.spec))
    return _summarize(nodes, overheads)


async def _list_all(list_page: Any, limit: int) -> AsyncIterator[Any]:
    token: str | None = None
    while token != "":
        further = {"_continue": token} if token else {}
        page = await list_page(limit=limit, _request_timeout=_TIMEOUT_SECONDS, **further)
        for item in page.items:
            yield item
        token = page.metadata._continue or ""


def _is_control_plane(node: Any) -> bool:
    """No server of a person ever gets there."""
    return any(taint.key in _CONTROL_PLANES for taint in node.spec.taints or ())


def _summarize(nodes: Iterable[Any], overheads: Mapping[str, Iterable[Resources]]) -> ClusterNodes:
    left: defaultdict[str, list[Resources]] = defaultdict(list)
    warnings = []
    for node in nodes:
        name = node.metadata.name
        try:
            node_type, room = _type_of(node), _left_on(node, overheads.get(name, ()))
        except ValueError as error:
            warnings.append(f"node {name} does not count: {error}")
        else:
            left[node_type].append(room)
    return ClusterNodes(
        types={name: NodeType(available=_worst_of(found)) for name, found in left.items()},
        warnings=warnings,
    )


def _type_of(node: Any) -> str:
    labels = node.metadata.labels or {}
    if not labels.get(INSTANCE_TYPE):
        raise ValueError(
            f"it has no label {INSTANCE_TYPE}; name its type with "
            f"'kubectl label node {shlex.quote(node.metadata.name)} {INSTANCE_TYPE}=TYPE'"
        )
    return check_type_name(labels[INSTANCE_TYPE])


def _left_on(node: Any, overheads: Iterable[Resources]) -> Resources:
    """What is left on `node`; raises ValueError where it is too little for a server."""
    left = to_resources(node.status.allocatable or {})
    for overhead in overheads:
        left = subtract(left, overhead)
    check_room(left)
    return left


def _worst_of(found: Sequence[Resources]) -> Resources:
    pods = [resources.pods for resources in found if resources.pods is not None]
    return Resources(
        cpu=min(resources.cpu for resources in found),
        memory=min(resources.memory for resources in found),
        pods=min(pods, default=None),
    )
