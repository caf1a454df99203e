"""The life of one container in a pod: image, start, probes, end, and whether it starts again.

What the other containers of the pod do, and when the pod ends, is left to `pod_worker`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

import aiohttp

from e2xhub.demo.api.resources import Manifest
from e2xhub.demo.node.cluster_client import ClusterError
from e2xhub.demo.node.container_process import ContainerProcess, StartError
from e2xhub.demo.node.events import EventRecorder, format_now
from e2xhub.demo.node.pod_environment import ContainerConfigError
from e2xhub.demo.node.pod_status import WAITING, ContainerRecord
from e2xhub.demo.node.pod_volumes import VolumeError
from e2xhub.demo.node.probes import ProbeFailedError, check_probe
from e2xhub.demo.node.task_ending import cancel_and_wait

_log = logging.getLogger(__name__)

EXIT_CODE_NOT_STARTED = 128
_RETRY_SECONDS = 1.0
_LONGEST_BACK_OFF_SECONDS = 300.0
_HEALTHY_SECONDS = 600.0
_HOOK_SECONDS = 30.0
_EXIT_SIGKILL = 137


class ImageMissingError(Exception):
    """The demo has no image of this name."""


class PodStoppingError(Exception):
    """The pod is being deleted: whatever waits gives up."""


class PodScope(Protocol):
    """What a container needs of its pod."""

    pod: Manifest
    events: EventRecorder
    address: str
    back_off_seconds: float
    stopping: asyncio.Event

    async def start_container(self, container: Manifest) -> ContainerProcess:
        """Start it; raises ImageMissingError, ContainerConfigError, VolumeError, StartError."""

    def read_message(self, container: Manifest, exit_code: int) -> str:
        """What a container that has ended said last; empty where it said nothing."""

    async def publish(self) -> None:
        """Write the pod's status."""


