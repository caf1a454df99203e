"""What Kubernetes says about a pod is sorted into the right kind, and given the right time."""

from __future__ import annotations

import asyncio
import json
import re
from math import inf
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kubernetes_asyncio.client import ApiException

from e2xhub.kubernetes.starts.failures import (
    Obstacle,
    Patience,
    StartFailure,
    classify_error,
    find_obstacle,
    is_refusal,
)

Manifest = dict[str, Any]
TROUBLESHOOTING = Path(__file__).parents[3] / "docs" / "troubleshooting.md"
SCALE_UP = 60.0


def make_pod(*, phase: str = "Pending", **status: Any) -> Manifest:
    return {"metadata": {"name": "pod", "uid": "1"}, "status": {"phase": phase, **status}}


def make_status(
    name: str = "notebook", *, last: Manifest | None = None, **state: Manifest
) -> Manifest:
    return {"name": name, "image": "image:1", "state": state, "lastState": last or {}}


def waiting(reason: str, message: str = "") -> Manifest:
    return make_status(waiting={"reason": reason, "message": message})


def ended(code: int, reason: str = "Error") -> Manifest:
    return {"terminated": {"exitCode": code, "reason": reason}}


def unscheduled(message: str) -> Manifest:
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    return make_pod(conditions=[{**condition, "message": message}])


def make_event(reason: str, message: str = "") -> Manifest:
    return {"reason": reason, "message": message}


def find(pod: Manifest, *events: Manifest) -> Obstacle | None:
    return find_obstacle(pod, events, scale_up_seconds=SCALE_UP)


# --- nothing in the way

HARMLESS = {
    "no status": {"metadata": {}},
    "just created": make_pod(),
    "creating": make_pod(containerStatuses=[waiting("ContainerCreating")]),
    "initializing": make_pod(containerStatuses=[waiting("PodInitializing")]),
    "running": make_pod(phase="Running", containerStatuses=[make_status(running={})]),
    "init container has succeeded": make_pod(
        initContainerStatuses=[make_status(**ended(0, "Completed"))],
        containerStatuses=[waiting("PodInitializing")],
    ),
    "ended once and starts again": make_pod(
        phase="Running", containerStatuses=[make_status(running={}, last=ended(1))]
    ),
    "scheduled": make_pod(conditions=[{"type": "PodScheduled", "status": "True"}]),
}


@pytest.mark.parametrize("pod", HARMLESS.values(), ids=HARMLESS)
def test_nothing_keeps_a_pod_that_is_on_its_way(pod: Manifest) -> None:
    assert find(pod) is None


# --- containers

CONTAINERS = {
    "image is not there": (
        waiting("ErrImagePull", "rpc error: code = NotFound desc = a/b:1: not found"),
        StartFailure.IMAGE_NOT_PULLED,
        3,
    ),
    "image may not be pulled": (
        waiting("ErrImagePull", "pull access denied, repository may require authorization"),
        StartFailure.IMAGE_NOT_PULLED,
        3,
    ),
    "image name": (
        waiting("InvalidImageName", 'couldn\'t parse image reference "A"'),
        StartFailure.IMAGE_NOT_PULLED,
        3,
    ),
    "image never pulled": (
        waiting("ErrImageNeverPull", "Container image is not present with pull policy of Never"),
        StartFailure.IMAGE_NOT_PULLED,
        3,
    ),
    "registry is slow": (
        waiting("ErrImagePull", "dial tcp 10.0.0.1:443: i/o timeout"),
        StartFailure.IMAGE_NOT_PULLED,
        20,
    ),
    "back-off": (
        waiting("ImagePullBackOff", 'Back-off pulling image "a/b:1"'),
        StartFailure.IMAGE_NOT_PULLED,
        20,
    ),
    "missing secret": (
        waiting("CreateContainerConfigError", 'secret "late" not found'),
        StartFailure.SETUP_WRONG,
        20,
    ),
    "no such program": (
        waiting("RunContainerError", 'exec: "nothing": not found in $PATH'),
        StartFailure.SETUP_WRONG,
        20,
    ),
    "crashes": (
        waiting("CrashLoopBackOff", "back-off 10s restarting"),
        StartFailure.SERVER_ENDED,
        0,
    ),
}


