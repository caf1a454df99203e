"""Why a server does not start: what Kubernetes says about a pod, sorted into a few kinds.

Pure functions of a pod's status, its events and an answer of the API, all as plain mappings. What a
spawner does about it is left to `starts`.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from math import inf
from typing import Any

from aiohttp import ClientError
from kubernetes_asyncio.client import ApiException

from e2xhub.kubernetes.names import SERVER

Manifest = Mapping[str, Any]


class StartFailure(str, Enum):
    """The kinds of starts that fail: the sentence for the person, also the key of its translation.

    `docs/troubleshooting.md` has a row for each of them.
    """

    IMAGE_NOT_PULLED = (
        "The software of this server cannot be fetched. Trying again does not help; "
        "please tell the people in charge."
    )
    VOLUME_MISSING = (
        "The files of this server cannot be connected. Please tell the people in charge."
    )
    SETUP_WRONG = (
        "This server is set up wrongly. Trying again does not help; "
        "please tell the people in charge."
    )
    PREPARATION_FAILED = (
        "The files of this server could not be prepared. Please tell the people in charge."
    )
    NO_SUCH_MACHINE = (
        "There is no machine that this server may run on. Please tell the people in charge."
    )
    NO_ROOM = "All places are taken. Please try again in a few minutes, or choose a smaller size."
    QUOTA_FULL = (
        "No more servers fit at the moment. Please try again later, or choose a smaller size."
    )
    SERVER_ENDED = (
        "Your server ended while it started. Please try again; "
        "if that does not help, tell the people in charge."
    )
    INTERRUPTED = "Your server was taken away while it started. Please start it again."
    PREVIOUS_NOT_ENDED = "Your previous server is still ending. Please try again in a minute."
    NO_ANSWER = (
        "Your server has started but does not answer. Please try again; "
        "if that does not help, tell the people in charge."
    )
    TOO_SLOW = (
        "Your server did not start in time. Please try again in a few minutes; "
        "if that does not help, tell the people in charge."
    )
    CLUSTER_UNREACHABLE = (
        "Servers cannot be started at the moment. Please try again in a few minutes."
    )
    UNEXPECTED = "Your server could not be started. Please tell the people in charge."

    @property
    def may_pass(self) -> bool:
        """Whether the same start may succeed later, without anybody in charge doing something."""
        return self in _MAY_PASS


_MAY_PASS = {
    StartFailure.NO_ROOM,
    StartFailure.QUOTA_FULL,
    StartFailure.SERVER_ENDED,
    StartFailure.INTERRUPTED,
    StartFailure.PREVIOUS_NOT_ENDED,
    StartFailure.NO_ANSWER,
    StartFailure.TOO_SLOW,
    StartFailure.CLUSTER_UNREACHABLE,
}


@dataclass(frozen=True, kw_only=True)
class Obstacle:
    """Something that keeps a pod from running."""

    failure: StartFailure
    detail: str
    """Kubernetes' own words, for the log."""
    patience_seconds: float = inf
    """How long it may last before it is taken to stay; infinite: it often passes."""


class Patience:
    """Tells when an obstacle has lasted for too long; one kind at a time."""

    def __init__(self) -> None:
        self._met: Obstacle | None = None
        self._since = 0.0

    def judge(self, obstacle: Obstacle | None, now: float) -> Obstacle | None:
        """The obstacle that will not go away, or None; `now` is in seconds of any clock.

        Kubernetes says the same thing in turns with more and with fewer words (ErrImagePull,
        ImagePullBackOff): what was said most definitely counts.
        """
        met = self._met
        if obstacle is None or met is None or obstacle.failure is not met.failure:
            self._met, self._since = obstacle, now
        elif obstacle.patience_seconds <= met.patience_seconds:
            self._met = obstacle
        if self._met and now - self._since >= self._met.patience_seconds:
            return self._met
        return None