class ContainerLife:
    """Runs one container until it is not to be started again."""

    def __init__(self, container: Manifest, scope: PodScope, restart_policy: str) -> None:
        """`restart_policy` is Always, OnFailure, or Never."""
        self._container = container
        self._scope = scope
        self._policy = restart_policy
        self._back_off = 0.0
        self.process: ContainerProcess | None = None
        self.record = ContainerRecord(
            name=container["name"],
            image=container["image"],
            uid=scope.pod["metadata"]["uid"],
        )

    async def run(self) -> int:
        """Return the exit code of the last run.

        Raises PodStoppingError when the pod stops between two runs.
        """
        while True:
            process = await self._start()
            code = EXIT_CODE_NOT_STARTED
            if process is not None:
                code = await self._attend(process)
            if self._policy == "Never" or (self._policy == "OnFailure" and code == 0):
                self.record.finished = True
            if self._scope.stopping.is_set():
                self.record.finished = True
            await self._scope.publish()
            if self.record.finished:
                return code
            await self._wait_before_restart()

    async def _start(self) -> ContainerProcess | None:
        """Start the container, as soon as it can be; None when its command cannot be run."""
        while True:
            self._check_stopping()
            began = format_now()
            try:
                process = await self._scope.start_container(self._container)
            except ImageMissingError as error:
                await self._report_missing_image(error)
            except (ContainerConfigError, VolumeError) as error:
                await self._report_config_error(error)
            except (ClusterError, aiohttp.ClientError) as error:
                _log.warning("cannot read what container %s needs: %s", self.record.name, error)
                await self._pause(_RETRY_SECONDS)
            except StartError as error:
                await self._report_start_error(error, began)
                return None
            else:
                await self._report_started(process)
                return process

    async def _report_missing_image(self, error: ImageMissingError) -> None:
        pod, image = self._scope.pod, self._container["image"]
        message = f'Failed to pull image "{image}": {error}'
        if self.record.state["waiting"].get("reason") != "ImagePullBackOff":
            await self._scope.events.warning(pod, "Failed", message)
            await self._scope.events.warning(pod, "Failed", "Error: ErrImagePull")
            await self._wait_for("ErrImagePull", message, _RETRY_SECONDS)
        message = f'Back-off pulling image "{image}"'
        await self._scope.events.normal(pod, "BackOff", message)
        await self._wait_for("ImagePullBackOff", message, self._scope.back_off_seconds)

    async def _report_config_error(self, error: Exception) -> None:
        state = self.record.state["waiting"]
        if state.get("message") != str(error):
            await self._scope.events.warning(self._scope.pod, "Failed", f"Error: {error}")
        await self._wait_for("CreateContainerConfigError", str(error), _RETRY_SECONDS)

    async def _report_start_error(self, error: StartError, began: str) -> None:
        await self._scope.events.warning(self._scope.pod, "Failed", f"Error: {error}")
        self.record.state = {
            "terminated": {
                "exitCode": EXIT_CODE_NOT_STARTED,
                "reason": "StartError",
                "message": str(error),
                "startedAt": began,
                "finishedAt": format_now(),
            }
        }

    async def _report_started(self, process: ContainerProcess) -> None:
        self.process = process
        record, events, pod = self.record, self._scope.events, self._scope.pod
        record.state = {"running": {"startedAt": format_now()}}
        record.started = "startupProbe" not in self._container
        record.ready = record.started and "readinessProbe" not in self._container
        image = self._container["image"]
        present = f'Container image "{image}" already present on machine'
        for reason, message in [
            ("Pulled", present),
            ("Created", f"Created container: {record.name}"),
            ("Started", f"Started container {record.name}"),
        ]:
            await events.normal(pod, reason, message)
        await self._scope.publish()

    async def _attend(self, process: ContainerProcess) -> int:
        """Run hook and probes beside the container until it ends; return its exit code."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        helper = asyncio.create_task(self._tend(process))
        try:
            code = await process.wait()
        finally:
            await cancel_and_wait([helper])
        if not helper.cancelled() and (error := helper.exception()):
            _log.error("probes of container %s failed", self.record.name, exc_info=error)
        self.process = None
        if loop.time() - began > _HEALTHY_SECONDS:
            self._back_off = 0.0
        self._record_end(code)
        return code

    def _record_end(self, code: int) -> None:
        started = self.record.state["running"]["startedAt"]
        self.record.ready = self.record.started = False
        message = self._scope.read_message(self._container, code)
        self.record.state = {
            "terminated": {
                "exitCode": code,
                "reason": "Completed" if code == 0 else "Error",
                **({"message": message} if message else {}),
                "startedAt": started,
                "finishedAt": format_now(),
                "containerID": self.record.to_status()["containerID"],
            }
        }

    async def _tend(self, process: ContainerProcess) -> None:
        hook = self._container.get("lifecycle", {}).get("postStart")
        if hook and not await self._run_hook(hook, process, "FailedPostStartHook"):
            process.kill()
            return
        if "startupProbe" in self._container:
            await self._probe("startupProbe", process, self._on_started, process.kill, once=True)
        probes: list[Awaitable[None]] = []
        if "readinessProbe" in self._container:
            probes.append(
                self._probe(
                    "readinessProbe", process, lambda: self._set_ready(True), self._on_unready
                )
            )
        elif not self.record.ready:
            self._set_ready(True)
        if "livenessProbe" in self._container:
            probes.append(self._probe("livenessProbe", process, lambda: None, process.kill))
        await self._scope.publish()
        await asyncio.gather(*probes)

    def _on_started(self) -> None:
        self.record.started = True

    def _on_unready(self) -> None:
        self._set_ready(False)

    def _set_ready(self, ready: bool) -> None:
        self.record.ready = ready

    async def _probe(
        self,
        kind: str,
        process: ContainerProcess,
        succeed: Callable[[], None],
        give_up: Callable[[], None],
        *,
        once: bool = False,
    ) -> None:
        """Ask again and again; act after as many equal answers in a row as the probe says."""
        probe = self._container[kind]
        await asyncio.sleep(probe.get("initialDelaySeconds", 0))
        successes = failures = 0
        while True:
            if await self._ask(kind, process):
                successes, failures = successes + 1, 0
            else:
                successes, failures = 0, failures + 1
            if successes == probe.get("successThreshold", 1):
                succeed()
                await self._scope.publish()
                if once:
                    return
            if failures == probe.get("failureThreshold", 3):
                give_up()
                await self._scope.publish()
            await asyncio.sleep(probe.get("periodSeconds", 10))

    async def _ask(self, kind: str, process: ContainerProcess) -> bool:
        ports = self._container.get("ports", ())
        try:
            await check_probe(self._container[kind], self._scope.address, ports, process)
        except ProbeFailedError as error:
            name = kind.removesuffix("Probe").capitalize()
            message = f"{name} probe failed: {error}"
            await self._scope.events.warning(self._scope.pod, "Unhealthy", message)
            return False
        return True

    async def run_pre_stop_hook(self, seconds: float) -> None:
        """Run the hook that precedes SIGTERM; the grace period includes it."""
        hook = self._container.get("lifecycle", {}).get("preStop")
        if hook and self.process is not None:
            with contextlib.suppress(asyncio.TimeoutError):
                run = self._run_hook(hook, self.process, "FailedPreStopHook")
                await asyncio.wait_for(run, seconds)

    async def _run_hook(self, hook: Manifest, process: ContainerProcess, failure: str) -> bool:
        ports = self._container.get("ports", ())
        if "sleep" in hook:
            await asyncio.sleep(hook["sleep"]["seconds"])
            return True
        try:
            probe = {**hook, "timeoutSeconds": _HOOK_SECONDS}
            await check_probe(probe, self._scope.address, ports, process)
        except ProbeFailedError as error:
            await self._scope.events.warning(self._scope.pod, failure, str(error))
            return False
        return True

    async def _wait_before_restart(self) -> None:
        """Start again at once the first time, then after ever longer times, as a kubelet does."""
        record, scope = self.record, self._scope
        record.last_state = record.state
        record.state = dict(WAITING)
        if self._back_off:
            pod = scope.pod["metadata"]
            names = f"{record.name} in pod {pod['name']}_{pod['namespace']}({pod['uid']})"
            message = f"back-off {self._back_off:g}s restarting failed container={names}"
            event = f"Back-off restarting failed container {names}"
            await scope.events.warning(scope.pod, "BackOff", event)
            await self._wait_for("CrashLoopBackOff", message, self._back_off)
        longer = max(scope.back_off_seconds, self._back_off * 2)
        self._back_off = min(longer, _LONGEST_BACK_OFF_SECONDS)
        record.restart_count += 1

    async def _wait_for(self, reason: str, message: str, seconds: float) -> None:
        self.record.state = {"waiting": {"reason": reason, "message": message}}
        await self._scope.publish()
        await self._pause(seconds)

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._scope.stopping.wait(), seconds)
        self._check_stopping()

    def _check_stopping(self) -> None:
        if self._scope.stopping.is_set():
            raise PodStoppingError
