"""Hub and proxy reach locked servers, also where policies of others isolate them."""

from __future__ import annotations

import asyncio
from copy import deepcopy

import pytest
from kubernetes_asyncio.client import NetworkingV1Api

from e2xhub.domain.offers import Offer
from e2xhub.kubernetes.lockdown.access import needed_access_policies
from e2xhub.kubernetes.reach import Pod, parse_policy
from e2xhub.kubernetes.surroundings import Surroundings
from tests.kubernetes.conftest import KUBECONFIG, Cluster
from tests.kubernetes.lockdown.conftest import MakeHub
from tests.kubernetes.lockdown.hub import Hub, looks, policies_in, start_server, until
from tests.kubernetes.lockdown.test_keeping import EVERYWHERE, NAME, is_right

HUB_IS_ISOLATED = {
    "metadata": {"name": "hub"},
    "spec": {
        "podSelector": {"matchLabels": {"component": "hub", "app": "jupyterhub"}},
        "policyTypes": ["Egress"],
        "egress": [
            {
                "to": [
                    {
                        "podSelector": {
                            "matchLabels": {"component": "singleuser-server", "app": "jupyterhub"}
                        }
                    }
                ],
                "ports": [{"port": 8888}],
            }
        ],
    },
}


async def isolate_hub(hub: Hub) -> None:
    """As the chart does: its rule for servers selects by a label that locked ones have not."""
    networking = NetworkingV1Api(hub.client)
    await networking.create_namespaced_network_policy(hub.surroundings.namespace, HUB_IS_ISOLATED)


async def has_access(hub: Hub, component: str = "hub") -> bool:
    release = "".join(f"--{name}" for name in hub.surroundings.release.values())
    return f"e2xhub-{component}-to-servers{release}" in await policies_in(hub)


async def test_hub_that_nobody_isolates_gets_no_policy(hub: Hub, exam: Offer) -> None:
    await start_server(hub, exam)
    await looks(hub)
    assert sorted(await policies_in(hub)) == [NAME]


async def test_hub_that_others_keep_away_gets_a_policy_with_the_first_start(
    hub: Hub, exam: Offer
) -> None:
    await isolate_hub(hub)
    await until(lambda: "hub" in str(hub.opened[-1].policies))
    await looks(hub)
    assert not await has_access(hub)
    await hub.ensure(exam)
    assert sorted(await policies_in(hub)) == [NAME, "e2xhub-hub-to-servers--autumn", "hub"]


async def test_policy_for_the_hub_comes_and_goes_with_what_isolates_it(
    hub: Hub, exam: Offer, cluster: Cluster
) -> None:
    """Alone, it would be what isolates the hub."""
    await start_server(hub, exam)
    await isolate_hub(hub)
    await until(lambda: has_access(hub), 5)
    await cluster.networking.delete_namespaced_network_policy("hub", cluster.namespace)
    await until(lambda: has_no_access(hub), 5)
    assert await is_right(hub, exam)


async def has_no_access(hub: Hub) -> bool:
    return not await has_access(hub)


async def test_policy_for_the_hub_goes_with_the_last_policy_of_servers(
    make_hub: MakeHub, exam: Offer
) -> None:
    hub = await make_hub(keep_seconds=1.0)
    await isolate_hub(hub)
    await hub.watch()
    await hub.ensure(exam)
    assert await has_access(hub)
    await until(lambda: has_no_access(hub), 10)
    assert sorted(await policies_in(hub)) == ["hub"]


ACCESS = "e2xhub-hub-to-servers--autumn"


async def owners(hub: Hub) -> list[tuple[str, str]]:
    """Names and uids of those that the hub's policy belongs to."""
    policy = (await policies_in(hub)).get(ACCESS, {"metadata": {}})
    return [(it["name"], it["uid"]) for it in policy["metadata"].get("ownerReferences", ())]


async def uid_of(hub: Hub, name: str) -> str:
    return str((await policies_in(hub))[name]["metadata"]["uid"])


