"""How far a start is, from what the cluster says of its pod."""

from __future__ import annotations

from typing import Any

import pytest

from e2xhub.kubernetes.starts.progress import StartStage, find_stage

Manifest = dict[str, Any]


def make_pod(scheduled: str = "True", **status: Any) -> Manifest:
    conditions = [{"type": "PodScheduled", "status": scheduled}]
    return {"metadata": {}, "status": {"conditions": conditions, **status}}


def containers(state: str, *, ready: bool = False) -> list[Manifest]:
    return [{"name": "notebook", "state": {state: {}}, "ready": ready}]


def event(reason: str, message: str = "", count: int = 1) -> Manifest:
    return {"reason": reason, "message": message, "count": count}


PULLING = event("Pulling", 'Pulling image "a:1"')
PULLED = event("Pulled", 'Successfully pulled image "a:1" in 20s')
PRESENT = event("Pulled", 'Container image "a:1" already present on machine')
CREATING = make_pod(containerStatuses=containers("waiting"))
STAGES: dict[str, tuple[Manifest | None, list[Manifest], StartStage]] = {
    "not created": (None, [], StartStage.REQUESTED),
    "new": ({"metadata": {}}, [], StartStage.WAITING_FOR_PLACE),
    "unschedulable": (make_pod("False"), [], StartStage.WAITING_FOR_PLACE),
    "scale-up": (make_pod("False"), [event("TriggeredScaleUp")], StartStage.MACHINE_COMES),
    "scheduled": (make_pod(), [event("TriggeredScaleUp")], StartStage.CONNECTING_FILES),
    "creating": (CREATING, [], StartStage.CONNECTING_FILES),
    "init container waits": (
        make_pod(initContainerStatuses=containers("waiting")),
        [],
        StartStage.CONNECTING_FILES,
    ),
    "pulling": (CREATING, [PULLING], StartStage.FETCHING_SOFTWARE),
    "pulled": (CREATING, [PULLING, PULLED], StartStage.CONNECTING_FILES),
    "another one was there": (CREATING, [PRESENT, PULLING], StartStage.FETCHING_SOFTWARE),
    "pulling again": (CREATING, [{**PULLING, "count": 2}, PULLED], StartStage.FETCHING_SOFTWARE),
    "init container": (
        make_pod(
            initContainerStatuses=containers("running"), containerStatuses=containers("waiting")
        ),
        [],
        StartStage.PREPARING_FILES,
    ),
    "init container ended": (
        make_pod(
            initContainerStatuses=containers("terminated"), containerStatuses=containers("waiting")
        ),
        [],
        StartStage.PREPARING_FILES,
    ),
    "running": (make_pod(containerStatuses=containers("running")), [], StartStage.STARTING),
    "ready": (
        make_pod(containerStatuses=containers("running", ready=True)),
        [PULLING],
        StartStage.NEARLY_THERE,
    ),
}


@pytest.mark.parametrize(("pod", "events", "stage"), STAGES.values(), ids=STAGES)
def test_stage_follows_from_the_pod(
    pod: Manifest | None, events: list[Manifest], stage: StartStage
) -> None:
    assert find_stage(pod, events) is stage


def test_every_stage_is_further_than_the_one_before_and_none_is_the_end() -> None:
    percents = [stage.percent for stage in StartStage]
    assert percents == sorted(set(percents))
    assert percents[0] > 0
    assert percents[-1] < 100
