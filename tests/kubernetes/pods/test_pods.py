"""What holds of every pod, whatever a chart, a hook or an override did to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from tornado.web import HTTPError
from traitlets.config import Config

from e2xhub.domain.identifiers import Username
from e2xhub.domain.offers import Offer, Registry
from e2xhub.kubernetes.manifests import _make_spawner
from e2xhub.kubernetes.pods import UnsafePodError
from e2xhub.kubernetes.pods.guaranteed import qos_class
from tests.kubernetes.parts.test_parts_of_a_pod import pod_of

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

ESCAPES: list[dict[str, Any]] = [
    {"extra_pod_config": {"hostNetwork": True}},
    {"extra_pod_config": {"hostPID": True}},
    {"extra_pod_config": {"hostIPC": True}},
    {"privileged": True},
    {"extra_containers": [{"name": "x", "image": "x:1", "securityContext": {"privileged": True}}]},
    {"container_security_context": {"capabilities": {"add": ["NET_ADMIN"]}}},
    {"extra_containers": [{"name": "x", "image": "x:1", "ports": [{"hostPort": 80}]}]},
]


@pytest.fixture
def exam(exam_hub: Registry, exam_open_at_nine: datetime) -> Offer:
    return exam_hub.authorize("alice", "exams/ml-pz1/student", exam_open_at_nine)


@pytest.fixture
def learning(assignment_hub: Registry, in_winter_term: datetime) -> Offer:
    return assignment_hub.authorize("alice", "machine-learning/WS26/student", in_winter_term)


@pytest.mark.parametrize("traits", ESCAPES, ids=lambda traits: str(*traits))
async def test_pod_that_no_policy_could_hold_is_not_made_for_an_exam(
    exam: Offer, traits: dict[str, Any]
) -> None:
    with pytest.raises(UnsafePodError, match=r"^the pod of exams/ml-pz1/student has .*cannot hold"):
        await pod_of(exam, **traits)


@pytest.mark.parametrize("traits", ESCAPES, ids=lambda traits: str(*traits))
async def test_override_of_the_catalog_is_no_way_around_it(
    exam: Offer, traits: dict[str, Any]
) -> None:
    server = replace(exam.server, kubespawner_override=traits)
    with pytest.raises(UnsafePodError):
        await pod_of(replace(exam, server=server))


async def test_hook_is_no_way_around_it(exam: Offer) -> None:
    def modify(_spawner: Any, pod: Any) -> Any:
        pod.spec.host_network = True
        return pod

    with pytest.raises(UnsafePodError):
        await pod_of(exam, modify_pod_hook=modify)


async def test_open_network_leaves_the_pod_to_the_admin(learning: Offer) -> None:
    pod = await pod_of(learning, extra_pod_config={"hostNetwork": True})
    assert pod["spec"]["hostNetwork"] is True


async def test_privileged_init_container_of_the_chart_stays(exam: Offer) -> None:
    blocking = {"name": "b", "image": "b:1", "securityContext": {"privileged": True}}
    pod = await pod_of(exam, init_containers=[blocking])
    assert pod["spec"]["initContainers"][0]["securityContext"] == {"privileged": True}


async def test_init_container_that_lives_as_long_as_the_pod_is_a_container(exam: Offer) -> None:
    sidecar = {
        "name": "s",
        "image": "s:1",
        "restartPolicy": "Always",
        "securityContext": {"privileged": True},
    }
    with pytest.raises(UnsafePodError, match="the privileged container 's'"):
        await pod_of(exam, init_containers=[sidecar])


async def test_person_is_told_nothing_of_the_reason(exam: Offer) -> None:
    spawner = _make_spawner(Username.parse("alice"), Config({"KubeSpawner": {"privileged": True}}))
    spawner.apply_offer(exam, "small")
    with pytest.raises(HTTPError) as refused:
        await spawner.modify_pod_hook(spawner, await spawner.get_pod_manifest())
    assert (refused.value.status_code, refused.value.log_message) == (
        503,
        "The server cannot be started safely at the moment. Please tell the people in charge.",
    )


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ({"resources": {"limits": {"cpu": "half"}}}, "cpu of container 'watching': 'half' is no"),
        ({"resources": "1Gi"}, "resources is '1Gi'; expected a mapping"),
        ({"securityContext": ["x"]}, "securityContext is ['x']; expected a mapping"),
    ],
    ids=str,
)
async def test_what_kubernetes_would_not_understand_stops_an_exam(
    exam: Offer, written: dict[str, Any], reason: str
) -> None:
    watching = {"name": "watching", "image": "w:1", **written}
    with pytest.raises(UnsafePodError) as refused:
        await pod_of(exam, extra_containers=[watching])
    text = str(refused.value)
    assert text.startswith(f"the pod of exams/ml-pz1/student cannot be made safe: {reason}")
    assert text.endswith(
        "; correct it where it is added (the chart's values, the catalog or modify_pod_hook)"
    )


async def test_every_container_of_an_exam_is_guaranteed_whoever_added_it(exam: Offer) -> None:
    nothing_said = [{"name": "mine", "image": "mine:1"}]

    def modify(_spawner: Any, pod: Any) -> Any:
        pod.spec.containers.append({"name": "hook", "image": "hook:1"})
        sidecar = {"name": "sidecar", "image": "hook:1", "restartPolicy": "Always"}
        pod.spec.init_containers.append(sidecar)
        return pod

    pod = await pod_of(
        exam,
        extra_containers=nothing_said,
        init_containers=[{"name": "before", "image": "before:1"}],
        modify_pod_hook=modify,
    )
    for container in (*pod["spec"]["containers"], *pod["spec"]["initContainers"]):
        requests = container["resources"]["requests"]
        assert requests == container["resources"]["limits"], container["name"]
        assert requests.keys() >= {"cpu", "memory"}, container["name"]
    assert qos_class(pod["spec"]) == "Guaranteed"


async def test_sidecar_of_a_course_asks_for_what_its_admin_says(learning: Offer) -> None:
    watching = {"name": "watching", "image": "w:1", "resources": {"limits": {"cpu": "1"}}}
    pod = await pod_of(learning, extra_containers=[watching])
    assert pod["spec"]["containers"][1]["resources"] == {"limits": {"cpu": "1"}}
