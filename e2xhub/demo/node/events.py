"""Events about pods, as `kubectl describe pod` and KubeSpawner's progress page show them."""

from __future__ import annotations

import logging
from datetime import datetime, timezone
from uuid import uuid4

import aiohttp

from e2xhub.demo.api.resources import Manifest
from e2xhub.demo.node.cluster_client import ClusterClient, ClusterError

_log = logging.getLogger(__name__)

KUBELET = "kubelet"
SCHEDULER = "default-scheduler"


def format_now() -> str:
    """The present as Kubernetes writes times."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class EventRecorder:
    """Writes Events; the same event about the same pod again only raises its count."""

    def __init__(self, client: ClusterClient, node_name: str) -> None:
        self._client = client
        self._node_name = node_name
        self._counts: dict[tuple[str, str, str], tuple[str, int]] = {}

    async def normal(
        self, pod: Manifest, reason: str, message: str, *, source: str = KUBELET
    ) -> None:
        """Record something that should happen."""
        await self._record(pod, "Normal", reason, message, source)

    async def warning(
        self, pod: Manifest, reason: str, message: str, *, source: str = KUBELET
    ) -> None:
        """Record something that should not happen."""
        await self._record(pod, "Warning", reason, message, source)

    def forget(self, uid: str) -> None:
        """Drop the counts of a pod that is gone."""
        for key in [key for key in self._counts if key[0] == uid]:
            del self._counts[key]

    async def _record(
        self, pod: Manifest, kind: str, reason: str, message: str, source: str
    ) -> None:
        """Write the event; a pod's life never depends on whether its events can be written."""
        key = (pod["metadata"]["uid"], reason, message)
        name, count = self._counts.get(key, (f"{pod['metadata']['name']}.{uuid4().hex[:16]}", 0))
        self._counts[key] = (name, count + 1)
        try:
            if count:
                await self._count(pod, name, count + 1)
            else:
                await self._create(
                    pod, name, kind=kind, reason=reason, message=message, source=source
                )
        except (ClusterError, aiohttp.ClientError) as error:
            _log.warning("cannot write the event %s of pod %s: %s", reason, name, error)

    async def _count(self, pod: Manifest, name: str, count: int) -> None:
        change = {"count": count, "lastTimestamp": format_now()}
        await self._client.patch("events", pod["metadata"]["namespace"], name, change)

    async def _create(
        self, pod: Manifest, name: str, *, kind: str, reason: str, message: str, source: str
    ) -> None:
        now = format_now()
        metadata = pod["metadata"]
        event: Manifest = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": metadata["namespace"]},
            "involvedObject": {
                "apiVersion": "v1",
                "kind": "Pod",
                "name": metadata["name"],
                "namespace": metadata["namespace"],
                "uid": metadata["uid"],
            },
            "type": kind,
            "reason": reason,
            "message": message,
            "source": {"component": source, "host": self._node_name},
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        await self._client.create("events", event, namespace=metadata["namespace"])
