from __future__ import annotations

from typing import Any

import pytest

from e2xhub.demo.node.pod_status import (
    ContainerRecord,
    date_conditions,
    find_conditions,
    find_phase,
)

RUNNING = {"running": {"startedAt": "2026-11-20T09:00:00Z"}}


def make_record(**fields: Any) -> ContainerRecord:
    return ContainerRecord(name="main", image="python", uid="1234", **fields)


def waiting(**fields: Any) -> ContainerRecord:
    return make_record(**fields)


def running(**fields: Any) -> ContainerRecord:
    return make_record(state=RUNNING, **fields)


def ended(code: int, *, finished: bool = True) -> ContainerRecord:
    return make_record(state={"terminated": {"exitCode": code}}, finished=finished)


def crashing() -> ContainerRecord:
    return make_record(last_state={"terminated": {"exitCode": 1}})


@pytest.mark.parametrize(
    ("init", "main", "phase"),
    [
        ([], [waiting()], "Pending"),
        ([], [running()], "Running"),
        ([], [running(), waiting()], "Pending"),
        ([], [running(), ended(1)], "Running"),
        ([], [ended(0), ended(0)], "Succeeded"),
        ([], [ended(0), ended(1)], "Failed"),
        ([], [crashing()], "Running"),
        ([], [ended(1, finished=False)], "Running"),
        ([running()], [waiting()], "Pending"),
        ([ended(0), waiting()], [waiting()], "Pending"),
        ([ended(0)], [running()], "Running"),
        ([ended(1)], [waiting()], "Failed"),
        ([ended(1, finished=False)], [waiting()], "Pending"),
    ],
)
def test_the_phase_follows_from_the_containers(
    init: list[ContainerRecord], main: list[ContainerRecord], phase: str
) -> None:
    assert find_phase(init, main) == phase


def readiness(*records: ContainerRecord) -> dict[str, Any]:
    conditions = {c.pop("type"): c for c in find_conditions([], records)}
    assert conditions["Ready"] == conditions["ContainersReady"]
    return conditions["Ready"]


def test_a_pod_is_ready_when_all_containers_are() -> None:
    assert readiness(running(ready=True), running(ready=True)) == {"status": "True"}


def test_containers_that_are_not_ready_are_named() -> None:
    assert readiness(running(ready=True), running()) == {
        "status": "False",
        "reason": "ContainersNotReady",
        "message": "containers with unready status: [main]",
    }


def test_a_pod_that_ended_is_not_ready_because_it_completed() -> None:
    assert readiness(ended(0)) == {"status": "False", "reason": "PodCompleted"}


def test_a_condition_keeps_the_time_of_its_last_transition() -> None:
    earlier = [
        {"type": "A", "status": "True", "lastTransitionTime": "then"},
        {"type": "B", "status": "False", "lastTransitionTime": "then"},
    ]
    conditions = [{"type": name, "status": "True"} for name in "ABC"]
    dated = date_conditions(conditions, earlier, "now")
    assert [c["lastTransitionTime"] for c in dated] == ["then", "now", "now"]
