"""What starting an offer creates: KubeSpawner's own pod, with what the offer adds."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from traitlets.config import Config

from e2xhub.domain.identifiers import Username
from e2xhub.domain.offers import Offer, Registry
from e2xhub.domain.refusals import NotOfferedError
from e2xhub.errors import ConfigurationError
from e2xhub.kubernetes.labels import make_labels
from e2xhub.kubernetes.manifests import _make_spawner, make_manifests
from e2xhub.kubernetes.spawner import E2xSpawner
from tests.kubernetes.conftest import Cluster

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


async def manifests_of(
    offer: Offer, username: str = "alice", *, size: str | None = None, **config: Any
) -> dict[str, dict[str, Any]]:
    """The manifests of `offer` by kind."""
    made = await make_manifests(
        offer, Username.parse(username), size=size, config=Config({"KubeSpawner": config})
    )
    return {item["kind"]: item for item in made}


@pytest.fixture
def learning(assignment_hub: Registry, in_winter_term: datetime) -> Offer:
    """Alice's offer of Machine Learning."""
    return assignment_hub.authorize("alice", "machine-learning/WS26/student", in_winter_term)


@pytest.fixture
def exam(exam_hub: Registry, exam_open_at_nine: datetime) -> Offer:
    """Alice's offer of an exam."""
    return exam_hub.authorize("alice", "exams/ml-pz1/student", exam_open_at_nine)


def container_of(manifests: dict[str, dict[str, Any]]) -> dict[str, Any]:
    (container,) = manifests["Pod"]["spec"]["containers"]
    found: dict[str, Any] = container
    return found