@pytest.mark.parametrize(("status", "failure", "patience"), CONTAINERS.values(), ids=CONTAINERS)
def test_container_that_waits_says_why(
    status: Manifest, failure: StartFailure, patience: float
) -> None:
    obstacle = find(make_pod(containerStatuses=[status]))
    assert obstacle is not None
    assert (obstacle.failure, obstacle.patience_seconds) == (failure, patience)
    assert obstacle.detail.startswith(f"container notebook: {status['state']['waiting']['reason']}")
    assert status["state"]["waiting"]["message"] in obstacle.detail


def test_crash_loop_tells_the_last_end() -> None:
    last = ended(137, "OOMKilled")
    status = make_status(last=last, waiting={"reason": "CrashLoopBackOff", "message": "back-off"})
    obstacle = find(make_pod(phase="Running", containerStatuses=[status]))
    assert obstacle is not None
    assert obstacle.detail == (
        "container notebook: CrashLoopBackOff: back-off; ended with 137 (OOMKilled)"
    )


@pytest.mark.parametrize("reason", ["StartError", "ContainerCannotRun"])
def test_program_that_could_not_even_be_started_is_set_up_wrongly(reason: str) -> None:
    """Trying again does not help against a wrong command or a wrong mount."""
    status = make_status(last=ended(128, reason), waiting={"reason": "CrashLoopBackOff"})
    obstacle = find(make_pod(phase="Running", containerStatuses=[status]))
    assert obstacle is not None
    assert obstacle.failure is StartFailure.SETUP_WRONG
    assert obstacle.detail == f"container notebook: CrashLoopBackOff; ended with 128 ({reason})"


def test_crashing_init_container_is_about_the_preparation() -> None:
    init = make_status("seed", waiting={"reason": "CrashLoopBackOff"}, last=ended(3))
    pod = make_pod(initContainerStatuses=[init], containerStatuses=[waiting("PodInitializing")])
    obstacle = find(pod)
    assert obstacle is not None
    assert obstacle.failure is StartFailure.PREPARATION_FAILED
    assert obstacle.detail == "container seed: CrashLoopBackOff; ended with 3 (Error)"


def crashing(name: str) -> Manifest:
    return make_status(name, waiting={"reason": "CrashLoopBackOff"}, last=ended(1))


def test_program_beside_the_server_has_more_time_and_is_not_called_the_server() -> None:
    running = make_status(running={})
    pod = make_pod(phase="Running", containerStatuses=[crashing("e2x-side-app"), running])
    assert find(pod) == Obstacle(
        failure=StartFailure.TOO_SLOW,
        detail="container e2x-side-app: CrashLoopBackOff; ended with 1 (Error)",
        patience_seconds=30,
    )


def test_sidecar_among_the_init_containers_has_more_time_too() -> None:
    pod = make_pod(initContainerStatuses=[crashing("proxy")])
    pod["spec"] = {"initContainers": [{"name": "proxy", "restartPolicy": "Always"}]}
    obstacle = find(pod)
    assert obstacle is not None
    assert (obstacle.failure, obstacle.patience_seconds) == (StartFailure.TOO_SLOW, 30)


def test_server_that_ends_is_not_hidden_by_what_runs_beside() -> None:
    obstacle = find(make_pod(containerStatuses=[crashing("a"), crashing("notebook")]))
    assert obstacle is not None
    assert obstacle.detail.startswith("container notebook: ")
    assert obstacle.patience_seconds == 0


def test_preparation_that_ends_is_not_hidden_by_a_sidecar() -> None:
    pod = make_pod(initContainerStatuses=[crashing("a"), crashing("seed")])
    pod["spec"] = {"initContainers": [{"name": "a", "restartPolicy": "Always"}, {"name": "seed"}]}
    obstacle = find(pod)
    assert obstacle is not None
    assert obstacle.detail.startswith("container seed: ")
    assert obstacle.patience_seconds == 0


def test_program_that_waits_for_a_database_may_back_off_twice() -> None:
    patience, beside = Patience(), find(make_pod(containerStatuses=[crashing("side")]))
    assert beside is not None
    # Kubernetes' pauses: 10 and 20 seconds; between them it runs for a moment.
    times = [(0.0, beside), (9.9, beside), (10.5, None), (12.0, beside), (31.9, beside)]
    assert [patience.judge(obstacle, now) for now, obstacle in times] == [None] * 5
    patience.judge(None, 32.0)
    patience.judge(beside, 33.0)
    assert patience.judge(beside, 63.0) is beside


