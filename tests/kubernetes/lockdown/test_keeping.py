"""While servers run, their policies stay what they should be; afterwards they go."""

from __future__ import annotations

import asyncio
from copy import deepcopy
from typing import Any

import pytest

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.offers import Offer
from e2xhub.kubernetes.lockdown.writing import is_as_written
from e2xhub.kubernetes.policies import make_policy
from tests.kubernetes.conftest import Cluster
from tests.kubernetes.lockdown.conftest import MakeHub
from tests.kubernetes.lockdown.hub import (
    Hub,
    Manifest,
    add_server,
    end_server,
    looks,
    policies_in,
    start_server,
    until,
)

NAME = "e2xhub-exam-ml-pz1--autumn"
EVERYWHERE: list[dict[str, Any]] = [{}]
FOREIGN = {"metadata": {"name": "foreign"}, "spec": {"podSelector": {}}}


def policy_of(hub: Hub, offer: Offer) -> Manifest:
    made = make_policy(offer, hub.surroundings)
    assert made is not None
    return made


async def is_right(hub: Hub, offer: Offer) -> bool:
    """Whether the API has the policy of `offer` as it should be."""
    policy = policy_of(hub, offer)
    found = (await policies_in(hub)).get(policy["metadata"]["name"])
    return found is not None and is_as_written(found, policy)


# --- what somebody changes


@pytest.mark.parametrize(
    "change",
    [
        {"spec": {"egress": EVERYWHERE}},
        {"spec": {"ingress": EVERYWHERE}},
        {"spec": {"policyTypes": ["Ingress"]}},
        {"spec": {"podSelector": {"matchLabels": {"e2xhub.org/exam": "other"}}}},
        {"metadata": {"labels": {"release": "spring"}}},
    ],
)
async def test_policy_that_is_edited_is_put_right(
    hub: Hub, exam: Offer, cluster: Cluster, change: Any, caplog: pytest.LogCaptureFixture
) -> None:
    await start_server(hub, exam)
    await cluster.networking.patch_namespaced_network_policy(NAME, cluster.namespace, change)
    assert not await is_right(hub, exam)
    await until(lambda: is_right(hub, exam), 5)
    message = f"NetworkPolicy {cluster.namespace}/{NAME} was changed; it is put right"
    await until(lambda: message in caplog.messages)
    await looks(hub)
    assert caplog.messages.count(message) == 1