def environment_of(manifests: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {item["name"]: item.get("value", "") for item in container_of(manifests)["env"]}


async def test_course_is_one_pod(learning: Offer) -> None:
    assert list(await manifests_of(learning)) == ["Pod"]


async def test_what_a_hub_of_this_process_watches_does_not_count(
    exam: Offer, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = _make_spawner(Username.parse("alice"), Config())
    hub.common_labels = {"release": "another"}
    monkeypatch.setattr(E2xSpawner, "reflectors", {("lockdown", hub.namespace): hub.lockdown})
    assert list(await manifests_of(exam)) == ["NetworkPolicy", "Pod"]


async def test_policy_of_an_exam_is_made_before_its_pod(exam: Offer) -> None:
    assert list(await manifests_of(exam)) == ["NetworkPolicy", "Pod"]


async def test_claim_of_the_admin_is_made_as_well(learning: Offer) -> None:
    claim: dict[str, Any] = {"storage_pvc_ensure": True, "storage_capacity": "1Gi"}
    assert list(await manifests_of(learning, **claim)) == ["PersistentVolumeClaim", "Pod"]


async def test_pod_has_the_image_and_the_labels_of_the_offer(learning: Offer) -> None:
    manifests = await manifests_of(learning)
    assert container_of(manifests)["image"] == "registry.example.org/gpu:1"
    labels = manifests["Pod"]["metadata"]["labels"]
    assert labels["e2xhub.org/course"] == "machine-learning"
    assert labels["e2xhub.org/role"] == "student"
    assert "e2xhub.org/exam" not in labels


async def test_labels_of_the_policy_cannot_be_taken_off_by_the_admins_labels(exam: Offer) -> None:
    labels = {"e2xhub.org/network": "open", "e2xhub.org/exam": "other", "team": "x"}
    manifests = await manifests_of(exam, extra_labels=labels)
    found = manifests["Pod"]["metadata"]["labels"]
    selector = manifests["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"]
    assert selector.items() <= found.items()
    assert found["team"] == "x"


def take_labels_off(_spawner: Any, pod: Any) -> Any:
    pod.metadata.labels = None
    pod.spec.hostname = "room-7"
    return pod


async def replace_labels(_spawner: Any, pod: Any) -> Any:
    pod.metadata.labels = {"e2xhub.org/network": "open", "e2xhub.org/exam": "other", "team": "x"}
    pod.spec.hostname = "room-7"
    return pod


@pytest.mark.parametrize("hook", [take_labels_off, replace_labels])
async def test_labels_of_the_policy_stay_whatever_the_admins_hook_does(
    exam: Offer, hook: Any
) -> None:
    manifests = await manifests_of(exam, modify_pod_hook=hook)
    selector = manifests["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"]
    assert selector.items() <= manifests["Pod"]["metadata"]["labels"].items()
    assert manifests["Pod"]["spec"]["hostname"] == "room-7"


CHART_LABELS = {"app": "jupyterhub", "release": "autumn", "heritage": "jupyterhub"}


@pytest.mark.parametrize("hook", [None, take_labels_off, replace_labels])
async def test_release_stays_and_the_label_of_the_charts_policies_goes(
    exam: Offer, hook: Any
) -> None:
    manifests = await manifests_of(exam, common_labels=CHART_LABELS, modify_pod_hook=hook)
    labels = manifests["Pod"]["metadata"]["labels"]
    selector = manifests["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"]
    assert selector["release"] == "autumn"
    assert selector.items() <= labels.items()
    assert "app" not in labels


async def test_open_server_keeps_the_label_of_the_charts_policies(learning: Offer) -> None:
    manifests = await manifests_of(learning, common_labels=CHART_LABELS)
    assert CHART_LABELS.items() <= manifests["Pod"]["metadata"]["labels"].items()


async def test_pod_that_is_sent_has_the_labels_of_the_policy(exam: Offer, cluster: Cluster) -> None:
    hook = Config({"KubeSpawner": {"modify_pod_hook": take_labels_off}})
    spawner = _make_spawner(Username.parse("alice"), hook)
    spawner.api, spawner.namespace = cluster.core, cluster.namespace
    spawner.apply_offer(exam, "small")
    pod = await spawner.modify_pod_hook(spawner, await spawner.get_pod_manifest())
    assert await spawner._make_create_pod_request(pod, 20)
    (sent,) = (await cluster.core.list_namespaced_pod(cluster.namespace)).items
    assert make_labels(exam).items() <= sent.metadata.labels.items()


@pytest.mark.parametrize(
    ("size", "memory", "cpu"), [(None, 2**30, 0.25), ("small", 2**30, 0.25), ("large", 2**31, 0.5)]
)
async def test_pod_has_the_chosen_size(
    learning: Offer, size: str | None, memory: int, cpu: float
) -> None:
    resources = container_of(await manifests_of(learning, size=size))["resources"]
    assert resources["requests"] == {"memory": memory, "cpu": cpu}


async def test_every_container_of_an_exam_is_guaranteed(exam: Offer) -> None:
    resources = container_of(await manifests_of(exam))["resources"]
    assert resources["requests"] == resources["limits"]
    assert set(resources["limits"]) == {"memory", "cpu"}


async def test_size_of_another_offer_is_refused(exam: Offer) -> None:
    with pytest.raises(NotOfferedError):
        await manifests_of(exam, size="large")


async def test_text_with_braces_reaches_the_pod_as_it_is(learning: Offer) -> None:
    assert environment_of(await manifests_of(learning))["GREETING"] == "{hello}"


async def test_mounts_of_the_admin_stay_beside_those_of_the_offer(learning: Offer) -> None:
    volumes = [{"name": "scratch", "emptyDir": {}}]
    mounts = [{"name": "scratch", "mountPath": "/scratch"}]
    manifests = await manifests_of(learning, volumes=volumes, volume_mounts=mounts)
    places = [mount["mountPath"] for mount in container_of(manifests)["volumeMounts"]]
    assert places == ["/scratch", "/home/jovyan"]
    names = [volume["name"] for volume in manifests["Pod"]["spec"]["volumes"]]
    assert names == ["scratch", "e2x-files"]


def one_place(path: str) -> dict[str, str]:
    return {"name": "home", "mountPath": path}


@pytest.mark.parametrize(
    "mounts",
    [
        [one_place("/home/jovyan")],
        [one_place("/scratch"), one_place("/home/jovyan/")],
        {"home": one_place("/home/jovyan")},
    ],
)
async def test_place_that_the_admin_mounts_something_at_is_refused(
    learning: Offer, mounts: Any
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        await manifests_of(learning, volume_mounts=mounts)
    assert str(caught.value) == (
        "the catalog's mount 'home' and KubeSpawner.volume_mounts both want /home/jovyan; "
        "with zero-to-jupyterhub set singleuser.storage.type: none"
    )


@pytest.mark.parametrize("path", ["/home", "/home/jovyan/shared", "/home/jovyan2"])
async def test_place_above_below_or_beside_is_another_one(learning: Offer, path: str) -> None:
    manifests = await manifests_of(learning, volume_mounts=[one_place(path)])
    places = [mount["mountPath"] for mount in container_of(manifests)["volumeMounts"]]
    assert places == [path, "/home/jovyan"]


async def test_exam_has_nothing_of_the_course_but_its_image(exam: Offer) -> None:
    mounts = container_of(await manifests_of(exam))["volumeMounts"]
    ours = [mount for mount in mounts if mount["name"] == "e2xhub-files"]
    assert {mount["mountPath"] for mount in ours} == set(exam.server.files)
    (mount,) = [mount for mount in mounts if mount not in ours]
    assert mount == {
        "name": "e2x-files",
        "mountPath": "/home/jovyan",
        "subPath": "exams/ml-pz1/alice",
        "readOnly": False,
    }


async def test_environment_of_the_admin_stays(learning: Offer) -> None:
    environment = environment_of(await manifests_of(learning, environment={"HTTP_PROXY": "p"}))
    assert (environment["HTTP_PROXY"], environment["LANG"]) == ("p", "C.UTF-8")


async def test_token_is_not_made_up(learning: Offer) -> None:
    environment = environment_of(await manifests_of(learning))
    assert environment["JUPYTERHUB_API_TOKEN"] == "<made at start>"


@pytest.mark.parametrize("username", ["müller", "9012345", "a@example.org", "x" * 120])
async def test_name_of_the_pod_is_one_that_kubernetes_takes(learning: Offer, username: str) -> None:
    name = (await manifests_of(learning, username))["Pod"]["metadata"]["name"]
    assert len(name) <= 63
    assert name.isascii()
    assert name.replace("-", "").isalnum()
    assert name == name.lower()