_DEFINITE_SECONDS = 3.0
"""For what is wrong as it stands; the cluster may still be learning of an object just made."""
_HICCUP_SECONDS = 20.0
"""For what a registry, a kubelet or a file server may recover from."""
_BESIDE_SECONDS = 30.0
"""For what runs beside the server, and ends until what it needs is there: Kubernetes starts it
again after 10 and after 20 seconds, and then after 40."""

_IMAGE_REASONS = {
    "ErrImageNeverPull": _DEFINITE_SECONDS,
    "InvalidImageName": _DEFINITE_SECONDS,
    "ErrImagePull": _HICCUP_SECONDS,
    "ImageInspectError": _HICCUP_SECONDS,
    "ImagePullBackOff": _HICCUP_SECONDS,
    "RegistryUnavailable": _HICCUP_SECONDS,
    "SignatureValidationFailed": _HICCUP_SECONDS,
}
_SETUP_REASONS = {
    "CreateContainerConfigError": _HICCUP_SECONDS,
    "CreateContainerError": _HICCUP_SECONDS,
    "PostStartHookError": _DEFINITE_SECONDS,
    "PreCreateHookError": _HICCUP_SECONDS,
    "PreStartHookError": _HICCUP_SECONDS,
    "RunContainerError": _HICCUP_SECONDS,
}
_NEVER_RAN = ("StartError", "ContainerCannotRun")
_NO_SUCH_IMAGE = re.compile(
    "not found|manifest unknown|does not exist|denied|unauthorized|forbidden|couldn't parse",
    re.IGNORECASE,
)
_MOUNT_EVENTS = ("FailedMount", "FailedAttachVolume", "FailedMapVolume")
_NOTHING_TO_MOUNT = re.compile(
    "not found|no such file|does not exist|non-existent|access denied|permission denied"
    "|type check failed|no volumes of the type",
    re.IGNORECASE,
)
_CLAIM = re.compile("persistentvolumeclaim", re.IGNORECASE)
_CLAIM_MISSING = re.compile("not found|non-existent|being deleted|Lost", re.IGNORECASE)
_NODES_ARE_FULL = re.compile(
    "Insufficient|Too many pods|free ports|exceed max volume count|anti-affinity rules"
)
_NODES_DO_NOT_FIT = re.compile(
    "node affinity|node selector|untolerated taint|volume node affinity|didn't match Pod"
)
_SCALES_UP = ("TriggeredScaleUp", "Nominated")
_DOES_NOT_SCALE_UP = "NotTriggerScaleUp"
_STARTING = ("ContainerCreating", "PodInitializing", "")


def find_obstacle(
    pod: Manifest, events: Iterable[Manifest] = (), *, scale_up_seconds: float = 60.0
) -> Obstacle | None:
    """What keeps `pod` from running, or None where nothing does that is known of.

    `events` are those of this very pod. `scale_up_seconds` is how long a pod that fits no machine
    waits for an autoscaler to say that it brings one.
    """
    known = list(events)
    return next(_obstacles(pod, known, scale_up_seconds), None)


def _obstacles(pod: Manifest, events: list[Manifest], scale_up: float) -> Iterator[Obstacle]:
    status = pod.get("status") or {}
    if "deletionTimestamp" in pod["metadata"]:
        yield Obstacle(
            failure=StartFailure.INTERRUPTED, detail="the pod is being deleted", patience_seconds=0
        )
    yield from _ended(status)
    yield from _kept_by_containers(pod, status)
    yield from _unscheduled(status, events, scale_up)
    if _waits_for_volumes(status):
        yield from _unmounted(events)


def _kept_by_containers(pod: Manifest, status: Manifest) -> Iterator[Obstacle]:
    """What keeps the containers; last of all those beside the server, which have more time."""
    beside = []
    sidecars = _sidecars(pod)
    for container in status.get("initContainerStatuses") or ():
        if container["name"] in sidecars:
            beside.append(container)
        else:
            yield from _of_container(container, StartFailure.PREPARATION_FAILED)
    for container in status.get("containerStatuses") or ():
        if container["name"] == SERVER:
            yield from _of_container(container, StartFailure.SERVER_ENDED)
        else:
            beside.append(container)
    for container in beside:
        yield from _of_container(container, StartFailure.TOO_SLOW, _BESIDE_SECONDS)


