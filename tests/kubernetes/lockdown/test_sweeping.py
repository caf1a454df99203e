"""A policy that cannot be deleted keeps nobody from anything, and counts until it is gone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from prometheus_client import REGISTRY

from e2xhub.domain.identifiers import ExamId
from e2xhub.domain.offers import Offer
from tests.kubernetes.conftest import Cluster
from tests.kubernetes.lockdown.conftest import MakeHub
from tests.kubernetes.lockdown.hub import Hub, end_server, looks, make_server, start_server, until
from tests.kubernetes.lockdown.test_keeping import NAME, is_right, policy_of
from tests.kubernetes.lockdown.test_outages import WATCHING, configuration_with

LOOK_SECONDS = 0.05


def faults_counted() -> float | None:
    """What the monitoring sees."""
    return REGISTRY.get_sample_value("e2xhub_lockdown_faults")


@pytest.fixture
async def powerless(make_hub: MakeHub, cluster: Cluster) -> Hub:
    """A hub that may delete no policy, and keeps none without a server."""
    configuration = await configuration_with(cluster, *WATCHING, "create", "update")
    hub = await make_hub(configuration=configuration, keep_seconds=0.0, look_seconds=LOOK_SECONDS)
    await hub.watch()
    return hub


async def add_policy(cluster: Cluster, hub: Hub, exam: Offer, name: str, **spec: Any) -> None:
    """One of ours that nobody needs any more."""
    old = policy_of(hub, replace(exam, exam=ExamId.parse(name)))
    old["metadata"]["name"] = name
    old["spec"] |= spec
    await cluster.networking.create_namespaced_network_policy(cluster.namespace, old)


def told(caplog: pytest.LogCaptureFixture, cluster: Cluster, name: str) -> list[str]:
    begin = f"NetworkPolicy {cluster.namespace}/{name} could not be deleted: 403 Forbidden ("
    return [line for line in caplog.messages if begin in line]


async def test_policy_that_cannot_be_deleted_is_judged_at_each_start(
    powerless: Hub, exam: Offer, cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    labels = policy_of(powerless, exam)["spec"]["podSelector"]["matchLabels"]
    selector = {"e2xhub.org/network": "exam", "e2xhub.org/exam": "ml-pz1"}
    opens = {"podSelector": {"matchLabels": selector}, "egress": [{}]}
    await add_policy(cluster, powerless, exam, "e2xhub-copy", **opens)
    await until(lambda: told(caplog, cluster, "e2xhub-copy"))
    await looks(powerless)
    (fault,) = powerless.keeper.find_widening(exam, {**labels})[-1:]
    assert fault.startswith(
        f"NetworkPolicy {cluster.namespace}/e2xhub-copy lets the server reach anyone: all."
    )


async def test_policies_that_cannot_be_deleted_do_not_keep_others_from_being_put_right(
    powerless: Hub, exam: Offer, cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    await cluster.core.create_namespaced_pod(
        cluster.namespace, make_server(exam, powerless.surroundings)
    )
    await until(lambda: is_right(powerless, exam))
    for name in ("e2xhub-one", "e2xhub-two"):
        await add_policy(cluster, powerless, exam, name)
    await until(lambda: told(caplog, cluster, "e2xhub-one") and told(caplog, cluster, "e2xhub-two"))
    before = powerless.keeper.finished_looks
    opened: dict[str, Any] = {"spec": {"egress": [{}]}}
    await cluster.networking.patch_namespaced_network_policy(NAME, cluster.namespace, opened)
    await until(lambda: is_right(powerless, exam))
    await looks(powerless, 25)
    assert len(told(caplog, cluster, "e2xhub-one")) == len(told(caplog, cluster, "e2xhub-two")) == 1
    requests = powerless.client.requests.count("DELETE networkpolicies")
    assert requests < (powerless.keeper.finished_looks - before)  # of two, at each look


async def test_policy_that_cannot_be_deleted_is_counted_until_it_is_gone(
    powerless: Hub, exam: Offer, cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    await add_policy(cluster, powerless, exam, "e2xhub-old")
    await until(lambda: told(caplog, cluster, "e2xhub-old"))
    assert faults_counted() == 1
    await cluster.networking.delete_namespaced_network_policy("e2xhub-old", cluster.namespace)
    await until(lambda: faults_counted() == 0)


async def test_hub_that_may_not_delete_starts_with_the_policy_that_stays(
    powerless: Hub, exam: Offer, cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    """It was not deleted, so there is nothing to be asked for."""
    await cluster.networking.create_namespaced_network_policy(
        cluster.namespace, policy_of(powerless, exam)
    )
    await until(lambda: told(caplog, cluster, NAME))
    posted = powerless.client.requests.count("POST networkpolicies")
    await powerless.ensure(exam)
    assert powerless.client.requests.count("POST networkpolicies") == posted


async def test_start_asks_the_api_where_a_deletion_was_not_answered(hub: Hub, exam: Offer) -> None:
    """What the watch sees may be gone already."""
    labels = policy_of(hub, exam)["spec"]["podSelector"]["matchLabels"]
    await hub.ensure(exam)
    await until(lambda: "WATCH networkpolicies" in hub.client.requests)
    name = f"{hub.surroundings.namespace}/{NAME}"
    await hub.keeper.stop()
    hub.opened[-1].expect_deletion(hub.opened[-1].policies[name])
    assert hub.keeper.find_widening(exam, labels) == [f"NetworkPolicy {name} was changed"]
    hub.client.requests.clear()
    await hub.ensure(exam)
    assert "POST networkpolicies" in hub.client.requests
    assert hub.keeper.find_widening(exam, labels) == []


async def test_complaint_of_a_policy_ends_with_the_last_server_that_needs_it(
    make_hub: MakeHub, exam: Offer, cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    hub = await make_hub(keep_seconds=0.5)
    await hub.watch()
    await start_server(hub, exam)
    labels = {"metadata": {"labels": {"app.kubernetes.io/managed-by": None}}}
    await cluster.networking.patch_namespaced_network_policy(NAME, cluster.namespace, labels)
    await until(lambda: any("is not e2xhub's" in line for line in caplog.messages))
    assert faults_counted() == 1
    await end_server(hub)
    await until(lambda: faults_counted() == 0)
