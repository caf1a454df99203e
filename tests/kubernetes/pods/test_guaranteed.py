"""Quality of service classes as Kubernetes computes them, and pods that are made Guaranteed."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kubernetes_asyncio.client import V1Container, V1PodSpec, V1ResourceRequirements

from e2xhub.demo.api.pod_defaults import qos_class as qos_class_of_the_demo
from e2xhub.demo.api.pod_defaults import set_pod_defaults
from e2xhub.kubernetes.pods.guaranteed import GUARANTEED, make_guaranteed, qos_class

BOTH = {"cpu": "1", "memory": "1Gi"}

amounts = st.dictionaries(
    st.sampled_from(["cpu", "memory", "nvidia.com/gpu", "ephemeral-storage"]),
    st.sampled_from(["0", "0.5", "500m", "1", "1000m", "1Gi", "1073741824", "1e3", "1k"]),
)
resources = st.fixed_dictionaries({}, optional={"requests": amounts, "limits": amounts})
containers = st.lists(
    st.fixed_dictionaries({"name": st.just("c")}, optional={"resources": resources}), max_size=3
)
specs = st.fixed_dictionaries(
    {"containers": containers.filter(bool)}, optional={"initContainers": containers}
)


def spec_of(*declared: dict[str, Any] | None, **fields: Any) -> dict[str, Any]:
    made = [{"name": f"c{index}", "resources": one} for index, one in enumerate(declared)]
    return {"containers": made, **fields}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param(spec_of({"limits": BOTH}), "Guaranteed", id="limits-are-requested"),
        pytest.param(spec_of({"requests": BOTH}), "Burstable", id="no-limits"),
        pytest.param(spec_of({"limits": {"cpu": "1"}}), "Burstable", id="no-memory"),
        pytest.param(spec_of(None), "BestEffort", id="nothing"),
        pytest.param(
            spec_of({"limits": {"nvidia.com/gpu": "1"}}), "BestEffort", id="only-what-counts-not"
        ),
        pytest.param(
            spec_of({"limits": BOTH, "requests": {"cpu": "1000m", "memory": "1073741824"}}),
            "Guaranteed",
            id="the-same-amounts-in-other-words",
        ),
        pytest.param(
            spec_of({"limits": BOTH, "requests": {**BOTH, "cpu": "0"}}),
            "Burstable",
            id="a-request-of-nothing-is-not-a-missing-one",
        ),
        pytest.param(spec_of({"limits": BOTH}, None), "Burstable", id="second-without"),
        pytest.param(
            spec_of({"limits": BOTH}, initContainers=[{"name": "i"}]), "Burstable", id="init"
        ),
        pytest.param(spec_of(None, resources={"limits": BOTH}), "Guaranteed", id="of-the-pod"),
        pytest.param(
            spec_of({"limits": BOTH}, resources={"requests": BOTH}), "Burstable", id="pod-decides"
        ),
        pytest.param(spec_of({"limits": BOTH}, resources={}), "Guaranteed", id="of-the-pod-none"),
    ],
)
def test_class_is_that_of_kubernetes(spec: dict[str, Any], expected: str) -> None:
    assert qos_class(spec) == expected


@given(specs)
def test_class_is_that_of_the_demo_cluster(spec: dict[str, Any]) -> None:
    """Two programs, written apart, agree; the demo's is held against real clusters."""
    stored = copy.deepcopy(spec)
    set_pod_defaults({"spec": stored})
    assert qos_class(spec) == qos_class_of_the_demo(stored)


@given(specs)
def test_any_pod_is_made_guaranteed(spec: dict[str, Any]) -> None:
    make_guaranteed(spec)
    assert qos_class(spec) == GUARANTEED
    for container in [*spec["containers"], *spec.get("initContainers", [])]:
        asked = container["resources"]
        assert all(asked["requests"][name] == asked["limits"][name] for name in ("cpu", "memory"))


@pytest.mark.parametrize(
    ("declared", "cpu", "memory"),
    [
        pytest.param(
            {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": BOTH},
            "100m",
            "64Mi",
            id="the-request-counts",
        ),
        pytest.param({"requests": {"cpu": 0.5}}, 0.5, "128Mi", id="only-a-request"),
        pytest.param({"limits": {"memory": 1024}}, "100m", 1024, id="only-a-limit"),
        pytest.param({"limits": {"cpu": "0"}, "requests": {"memory": 0}}, "100m", "128Mi", id="0"),
        pytest.param({"requests": None, "limits": None}, "100m", "128Mi", id="empty"),
        pytest.param(None, "100m", "128Mi", id="nothing"),
    ],
)
def test_container_gets(declared: Any, cpu: Any, memory: Any) -> None:
    spec = spec_of(declared)
    make_guaranteed(spec)
    expected = {"cpu": cpu, "memory": memory}
    assert spec["containers"][0]["resources"] == {"requests": expected, "limits": expected}


def test_what_does_not_count_for_the_class_stays() -> None:
    gpu = {"nvidia.com/gpu": "1", "hugepages-2Mi": "4Mi", "ephemeral-storage": "1Gi"}
    spec = spec_of({"requests": {"ephemeral-storage": "1Mi"}, "limits": gpu, "claims": ["fpga"]})
    make_guaranteed(spec)
    asked = spec["containers"][0]["resources"]
    assert asked["limits"].items() >= gpu.items()
    assert asked["requests"]["ephemeral-storage"] == "1Mi"
    assert asked["claims"] == ["fpga"]


def test_objects_of_the_client_are_made_guaranteed_too() -> None:
    asked = V1ResourceRequirements(requests={"cpu": 0.25, "memory": 1024}, limits={"cpu": "2"})
    spec = V1PodSpec(
        containers=[V1Container(name="server", resources=asked)],
        init_containers=[V1Container(name="init"), {"name": "mapping"}],
    )
    make_guaranteed(spec)
    made = spec.containers[0].resources
    assert made.requests == made.limits == {"cpu": 0.25, "memory": 1024}
    assert qos_class(spec) == GUARANTEED


def test_amounts_for_the_whole_pod_are_taken_off() -> None:
    spec = spec_of({"limits": BOTH}, resources={"requests": {"cpu": "8"}})
    make_guaranteed(spec)
    assert "resources" not in spec


@pytest.mark.parametrize(
    ("amount", "reason"),
    [
        ("much", "'much' is no quantity"),
        ("1 Gi", "'1 Gi' is no quantity"),
        ("-1", "'-1' is below 0"),
        ("1e999999999", "'1e999999999' is no quantity"),
        ("9" * 5000, "is no quantity"),
        (True, "True is no quantity"),
        ({"value": 1}, "{'value': 1} is no quantity"),
        (float("nan"), "'nan' is no quantity"),
        (float("inf"), "'inf' is no quantity"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_amount_that_is_none_is_refused(amount: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=r"^memory of container 'c0': ") as refused:
        make_guaranteed(spec_of({"limits": {"memory": amount}}))
    assert reason in str(refused.value)


def test_resources_that_are_no_mapping_are_refused() -> None:
    with pytest.raises(ValueError, match="the limits of container 'c0' are '1Gi', not a mapping"):
        make_guaranteed(spec_of({"limits": "1Gi"}))


@given(st.text(max_size=40) | st.floats() | st.integers())
def test_amount_is_taken_or_refused_and_nothing_else(amount: Any) -> None:
    spec = spec_of({"requests": {"cpu": amount}})
    try:
        make_guaranteed(spec)
    except ValueError:
        return
    assert qos_class(spec) == GUARANTEED
