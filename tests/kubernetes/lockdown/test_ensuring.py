"""A start has its policies in the cluster before its pod, and asks for them once."""

from __future__ import annotations

import asyncio
from copy import deepcopy
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from e2xhub.domain.identifiers import ExamId
from e2xhub.domain.offers import Offer, Registry
from e2xhub.kubernetes.lockdown import PolicyError
from e2xhub.kubernetes.lockdown.writing import ensure_policy, is_as_written
from e2xhub.kubernetes.policies import make_policy
from tests.kubernetes.conftest import Cluster
from tests.kubernetes.lockdown.conftest import MakeHub
from tests.kubernetes.lockdown.hub import Hub, Manifest, policies_in, until

NAME = "e2xhub-exam-ml-pz1--autumn"


@pytest.fixture
def policy(hub: Hub, exam: Offer) -> Manifest:
    """The policy of the exam."""
    made = make_policy(exam, hub.surroundings)
    assert made is not None
    return made


async def create(cluster: Cluster, policy: Manifest) -> None:
    await cluster.networking.create_namespaced_network_policy(cluster.namespace, policy)


async def stored(hub: Hub) -> Manifest:
    return (await policies_in(hub))[NAME]


# --- one start


async def test_policy_that_is_missing_is_created(hub: Hub, exam: Offer, policy: Manifest) -> None:
    await hub.ensure(exam)
    found = await stored(hub)
    assert found["spec"] == policy["spec"]
    assert found["metadata"]["labels"] == policy["metadata"]["labels"]


async def test_open_server_needs_no_request(
    make_hub: MakeHub, assignment_hub: Registry, in_winter_term: datetime
) -> None:
    hub = await make_hub()
    offer = assignment_hub.authorize("alice", "machine-learning/WS26/student", in_winter_term)
    await hub.ensure(offer)
    assert hub.keeper.find_widening(offer, {}) == []
    assert hub.client.requests == []


async def test_policy_that_is_as_written_is_left_alone(
    hub: Hub, exam: Offer, policy: Manifest, cluster: Cluster
) -> None:
    await create(cluster, policy)
    before = await stored(hub)
    await until(lambda: before["metadata"]["name"] in str(hub.opened[-1].policies))
    await hub.ensure(exam)
    assert await stored(hub) == before
    assert hub.client.other_than_watching == []


@pytest.mark.parametrize(
    "change",
    [
        {"egress": [{}]},
        {"egress": []},
        {"ingress": [{}]},
        {"policyTypes": ["Ingress"]},
        {"podSelector": {"matchLabels": {"e2xhub.org/exam": "other"}}},
    ],
)
async def test_policy_that_somebody_widened_is_put_right(
    hub: Hub, exam: Offer, policy: Manifest, cluster: Cluster, change: dict[str, Any]
) -> None:
    await create(cluster, {**policy, "spec": {**policy["spec"], **change}})
    await hub.ensure(exam)
    assert (await stored(hub))["spec"] == policy["spec"]


async def test_label_of_somebody_else_stays_on_a_policy_that_is_right(
    hub: Hub, exam: Offer, policy: Manifest, cluster: Cluster
) -> None:
    labelled = deepcopy(policy)
    labelled["metadata"]["labels"]["team"] = "operations"
    await create(cluster, labelled)
    await hub.ensure(exam)
    assert (await stored(hub))["metadata"]["labels"] == labelled["metadata"]["labels"]


async def test_policy_of_somebody_else_is_refused_and_left_alone(
    hub: Hub, exam: Offer, policy: Manifest, cluster: Cluster
) -> None:
    await create(cluster, {**policy, "metadata": {"name": NAME}})
    before = await stored(hub)
    with pytest.raises(PolicyError) as caught:
        await hub.ensure(exam)
    assert str(caught.value) == (
        f"NetworkPolicy {cluster.namespace}/{NAME} exists and is not e2xhub's; rename or delete it"
    )
    assert await stored(hub) == before


async def test_start_is_judged_by_what_is_there_at_its_end(
    hub: Hub, exam: Offer, policy: Manifest, cluster: Cluster
) -> None:
    """Between the policy and the pod somebody may have opened it."""
    labels = policy["spec"]["podSelector"]["matchLabels"]
    await hub.ensure(exam)
    assert hub.keeper.find_widening(exam, labels) == []
    await hub.keeper.stop()  # or it would be put right before anybody sees it
    await cluster.networking.delete_namespaced_network_policy(NAME, cluster.namespace)
    await until(lambda: hub.keeper.find_widening(exam, labels))
    assert hub.keeper.find_widening(exam, labels) == [
        f"NetworkPolicy {cluster.namespace}/{NAME} is missing"
    ]


