"""NetworkPolicies say what a network class means, and are ensured in a real API."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kubernetes_asyncio.client import ApiClient, Configuration, NetworkingV1Api

from e2xhub.domain.identifiers import ExamId
from e2xhub.domain.lockdown import LOCKDOWNS, NetworkClass
from e2xhub.domain.offers import Offer, Registry
from e2xhub.kubernetes.labels import make_labels
from e2xhub.kubernetes.policies import PolicyError, ensure_policy, make_policy
from tests.kubernetes.conftest import Cluster

DNS_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
TO_THE_HUB = {
    "to": [{"podSelector": {"matchLabels": {"app": "jupyterhub", "component": "hub"}}}],
    "ports": [{"port": 8081, "protocol": "TCP"}],
}
TO_THE_NAME_SERVICE = {
    "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}],
    "ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}],
}
FROM_PROXY_AND_HUB = {
    "from": [
        {
            "podSelector": {
                "matchLabels": {"hub.jupyter.org/network-access-singleuser": "true"},
                "matchExpressions": [
                    {"key": "component", "operator": "In", "values": ["hub", "proxy"]}
                ],
            }
        }
    ],
    "ports": [{"port": "notebook-port", "protocol": "TCP"}],
}


@pytest.fixture
def exam(exam_hub: Registry, exam_open_at_nine: datetime) -> Offer:
    """Alice's offer of an exam."""
    return exam_hub.authorize("alice", "exams/ml-pz1/student", exam_open_at_nine)


@pytest.fixture
def policy(exam: Offer) -> dict[str, Any]:
    """The policy of that exam."""
    made = make_policy(exam)
    assert made is not None
    return made


def with_network(offer: Offer, network: NetworkClass) -> Offer:
    return replace(offer, server=replace(offer.server, network=network))


async def stored(cluster: Cluster, policy: dict[str, Any]) -> dict[str, Any]:
    """The policy as the cluster has it."""
    found = await cluster.networking.read_namespaced_network_policy(
        policy["metadata"]["name"], cluster.namespace
    )
    plain: dict[str, Any] = cluster.api_client.sanitize_for_serialization(found)
    return plain


# --- what a policy is


def test_open_network_needs_no_policy(exam: Offer) -> None:
    assert make_policy(with_network(exam, NetworkClass.OPEN)) is None


def test_every_other_network_class_has_a_policy(exam: Offer) -> None:
    assert set(LOCKDOWNS) == set(NetworkClass) - {NetworkClass.OPEN}
    for network in LOCKDOWNS:
        assert make_policy(with_network(exam, network)) is not None


def test_exam_reaches_the_hub_and_nothing_else(policy: dict[str, Any]) -> None:
    assert policy["spec"] == {
        "podSelector": {"matchLabels": {"e2xhub.org/network": "exam", "e2xhub.org/exam": "ml-pz1"}},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [FROM_PROXY_AND_HUB],
        "egress": [TO_THE_HUB],
    }


def test_no_internet_reaches_hub_and_name_service(exam: Offer) -> None:
    policy = make_policy(with_network(exam, NetworkClass.NO_INTERNET))
    assert policy is not None
    assert policy["spec"]["egress"] == [TO_THE_HUB, TO_THE_NAME_SERVICE]
    assert policy["spec"]["ingress"] == [FROM_PROXY_AND_HUB]


@pytest.mark.parametrize("network", LOCKDOWNS)
def test_policy_selects_the_pod_of_its_offer(exam: Offer, network: NetworkClass) -> None:
    offer = with_network(exam, network)
    policy = make_policy(offer)
    assert policy is not None
    selector = policy["spec"]["podSelector"]["matchLabels"]
    assert selector.items() <= make_labels(offer).items()


def test_policy_is_marked_as_ours(policy: dict[str, Any]) -> None:
    assert policy["metadata"] == {
        "name": "e2xhub-exam-ml-pz1",
        "labels": {
            "app.kubernetes.io/managed-by": "e2xhub",
            "e2xhub.org/network": "exam",
            "e2xhub.org/exam": "ml-pz1",
        },
    }


ids = st.text("abAB01._-", min_size=1, max_size=63).filter(lambda text: text.isalnum()) | (
    st.sampled_from(["ML_PZ1", "ml.pz1", "ml-pz1", "ml_pz1", "a" * 63, "A" * 63, "ML-PZ1"])
)


@given(one=ids, other=ids)
def test_each_exam_has_a_policy_of_its_own(
    exam_hub: Registry, exam_open_at_nine: datetime, one: str, other: str
) -> None:
    offer = exam_hub.authorize("alice", "exams/ml-pz1/student", exam_open_at_nine)
    names = []
    for exam in (one, other):
        made = make_policy(replace(offer, exam=ExamId.parse(exam)))
        assert made is not None
        names.append(made["metadata"]["name"])
        assert DNS_LABEL.fullmatch(names[-1])
    assert (names[0] == names[1]) == (one == other)