def _sidecars(pod: Manifest) -> set[str]:
    """The init containers that go on running, by their names."""
    containers = (pod.get("spec") or {}).get("initContainers") or ()
    return {entry["name"] for entry in containers if entry.get("restartPolicy") == "Always"}


def _ended(status: Manifest) -> Iterator[Obstacle]:
    """A pod that has ended as a whole."""
    if status.get("phase") not in ("Failed", "Succeeded"):
        return
    failed_first = any(
        _exit_code(container) for container in status.get("initContainerStatuses") or ()
    )
    if status.get("reason"):  # Evicted, NodeLost, Preempting: not the server's doing
        failure = StartFailure.INTERRUPTED
    elif failed_first:
        failure = StartFailure.PREPARATION_FAILED
    else:
        failure = StartFailure.SERVER_ENDED
    words = [status["phase"], status.get("reason"), status.get("message"), *_ends(status)]
    detail = "; ".join(str(word) for word in words if word)
    yield Obstacle(failure=failure, detail=detail, patience_seconds=0)


def _ends(status: Manifest) -> Iterator[str]:
    for key in ("initContainerStatuses", "containerStatuses"):
        for container in status.get(key) or ():
            if ended := _last_end(container):
                yield f"container {container['name']} {ended}"


def _of_container(
    container: Manifest, if_it_ends: StartFailure, patience_seconds: float = 0.0
) -> Iterator[Obstacle]:
    waiting = (container.get("state") or {}).get("waiting") or {}
    reason, message = waiting.get("reason") or "", waiting.get("message") or ""
    words = f"container {container['name']}: {reason}: {message}".rstrip(": ")
    if reason in _IMAGE_REASONS:
        never = _NO_SUCH_IMAGE.search(message)
        yield Obstacle(
            failure=StartFailure.IMAGE_NOT_PULLED,
            detail=f"{words} (image {container.get('image')})",
            patience_seconds=_DEFINITE_SECONDS if never else _IMAGE_REASONS[reason],
        )
    elif reason in _SETUP_REASONS:
        yield Obstacle(
            failure=StartFailure.SETUP_WRONG,
            detail=words,
            patience_seconds=_SETUP_REASONS[reason],
        )
    elif reason == "CrashLoopBackOff":
        detail = f"{words}; {_last_end(container)}".rstrip("; ")
        failure = StartFailure.SETUP_WRONG if _never_ran(container) else if_it_ends
        yield Obstacle(failure=failure, detail=detail, patience_seconds=patience_seconds)


def _never_ran(container: Manifest) -> bool:
    """Whether the runtime could not start its program: a wrong command, or a wrong mount."""
    ended = (container.get("lastState") or {}).get("terminated") or {}
    return ended.get("reason") in _NEVER_RAN


def _exit_code(container: Manifest) -> int:
    for key in ("state", "lastState"):
        ended = (container.get(key) or {}).get("terminated")
        if ended:
            return int(ended.get("exitCode") or 0)
    return 0


def _last_end(container: Manifest) -> str:
    """How the container ended last, such as `ended with 137 (OOMKilled)`."""
    for key in ("state", "lastState"):
        ended = (container.get(key) or {}).get("terminated")
        if ended:
            words = " ".join(filter(None, [ended.get("reason"), ended.get("message")]))
            return f"ended with {ended.get('exitCode')} ({words.strip()})"
    return ""


