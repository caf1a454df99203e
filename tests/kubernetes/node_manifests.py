"""Nodes of a cluster and the pods on them, as an API server has them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from kubernetes_asyncio.client import CoreV1Api
from kubernetes_asyncio.config import new_client_from_config_dict

from e2xhub.demo.api.server import ApiServer
from tests.kubernetes.manifests import Manifest, make_pod

INSTANCE_TYPE = "node.kubernetes.io/instance-type"


class NodesOfACluster:
    """The demo's API server with nodes that nobody runs, so that pods stay as they are made."""

    def __init__(self, server: ApiServer, core: CoreV1Api) -> None:
        self.server = server
        self.core = core

    async def add_node(
        self,
        name: str,
        node_type: str | None = "m5.large",
        *,
        cpu: str = "1930m",
        memory: str = "7Gi",
        taint: str | None = None,
    ) -> None:
        taints = [{"key": taint, "effect": "NoSchedule"}] if taint else []
        labels = {INSTANCE_TYPE: node_type} if node_type is not None else {}
        metadata = {"name": name, "labels": labels}
        allocatable = {"cpu": cpu, "memory": memory, "pods": "29"}
        await self.core.create_node({"metadata": metadata, "spec": {"taints": taints}})
        await self.core.patch_node_status(name, {"status": {"allocatable": allocatable}})

    async def add_pod(
        self,
        name: str,
        node: str | None,
        requests: Manifest | None,
        labels: Manifest | None = None,
        phase: str | None = None,
        **spec: Any,
    ) -> None:
        container = make_container("main", requests)
        pod = make_pod(name, nodeSelector=None, nodeName=node, containers=[container], **spec)
        pod["metadata"]["labels"] = labels or {}
        await self.core.create_namespaced_pod("default", pod)
        if phase:
            await self.core.patch_namespaced_pod_status(
                name, "default", {"status": {"phase": phase}}
            )


def make_container(name: str, requests: Manifest | None, **fields: Any) -> Manifest:
    resources = {"requests": requests} if requests else {}
    return {"name": name, "image": "python", "resources": resources, **fields}


@asynccontextmanager
async def nodes_of_a_cluster(directory: Path) -> AsyncIterator[NodesOfACluster]:
    """A cluster without nodes at first."""
    server = ApiServer(log_directory=directory / "logs")
    await server.start()
    try:
        async with await new_client_from_config_dict(server.kubeconfig()) as client:
            yield NodesOfACluster(server, CoreV1Api(client))
    finally:
        await server.stop()
