"""Reads from a cluster what `network` is made of: objects as the API gives them, field by field.

The client's models would lose fields that they do not know, and a field that is not known may
widen a policy.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from kubernetes_asyncio.client import ApiClient, ApisApi, CoreV1Api, NetworkingV1Api

from e2xhub.kubernetes.cluster_access import ClusterAccessError
from e2xhub.kubernetes.reach import Pod
from e2xhub.kubernetes.reach_view.network import (
    PLUG_IN_GROUPS,
    Network,
    has_ended,
    is_of_release,
    make_pod,
    parse_policies,
)
from e2xhub.kubernetes.surroundings import COMPONENTS

_PAGE = 500
_SECONDS = 15
_RIGHTS = "helm-values/rbac.yaml"
_MEANINGS = {
    401: "the cluster does not know who asks",
    403: "the right is missing",
    404: "there is no such namespace, or no such API",
}

_List = Callable[..., Awaitable[Any]]


async def read_network(
    client: ApiClient,
    *,
    namespace: str,
    hub_namespace: str,
    release: str | None,
) -> Network:
    """What the cluster has for servers in `namespace`; `servers` is left to `read_servers`.

    Raises ClusterAccessError where it refuses, or a namespace does not exist.
    """
    pods, policies = CoreV1Api(client), NetworkingV1Api(client)
    spaces = dict.fromkeys([namespace, hub_namespace])
    labels, notes = await _read_namespaces(pods, list(spaces))
    found = [
        manifest
        for space in spaces
        for manifest in await _list(
            policies.list_namespaced_network_policy, space, "networkpolicies"
        )
    ]
    parsed, by_name, misunderstood = parse_policies(found)
    chart = await _list_pods(pods, hub_namespace, f"component in ({','.join(COMPONENTS)})")
    return Network(
        policies=tuple(parsed),
        manifests=by_name,
        misunderstood=misunderstood,
        namespaces=labels,
        hubs=tuple(pod for pod in chart if is_of_release(pod, "hub", release)),
        proxies=tuple(pod for pod in chart if is_of_release(pod, "proxy", release)),
        notes=(*notes, *await _find_plug_in_policies(client)),
    )


async def read_servers(client: ApiClient, namespace: str, selector: Mapping[str, str]) -> list[Pod]:
    """The servers that run in `namespace` and have the labels `selector`.

    Raises ClusterAccessError.
    """
    labels = ",".join(f"{key}={text}" for key, text in selector.items())
    return await _list_pods(CoreV1Api(client), namespace, labels)


async def _read_namespaces(
    api: CoreV1Api, names: list[str]
) -> tuple[dict[str, dict[str, str]], list[str]]:
    """The labels of the namespaces, and a note where they cannot be read.

    Raises ClusterAccessError where one does not exist: an empty list of its policies would look
    as if nothing was wrong.
    """
    labels: dict[str, dict[str, str]] = {}
    notes = []
    for name in names:
        response = await api.read_namespace(name, _preload_content=False, _request_timeout=_SECONDS)
        if response.status == 404:
            raise ClusterAccessError(
                f"there is no namespace {name}; expected the one that the hub starts servers in, "
                "with --namespace"
            )
        if response.status == 403:
            notes.append(f"the labels of namespace {name} cannot be read (right: get namespaces)")
        else:
            manifest = await _body(response, "namespaces", name, "get")
            labels[name] = (manifest["metadata"].get("labels")) or {}
    return labels, notes


async def _list_pods(api: CoreV1Api, namespace: str, label_selector: str) -> list[Pod]:
    manifests = await _list(
        api.list_namespaced_pod, namespace, "pods", label_selector=label_selector
    )
    return [make_pod(manifest) for manifest in manifests if not has_ended(manifest)]


async def _list(call: _List, namespace: str, what: str, **options: Any) -> list[dict[str, Any]]:
    """All objects of `namespace`, page by page."""
    found: list[dict[str, Any]] = []
    token = ""
    while True:
        further = {"_continue": token} if token else {}
        response = await call(
            namespace,
            limit=_PAGE,
            _preload_content=False,
            _request_timeout=_SECONDS,
            **options,
            **further,
        )
        page = await _body(response, what, namespace, "list")
        found += page.get("items") or []
        token = (page.get("metadata") or {}).get("continue") or ""
        if not token:
            return found


async def _body(response: Any, what: str, namespace: str, verb: str) -> dict[str, Any]:
    """The answer's JSON; raises ClusterAccessError with the right that is missing."""
    if not 200 <= response.status <= 299:
        meaning = _MEANINGS.get(response.status, "expected an answer")
        raise ClusterAccessError(
            f"the cluster does not show the {what} of namespace {namespace} "
            f"({response.status} {response.reason}): {meaning}; expected the right to {verb} "
            f"{what} there, as {_RIGHTS} gives it"
        )
    try:
        body: dict[str, Any] = json.loads(await response.text())
    except ValueError as error:
        raise ClusterAccessError(
            f"the cluster's answer about the {what} of namespace {namespace} is no JSON ({error}); "
            "expected a Kubernetes API"
        ) from error
    return body


async def _find_plug_in_policies(client: ApiClient) -> list[str]:
    """A note where the cluster has kinds of policies that are not read here."""
    response = await ApisApi(client).get_api_versions(
        _preload_content=False, _request_timeout=_SECONDS
    )
    if not 200 <= response.status <= 299:
        return ["which policies of the plug-in the cluster knows cannot be read (GET /apis)"]
    groups = json.loads(await response.text()).get("groups") or []
    known = [
        f"{PLUG_IN_GROUPS[name]} ({name})"
        for name in sorted(group["name"] for group in groups)
        if name in PLUG_IN_GROUPS
    ]
    return [f"this cluster has further kinds of policies: {', '.join(known)}"] if known else []
