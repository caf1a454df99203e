"""The demo cluster's node: scheduler and kubelet in one, which runs each pod as local processes.

A pure client of the Kubernetes API. It does what the two do as far as pods of JupyterHub need it; a
pod's containers share neither a network of their own nor limits on memory and CPU. See
`docs/topics/demo-cluster.md`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import aiohttp

from e2xhub.demo.api.resources import Manifest
from e2xhub.demo.node.addresses import AddressPool
from e2xhub.demo.node.cluster_client import ClusterClient, ClusterError, Listed
from e2xhub.demo.node.container_process import ContainerProcess, StartError
from e2xhub.demo.node.context import NodeContext
from e2xhub.demo.node.events import SCHEDULER, EventRecorder, format_now
from e2xhub.demo.node.images import Image
from e2xhub.demo.node.pod_volumes import StateDirectory
from e2xhub.demo.node.pod_worker import PodWorker
from e2xhub.demo.node.sandbox.spec import SandboxSpec
from e2xhub.demo.node.scheduling import explain_unschedulable
from e2xhub.demo.node.task_ending import cancel_and_wait

__all__ = ["Image", "Node", "find_isolation_problem"]

_log = logging.getLogger(__name__)

DEFAULT_ALLOCATABLE = {"cpu": "64", "memory": "256Gi", "pods": "500"}
HOST_ADDRESS = "127.0.0.1"
ENDED_PHASES = ("Succeeded", "Failed")

HIDDEN_PATHS = (
    "/root",
    "/home",
    "/boot",
    "/etc/shadow",
    "/etc/shadow-",
    "/etc/gshadow",
    "/etc/gshadow-",
    "/etc/ssh",
    "/etc/security",
    "/etc/ssl/private",
    "/var/backups",
    "/var/cache",
    "/var/lib",
    "/var/log",
    "/var/mail",
    "/var/spool",
)
"""What a pod could read on this machine, and in no container image: homes, keys, logs."""
_SYSTEM = re.compile("bin|sbin|lib.*|usr|etc|var|proc|sys|dev|run|tmp")


def find_foreign_directories() -> list[str]:
    """What stands beside the system's own directories in `/`, such as `/srv` and `/data`."""
    return [str(path) for path in Path("/").iterdir() if not _SYSTEM.fullmatch(path.name)]


_ISOLATED = "each container has its own files, processes and user (Linux namespaces)"
_NOT_ISOLATED = (
    "containers are not isolated: mount paths are rewritten, read-only mounts can be written, "
    "and pods can read each other's files"
)
_PROBE_ENVIRONMENT = {"PATH": "/usr/bin:/bin"}


async def find_isolation_problem(directory: Path) -> str | None:
    """Return why this kernel does not let us isolate containers, or None when it does.

    Tries it: a container is started whose mount point is made below `directory`.
    """
    with tempfile.TemporaryDirectory(dir=directory) as place:
        spec = SandboxSpec(
            command=["true"],
            environment=_PROBE_ENVIRONMENT,
            working_directory="/",
            mount_point=place,
        )
        try:
            process = await ContainerProcess.start(spec, Path(os.devnull))
            code = await process.wait()
        except StartError as error:
            return str(error)
        return None if code == 0 else f"a program in an isolated container ended with {code}"


