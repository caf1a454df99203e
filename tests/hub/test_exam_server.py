"""An examinee's server: the exam's pod, locked down before it exists, and no second one."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import jupyterhub
import pytest

from e2xhub.domain.roles import HubKind
from tests.hub.cluster_client import PODS, POLICIES, ClusterClient, Manifest
from tests.hub.demo_process import DemoProcess
from tests.hub.http_session import HubSession

pytestmark = pytest.mark.hub

EXAM_IMAGE = "registry.example.org/exam:2026-10"
NOT_OFFERED = "You cannot start this server. Choose one from the list."
NOT_LOCKED = "The server cannot be started safely at the moment. Please tell the people in charge."
SLUG = "exams/ml-open/student"


@pytest.fixture
def cluster(demo: DemoProcess) -> ClusterClient:
    """The demo cluster's API."""
    return demo.cluster


def _sign_in(demo: DemoProcess, username: str) -> HubSession:
    session = HubSession(demo.url(HubKind.EXAM))
    session.sign_in(username, demo.make_code(username))
    assert session.is_signed_in
    return session


def _start(session: HubSession, options: Any = None) -> Any:
    return session.call_api("POST", f"/hub/api/users/{session.username}/server", options)


def _policy_of_the_exam(cluster: ClusterClient) -> Manifest:
    labelled = [
        policy
        for policy in cluster.policies()
        if policy["metadata"].get("labels", {}).get("e2xhub.org/exam") == "ml-open"
    ]
    (policy,) = labelled
    return policy


def _delete_policies(cluster: ClusterClient) -> None:
    for policy in cluster.policies():
        cluster.delete_policy(policy["metadata"]["name"])


@dataclass(frozen=True, kw_only=True)
class FirstStart:
    """The first examinee's start, in a cluster that had no NetworkPolicy."""

    policy: Manifest
    pod: Manifest
    versions: dict[str, int]
    """The resourceVersion with which each object came into being."""


@pytest.fixture(scope="module")
def first_start(demo: DemoProcess) -> FirstStart:
    """Alice is the first who starts her exam's server."""
    cluster = demo.cluster
    _delete_policies(cluster)
    before = cluster.version()
    answer = _start(_sign_in(demo, "alice"), {"profile": SLUG})
    assert answer.status in (201, 202), answer
    pod = cluster.pod("jupyter-exam-alice")
    assert pod is not None
    return FirstStart(
        policy=_policy_of_the_exam(cluster),
        pod=pod,
        versions=cluster.added_since(POLICIES, before) | cluster.added_since(PODS, before),
    )


def test_policy_exists_before_the_pod_and_selects_it(first_start: FirstStart) -> None:
    policy, pod = first_start.policy, first_start.pod
    versions = first_start.versions
    assert versions[policy["metadata"]["name"]] < versions["jupyter-exam-alice"]
    wanted = policy["spec"]["podSelector"]["matchLabels"]
    assert wanted == {
        "e2xhub.org/network": "exam",
        "e2xhub.org/exam": "ml-open",
        "release": "exam",
    }
    labels = pod["metadata"]["labels"]
    assert wanted.items() <= labels.items()
    assert "app" not in labels  # by which the chart's policy would open the internet
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert _ports(policy["spec"]["egress"]) == {8081}


def _ports(rules: list[Manifest]) -> set[int]:
    return {port["port"] for rule in rules for port in rule["ports"]}


def test_examinee_gets_the_exams_pod_with_what_it_needs_guaranteed(
    first_start: FirstStart,
) -> None:
    (container,) = first_start.pod["spec"]["containers"]
    assert container["image"] == EXAM_IMAGE
    assert container["resources"]["requests"] == container["resources"]["limits"]
    assert first_start.pod["status"]["qosClass"] == "Guaranteed"
    mounts = [
        (mount["mountPath"], mount["subPath"])
        for mount in container["volumeMounts"]
        if mount["name"] != "e2xhub-files"
    ]
    assert mounts == [("/home/jovyan", "homes/exam/ml-open/alice")]


def test_policy_that_somebody_widened_is_narrowed_again(
    demo: DemoProcess, cluster: ClusterClient, first_start: FirstStart
) -> None:
    widened = copy.deepcopy(first_start.policy)
    widened["spec"]["egress"] = [{}]
    cluster.request("PUT", f"{POLICIES}/{widened['metadata']['name']}", widened)
    assert _policy_of_the_exam(cluster)["spec"] == widened["spec"]

    assert _start(_sign_in(demo, "david")).status in (201, 202)
    assert _policy_of_the_exam(cluster)["spec"] == first_start.policy["spec"]


