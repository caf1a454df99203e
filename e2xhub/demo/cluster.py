"""The demo cluster: an API server and one node, in this process."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from kubernetes_asyncio.client import ApiClient, CoreV1Api
from kubernetes_asyncio.config import new_client_from_config

from e2xhub.demo.api.server import ApiServer
from e2xhub.demo.node.node import Image, Node
from e2xhub.demo.node.pod_volumes import StateDirectory

_HOME = "/home/jovyan"


class DemoCluster:
    """Serves the part of the Kubernetes API that a hub uses, and runs pods as local processes.

    It is no cluster: NetworkPolicies are stored and checked, never enforced.
    """

    def __init__(
        self, *, directory: Path, images: Iterable[str], hidden: Sequence[Path] = ()
    ) -> None:
        """Keeps volumes, logs and the kubeconfig in `directory`; pods do not see it, nor `hidden`.

        `images` are the names, or patterns of names, that pods may run.
        """
        self.kubeconfig = directory / "kubeconfig"
        self._directory = directory
        self._hidden = hidden
        self._images = {name: _make_image() for name in images}
        self._api_server = ApiServer(log_directory=directory / "logs")
        self._client: ApiClient | None = None
        self._node: Node | None = None

    async def start(self) -> None:
        """Starts the API server, then the node; writes the kubeconfig."""
        self._directory.mkdir(parents=True, exist_ok=True)
        await self._api_server.start()
        self._api_server.write_kubeconfig(self.kubeconfig)
        self._client = await new_client_from_config(config_file=str(self.kubeconfig))
        self._node = Node(
            api_client=self._client,
            name="demo-node",
            state_directory=self._directory / "node",
            log_directory=self._directory / "logs",
            images=self._images,
            hidden=[str(path) for path in (self._directory, *self._hidden)],
        )
        await self._node.start()

    async def stop(self) -> None:
        """Ends every pod's processes, then the API server."""
        if self._node is not None:
            await self._node.stop()
        if self._client is not None:
            await self._client.close()
        await self._api_server.stop()

    def find_export(self, server: str, path: str) -> Path:
        """The directory of this machine that is an NFS export of the demo."""
        return StateDirectory(self._directory / "node").nfs(server, path)

    async def add_service(
        self, name: str, *, labels: Mapping[str, str], address: str, port: int
    ) -> None:
        """Makes the Service of something that listens on this machine; the cluster runs."""
        assert self._client is not None
        await CoreV1Api(self._client).create_namespaced_service(
            "default",
            {
                "metadata": {"name": name, "labels": dict(labels)},
                "spec": {"clusterIP": address, "clusterIPs": [address], "ports": [{"port": port}]},
            },
        )

    @property
    def isolation(self) -> str:
        """How far the pods are kept apart from this machine, in a sentence."""
        return self._node.isolation if self._node else ""


def _make_image() -> Image:
    """What stands for every image: the programs beside this Python, such as JupyterLab."""
    programs = Path(sys.executable).parent
    return Image(
        command=("jupyterhub-singleuser",),
        environment={
            "PATH": os.pathsep.join([str(programs), "/usr/local/bin", "/usr/bin", "/bin"]),
            "HOME": _HOME,
            "LANG": "C.UTF-8",
            "SHELL": "/bin/bash",
        },
        working_directory=_HOME,
    )