class Node:
    """Runs the pods of all namespaces, between `start` and `stop`, while the API server serves.

    Attributes: isolation: what keeps containers apart on this machine, as a sentence for the person
        who started the demo.
    """

    isolation: str = ""

    def __init__(
        self,
        *,
        api_client: Any,
        name: str,
        state_directory: Path,
        log_directory: Path,
        images: Mapping[str, Image],
        labels: Mapping[str, str] | None = None,
        allocatable: Mapping[str, str] | None = None,
        address_range: str = "127.100.0.0/16",
        hidden: Sequence[str] = (),
        isolate: bool = True,
        back_off_seconds: float = 10.0,
    ) -> None:
        """Describe the node.

        Args: api_client: a kubernetes_asyncio `ApiClient`; stays the caller's to close. name: of
            the Node object; also the label `kubernetes.io/hostname`. state_directory: where volumes
            live, see `pod_volumes`; pods cannot see it. log_directory: gets
            `<namespace>_<pod>_<uid>/<container>/0.log`; pods cannot see it. images: by name or by
            pattern (`registry.example.org/*`), see `images`. labels: of the Node object, for
            nodeSelector and node affinity. allocatable: quantities of cpu, memory and pods;
            requests count, use is not limited. address_range: of the pods, in CIDR notation, a part
            of 127.0.0.0/8. hidden: further paths of this machine that pods must not see. isolate:
            False runs containers without namespaces even where the kernel grants them.
            back_off_seconds: between the first restarts of a crashing container, and between pulls
            of a missing image.
        """
        self.name = name
        self._client = ClusterClient(api_client)
        self._labels = {
            "kubernetes.io/hostname": name,
            "kubernetes.io/os": "linux",
            **(labels or {}),
        }
        self._allocatable = dict(allocatable or DEFAULT_ALLOCATABLE)
        self._state = state_directory.absolute()
        self._log_directory = log_directory.absolute()
        self._images = images
        self._addresses = AddressPool(address_range)
        self._hidden = [
            *HIDDEN_PATHS,
            *find_foreign_directories(),
            str(Path.home()),
            str(self._state),
            str(self._log_directory),
            *hidden,
        ]
        self._isolate = isolate
        self._back_off_seconds = back_off_seconds
        self._pods: dict[str, Manifest] = {}
        self._claims: dict[tuple[str, str], Manifest] = {}
        self._workers: dict[str, PodWorker] = {}
        self._reschedule = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Register the node and begin to run pods.

        Raises:
            ClusterError: the API server refuses the Node object.
            OSError: a directory cannot be made.
        """
        self._state.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._log_directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        problem = await self._find_problem()
        self.isolation = f"{_NOT_ISOLATED} ({problem})" if problem else _ISOLATED
        if problem:
            _log.warning("%s", self.isolation)
        self._context = self._make_context(isolated=problem is None)
        await self._register()
        self._tasks = [
            asyncio.create_task(self._follow_pods()),
            asyncio.create_task(self._follow_claims()),
            asyncio.create_task(self._schedule_forever()),
        ]

    async def stop(self) -> None:
        """End every process of every pod and wait for them; the pods stay in the API."""
        await cancel_and_wait(self._tasks)
        for worker in self._workers.values():
            worker.vanish()
        for worker in self._workers.values():
            await worker.ended()
        self._workers.clear()

    async def _find_problem(self) -> str | None:
        if not self._isolate:
            return "switched off"
        if sys.platform != "linux":
            return "namespaces exist on Linux only"
        return await find_isolation_problem(self._state)

    def _make_context(self, *, isolated: bool) -> NodeContext:
        return NodeContext(
            client=self._client,
            events=EventRecorder(self._client, self.name),
            images=self._images,
            addresses=self._addresses,
            state=StateDirectory(self._state),
            log_directory=self._log_directory,
            node_name=self.name,
            host_address=HOST_ADDRESS,
            allocatable=self._allocatable,
            isolated=isolated,
            isolation=self.isolation,
            hidden=self._hidden,
            back_off_seconds=self._back_off_seconds,
        )

    async def _register(self) -> None:
        now = format_now()
        ready = {
            "type": "Ready",
            "status": "True",
            "reason": "KubeletReady",
            "message": self.isolation,
            "lastHeartbeatTime": now,
            "lastTransitionTime": now,
        }
        status = {
            "capacity": self._allocatable,
            "allocatable": self._allocatable,
            "conditions": [ready],
            "addresses": [
                {"type": "InternalIP", "address": HOST_ADDRESS},
                {"type": "Hostname", "address": self.name},
            ],
        }
        node: Manifest = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": self.name, "labels": self._labels},
        }
        try:
            await self._client.create("nodes", node)
        except ClusterError as error:
            if error.reason != "AlreadyExists":
                raise
        await self._client.patch("nodes", "", self.name, {"status": status}, subresource="status")

    async def _follow_pods(self) -> None:
        async for change in self._client.follow("pods"):
            if isinstance(change, Listed):
                self._replace_pods(change.items)
            elif change.deleted:
                self._forget_pod(change.item["metadata"]["uid"])
            else:
                self._see_pod(change.item)
            self._reschedule.set()

    def _replace_pods(self, pods: Sequence[Manifest]) -> None:
        present = {pod["metadata"]["uid"] for pod in pods}
        for uid in set(self._pods) - present:
            self._forget_pod(uid)
        for pod in pods:
            self._see_pod(pod)

    def _see_pod(self, pod: Manifest) -> None:
        uid = pod["metadata"]["uid"]
        self._pods[uid] = pod
        if pod["spec"].get("nodeName") != self.name:
            return
        if uid not in self._workers and pod.get("status", {}).get("phase") not in ENDED_PHASES:
            self._workers[uid] = PodWorker(pod, self._context)
        if uid in self._workers:
            self._workers[uid].update(pod)

    def _forget_pod(self, uid: str) -> None:
        self._pods.pop(uid, None)
        worker = self._workers.get(uid)
        if worker is not None:
            worker.vanish()
        self._workers = {u: w for u, w in self._workers.items() if not w.done}

    async def _follow_claims(self) -> None:
        async for change in self._client.follow("persistentvolumeclaims"):
            if isinstance(change, Listed):
                self._claims = {key_of(claim): claim for claim in change.items}
                unbound = list(change.items)
            elif change.deleted:
                self._claims.pop(key_of(change.item), None)
                unbound = []
            else:
                self._claims[key_of(change.item)] = change.item
                unbound = [change.item]
            for claim in unbound:
                await self._bind_claim(claim)
            self._reschedule.set()

    async def _bind_claim(self, claim: Manifest) -> None:
        """Give a claim its volume, a directory that is made when a pod mounts it."""
        if claim.get("status", {}).get("phase") == "Bound":
            return
        namespace, name = key_of(claim)
        spec = claim["spec"]
        status = {
            "phase": "Bound",
            "accessModes": spec.get("accessModes", []),
            "capacity": spec.get("resources", {}).get("requests", {}),
        }
        try:
            await self._client.patch(
                "persistentvolumeclaims", namespace, name, {"status": status}, subresource="status"
            )
        except (ClusterError, aiohttp.ClientError) as error:
            _log.warning("cannot bind the claim %s/%s: %s", namespace, name, error)

    async def _schedule_forever(self) -> None:
        """Try to place every pod without a node whenever a pod or a claim changed."""
        while True:
            await self._reschedule.wait()
            self._reschedule.clear()
            for pod in list(self._pods.values()):
                if not pod["spec"].get("nodeName") and "deletionTimestamp" not in pod["metadata"]:
                    await self._schedule(pod)

    async def _schedule(self, pod: Manifest) -> None:
        problem = explain_unschedulable(
            pod,
            node_name=self.name,
            labels=self._labels,
            allocatable=self._allocatable,
            scheduled=[other for other in self._pods.values() if self._holds_resources(other)],
            claims=[name for ns, name in self._claims if ns == pod["metadata"]["namespace"]],
        )
        try:
            if problem is None:
                await self._bind(pod)
            else:
                await self._report_unschedulable(pod, problem)
        except ClusterError as error:
            _log.info("pod %s was not scheduled: %s", pod["metadata"]["name"], error)
        except aiohttp.ClientError as error:
            _log.warning("cannot schedule pod %s: %s", pod["metadata"]["name"], error)

    def _holds_resources(self, pod: Manifest) -> bool:
        ended = pod.get("status", {}).get("phase") in ENDED_PHASES
        return pod["spec"].get("nodeName") == self.name and not ended

    async def _bind(self, pod: Manifest) -> None:
        namespace, name = key_of(pod)
        binding: Manifest = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": name, "namespace": namespace},
            "target": {"apiVersion": "v1", "kind": "Node", "name": self.name},
        }
        await self._client.create(
            "pods", binding, namespace=namespace, name=name, subresource="binding"
        )
        # counts at once: the watch's answer may come after the next decision
        uid = pod["metadata"]["uid"]
        if uid in self._pods:
            spec = {**self._pods[uid]["spec"], "nodeName": self.name}
            self._pods[uid] = {**self._pods[uid], "spec": spec}
        message = f"Successfully assigned {namespace}/{name} to {self.name}"
        await self._context.events.normal(pod, "Scheduled", message, source=SCHEDULER)

    async def _report_unschedulable(self, pod: Manifest, problem: str) -> None:
        """Say why the pod waits: in its condition and as an Event, once per reason."""
        conditions = pod.get("status", {}).get("conditions", ())
        known = [c.get("message") for c in conditions if c["type"] == "PodScheduled"]
        if known == [problem]:
            return
        condition = {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": problem,
            "lastTransitionTime": format_now(),
        }
        namespace, name = key_of(pod)
        change = {"status": {"conditions": [condition]}}
        self._pods[pod["metadata"]["uid"]] = {**pod, **change}
        await self._client.patch("pods", namespace, name, change, subresource="status")
        await self._context.events.warning(pod, "FailedScheduling", problem, source=SCHEDULER)


def key_of(manifest: Manifest) -> tuple[str, str]:
    """Return namespace and name."""
    metadata = manifest["metadata"]
    return metadata["namespace"], metadata["name"]
