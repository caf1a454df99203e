"""What starting an offer creates: KubeSpawner's own pod, with what the offer adds."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from traitlets.config import Config

from e2xhub.domain.identifiers import Username
from e2xhub.domain.offers import Offer, Registry
from e2xhub.domain.refusals import NotOfferedError
from e2xhub.kubernetes.manifests import make_manifests

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


async def test_exam_has_nothing_of_the_course_but_its_image(exam: Offer) -> None:
    (mount,) = container_of(await manifests_of(exam))["volumeMounts"]
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