ENDED = {
    "evicted": (
        make_pod(phase="Failed", reason="Evicted", message="The node was low on memory."),
        StartFailure.INTERRUPTED,
        "Failed; Evicted; The node was low on memory.",
    ),
    "failed": (
        make_pod(phase="Failed", containerStatuses=[make_status(**ended(1))]),
        StartFailure.SERVER_ENDED,
        "Failed; container notebook ended with 1 (Error)",
    ),
    "left by itself": (
        make_pod(phase="Succeeded", containerStatuses=[make_status(**ended(0, "Completed"))]),
        StartFailure.SERVER_ENDED,
        "Succeeded; container notebook ended with 0 (Completed)",
    ),
    "init container": (
        make_pod(phase="Failed", initContainerStatuses=[make_status("seed", **ended(2))]),
        StartFailure.PREPARATION_FAILED,
        "Failed; container seed ended with 2 (Error)",
    ),
}


@pytest.mark.parametrize(("pod", "failure", "detail"), ENDED.values(), ids=ENDED)
def test_pod_that_has_ended_is_not_waited_for(
    pod: Manifest, failure: StartFailure, detail: str
) -> None:
    assert find(pod) == Obstacle(failure=failure, detail=detail, patience_seconds=0)


def test_pod_that_somebody_deletes_is_taken_away() -> None:
    pod = make_pod(containerStatuses=[waiting("ErrImagePull")])
    pod["metadata"]["deletionTimestamp"] = "2026-11-20T12:00:00Z"
    obstacle = find(pod)
    assert obstacle is not None
    assert obstacle.failure is StartFailure.INTERRUPTED


# --- scheduling

SCHEDULING = {
    "memory": (
        "0/3 nodes are available: 3 Insufficient memory. preemption: 0/3 nodes are available: "
        "3 No preemption victims found for incoming pod.",
        StartFailure.NO_ROOM,
        inf,
    ),
    "too many pods": ("0/1 nodes are available: 1 Too many pods.", StartFailure.NO_ROOM, inf),
    "some are full, others do not fit": (
        "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't match Pod's node "
        "affinity/selector.",
        StartFailure.NO_ROOM,
        inf,
    ),
    "no node fits": (
        "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector.",
        StartFailure.NO_SUCH_MACHINE,
        SCALE_UP,
    ),
    "taints": (
        "0/2 nodes are available: 2 node(s) had untolerated taint {exam: true}.",
        StartFailure.NO_SUCH_MACHINE,
        SCALE_UP,
    ),
    "no claim": (
        'persistentvolumeclaim "home" not found',
        StartFailure.VOLUME_MISSING,
        10,
    ),
    "claim ends": (
        'persistentvolumeclaim "home" is being deleted',
        StartFailure.VOLUME_MISSING,
        10,
    ),
    "claim gets its volume": (
        "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims.",
        StartFailure.VOLUME_MISSING,
        inf,
    ),
    "gate": ("Scheduling is blocked due to non-empty scheduling gates", StartFailure.NO_ROOM, inf),
}


@pytest.mark.parametrize(("message", "failure", "patience"), SCHEDULING.values(), ids=SCHEDULING)
def test_unschedulable_pod_says_why(message: str, failure: StartFailure, patience: float) -> None:
    expected = Obstacle(failure=failure, detail=message, patience_seconds=patience)
    assert find(unscheduled(message)) == expected


NO_NODE = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."


@pytest.mark.parametrize("reason", ["TriggeredScaleUp", "Nominated"])
def test_machine_that_is_coming_is_waited_for(reason: str) -> None:
    obstacle = find(unscheduled(NO_NODE), make_event(reason))
    assert obstacle == Obstacle(failure=StartFailure.NO_ROOM, detail=NO_NODE)


def test_autoscaler_that_brings_none_is_believed_soon() -> None:
    event = make_event("NotTriggerScaleUp", "pod didn't trigger scale-up: 1 didn't match")
    obstacle = find(unscheduled(NO_NODE), event)
    assert obstacle is not None
    assert obstacle.failure is StartFailure.NO_SUCH_MACHINE
    assert obstacle.patience_seconds == 20
    assert obstacle.detail == f"{NO_NODE}; {event['message']}"