async def test_policy_for_the_hub_belongs_to_those_that_isolate_it(
    hub: Hub, exam: Offer, cluster: Cluster
) -> None:
    await start_server(hub, exam)
    await isolate_hub(hub)
    await until(lambda: has_access(hub))
    policy = (await policies_in(hub))[ACCESS]
    kind = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}
    of_hub = {**kind, "name": "hub", "uid": await uid_of(hub, "hub")}
    assert policy["metadata"]["ownerReferences"] == [of_hub]
    deny = {"metadata": {"name": "deny"}, "spec": {"podSelector": {}, "policyTypes": ["Egress"]}}
    await cluster.networking.create_namespaced_network_policy(cluster.namespace, deny)
    both = [("deny", await uid_of(hub, "deny")), ("hub", of_hub["uid"])]

    async def has_both() -> bool:
        return await owners(hub) == both

    await until(has_both, 5)


async def test_policy_for_the_hub_follows_one_that_is_made_anew(
    hub: Hub, exam: Offer, cluster: Cluster
) -> None:
    """As an upgrade of the chart may do."""
    await start_server(hub, exam)
    await isolate_hub(hub)
    await until(lambda: has_access(hub))
    await cluster.networking.delete_namespaced_network_policy("hub", cluster.namespace)
    await isolate_hub(hub)
    expected = [("hub", await uid_of(hub, "hub"))]

    async def is_its() -> bool:
        return await owners(hub) == expected

    await until(is_its, 5)
    await looks(hub)
    assert await is_its()


@pytest.mark.skipif(KUBECONFIG is not None, reason="needs a garbage collector")
async def test_policy_for_the_hub_goes_with_the_last_that_isolates_it_also_without_the_hub(
    hub: Hub, exam: Offer, cluster: Cluster
) -> None:
    """Alone it would keep the hub from the API server, where it would have to be deleted."""
    deny = {"metadata": {"name": "deny"}, "spec": {"podSelector": {}, "policyTypes": ["Egress"]}}
    await cluster.networking.create_namespaced_network_policy(cluster.namespace, deny)
    await isolate_hub(hub)
    await start_server(hub, exam)
    await until(lambda: has_two_owners(hub))
    await hub.keeper.stop()
    await cluster.networking.delete_namespaced_network_policy("deny", cluster.namespace)
    await asyncio.sleep(0.2)
    assert await has_access(hub)
    await cluster.networking.delete_namespaced_network_policy("hub", cluster.namespace)
    await until(lambda: has_no_access(hub), 5)
    assert sorted(name for name in await policies_in(hub) if "proxy" not in name) == [NAME]


async def has_two_owners(hub: Hub) -> bool:
    return len(await owners(hub)) == 2


@pytest.mark.parametrize(
    ("labels", "port", "is_needed"),
    [
        ({"component": "singleuser-server"}, 8888, False),
        ({"component": "singleuser-server"}, "notebook-port", False),
        ({"component": "singleuser-server"}, 8889, True),
        ({"component": "singleuser-server", "release": "autumn"}, 8888, False),
        ({"component": "singleuser-server", "release": "spring"}, 8888, True),
        ({"e2xhub.org/network": "exam"}, 8888, True),  # and what is without internet?
        ({"app": "jupyterhub"}, 8888, True),
        ({}, 8888, False),
    ],
)
async def test_hub_gets_a_policy_only_where_it_cannot_reach_locked_servers(
    hub: Hub,
    exam: Offer,
    cluster: Cluster,
    labels: dict[str, str],
    port: int | str,
    is_needed: bool,
) -> None:
    policy = deepcopy(HUB_IS_ISOLATED)
    policy["spec"]["egress"] = [  # type: ignore[index]
        {"to": [{"podSelector": {"matchLabels": labels}}], "ports": [{"port": port}]}
    ]
    await cluster.networking.create_namespaced_network_policy(cluster.namespace, policy)
    await until(lambda: "hub" in str(hub.opened[-1].policies))
    await hub.ensure(exam)
    assert await has_access(hub) is is_needed


