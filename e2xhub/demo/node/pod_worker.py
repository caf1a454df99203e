"""The life of one pod on the node: volumes, init containers, containers, and its end.

One worker, one task, one pod. Which pods there are is `node`'s business, one container's runs
`container_life`'s.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
from pathlib import Path

import aiohttp

from e2xhub.demo.api.resources import Manifest
from e2xhub.demo.node.addresses import NoAddressLeftError
from e2xhub.demo.node.cluster_client import ClusterError
from e2xhub.demo.node.container_life import (
    ContainerLife,
    ImageMissingError,
    PodStoppingError,
)
from e2xhub.demo.node.container_process import ContainerProcess
from e2xhub.demo.node.container_spec import make_spec
from e2xhub.demo.node.context import NodeContext
from e2xhub.demo.node.events import format_now
from e2xhub.demo.node.images import find_image
from e2xhub.demo.node.pod_status import WAITING, WAITING_FOR_INIT, make_status
from e2xhub.demo.node.pod_volumes import VolumeError, VolumeMaker
from e2xhub.demo.node.termination import read_message

_log = logging.getLogger(__name__)

_RETRY_SECONDS = 1.0
_CHECK_SECONDS = 0.05
_WRITE_ATTEMPTS = 3


class PodWorker:
    """Runs one pod until it is deleted or has ended."""

    def __init__(self, pod: Manifest, context: NodeContext) -> None:
        """`pod` is bound to this node."""
        self.pod = pod
        self.events = context.events
        self.back_off_seconds = context.back_off_seconds
        self.stopping = asyncio.Event()
        self.address = ""
        self._context = context
        self._deadline = float("inf")
        self._exists = True
        self._volumes: dict[str, Path] = {}
        self._published: Manifest = {}
        self._publishing = asyncio.Lock()
        spec = pod["spec"]
        policy = spec.get("restartPolicy", "Always")
        self._main = [ContainerLife(c, self, policy) for c in spec["containers"]]
        policy = "Never" if policy == "Never" else "OnFailure"
        self._init = [ContainerLife(c, self, policy) for c in spec.get("initContainers", ())]
        self._task = asyncio.create_task(self._run())

    @property
    def done(self) -> bool:
        """Whether the pod has ended and nothing of it is left to do."""
        return self._task.done()

    def update(self, pod: Manifest) -> None:
        """Take note of a change of the pod; with a deletionTimestamp it is stopped."""
        if "deletionTimestamp" in pod["metadata"]:
            self.stop(pod["metadata"].get("deletionGracePeriodSeconds", 30))

    def vanish(self) -> None:
        """The pod is no longer in the API: end its processes at once."""
        self._exists = False
        self.stop(0)

    def stop(self, grace_seconds: float) -> None:
        """Stop the pod; a second call can only shorten the grace period."""
        deadline = asyncio.get_running_loop().time() + grace_seconds
        self._deadline = min(self._deadline, deadline)
        self.stopping.set()

    async def ended(self) -> None:
        """Wait until nothing of the pod is left."""
        await asyncio.wait([self._task])

    async def _run(self) -> None:
        work = asyncio.create_task(self._work())
        stop = asyncio.create_task(self.stopping.wait())
        try:
            await asyncio.wait([work, stop], return_when=asyncio.FIRST_COMPLETED)
            try:
                await self._stop_containers(work)
            finally:
                self._context.addresses.give_back(self.address)
            await self.publish()
            await stop
            await self._remove()
        except Exception:
            _log.exception("pod %s failed in the demo's own code", self.pod["metadata"]["name"])
        finally:
            work.cancel()
            stop.cancel()

    async def _work(self) -> None:
        """Do everything up to the end of the containers; when the pod is stopped, end early."""
        with contextlib.suppress(PodStoppingError):
            await self._take_address()
            await self._make_volumes()
            if await self._run_init_containers():
                runs = [asyncio.create_task(life.run()) for life in self._main]
                for run in asyncio.as_completed(runs):
                    with contextlib.suppress(PodStoppingError):
                        await run

    async def _take_address(self) -> None:
        self.address = await self._find_address()
        status = self.pod.get("status", {})
        own = {
            "hostIP": self._context.host_address,
            "podIP": self.address,
            "podIPs": [{"ip": self.address}],
            "startTime": format_now(),
        }
        self.pod = {**self.pod, "status": {**status, **own}}
        if self._init:
            for life in self._main:
                life.record.state = dict(WAITING_FOR_INIT)
        if not self._context.isolated:
            await self.events.warning(self.pod, "NotIsolated", self._context.isolation)
        await self.publish()

    async def _find_address(self) -> str:
        while True:
            try:
                return self._context.addresses.take()
            except NoAddressLeftError as error:
                await self.events.warning(self.pod, "FailedCreatePodSandBox", str(error))
                await self._wait_for_change()

    async def _wait_for_change(self) -> None:
        """Wait a little before trying again; raises PodStoppingError."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), _RETRY_SECONDS)
            raise PodStoppingError

    async def _make_volumes(self) -> None:
        """Make the volumes, as soon as everything that they need is there."""
        context = self._context
        maker = VolumeMaker(self.pod, context.state, context.client, context.allocatable)
        while True:
            try:
                self._volumes = await maker.make_all()
            except VolumeError as error:
                await self.events.warning(self.pod, "FailedMount", str(error))
            except (ClusterError, aiohttp.ClientError) as error:
                _log.warning("cannot read what a pod's volumes need: %s", error)
            else:
                return
            await self._wait_for_change()

    async def _run_init_containers(self) -> bool:
        """Run them one after the other; return whether all succeeded."""
        for life in self._init:
            if await life.run() != 0 or self.stopping.is_set():
                return False
        for life in self._main:
            life.record.state = dict(WAITING)
        return True

    async def start_container(self, container: Manifest) -> ContainerProcess:
        """Start it; raises ImageMissingError, ContainerConfigError, VolumeError, StartError."""
        image = find_image(self._context.images, container["image"])
        if image is None:
            name = container["image"]
            raise ImageMissingError(
                f'rpc error: code = NotFound desc = failed to pull and unpack image "{name}": '
                "not found: the demo has no image of this name"
            )
        spec = await make_spec(self.pod, container, image, self._volumes, self._context)
        log = self._log_path(container["name"])
        if log.exists():
            log.replace(log.with_name("previous.log"))
        return await ContainerProcess.start(spec, log)

    def read_message(self, container: Manifest, exit_code: int) -> str:
        """What a container that has ended said last; empty where it said nothing."""
        directory = self._context.state.messages(self.pod["metadata"]["uid"])
        log = self._log_path(container["name"])
        return read_message(directory, container, exit_code=exit_code, log=log)

    def _log_path(self, container: str) -> Path:
        metadata = self.pod["metadata"]
        pod = f"{metadata['namespace']}_{metadata['name']}_{metadata['uid']}"
        return self._context.log_directory / pod / container / "0.log"

    async def _stop_containers(self, work: asyncio.Task[None]) -> None:
        """Ask every container to end, and kill what is left at the deadline."""
        loop = asyncio.get_running_loop()
        asked: dict[ContainerProcess, asyncio.Task[None]] = {}
        while not work.done():
            for life in [*self._init, *self._main]:
                if life.process is None:
                    continue
                if loop.time() >= self._deadline:
                    life.process.kill()
                elif life.process not in asked:
                    asked[life.process] = asyncio.create_task(self._ask_to_end(life))
            await asyncio.wait([work], timeout=_CHECK_SECONDS)
        await asyncio.gather(*asked.values())
        work.result()

    async def _ask_to_end(self, life: ContainerLife) -> None:
        process = life.process
        assert process is not None
        message = f"Stopping container {life.record.name}"
        await self.events.normal(self.pod, "Killing", message)
        remaining = self._deadline - asyncio.get_running_loop().time()
        await life.run_pre_stop_hook(remaining)
        process.terminate()

    async def publish(self) -> None:
        """Write the pod's status if it changed."""
        async with self._publishing:
            if not self._exists:
                return
            status = self._make_status()
            if status != self._published and await self._write(status):
                self._published = status

    def _make_status(self) -> Manifest:
        own = self.pod.get("status", {})
        addresses = {k: own[k] for k in ("hostIP", "podIP", "podIPs", "startTime") if k in own}
        return make_status(
            [life.record for life in self._init],
            [life.record for life in self._main],
            earlier=self._published or own,
            addresses=addresses,
            now=format_now(),
        )

    async def _write(self, status: Manifest) -> bool:
        metadata = self.pod["metadata"]
        change = {"metadata": {"uid": metadata["uid"]}, "status": status}
        for _ in range(_WRITE_ATTEMPTS):
            try:
                await self._context.client.patch(
                    "pods", metadata["namespace"], metadata["name"], change, subresource="status"
                )
            except ClusterError as error:
                if error.status not in (404, 409):
                    _log.error("status of pod %s was refused: %s", metadata["name"], error)
                return False
            except aiohttp.ClientError as error:
                _log.warning("cannot write the status of pod %s: %s", metadata["name"], error)
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                return True
        return False

    async def _remove(self) -> None:
        """Remove the pod's own files, and the pod from the API."""
        metadata = self.pod["metadata"]
        directory = self._context.state.pod(metadata["uid"])
        await asyncio.to_thread(shutil.rmtree, directory, ignore_errors=True)
        self.events.forget(metadata["uid"])
        if self._exists:
            with contextlib.suppress(ClusterError, aiohttp.ClientError):
                await self._context.client.delete(
                    "pods", metadata["namespace"], metadata["name"], uid=metadata["uid"]
                )
