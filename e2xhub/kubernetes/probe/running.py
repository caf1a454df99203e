"""Runs the pods of a probe in a cluster, and reads what they tell in their termination messages.

Whatever happens, every pod that was made is deleted in the end.
"""

from __future__ import annotations

import asyncio
import json
import shlex
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiohttp import ClientError
from kubernetes_asyncio.client import ApiException, CoreV1Api

from e2xhub.errors import E2xHubError
from e2xhub.kubernetes.starts.failures import Patience, find_obstacle, message_of

Manifest = dict[str, Any]
Progress = Callable[[str], None]

_LOOK_SECONDS = 0.5
_REQUEST_SECONDS = 15
_DELETE_SECONDS = 20.0
_GRACE_SECONDS = 1


class ProbeError(E2xHubError):
    """The probe could not be made; nothing is known of the lockdown."""


class PodRunner:
    """Creates pods in one namespace and waits for what they tell."""

    def __init__(
        self, api: CoreV1Api, *, namespace: str, start_seconds: float, progress: Progress
    ) -> None:
        self._api, self._namespace = api, namespace
        self._start_seconds, self._progress = start_seconds, progress
        self._created: dict[str, asyncio.Task[Any]] = {}

    async def create(self, manifest: Manifest) -> None:
        """Creates a pod; raises ProbeError where the cluster refuses it."""
        name = manifest["metadata"]["name"]
        self._progress(f"creating pod {name}")
        request = self._api.create_namespaced_pod(
            self._namespace, manifest, _request_timeout=_REQUEST_SECONDS
        )
        # Of a request that is given up nobody knows whether there is a pod: it is waited for.
        task = self._created[name] = asyncio.ensure_future(request)
        try:
            await asyncio.shield(task)
        except ApiException as error:
            raise ProbeError(
                f"pod {self._namespace}/{name} is refused by the cluster: {message_of(error)}; "
                "expected the right to create, get and delete pods, and room in the quota. "
                "Nothing was tried"
            ) from error

    async def wait_for_answer(self, name: str, container: str, *, seconds: float) -> Manifest:
        """What `container` tells at its end; `seconds` is how long it may run.

        Raises ProbeError where the pod does not start, or the container tells nothing.
        """
        patience, clock = Patience(), asyncio.get_running_loop().time
        deadline, is_running, shown = clock() + self._start_seconds, False, ""
        while True:
            pod = await self.read(name)
            state = state_of(pod, container)
            if "terminated" in state:
                return self._parse_answer(name, container, state["terminated"])
            if "running" in state and not is_running:
                deadline, is_running = clock() + seconds, True
            shown = self._show(name, state, pod, shown)
            obstacle = patience.judge(find_obstacle(pod), clock())
            if obstacle:
                raise ProbeError(self._explain(name, obstacle.detail))
            if clock() > deadline:
                raise ProbeError(self._explain(name, f"it took too long ({shown})"))
            await asyncio.sleep(_LOOK_SECONDS)

    async def read(self, name: str) -> Manifest:
        """The pod as the cluster has it; raises ProbeError where it is gone."""
        try:
            found = await self._api.read_namespaced_pod(
                name, self._namespace, _request_timeout=_REQUEST_SECONDS
            )
        except ApiException as error:
            raise ProbeError(
                f"pod {self._namespace}/{name} cannot be read: {message_of(error)}; expected the "
                "right to get pods, and that nobody else deletes it. Nothing is known"
            ) from error
        plain: Manifest = self._api.api_client.sanitize_for_serialization(found)
        return plain

    async def delete_all(self) -> None:
        """Deletes every pod that was created, or may have been."""
        if self._created:
            self._progress("deleting the pods of the probe")
        await asyncio.gather(*(self._delete(name, task) for name, task in self._created.items()))

    async def _delete(self, name: str, created: asyncio.Task[Any]) -> None:
        with suppress(ApiException, ClientError, OSError, asyncio.TimeoutError):
            await created
        try:
            await self._api.delete_namespaced_pod(
                name,
                self._namespace,
                grace_period_seconds=_GRACE_SECONDS,
                _request_timeout=_REQUEST_SECONDS,
            )
        except ApiException as error:
            if error.status != 404:
                self._progress(self._explain_leftover(name, message_of(error)))
        except (ClientError, OSError, asyncio.TimeoutError) as error:
            self._progress(self._explain_leftover(name, str(error) or type(error).__name__))

    def _explain_leftover(self, name: str, why: str) -> str:
        words = ["kubectl", "delete", "pod", "--namespace", self._namespace, name]
        return (
            f"pod {name} could not be deleted ({why}); it ends by itself. Delete it with: "
            f"{shlex.join(words)}"
        )

    def _show(self, name: str, state: Mapping[str, Any], pod: Manifest, shown: str) -> str:
        words = describe(state, pod)
        if words != shown:
            self._progress(f"pod {name}: {words}")
        return words

    def _parse_answer(self, name: str, container: str, ended: Mapping[str, Any]) -> Manifest:
        message = ended.get("message") or ""
        with suppress(ValueError):
            answer = json.loads(message)
            if isinstance(answer, dict) and not ended.get("exitCode"):
                return answer
        why = f"container {container!r} ended with {ended.get('exitCode')}"
        words = message.strip() or ended.get("reason") or "no message"
        raise ProbeError(self._explain(name, f"{why}: {words[-1000:]}"))

    def _explain(self, name: str, why: str) -> str:
        return (
            f"pod {self._namespace}/{name} did not do its part: {why}; expected a pod of the "
            "exam's image, with a python3, that runs where the exam's servers do. Nothing is known "
            "of the lockdown; correct it and try again"
        )


@asynccontextmanager
async def deleting(runner: PodRunner) -> AsyncIterator[PodRunner]:
    """Gives `runner`, and has its pods deleted whatever happens, Ctrl-C included."""
    try:
        yield runner
    finally:
        ending = asyncio.ensure_future(runner.delete_all())
        while not ending.done():
            # A second Ctrl-C does not leave pods behind either; a cluster that is gone ends it.
            with suppress(asyncio.CancelledError):
                await asyncio.wait([ending], timeout=_DELETE_SECONDS)
                if not ending.done():
                    ending.cancel()


def state_of(pod: Mapping[str, Any], container: str) -> Manifest:
    """The state of a container, such as `{"running": {…}}`; empty where there is none yet."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    found = (status.get("state") for status in statuses if status["name"] == container)
    return dict(next(found, None) or {})


def addresses_of(pod: Mapping[str, Any]) -> list[str]:
    """All addresses of a pod, the first one first."""
    status = pod.get("status") or {}
    several = [entry["ip"] for entry in status.get("podIPs") or ()]
    return several or [status["podIP"]]


def nodes_of(pod: Mapping[str, Any]) -> list[str]:
    """All addresses of the node that a pod runs on."""
    status = pod.get("status") or {}
    several = [entry["ip"] for entry in status.get("hostIPs") or ()]
    return several or [status["hostIP"]] if status.get("hostIP") else []


def describe(state: Mapping[str, Any], pod: Mapping[str, Any]) -> str:
    """How far a pod has come, for the person who waits."""
    if "running" in state:
        return "runs"
    waiting = state.get("waiting") or {}
    if not waiting:
        conditions = (pod.get("status") or {}).get("conditions") or ()
        said = [c.get("message") for c in conditions if c["type"] == "PodScheduled"]
        return next(filter(None, said), None) or "waits for a node"
    reason = waiting.get("reason") or "waits"
    if reason == "ContainerCreating":
        return "is being made; an image that the node does not have is pulled now"
    return ": ".join(filter(None, [reason, waiting.get("message")]))