# --- volumes

MISSING_SECRET = 'MountVolume.SetUp failed for volume "x" : secret "none" not found'
MOUNTS = {
    "missing secret": (make_event("FailedMount", MISSING_SECRET), 20),
    "directory that is not exported": (
        make_event("FailedMount", "mount.nfs: access denied by server while mounting nfs:/a"),
        20,
    ),
    "file server does not answer": (
        make_event("FailedMount", "mount.nfs: Connection timed out"),
        inf,
    ),
    "volume is at another node": (
        make_event("FailedAttachVolume", "Multi-Attach error for volume"),
        inf,
    ),
}


@pytest.mark.parametrize(("event", "patience"), MOUNTS.values(), ids=MOUNTS)
def test_volume_that_cannot_be_mounted_is_told(event: Manifest, patience: float) -> None:
    pod = make_pod(containerStatuses=[waiting("ContainerCreating")])
    detail = f"{event['reason']}: {event['message']}"
    expected = Obstacle(
        failure=StartFailure.VOLUME_MISSING, detail=detail, patience_seconds=patience
    )
    assert find(pod, event) == expected


@pytest.mark.parametrize(
    "pod",
    [
        make_pod(phase="Running", containerStatuses=[make_status(running={})]),
        make_pod(
            initContainerStatuses=[make_status("seed", running={})],
            containerStatuses=[waiting("PodInitializing")],
        ),
    ],
    ids=["running", "preparing"],
)
def test_failed_mount_is_over_when_a_container_has_begun(pod: Manifest) -> None:
    assert find(pod, make_event("FailedMount", MISSING_SECRET)) is None


# --- answers of the API


def refusal(status: int, message: str) -> ApiException:
    error = ApiException(status=status, reason="Reason")
    error.body = json.dumps({"kind": "Status", "message": message})
    return error


QUOTA = 'pods "a" is forbidden: exceeded quota: full, requested: pods=1, used: pods=9, limited: 9'
ANSWERS = [
    (403, QUOTA, StartFailure.QUOTA_FULL),
    (403, 'pods "a" is forbidden: failed quota: q: must specify cpu', StartFailure.SETUP_WRONG),
    (403, 'pods "a" is forbidden: violates PodSecurity "restricted"', StartFailure.SETUP_WRONG),
    (403, 'User "hub" cannot create resource "pods"', StartFailure.SETUP_WRONG),
    (400, "Pod in version v1 cannot be handled as a Pod", StartFailure.SETUP_WRONG),
    (404, 'namespaces "none" not found', StartFailure.SETUP_WRONG),
    (422, 'Pod "a" is invalid: metadata.labels', StartFailure.SETUP_WRONG),
    (401, "Unauthorized", StartFailure.CLUSTER_UNREACHABLE),
    (409, 'persistentvolumeclaims "a" already exists', StartFailure.CLUSTER_UNREACHABLE),
    (429, "Too many requests", StartFailure.CLUSTER_UNREACHABLE),
    (500, "failed calling webhook", StartFailure.CLUSTER_UNREACHABLE),
    (504, "Timeout: request did not complete", StartFailure.CLUSTER_UNREACHABLE),
]


@pytest.mark.parametrize(("status", "message", "failure"), ANSWERS)
def test_answer_of_the_api_is_sorted(status: int, message: str, failure: StartFailure) -> None:
    obstacle = classify_error(refusal(status, message))
    assert obstacle == Obstacle(failure=failure, detail=f"{status}: {message}")


@pytest.mark.parametrize("body", [None, "", "no JSON", "[]", '{"kind": "Status"}'])
def test_answer_without_a_sentence_has_its_reason(body: str | None) -> None:
    error = ApiException(status=503, reason="Service Unavailable")
    error.body = body
    assert classify_error(error).detail == "503: Service Unavailable"


@pytest.mark.parametrize(
    ("error", "failure", "detail"),
    [
        (
            TimeoutError("Could not create pod"),
            StartFailure.CLUSTER_UNREACHABLE,
            "TimeoutError: Could not create pod",
        ),
        (asyncio.TimeoutError(), StartFailure.CLUSTER_UNREACHABLE, "TimeoutError"),
        (
            aiohttp.ClientConnectionError("refused"),
            StartFailure.CLUSTER_UNREACHABLE,
            "ClientConnectionError: refused",
        ),
        (KeyError("x"), StartFailure.UNEXPECTED, "KeyError: 'x'"),
    ],
)
def test_exception_is_sorted(error: Exception, failure: StartFailure, detail: str) -> None:
    assert classify_error(error) == Obstacle(failure=failure, detail=detail)


