"""The pods of a probe: the exam's in all that policies see, and nobody's in everything else."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from traitlets.config import Config

from e2xhub.domain.identifiers import Username
from e2xhub.domain.offers import Offer, Registry
from e2xhub.in_pod import read_module
from e2xhub.kubernetes.manifests import make_manifests
from e2xhub.kubernetes.probe.pods import ProbePods
from tests.kubernetes.conftest import Cluster

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

LABELS = {"e2xhub.org/network": "exam", "e2xhub.org/exam": "ml-pz1", "release": "exams"}
PARTS = ("neighbour", "fellow", "exam", "control")
TASK = {"do": "try", "seconds": 1, "patience": 1, "targets": []}
CONFIG = {
    "image_pull_secrets": ["registry-login"],
    "node_selector": {"pool": "exams"},
    "environment": {"SECRET_OF_THE_HUB": "do-not-tell"},
    "extra_annotations": {"sidecar.istio.io/inject": "false"},
    "scheduler_name": "users",
}


@pytest.fixture
def exam(exam_hub: Registry, exam_open_at_nine: datetime) -> Offer:
    return exam_hub.authorize("alice", "exams/ml-pz1/student", exam_open_at_nine)


async def make_pods(exam: Offer, **config: Any) -> ProbePods:
    made = await make_manifests(
        exam, Username.parse("anybody"), size=None, config=Config({"KubeSpawner": config})
    )
    return ProbePods(
        probe_id="abc123",
        server=next(item for item in made if item["kind"] == "Pod"),
        labels=LABELS,
        port=8888,
        namespace="jupyter",
        deadline_seconds=900,
    )


def all_pods(pods: ProbePods) -> list[dict[str, Any]]:
    return [
        pods.make_neighbour(["a"]),
        pods.make_exam("fellow", TASK),
        pods.make_exam("exam", TASK),
        pods.make_control(TASK),
    ]


async def test_names_tell_the_probe_and_the_part(exam: Offer) -> None:
    names = [pod["metadata"]["name"] for pod in all_pods(await make_pods(exam))]
    assert names == [f"e2xhub-probe-abc123-{part}" for part in PARTS]


async def test_exams_pod_has_exactly_the_labels_of_the_exam_and_the_probes_id(exam: Offer) -> None:
    """A label more or less, and other policies would select it."""
    pods = await make_pods(exam)
    for part in ("exam", "fellow"):
        labels = pods.make_exam(part, TASK)["metadata"]["labels"]
        assert labels == {**LABELS, "e2xhub.org/probe": "abc123"}


async def test_no_policy_knows_the_other_two(exam: Offer) -> None:
    pods = await make_pods(exam)
    own = {"app.kubernetes.io/managed-by": "e2xhub", "e2xhub.org/probe": "abc123"}
    assert pods.make_neighbour([])["metadata"]["labels"] == own
    assert pods.make_control(TASK)["metadata"]["labels"] == {
        **own,
        "hub.jupyter.org/network-access-hub": "true",
        "hub.jupyter.org/network-access-proxy-api": "true",
        "hub.jupyter.org/network-access-proxy-http": "true",
    }


async def test_pods_are_where_the_exams_servers_would_be(exam: Offer) -> None:
    for pod in all_pods(await make_pods(exam, **CONFIG)):
        spec = pod["spec"]
        assert spec["nodeSelector"] == {"pool": "exams"}
        assert spec["imagePullSecrets"] == [{"name": "registry-login"}]
        assert spec["schedulerName"] == "users"
        assert {c["image"] for c in spec["containers"]} == {"registry.example.org/exam:1"}
        assert pod["metadata"]["annotations"] == {"sidecar.istio.io/inject": "false"}


async def test_only_the_exams_pod_finds_names_as_a_server_does(exam: Offer) -> None:
    neighbour, *tried, control = all_pods(await make_pods(exam))
    for pod in tried:
        assert pod["spec"]["dnsPolicy"] == "None"
        assert "hostAliases" in pod["spec"]
    for other in (neighbour, control):
        assert not {"dnsPolicy", "dnsConfig", "hostAliases"} & other["spec"].keys()


async def test_nothing_of_a_person_and_no_secret_is_in_a_pod(exam: Offer) -> None:
    for pod in all_pods(await make_pods(exam, **CONFIG)):
        text = json.dumps(pod)
        for word in ("do-not-tell", "SECRET_OF_THE_HUB", "JUPYTERHUB_API_TOKEN", "made at start"):
            assert word not in text
        assert "volumes" not in pod["spec"]
        assert "initContainers" not in pod["spec"]
        assert pod["spec"]["automountServiceAccountToken"] is False


async def test_pods_have_no_rights_and_end_by_themselves(exam: Offer) -> None:
    for pod in all_pods(await make_pods(exam)):
        spec = pod["spec"]
        assert spec["restartPolicy"] == "Never"
        assert spec["activeDeadlineSeconds"] == 900
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] == 1000
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
                "readOnlyRootFilesystem": True,
            }
            assert container["resources"]["requests"] == container["resources"]["limits"]


async def test_image_that_runs_as_root_is_run_by_nobody(exam: Offer) -> None:
    pods = await make_pods(exam)
    container = pods.server["spec"]["containers"][0]
    container["securityContext"] = {**container["securityContext"], "runAsUser": 0}
    assert pods.make_control(TASK)["spec"]["securityContext"]["runAsUser"] == 65534


async def test_exams_pod_listens_at_the_port_of_its_policy(exam: Offer) -> None:
    containers = (await make_pods(exam)).make_exam("exam", TASK)["spec"]["containers"]
    assert [container["name"] for container in containers] == ["try", "listen"]
    assert containers[1]["ports"] == [{"name": "notebook-port", "containerPort": 8888}]


async def test_kubernetes_replaces_nothing_in_the_words_of_the_probe(exam: Offer) -> None:
    task = {**TASK, "targets": [["tcp", "$(HOME)", 1, "open"]]}
    (container,) = (await make_pods(exam)).make_control(task)["spec"]["containers"]
    *start, text, told = container["command"]
    assert start == ["python3", "-I", "-c"]
    assert text.replace("$$", "$") == read_module("network_probe.py")
    assert "$$(HOME)" in told


async def test_cluster_takes_each_of_the_pods(exam: Offer, cluster: Cluster) -> None:
    made = replace(await make_pods(exam, **CONFIG), namespace=cluster.namespace)
    for pod in all_pods(made):
        stored = await cluster.core.create_namespaced_pod(cluster.namespace, pod, dry_run="All")
        sent = cluster.api_client.sanitize_for_serialization(stored)
        commands = [container["command"] for container in pod["spec"]["containers"]]
        assert [container["command"] for container in sent["spec"]["containers"]] == commands
        assert sent["metadata"]["labels"] == pod["metadata"]["labels"]
        assert sent["status"]["qosClass"] == "Guaranteed", "as the exam's own"
