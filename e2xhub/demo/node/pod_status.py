"""A pod's status computed from the records of its containers: pure functions, as a kubelet reckons.

https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from e2xhub.demo.api.resources import Manifest

WAITING = {"waiting": {"reason": "ContainerCreating"}}
WAITING_FOR_INIT = {"waiting": {"reason": "PodInitializing"}}


@dataclass(kw_only=True)
class ContainerRecord:
    """What is known about one container; `state` and `last_state` are as in a ContainerStatus."""

    name: str
    image: str
    uid: str
    state: Manifest = field(default_factory=lambda: dict(WAITING))
    last_state: Manifest = field(default_factory=dict)
    restart_count: int = 0
    ready: bool = False
    started: bool = False
    finished: bool = False
    """Ended, and not to be started again."""

    @property
    def exit_code(self) -> int | None:
        """The exit code of the run that ended last, if the container does not run now."""
        terminated = self.state.get("terminated") or self.last_state.get("terminated")
        return None if terminated is None else int(terminated["exitCode"])

    def to_status(self) -> Manifest:
        """Return the ContainerStatus."""
        identifier = f"process://{self.uid}/{self.name}/{self.restart_count}"
        has_run = "waiting" not in self.state or bool(self.last_state)
        return {
            "name": self.name,
            "image": self.image,
            "imageID": self.image if has_run else "",
            "containerID": identifier if has_run else "",
            "state": self.state,
            "lastState": self.last_state,
            "restartCount": self.restart_count,
            "ready": self.ready,
            "started": self.started,
        }


def find_phase(init: Sequence[ContainerRecord], main: Sequence[ContainerRecord]) -> str:
    """Return the pod's phase."""
    if any(record.finished and record.exit_code for record in init):
        return "Failed"
    if any(not record.finished for record in init):
        return "Pending"
    if all(record.finished for record in main):
        return "Failed" if any(record.exit_code for record in main) else "Succeeded"
    never_ran = any("waiting" in record.state and not record.last_state for record in main)
    return "Pending" if never_ran else "Running"


def find_conditions(
    init: Sequence[ContainerRecord], main: Sequence[ContainerRecord]
) -> list[Manifest]:
    """Return the conditions of a scheduled pod, without the times of their transitions."""
    phase = find_phase(init, main)
    initialized = all(record.finished and not record.exit_code for record in init)
    unready = [record.name for record in main if not record.ready]
    readiness: Manifest = {"status": "False" if unready else "True"}
    if phase in ("Succeeded", "Failed"):
        readiness["reason"] = "PodCompleted" if phase == "Succeeded" else "PodFailed"
    elif unready:
        readiness["reason"] = "ContainersNotReady"
        readiness["message"] = f"containers with unready status: [{' '.join(unready)}]"
    return [
        {"type": "PodScheduled", "status": "True"},
        {"type": "Initialized", "status": "True" if initialized else "False"},
        {"type": "ContainersReady", **readiness},
        {"type": "Ready", **readiness},
    ]


def date_conditions(
    conditions: Sequence[Manifest], earlier: Sequence[Manifest], now: str
) -> list[Manifest]:
    """Return the conditions with the times of their last transitions."""
    known: Mapping[str, Manifest] = {condition["type"]: condition for condition in earlier}
    dated = []
    for condition in conditions:
        before = known.get(condition["type"], {})
        same = before.get("status") == condition["status"]
        time = before.get("lastTransitionTime", now) if same else now
        dated.append({**condition, "lastTransitionTime": time})
    return dated


def make_status(
    init: Sequence[ContainerRecord],
    main: Sequence[ContainerRecord],
    *,
    earlier: Manifest,
    addresses: Manifest,
    now: str,
) -> Manifest:
    """Return the pod's status as a merge patch; `addresses` has hostIP, podIP and startTime."""
    conditions = find_conditions(init, main)
    status: Manifest = {
        **addresses,
        "phase": find_phase(init, main),
        "conditions": date_conditions(conditions, earlier.get("conditions", ()), now),
        "containerStatuses": [record.to_status() for record in main],
    }
    if init:
        status["initContainerStatuses"] = [record.to_status() for record in init]
    return status