async def test_policy_that_is_deleted_is_made_again(
    hub: Hub, exam: Offer, cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    await start_server(hub, exam)
    await cluster.networking.delete_namespaced_network_policy(NAME, cluster.namespace)
    await until(lambda: is_right(hub, exam), 5)
    message = f"NetworkPolicy {cluster.namespace}/{NAME} is missing; it is put right"
    await until(lambda: message in caplog.messages)


async def test_label_of_ours_that_is_taken_off_makes_it_somebody_elses(
    hub: Hub, exam: Offer, cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    await start_server(hub, exam)
    labels = {"metadata": {"labels": {"app.kubernetes.io/managed-by": None}}}
    await cluster.networking.patch_namespaced_network_policy(NAME, cluster.namespace, labels)
    message = (
        "the lockdown of running servers is not what it should be: NetworkPolicy "
        f"{cluster.namespace}/{NAME} exists and is not e2xhub's; rename or delete it"
    )
    await until(lambda: message in caplog.messages)
    await looks(hub)
    assert caplog.messages.count(message) == 1
    (fault,) = hub.keeper.find_faults(exam)
    assert fault == (
        f"NetworkPolicy {cluster.namespace}/{NAME} was changed (NetworkPolicy "
        f"{cluster.namespace}/{NAME} exists and is not e2xhub's; rename or delete it)"
    )
    await cluster.networking.delete_namespaced_network_policy(NAME, cluster.namespace)
    await until(lambda: is_right(hub, exam))
    await until(lambda: hub.keeper.find_faults(exam) == [])


async def test_policies_of_others_are_left_alone(hub: Hub, exam: Offer, cluster: Cluster) -> None:
    await start_server(hub, exam)
    await cluster.networking.create_namespaced_network_policy(cluster.namespace, FOREIGN)
    before = (await policies_in(hub))["foreign"]
    await looks(hub)
    assert (await policies_in(hub))["foreign"] == before


async def test_new_destination_reaches_the_policy_of_running_servers(
    hub: Hub, exam: Offer, small_catalog: Catalog
) -> None:
    await start_server(hub, exam)
    hub.catalog = with_destination(small_catalog)
    await until(lambda: reaches(hub, "10.3.4.5/32"), 5)
    hub.catalog = small_catalog
    await until(lambda: is_right(hub, exam), 5)
    assert not await reaches(hub, "10.3.4.5/32")


async def test_exam_that_the_catalog_loses_keeps_its_policy(
    hub: Hub, exam: Offer, small_catalog: Catalog
) -> None:
    await start_server(hub, exam)
    hub.catalog = small_catalog.model_copy(update={"exams": {}})
    await looks(hub)
    assert await is_right(hub, exam)


def with_destination(catalog: Catalog) -> Catalog:
    """`catalog`, whose exam reaches a licence server."""
    written = catalog.model_dump(exclude_unset=True)
    written["destinations"] = {"lic": {"addresses": ["10.3.4.5"], "ports": [443]}}
    written["exams"]["ml-pz1"]["reach"] = {"lic": True}
    return Catalog.model_validate(written)


async def reaches(hub: Hub, cidr: str) -> bool:
    spec = (await policies_in(hub))[NAME]["spec"]
    return {"ipBlock": {"cidr": cidr}} in [peer for rule in spec["egress"] for peer in rule["to"]]


# --- what no server needs


async def test_policy_goes_after_its_last_server(
    make_hub: MakeHub, exam: Offer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    hub = await make_hub(keep_seconds=1.5)
    await hub.watch()
    await start_server(hub, exam, "alice")
    await start_server(hub, exam, "ben")
    await end_server(hub, "alice")
    await asyncio.sleep(2)
    assert await is_right(hub, exam)
    await end_server(hub, "ben")
    await until(lambda: is_gone(hub), 5)
    (message,) = [line for line in caplog.messages if "is deleted" in line]
    assert message == (
        f"NetworkPolicy {hub.surroundings.namespace}/{NAME} is deleted: no server needs it"
    )


async def is_gone(hub: Hub) -> bool:
    return NAME not in await policies_in(hub)


async def test_policy_waits_for_the_server_that_has_asked_for_it(
    make_hub: MakeHub, exam: Offer
) -> None:
    """Images may be large: between the policy and its pod a start may take long."""
    hub = await make_hub(keep_seconds=2.0)
    await hub.watch()
    await hub.ensure(exam)
    await asyncio.sleep(1)
    assert await is_right(hub, exam)
    await until(lambda: is_gone(hub), 10)


async def test_start_gets_its_policy_whenever_it_meets_the_sweep(
    make_hub: MakeHub, exam: Offer
) -> None:
    """During the deletion, or after it; also where news of it comes late."""
    hub = await make_hub(keep_seconds=1.0, look_seconds=0.001)  # longer than a start takes
    await hub.watch()
    labels = policy_of(hub, exam)["spec"]["podSelector"]["matchLabels"]
    for attempt in range(4):
        await hub.ensure(exam)
        assert hub.keeper.find_widening(exam, labels) == []
        deletions = hub.client.requests.count("DELETE networkpolicies")
        while hub.client.requests.count("DELETE networkpolicies") == deletions:
            await asyncio.sleep(0)
        await asyncio.sleep(attempt * 0.003)
    await hub.ensure(exam)
    assert await is_right(hub, exam)


async def test_nothing_goes_while_servers_are_not_known(make_hub: MakeHub, exam: Offer) -> None:
    before = await make_hub()
    await before.ensure(exam)
    await add_server(before, exam)
    await before.keeper.stop()
    hub = await make_hub(keep_seconds=0.0)
    await hub.keeper.watch()  # of policies only: the watch of servers is not open yet
    await looks(hub)
    assert await is_right(hub, exam)


async def test_what_is_not_ours_to_delete_stays(
    make_hub: MakeHub, exam: Offer, cluster: Cluster
) -> None:
    hub = await make_hub(keep_seconds=0.0)
    ours = policy_of(hub, exam)
    others = {
        "of-spring": {**ours["metadata"]["labels"], "release": "spring"},
        "of-no-release": without(ours["metadata"]["labels"], "release"),
        "of-somebody": without(ours["metadata"]["labels"], "app.kubernetes.io/managed-by"),
        "of-helm": {**ours["metadata"]["labels"], "app.kubernetes.io/managed-by": "Helm"},
        "of-nobody": {},
    }
    for name, labels in others.items():
        policy = deepcopy(ours)
        policy["metadata"] |= {"name": name, "labels": labels}
        await cluster.networking.create_namespaced_network_policy(cluster.namespace, policy)
    await cluster.networking.create_namespaced_network_policy(cluster.namespace, ours)
    await hub.watch()
    await until(lambda: is_gone(hub))
    await looks(hub)
    assert sorted(await policies_in(hub)) == sorted(others)


def without(labels: Manifest, key: str) -> Manifest:
    return {name: text for name, text in labels.items() if name != key}


async def test_hub_without_a_release_leaves_those_of_releases_alone(
    make_hub: MakeHub, exam: Offer
) -> None:
    of_autumn = await make_hub()
    await of_autumn.ensure(exam)
    of_none = await make_hub(release="", keep_seconds=0.0)
    await of_none.watch()
    await looks(of_none)
    assert await is_right(of_autumn, exam)


# --- hubs


async def test_hub_that_was_restarted_goes_on(
    make_hub: MakeHub, exam: Offer, cluster: Cluster
) -> None:
    before = await make_hub()
    await before.watch()
    await start_server(before, exam)
    await before.stop()
    await cluster.networking.delete_namespaced_network_policy(NAME, cluster.namespace)
    after = await make_hub(keep_seconds=0.0)
    await after.watch()
    await until(lambda: is_right(after, exam), 5)
    await looks(after)
    assert await is_right(after, exam)


# --- what is told


async def test_widening_of_running_servers_is_told_once_and_its_end(
    hub: Hub, exam: Offer, cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    await start_server(hub, exam, "alice")
    await start_server(hub, exam, "ben")
    wide = {"metadata": {"name": "wide"}, "spec": {"podSelector": {}, "egress": EVERYWHERE}}
    wide["spec"]["policyTypes"] = ["Egress"]  # type: ignore[index]
    await cluster.networking.create_namespaced_network_policy(cluster.namespace, wide)
    fault = f"NetworkPolicy {cluster.namespace}/wide lets the server reach anyone: all."
    await until(lambda: any(fault in line for line in caplog.messages))
    await looks(hub)
    assert len([line for line in caplog.messages if fault in line]) == 1
    assert [one.startswith(fault) for one in hub.keeper.find_faults(exam)] == [True]
    await cluster.networking.delete_namespaced_network_policy("wide", cluster.namespace)
    await until(lambda: any(line.startswith("no longer so: ") for line in caplog.messages))
    assert hub.keeper.find_faults(exam) == []


async def test_faults_are_known_before_the_first_server(
    hub: Hub, exam: Offer, cluster: Cluster
) -> None:
    assert hub.keeper.find_faults(exam) == []
    wide = {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": EVERYWHERE}
    await cluster.networking.create_namespaced_network_policy(
        cluster.namespace, {"metadata": {"name": "wide"}, "spec": wide}
    )
    await until(lambda: len(hub.keeper.find_faults(exam)) == 1)
    assert "lets in to the server anyone: all" in hub.keeper.find_faults(exam)[0]


async def test_faults_before_the_first_server_are_those_of_a_real_one(
    hub: Hub, exam: Offer, cluster: Cluster
) -> None:
    """By labels that KubeSpawner and the chart put on every server."""
    await add_wide(cluster, {"app.kubernetes.io/component": "singleuser-server"})
    await until(lambda: "wide" in str(hub.opened[-1].policies))
    assert hub.keeper.find_faults(exam) == []
    labels = {"app.kubernetes.io/component": "singleuser-server", "e2xhub.org/exam": "other"}
    (fault,) = hub.keeper.find_faults(exam, labels)
    assert fault.startswith(f"NetworkPolicy {cluster.namespace}/wide lets the server reach")


async def test_start_that_was_refused_is_a_fault_until_one_passes(
    hub: Hub, exam: Offer, cluster: Cluster
) -> None:
    """Also where only that pod has the labels that the wide policy selects by."""
    await add_wide(cluster, {"team": "physics"})
    await until(lambda: "wide" in str(hub.opened[-1].policies))
    await hub.ensure(exam)
    labels = policy_of(hub, exam)["spec"]["podSelector"]["matchLabels"]
    refused = hub.keeper.judge_start(exam, {**labels, "team": "physics"})
    assert len(refused) == 1
    await hub.ensure(exam)  # the next start, which has not been judged yet
    assert hub.keeper.find_faults(exam) == refused
    await start_server(hub, exam)
    assert hub.keeper.find_faults(exam) == refused
    assert hub.keeper.judge_start(exam, labels) == []
    assert hub.keeper.find_faults(exam) == []


async def test_start_that_was_refused_is_forgotten_with_the_cause(
    hub: Hub, exam: Offer, cluster: Cluster
) -> None:
    await add_wide(cluster, {"team": "physics"})
    await until(lambda: "wide" in str(hub.opened[-1].policies))
    await hub.ensure(exam)
    labels = policy_of(hub, exam)["spec"]["podSelector"]["matchLabels"]
    assert hub.keeper.judge_start(exam, {**labels, "team": "physics"})
    await cluster.networking.delete_namespaced_network_policy("wide", cluster.namespace)
    await until(lambda: hub.keeper.find_faults(exam) == [])
    await add_wide(cluster, {"team": "physics"})
    await until(lambda: "wide" in str(hub.opened[-1].policies))
    assert hub.keeper.find_faults(exam) == []


async def add_wide(cluster: Cluster, labels: dict[str, str]) -> None:
    spec = {"podSelector": {"matchLabels": labels}, "policyTypes": ["Egress"], "egress": EVERYWHERE}
    await cluster.networking.create_namespaced_network_policy(
        cluster.namespace, {"metadata": {"name": "wide"}, "spec": spec}
    )


async def test_exam_is_not_blamed_for_what_selects_its_course(
    hub: Hub, exam: Offer, learning: Offer
) -> None:
    """The pod of an exam has the labels of its course; each has a policy of its own."""
    await start_server(hub, exam, "alice")
    await start_server(hub, learning, "ben")
    assert hub.keeper.find_faults(exam) == []
    assert hub.keeper.find_faults(learning) == []
    assert len(await policies_in(hub)) == 2
