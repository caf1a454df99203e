"""Tables: what ``kubectl get`` prints of a list.

``kubectl`` asks for a table and prints the columns that the server chooses. Kinds without columns
here get a name and an age.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from e2xhub.demo.api.object_times import now_utc, parse_time
from e2xhub.demo.api.resources import (
    EVENTS,
    NAMESPACES,
    NETWORK_POLICIES,
    NODES,
    PERSISTENT_VOLUME_CLAIMS,
    PODS,
    SERVICES,
    Manifest,
    ResourceType,
)

Columns: TypeAlias = list[tuple[str, Callable[[Manifest], Any]]]

_AGE_UNITS = (("d", 86400, 2), ("h", 3600, 2), ("m", 60, 2), ("s", 1, 0))


def wants_table(accept: str) -> bool:
    """Return whether an ``Accept`` header asks for a table."""
    return any("as=Table" in choice and "v=v1;" in f"{choice};" for choice in accept.split(","))


def make_table(resource: ResourceType, items: list[Manifest], metadata: Manifest) -> Manifest:
    """Return a ``Table`` of objects; ``metadata`` is that of the list."""
    columns = [("Name", _name), *_COLUMNS.get(resource, []), ("Age", _age)]
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": [_definition(title) for title, _ in columns],
        "rows": [_row(item, columns) for item in items],
    }


def _definition(title: str) -> Manifest:
    return {
        "name": title,
        "type": "string",
        "format": "name" if title == "Name" else "",
        "description": title,
        "priority": 0,
    }


def _row(item: Manifest, columns: Columns) -> Manifest:
    partial = {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": item["metadata"],
    }
    return {"cells": [cell(item) for _, cell in columns], "object": partial}


def _name(item: Manifest) -> str:
    return str(item["metadata"]["name"])


def _age(item: Manifest) -> str:
    elapsed = now_utc() - parse_time(item["metadata"]["creationTimestamp"])
    return format_age(int(elapsed.total_seconds()))


def format_age(seconds: int) -> str:
    """Return an age in its largest unit that makes two or more, e.g. ``118s``, ``5m``, ``3d``."""
    for unit, length, least in _AGE_UNITS:
        if seconds >= length * least:
            return f"{seconds // length}{unit}"
    return "0s"


def _status(item: Manifest) -> Manifest:
    status: Manifest = item.get("status") or {}
    return status


def _ready(pod: Manifest) -> str:
    statuses = _status(pod).get("containerStatuses") or []
    ready = sum(1 for status in statuses if status.get("ready"))
    return f"{ready}/{len(pod['spec']['containers'])}"


def _pod_status(pod: Manifest) -> str:
    if "deletionTimestamp" in pod["metadata"]:
        return "Terminating"
    for status in _status(pod).get("containerStatuses") or ():
        state = status.get("state") or {}
        reason = (state.get("waiting") or state.get("terminated") or {}).get("reason")
        if reason:
            return str(reason)
    return str(_status(pod).get("reason") or _status(pod).get("phase"))


def _restarts(pod: Manifest) -> str:
    statuses = _status(pod).get("containerStatuses") or []
    return str(sum(status.get("restartCount", 0) for status in statuses))


def _phase(item: Manifest) -> str:
    return str(_status(item).get("phase", ""))


def _node_status(node: Manifest) -> str:
    conditions = _status(node).get("conditions") or []
    ready = [entry["status"] for entry in conditions if entry["type"] == "Ready"]
    return "Ready" if ready == ["True"] else "NotReady"


def _pod_selector(policy: Manifest) -> str:
    labels = policy["spec"]["podSelector"].get("matchLabels") or {}
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items())) or "<none>"


def _ports(service: Manifest) -> str:
    ports = service["spec"].get("ports") or []
    return ",".join(f"{port['port']}/{port['protocol']}" for port in ports)


def _involved(event: Manifest) -> str:
    involved = event.get("involvedObject") or {}
    return f"{involved.get('kind', '').lower()}/{involved.get('name', '')}"


_COLUMNS: dict[ResourceType, Columns] = {
    PODS: [("Ready", _ready), ("Status", _pod_status), ("Restarts", _restarts)],
    NETWORK_POLICIES: [("Pod-Selector", _pod_selector)],
    NAMESPACES: [("Status", _phase)],
    PERSISTENT_VOLUME_CLAIMS: [("Status", _phase)],
    NODES: [("Status", _node_status)],
    SERVICES: [
        ("Type", lambda service: service["spec"]["type"]),
        ("Cluster-IP", lambda service: service["spec"].get("clusterIP", "<none>")),
        ("Port(s)", _ports),
    ],
    EVENTS: [
        ("Type", lambda event: event.get("type", "")),
        ("Reason", lambda event: event.get("reason", "")),
        ("Object", _involved),
        ("Message", lambda event: event.get("message", "")),
    ],
}