# --- patience

PULL = Obstacle(failure=StartFailure.IMAGE_NOT_PULLED, detail="pull", patience_seconds=3)
BACK_OFF = Obstacle(failure=StartFailure.IMAGE_NOT_PULLED, detail="back-off", patience_seconds=20)
FULL = Obstacle(failure=StartFailure.NO_ROOM, detail="full")
CRASH = Obstacle(failure=StartFailure.SERVER_ENDED, detail="crash", patience_seconds=0)


def test_obstacle_is_judged_when_its_time_is_over() -> None:
    patience = Patience()
    assert [patience.judge(BACK_OFF, now) for now in (0.0, 19.9, 20.0)] == [None, None, BACK_OFF]


def test_definite_words_count_although_vaguer_ones_follow() -> None:
    patience = Patience()
    assert patience.judge(PULL, 0.0) is None
    assert patience.judge(BACK_OFF, 1.0) is None
    assert patience.judge(BACK_OFF, 3.0) is PULL


def test_obstacle_that_goes_away_begins_anew() -> None:
    patience = Patience()
    patience.judge(PULL, 0.0)
    assert patience.judge(None, 2.0) is None
    assert patience.judge(PULL, 4.0) is None
    assert patience.judge(PULL, 7.0) is PULL


def test_other_obstacle_has_its_own_time() -> None:
    patience = Patience()
    patience.judge(FULL, 0.0)
    assert patience.judge(PULL, 100.0) is None
    assert patience.judge(CRASH, 101.0) is CRASH


def test_what_often_passes_is_never_given_up() -> None:
    patience = Patience()
    assert [patience.judge(FULL, now) for now in (0.0, 1e9)] == [None, None]


# --- whatever a cluster says

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
STATES = st.dictionaries(
    st.sampled_from(["waiting", "running", "terminated"]),
    st.fixed_dictionaries(
        {}, optional={"reason": st.none() | st.text(), "message": st.none() | st.text()}
    ),
)


@given(state=STATES, last=STATES, phase=st.sampled_from(["Pending", "Running", "Failed"]))
def test_half_a_status_is_no_error(state: Manifest, last: Manifest, phase: str) -> None:
    status = {"name": "notebook", "state": state, "lastState": last}
    pod = make_pod(phase=phase, containerStatuses=[status], initContainerStatuses=[status])
    obstacle = find(pod)
    assert obstacle is None or obstacle.detail


@given(body=JSON)
def test_any_answer_of_the_api_is_sorted(body: Any) -> None:
    error = ApiException(status=403, reason="Forbidden")
    error.body = json.dumps(body)
    assert classify_error(error).failure in (StartFailure.SETUP_WRONG, StartFailure.QUOTA_FULL)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 429])
def test_answer_that_says_no_is_a_refusal(status: int) -> None:
    assert is_refusal(ApiException(status=status))


@pytest.mark.parametrize("status", [None, 0, 200, 408, 500, 502, 504])
def test_other_answers_leave_open_what_was_done(status: int | None) -> None:
    assert not is_refusal(ApiException(status=status))


def test_no_answer_leaves_open_what_was_done() -> None:
    assert not is_refusal(aiohttp.ServerDisconnectedError())


# --- the documentation


def read_rows() -> dict[str, str]:
    """The kinds in the table of failed starts, with the sentence that each row quotes."""
    text = TROUBLESHOOTING.read_text(encoding="utf-8")
    rows = re.findall(r'^\| `([A-Z_]+)` \| "([^"]+)" \|', text, re.MULTILINE)
    assert len(dict(rows)) == len(rows)
    return dict(rows)


def test_troubleshooting_has_a_row_for_every_kind_with_its_sentence() -> None:
    assert read_rows() == {failure.name: failure.value for failure in StartFailure}


def test_what_may_pass_asks_to_try_again_and_the_rest_to_tell_somebody() -> None:
    for failure in StartFailure:
        asks_to_try = re.search("try again|start it again", failure.value) is not None
        assert asks_to_try is failure.may_pass, failure