# --- that it exists


async def test_policy_that_is_missing_is_created(cluster: Cluster, policy: dict[str, Any]) -> None:
    await ensure_policy(cluster.networking, cluster.namespace, policy)
    found = await stored(cluster, policy)
    assert found["spec"] == policy["spec"]
    assert found["metadata"]["labels"] == policy["metadata"]["labels"]


async def test_policy_that_is_as_written_is_left_alone(
    cluster: Cluster, policy: dict[str, Any]
) -> None:
    await ensure_policy(cluster.networking, cluster.namespace, policy)
    before = await stored(cluster, policy)
    await ensure_policy(cluster.networking, cluster.namespace, policy)
    assert await stored(cluster, policy) == before


@pytest.mark.parametrize(
    "change",
    [
        {"egress": [{}]},
        {"egress": [TO_THE_HUB, TO_THE_NAME_SERVICE]},
        {"ingress": [{}]},
        {"policyTypes": ["Ingress"]},
        {"podSelector": {"matchLabels": {"e2xhub.org/exam": "other"}}},
    ],
)
async def test_policy_that_somebody_widened_is_put_right(
    cluster: Cluster, policy: dict[str, Any], change: dict[str, Any]
) -> None:
    widened = {**policy, "spec": {**policy["spec"], **change}}
    await cluster.networking.create_namespaced_network_policy(cluster.namespace, widened)
    await ensure_policy(cluster.networking, cluster.namespace, policy)
    assert (await stored(cluster, policy))["spec"] == policy["spec"]


async def test_label_of_somebody_else_stays_on_a_policy_that_is_right(
    cluster: Cluster, policy: dict[str, Any]
) -> None:
    labels = {**policy["metadata"]["labels"], "team": "operations"}
    labelled = {**policy, "metadata": {**policy["metadata"], "labels": labels}}
    await cluster.networking.create_namespaced_network_policy(cluster.namespace, labelled)
    await ensure_policy(cluster.networking, cluster.namespace, policy)
    assert (await stored(cluster, policy))["metadata"]["labels"] == labels


async def test_policy_of_somebody_else_is_refused_and_left_alone(
    cluster: Cluster, policy: dict[str, Any]
) -> None:
    name = policy["metadata"]["name"]
    foreign = {**policy, "metadata": {"name": name}}
    await cluster.networking.create_namespaced_network_policy(cluster.namespace, foreign)
    before = await stored(cluster, policy)
    with pytest.raises(PolicyError) as caught:
        await ensure_policy(cluster.networking, cluster.namespace, policy)
    assert str(caught.value) == (
        f"NetworkPolicy {cluster.namespace}/{name} exists and is not e2xhub's; rename or delete it"
    )
    assert await stored(cluster, policy) == before


@pytest.mark.parametrize("exists", [False, True])
async def test_many_that_start_at_once_all_find_the_policy(
    cluster: Cluster, policy: dict[str, Any], exists: bool
) -> None:
    if exists:
        old = {**policy, "spec": {**policy["spec"], "egress": [{}]}}
        await cluster.networking.create_namespaced_network_policy(cluster.namespace, old)
    await asyncio.gather(
        *(ensure_policy(cluster.networking, cluster.namespace, policy) for _ in range(20))
    )
    assert (await stored(cluster, policy))["spec"] == policy["spec"]


async def test_policy_that_cannot_be_made_is_an_error_with_its_cause(
    cluster: Cluster, policy: dict[str, Any]
) -> None:
    with pytest.raises(PolicyError) as caught:
        await ensure_policy(cluster.networking, "nowhere", policy)
    assert str(caught.value) == (
        "NetworkPolicy nowhere/e2xhub-exam-ml-pz1 could not be ensured (404 Not Found); "
        "the hub's service account needs get, create and update on networkpolicies"
    )
    assert caught.value.__cause__ is not None


async def test_api_that_does_not_answer_is_an_error(
    policy: dict[str, Any], unused_tcp_port: int
) -> None:
    nobody = Configuration(host=f"http://127.0.0.1:{unused_tcp_port}")
    async with ApiClient(nobody) as client:
        with pytest.raises(PolicyError) as caught:
            await ensure_policy(NetworkingV1Api(client), "default", policy)
    assert str(caught.value).startswith(
        "NetworkPolicy default/e2xhub-exam-ml-pz1 could not be ensured: "
        f"Cannot connect to host 127.0.0.1:{unused_tcp_port}"
    )