def _unscheduled(status: Manifest, events: list[Manifest], scale_up: float) -> Iterator[Obstacle]:
    condition = find_condition(status, "PodScheduled")
    if condition.get("status") != "False":
        return
    message = condition.get("message") or condition.get("reason") or "not scheduled"
    if _CLAIM.search(message):
        missing = _CLAIM_MISSING.search(message)
        patience = _HICCUP_SECONDS / 2 if missing else inf
        yield Obstacle(
            failure=StartFailure.VOLUME_MISSING, detail=message, patience_seconds=patience
        )
        return
    no_scale_up = [event for event in events if event.get("reason") == _DOES_NOT_SCALE_UP]
    never = not _NODES_ARE_FULL.search(message) and _NODES_DO_NOT_FIT.search(message)
    if never and not is_scaling_up(events):
        yield Obstacle(
            failure=StartFailure.NO_SUCH_MACHINE,
            detail="; ".join([message, *(str(event.get("message")) for event in no_scale_up[-1:])]),
            patience_seconds=_HICCUP_SECONDS if no_scale_up else scale_up,
        )
        return
    yield Obstacle(failure=StartFailure.NO_ROOM, detail=message)


def is_scaling_up(events: Iterable[Manifest]) -> bool:
    """Whether an autoscaler brings a machine for the pod of these events."""
    return any(event.get("reason") in _SCALES_UP for event in events)


def _waits_for_volumes(status: Manifest) -> bool:
    """Whether no container has begun: then events about volumes are not stale."""
    containers = [
        *(status.get("initContainerStatuses") or ()),
        *(status.get("containerStatuses") or ()),
    ]
    waiting = [(container.get("state") or {}).get("waiting") for container in containers]
    return status.get("phase") == "Pending" and all(
        state is not None and (state.get("reason") or "") in _STARTING for state in waiting
    )


def _unmounted(events: list[Manifest]) -> Iterator[Obstacle]:
    found = [event for event in events if event.get("reason") in _MOUNT_EVENTS]
    for event in found[-1:]:
        message = str(event.get("message") or "")
        missing = _NOTHING_TO_MOUNT.search(message)
        yield Obstacle(
            failure=StartFailure.VOLUME_MISSING,
            detail=f"{event['reason']}: {message}",
            patience_seconds=_HICCUP_SECONDS if missing else inf,
        )


def find_condition(status: Manifest, name: str) -> Manifest:
    """A condition of the pod by its type; empty where it has none."""
    conditions = status.get("conditions") or ()
    return next((entry for entry in conditions if entry.get("type") == name), {})


def classify_error(error: BaseException) -> Obstacle:
    """What an exception of a start means: an answer of the API, no answer, or something else."""
    if isinstance(error, ApiException):
        message = message_of(error)
        return Obstacle(failure=_of_answer(error.status or 0, message), detail=message)
    if isinstance(error, ClientError | OSError | TimeoutError | asyncio.TimeoutError):
        detail = f"{type(error).__name__}: {error}".rstrip(": ")
        return Obstacle(failure=StartFailure.CLUSTER_UNREACHABLE, detail=detail)
    return Obstacle(failure=StartFailure.UNEXPECTED, detail=f"{type(error).__name__}: {error}")


def is_refusal(error: BaseException) -> bool:
    """Whether the API has said that it did not do what it was asked to.

    A gateway's time-out, or a connection that ended, leaves it open.
    """
    status = error.status or 0 if isinstance(error, ApiException) else 0
    return 400 <= status < 500 and status != 408


def _of_answer(status: int, message: str) -> StartFailure:
    if status == 403 and "exceeded quota" in message:
        return StartFailure.QUOTA_FULL
    # 401: the hub's token is being renewed, or its account is gone.
    if status >= 500 or status in (0, 401, 408, 409, 429):
        return StartFailure.CLUSTER_UNREACHABLE
    return StartFailure.SETUP_WRONG


def message_of(error: ApiException) -> str:
    """The API's own sentence with its status, such as `403: pods "a" is forbidden: …`."""
    try:
        sentence = json.loads(error.body)["message"]
    except (TypeError, ValueError, KeyError):
        sentence = error.reason or error.body
    return f"{error.status}: {sentence}"
