"""The console sees whether an exam's policy is what it should be, in a real API."""

from __future__ import annotations

from datetime import datetime

import pytest

from e2xhub.domain.offers import Offer, Registry
from e2xhub.kubernetes.exam_policies import find_fault_in
from e2xhub.kubernetes.policies import ensure_policy, make_policy
from tests.kubernetes.conftest import Cluster


@pytest.fixture
def exam(exam_hub: Registry, exam_open_at_nine: datetime) -> Offer:
    """Alice's offer of an exam."""
    return exam_hub.authorize("alice", "exams/ml-pz1/student", exam_open_at_nine)


async def test_policy_as_it_should_be_is_no_fault(cluster: Cluster, exam: Offer) -> None:
    policy = make_policy(exam)
    assert policy
    await ensure_policy(cluster.networking, cluster.namespace, policy)
    assert await find_fault_in(cluster.networking, exam, cluster.namespace) == ""


async def test_policy_that_is_not_there_is_one(cluster: Cluster, exam: Offer) -> None:
    fault = await find_fault_in(cluster.networking, exam, cluster.namespace)
    assert fault == f"NetworkPolicy {cluster.namespace}/e2xhub-exam-ml-pz1 is missing"


async def test_policy_that_somebody_has_opened_is_one(cluster: Cluster, exam: Offer) -> None:
    policy = make_policy(exam)
    assert policy
    await ensure_policy(cluster.networking, cluster.namespace, policy)
    name = policy["metadata"]["name"]
    opened = {**policy, "spec": {**policy["spec"], "egress": [{}]}}
    await cluster.networking.replace_namespaced_network_policy(name, cluster.namespace, opened)
    fault = await find_fault_in(cluster.networking, exam, cluster.namespace)
    assert fault == f"NetworkPolicy {cluster.namespace}/{name} was changed"
