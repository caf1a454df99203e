"""A node of the laboratory: runs pods in network namespaces, and enforces policies if it is told.

It does of a kubelet, and of a network plug-in, what a probe needs.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kubernetes_asyncio.client import ApiClient, ApiException, CoreV1Api, NetworkingV1Api

from tests.kubernetes.probe.lab_network import API_SERVER, NAME_SERVER, NODE, Link, link_pod, lock

Manifest = dict[str, Any]
_MESSAGE = "/dev/termination-log"


@dataclass
class RunningPod:
    """A pod, its link, and the processes of its containers."""

    manifest: Manifest
    link: Link
    processes: dict[str, subprocess.Popen[bytes]]
    messages: dict[str, Path]
    began: float = field(default_factory=time.monotonic)
    is_locked: bool = False

    def status(self) -> Manifest:
        return {
            "phase": "Running",
            "hostIP": NODE,
            "podIP": self.link.address,
            "podIPs": [{"ip": address} for address in self.link.addresses],
            "containerStatuses": [self._status_of(name) for name in self.processes],
        }

    def _status_of(self, name: str) -> Manifest:
        code = self.processes[name].poll()
        message = self.messages[name].read_text(encoding="utf-8") if code is not None else ""
        state: Manifest = {"running": {}}
        if code is not None:
            state = {"terminated": {"exitCode": code, "message": message[:4096]}}
        shown = {"image": "image", "imageID": "image", "ready": code is None, "restartCount": 0}
        return {"name": name, "state": state, **shown}

    def end(self) -> None:
        for process in self.processes.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.link.cut()


class LabNode:
    """Runs the pods of a namespace between `start` and `stop`."""

    def __init__(
        self,
        client: ApiClient,
        namespace: str,
        directory: Path,
        *,
        locks_after: float | None,
        when_locked: Callable[[Link], None] = lambda _: None,
    ) -> None:
        """A policy holds `locks_after` seconds after its pod has started; None: it never does."""
        self._core, self._networking = CoreV1Api(client), NetworkingV1Api(client)
        self._client, self._namespace, self._directory = client, namespace, directory
        self._locks_after, self._when_locked = locks_after, when_locked
        self._pods: dict[str, RunningPod] = {}
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._work())

    async def stop(self) -> None:
        assert self._task is not None
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        for pod in self._pods.values():
            pod.end()

    async def _work(self) -> None:
        while True:
            listed = (await self._core.list_namespaced_pod(self._namespace)).items
            present = {pod.metadata.name: pod for pod in listed}
            for name in set(self._pods) - set(present):
                self._pods.pop(name).end()
            for name, pod in present.items():
                manifest = self._client.sanitize_for_serialization(pod)
                if manifest["metadata"].get("deletionTimestamp"):
                    await self._core.delete_namespaced_pod(
                        name, self._namespace, grace_period_seconds=0
                    )
                    continue
                if name not in self._pods:
                    self._pods[name] = await self._start_pod(manifest)
                await self._enforce(self._pods[name])
                with suppress(ApiException):  # it may be gone by now
                    await self._core.patch_namespaced_pod_status(
                        name, self._namespace, {"status": self._pods[name].status()}
                    )
            await asyncio.sleep(0.05)

    async def _start_pod(self, manifest: Manifest) -> RunningPod:
        link = link_pod()
        made = RunningPod(manifest, link, {}, {})
        # Before the first container runs, as a plug-in that does not wait for anything.
        if self._locks_after == 0:
            await self._enforce(made)
        for container in manifest["spec"]["containers"]:
            name = container["name"]
            message = self._directory / f"{manifest['metadata']['name']}-{name}.message"
            message.write_text("", encoding="utf-8")
            made.messages[name] = message
            made.processes[name] = self._start_container(manifest, container, link, message)
        return made

    def _start_container(
        self, pod: Manifest, container: Manifest, link: Link, message: Path
    ) -> subprocess.Popen[bytes]:
        # Kubernetes' own replacement, and the mount of the message in the words of a machine
        # that has no such file.
        words = [word.replace("$$", "$") for word in container["command"]]
        words = [word.replace(_MESSAGE, str(message)) for word in words]
        return subprocess.Popen(
            [*link.enter(self._name_servers(pod)), *words],
            env={
                "PATH": os.environ["PATH"],
                "E2XHUB_POD_ADDRESSES": ",".join(link.addresses),
                "E2XHUB_NODE_ADDRESS": NODE,
                "KUBERNETES_SERVICE_HOST": API_SERVER,
                "KUBERNETES_SERVICE_PORT": "443",
            },
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _name_servers(self, pod: Manifest) -> Path:
        """The resolv.conf of a pod, as its dnsPolicy says."""
        has_none = pod["spec"].get("dnsPolicy") == "None"
        file = self._directory / ("none.conf" if has_none else "cluster.conf")
        lines = "options timeout:1 attempts:1\n"
        file.write_text(lines if has_none else f"nameserver {NAME_SERVER}\n{lines}", "ascii")
        return file

    async def _enforce(self, pod: RunningPod) -> None:
        if self._locks_after is None or pod.is_locked:
            return
        if time.monotonic() - pod.began < self._locks_after or not await self._is_selected(pod):
            return
        lock(pod.link)
        self._when_locked(pod.link)
        pod.is_locked = True

    async def _is_selected(self, pod: RunningPod) -> bool:
        labels = pod.manifest["metadata"]["labels"]
        policies = await self._networking.list_namespaced_network_policy(self._namespace)
        selectors = [policy.spec.pod_selector.match_labels or {} for policy in policies.items]
        return any(selector.items() <= labels.items() for selector in selectors)