# --- many starts


async def test_fifty_starts_ask_for_a_policy_once(make_hub: MakeHub, exam: Offer) -> None:
    hub = await make_hub()
    await asyncio.gather(*(hub.ensure(exam) for _ in range(25)))
    for _ in range(25):
        await hub.ensure(exam)
    assert hub.client.other_than_watching == ["POST networkpolicies"]
    assert len(hub.opened) == 1


async def test_start_of_a_policy_that_is_there_asks_for_nothing(
    make_hub: MakeHub, exam: Offer
) -> None:
    hub = await make_hub()
    await hub.ensure(exam)
    await until(lambda: "WATCH networkpolicies" in hub.client.requests)
    hub.client.requests.clear()
    await asyncio.gather(*(hub.ensure(exam) for _ in range(50)))
    assert hub.client.requests == []


async def test_many_that_start_at_once_correct_a_policy_once(
    hub: Hub, exam: Offer, policy: Manifest, cluster: Cluster
) -> None:
    await hub.keeper.stop()
    await create(cluster, {**policy, "spec": {**policy["spec"], "egress": [{}]}})
    await asyncio.gather(*(hub.ensure(exam) for _ in range(20)))
    assert (await stored(hub))["spec"] == policy["spec"]
    assert hub.client.requests.count("PUT networkpolicies") == 1


async def test_each_exam_has_its_own_policy(hub: Hub, exam: Offer) -> None:
    others = [replace(exam, exam=ExamId.parse(f"exam-{number}")) for number in range(5)]
    await asyncio.gather(*(hub.ensure(offer) for offer in others))
    assert sorted(await policies_in(hub)) == [f"e2xhub-exam-exam-{n}--autumn" for n in range(5)]


async def test_many_writers_of_one_policy_agree(cluster: Cluster, policy: Manifest) -> None:
    """Conflicts of versions (409) are nobody's fault: one succeeds, the others look again."""
    await create(cluster, {**policy, "spec": {**policy["spec"], "egress": [{}]}})
    made = await asyncio.gather(*(ensure_policy(cluster.networking, policy) for _ in range(20)))
    assert all(is_as_written(found, policy) for found in made)
    assert len({found["metadata"]["resourceVersion"] for found in made}) == 1


async def test_writers_do_not_mind_one_who_deletes(cluster: Cluster, policy: Manifest) -> None:
    async def delete_now_and_then() -> None:
        for _ in range(3):
            await cluster.networking.delete_collection_namespaced_network_policy(cluster.namespace)
            await asyncio.sleep(0.01)

    writing = (ensure_policy(cluster.networking, policy) for _ in range(20))
    *made, _ = await asyncio.gather(*writing, delete_now_and_then())
    assert all(found and is_as_written(found, policy) for found in made)


async def test_policy_that_is_changed_again_and_again_is_an_error(
    hub: Hub, exam: Offer, policy: Manifest, cluster: Cluster
) -> None:
    """A store that changes it at every read, such as a controller that has it as its own."""
    name = f"{cluster.namespace}/{NAME}"
    await create(cluster, {**policy, "spec": {**policy["spec"], "egress": [{}]}})
    with pytest.raises(PolicyError) as caught:
        await ensure_policy(_Meddler(cluster), policy)
    assert str(caught.value) == (
        f"NetworkPolicy {name} is changed again and again by somebody else"
    )


class _Meddler:
    """The API of a cluster in which somebody changes each policy right after it was read."""

    def __init__(self, cluster: Cluster) -> None:
        self._api = cluster.networking
        self.api_client = cluster.api_client
        self.create_namespaced_network_policy = self._api.create_namespaced_network_policy
        self.replace_namespaced_network_policy = self._api.replace_namespaced_network_policy
        self._count = 0

    async def read_namespaced_network_policy(self, name: str, namespace: str) -> Any:
        found = await self._api.read_namespaced_network_policy(name, namespace)
        self._count += 1
        labels = {"metadata": {"labels": {"meddler": str(self._count)}}}
        await self._api.patch_namespaced_network_policy(name, namespace, labels)
        return found


async def test_no_list_may_be_older_than_what_the_watch_has_seen(hub: Hub, exam: Offer) -> None:
    """A server's cache may lack what the hub has just written."""
    await hub.ensure(exam)
    await until(lambda: "WATCH networkpolicies" in hub.client.requests)
    assert len(hub.client.listed_versions) > 1
    assert "0" not in hub.client.listed_versions