@pytest.fixture
def foreign_policy(cluster: ClusterClient) -> Iterator[str]:
    """A NetworkPolicy that has the name of the exam's, and is not e2xhub's."""
    name = "e2xhub-exam-ml-open--exam"
    _delete_policies(cluster)
    cluster.request(
        "POST",
        POLICIES,
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": name},
            "spec": {"podSelector": {}, "egress": [{}], "policyTypes": ["Egress"]},
        },
    )
    yield name
    _delete_policies(cluster)


def test_no_server_where_the_policy_cannot_be_ensured(
    demo: DemoProcess, cluster: ClusterClient, first_start: FirstStart, foreign_policy: str
) -> None:
    assert foreign_policy == first_start.policy["metadata"]["name"]
    emma = _sign_in(demo, "emma")
    answer = _start(emma)
    assert (answer.status, answer.refusal) == (503, NOT_LOCKED)
    assert "jupyter-exam-emma" not in cluster.pod_names()
    (left,) = cluster.policies()
    assert left["spec"]["egress"] == [{}]  # what belongs to somebody else is not touched

    cluster.delete_policy(foreign_policy)
    assert _start(emma).status in (201, 202)
    assert "jupyter-exam-emma" in cluster.pod_names()


@pytest.fixture(scope="module")
def felix(demo: DemoProcess) -> HubSession:
    """An examinee who has signed in and has no server."""
    return _sign_in(demo, "felix")


@pytest.mark.parametrize(
    "options",
    [
        {"profile": "machine-learning/WS26/student"},
        {"profile": "exams/ml-tomorrow/student"},
        {"profile": "exams/ml-open/grader"},
        {"profile": "exams/ml-open/proctor"},
        {"profile": [SLUG]},
    ],
    ids=str,
)
def test_only_the_open_exam_is_offered(
    demo: DemoProcess, cluster: ClusterClient, felix: HubSession, options: Any
) -> None:
    answer = _start(felix, options)
    assert (answer.status, answer.refusal) == (403, NOT_OFFERED)
    assert "jupyter-exam-felix" not in cluster.pod_names()


def test_second_named_server_is_refused(
    demo: DemoProcess, cluster: ClusterClient, felix: HubSession
) -> None:
    before = cluster.pod_names()
    answers = [
        felix.call_api("POST", "/hub/api/users/felix/servers/second", {"profile": SLUG}),
        felix.get("/hub/spawn/felix/second", {"profile": SLUG}),
    ]
    if jupyterhub.version_info[0] >= 6:
        answers.append(felix.call_api("PUT", "/hub/api/users/felix/servers/second"))
    assert {answer.status for answer in answers} == {400}
    assert cluster.pod_names() == before


def test_examinee_makes_no_token_that_would_outlive_the_exam(demo: DemoProcess) -> None:
    session = _sign_in(demo, "ben")
    answer = session.call_api("POST", "/hub/api/users/ben/tokens", {"note": "for later"})
    assert answer.status in (403, 404)
    assert "/hub/token" not in session.get("/hub/home").text


def test_pods_own_token_reports_activity_and_opens_nothing(
    demo: DemoProcess, first_start: FirstStart
) -> None:
    (container,) = first_start.pod["spec"]["containers"]
    environment = {item["name"]: item.get("value", "") for item in container["env"]}
    authorization = {"Authorization": f"token {environment['JUPYTERHUB_API_TOKEN']}"}
    pod = HubSession(demo.url(HubKind.EXAM), headers=authorization)
    _wait_until_it_answers(pod)
    for path in ("/user/alice/api/contents", "/user/alice/api/terminals", "/hub/api/users"):
        assert pod.call_api("GET", path).status == 403, path
    assert pod.call_api("DELETE", "/hub/api/users/alice/server").status in (403, 404)
    report = {"last_activity": datetime.now(timezone.utc).isoformat()}
    assert pod.call_api("POST", "/hub/api/users/alice/activity", report).status == 200


def _wait_until_it_answers(session: HubSession) -> None:
    deadline = time.monotonic() + 60
    while '"version"' not in session.get("/user/alice/api").text:
        assert time.monotonic() < deadline, "the exam's server does not answer"
        time.sleep(0.2)