async def test_namespace_that_denies_everything_gets_policies_for_both(
    hub: Hub, exam: Offer, cluster: Cluster
) -> None:
    deny = {"metadata": {"name": "deny"}, "spec": {"podSelector": {}, "policyTypes": ["Egress"]}}
    await cluster.networking.create_namespaced_network_policy(cluster.namespace, deny)
    await until(lambda: "deny" in str(hub.opened[-1].policies))
    await hub.ensure(exam)
    assert await has_access(hub, "hub")
    assert await has_access(hub, "proxy")


async def test_hub_that_may_go_anywhere_gets_none_though_ingress_is_denied(
    hub: Hub, exam: Offer, cluster: Cluster
) -> None:
    deny = {
        "metadata": {"name": "deny"},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "egress": EVERYWHERE},
    }
    await cluster.networking.create_namespaced_network_policy(cluster.namespace, deny)
    await until(lambda: "deny" in str(hub.opened[-1].policies))
    await hub.ensure(exam)
    assert not await has_access(hub)


async def test_hub_of_another_namespace_is_the_admins(
    make_hub: MakeHub, exam: Offer, cluster: Cluster
) -> None:
    hub = await make_hub(hub_namespace="hub")
    await isolate_hub(hub)
    await hub.watch()
    await hub.ensure(exam)
    await looks(hub)
    assert sorted(await policies_in(hub)) == [NAME, "hub"]


# --- two hubs


@pytest.mark.parametrize("releases", [("autumn", "autumn"), ("autumn", "spring"), ("autumn", "")])
async def test_two_hubs_do_not_fight(
    make_hub: MakeHub, exam: Offer, releases: tuple[str, str]
) -> None:
    one, other = [await make_hub(release=release, keep_seconds=1.0) for release in releases]
    for hub, name in ((one, "alice"), (other, "ben")):
        await hub.watch()
        await start_server(hub, exam, name)
    await isolate_hub(one)
    await until(lambda: has_access(one))
    await until(lambda: has_access(other))
    await looks(one)
    await looks(other)
    for hub in (one, other):
        hub.client.requests.clear()
    await asyncio.sleep(2)
    assert one.client.other_than_watching + other.client.other_than_watching == []
    assert await is_right(one, exam)
    assert await is_right(other, exam)


async def test_hub_without_servers_leaves_the_access_of_another_one(
    make_hub: MakeHub, exam: Offer
) -> None:
    """Of a blue and a green hub of one release, only one has servers."""
    one, other = [await make_hub(keep_seconds=60.0) for _ in range(2)]
    await isolate_hub(one)
    await other.watch()
    await one.watch()
    await one.ensure(exam)
    await until(lambda: has_access(one))
    await looks(one)
    await looks(other)
    for hub in (one, other):
        hub.client.requests.clear()
    await looks(one, 20)
    await looks(other, 20)
    assert one.client.other_than_watching + other.client.other_than_watching == []


@pytest.mark.parametrize(("hub_namespace", "expected"), [("exam", ["hub", "proxy"]), ("hub", [])])
def test_needed_policies_are_those_of_one_namespace(
    hub_namespace: str, expected: list[str]
) -> None:
    """Those of a file belong to nobody: they are no objects yet."""
    around = Surroundings(namespace="exam", hub_namespace=hub_namespace)
    deny = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "deny", "namespace": hub_namespace},
        "spec": {"podSelector": {}, "policyTypes": ["Egress"]},
    }
    server = Pod("exam", {"e2xhub.org/network": "exam"})
    manifests = {f"{hub_namespace}/deny": deny}
    needed = needed_access_policies(manifests, [parse_policy(deny)], around, server)
    assert [one["metadata"]["name"] for one in needed] == [
        f"e2xhub-{component}-to-servers" for component in expected
    ]
    assert not any("ownerReferences" in one["metadata"] for one in needed)
