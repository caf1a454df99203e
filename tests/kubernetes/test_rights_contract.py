"""Rights: what an account hears that may do less than e2xhub needs.

What e2xhub tells an administrator depends on these words.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from kubernetes_asyncio.client import (
    ApiClient,
    ApiException,
    CoreV1Api,
    NetworkingV1Api,
    RbacAuthorizationV1Api,
)

from .accounts import POLICY_GROUP, account_client, grant, make_binding, make_role, make_rule, until
from .conftest import Cluster
from .manifests import make_policy, refused

RESOURCE = "networkpolicies"


@pytest.fixture
async def hub(cluster: Cluster) -> AsyncIterator[ApiClient]:
    """A client with the token of the account `hub`, which has no role yet."""
    async with account_client(cluster, "hub") as client:
        yield client


def sentence(cluster: Cluster, verb: str, resource: str, group: str) -> str:
    user = f"system:serviceaccount:{cluster.namespace}:hub"
    return (
        f'User "{user}" cannot {verb} resource "{resource}" in API group "{group}" '
        f'in the namespace "{cluster.namespace}"'
    )


async def is_allowed_to_list(hub: ApiClient, namespace: str) -> bool:
    """Whether it may by now: a real cluster learns of a new role a moment later."""
    try:
        await NetworkingV1Api(hub).list_namespaced_network_policy(namespace)
    except ApiException as error:
        if error.status == 403:
            return False
        raise
    return True


async def test_no_right_to_create_policies_is_403_and_says_so(
    cluster: Cluster, hub: ApiClient
) -> None:
    with refused() as refusal:
        await NetworkingV1Api(hub).create_namespaced_network_policy(
            cluster.namespace, make_policy()
        )
    assert (refusal.code, refusal.reason) == (403, "Forbidden")
    assert refusal.message == (
        "networkpolicies.networking.k8s.io is forbidden: "
        + sentence(cluster, "create", RESOURCE, POLICY_GROUP)
    )
    assert refusal.status["details"] == {"group": POLICY_GROUP, "kind": RESOURCE}


async def test_no_right_to_read_a_policy_hides_whether_there_is_one(
    cluster: Cluster, hub: ApiClient
) -> None:
    with refused() as refusal:
        await NetworkingV1Api(hub).read_namespaced_network_policy("exam", cluster.namespace)
    assert refusal.code == 403
    assert refusal.message == (
        'networkpolicies.networking.k8s.io "exam" is forbidden: '
        + sentence(cluster, "get", RESOURCE, POLICY_GROUP)
    )


async def test_no_right_to_watch_is_403_before_the_watch_begins(
    cluster: Cluster, hub: ApiClient
) -> None:
    await grant(cluster, "hub", make_rule(POLICY_GROUP, RESOURCE, "list"))
    await until(lambda: is_allowed_to_list(hub, cluster.namespace))
    response = await NetworkingV1Api(hub).list_namespaced_network_policy(
        cluster.namespace, watch=True, timeout_seconds=1, _preload_content=False
    )
    assert response.status == 403
    assert sentence(cluster, "watch", RESOURCE, POLICY_GROUP) in (await response.json())["message"]


async def test_no_right_to_read_the_namespace_is_403(cluster: Cluster, hub: ApiClient) -> None:
    with refused() as refusal:
        await CoreV1Api(hub).read_namespace(cluster.namespace)
    assert refusal.message == (
        f'namespaces "{cluster.namespace}" is forbidden: '
        + sentence(cluster, "get", "namespaces", "")
    )


async def test_no_right_outside_namespaces_is_403_at_the_cluster_scope(hub: ApiClient) -> None:
    with refused() as refusal:
        await CoreV1Api(hub).list_node()
    assert refusal.message.startswith("nodes is forbidden: ")
    assert refusal.message.endswith(
        'cannot list resource "nodes" in API group "" at the cluster scope'
    )


async def test_a_role_gives_its_verbs_and_no_others(cluster: Cluster, hub: ApiClient) -> None:
    networking, namespace = NetworkingV1Api(hub), cluster.namespace
    await grant(cluster, "hub", make_rule(POLICY_GROUP, RESOURCE, "list", "create", "update"))
    await until(lambda: is_allowed_to_list(hub, namespace))
    await networking.create_namespaced_network_policy(namespace, make_policy())
    await networking.replace_namespaced_network_policy("exam", namespace, make_policy())
    with refused() as patched:
        await networking.patch_namespaced_network_policy("exam", namespace, {"spec": {}})
    with refused() as deleted:
        await networking.delete_namespaced_network_policy("exam", namespace)
    assert (patched.code, deleted.code) == (403, 403)


async def test_a_role_counts_in_its_own_namespace_only(cluster: Cluster, hub: ApiClient) -> None:
    await grant(cluster, "hub", make_rule(POLICY_GROUP, RESOURCE, "list"))
    await until(lambda: is_allowed_to_list(hub, cluster.namespace))
    assert not await is_allowed_to_list(hub, "default")
    with refused() as everywhere:
        await NetworkingV1Api(hub).list_network_policy_for_all_namespaces()
    assert everywhere.code == 403


async def test_a_role_in_a_namespace_may_let_its_holders_read_that_namespace(
    cluster: Cluster, hub: ApiClient
) -> None:
    rules = make_rule(POLICY_GROUP, RESOURCE, "list"), make_rule("", "namespaces", "get")
    await grant(cluster, "hub", *rules)
    await until(lambda: is_allowed_to_list(hub, cluster.namespace))
    found = await CoreV1Api(hub).read_namespace(cluster.namespace)
    assert found.metadata.name == cluster.namespace
    with refused() as another:
        await CoreV1Api(hub).read_namespace("default")
    assert another.code == 403


async def test_a_right_to_names_is_no_right_to_lists(cluster: Cluster, hub: ApiClient) -> None:
    networking, namespace = NetworkingV1Api(hub), cluster.namespace
    await cluster.networking.create_namespaced_network_policy(namespace, make_policy())
    await grant(
        cluster,
        "hub",
        make_rule(POLICY_GROUP, RESOURCE, "get", "list", resourceNames=["exam"]),
        make_rule("", "namespaces", "get"),
    )

    async def is_readable() -> bool:
        try:
            await networking.read_namespaced_network_policy("exam", namespace)
        except ApiException as error:
            return error.status != 403
        return True

    await until(is_readable)
    with refused() as another:
        await networking.read_namespaced_network_policy("another", namespace)
    assert another.code == 403
    assert not await is_allowed_to_list(hub, namespace)


async def test_a_cluster_role_counts_where_it_is_bound(cluster: Cluster, hub: ApiClient) -> None:
    rbac, namespace = RbacAuthorizationV1Api(cluster.api_client), cluster.namespace
    role = make_role(namespace, make_rule(POLICY_GROUP, RESOURCE, "list"))
    await rbac.create_cluster_role(role)
    try:
        binding = make_binding(namespace, "hub", kind="ClusterRole")
        await rbac.create_namespaced_role_binding(namespace, binding)
        await until(lambda: is_allowed_to_list(hub, namespace))
        assert not await is_allowed_to_list(hub, "default")
    finally:
        await rbac.delete_cluster_role(namespace)


async def test_rights_end_with_their_binding(cluster: Cluster, hub: ApiClient) -> None:
    await grant(cluster, "hub", make_rule(POLICY_GROUP, RESOURCE, "list"))
    await until(lambda: is_allowed_to_list(hub, cluster.namespace))
    rbac = RbacAuthorizationV1Api(cluster.api_client)
    await rbac.delete_namespaced_role_binding("hub", cluster.namespace)

    async def is_refused() -> bool:
        return not await is_allowed_to_list(hub, cluster.namespace)

    await until(is_refused)


async def test_a_token_ends_with_its_account(cluster: Cluster, hub: ApiClient) -> None:
    await cluster.core.delete_namespaced_service_account("hub", cluster.namespace)

    async def is_unauthorized() -> bool:
        try:
            await CoreV1Api(hub).read_namespace(cluster.namespace)
        except ApiException as error:
            return error.status == 401
        return False

    await until(is_unauthorized)


@pytest.mark.parametrize("seconds", [1, 599])
async def test_a_token_of_less_than_ten_minutes_is_422(cluster: Cluster, seconds: int) -> None:
    with refused() as refusal:
        await cluster.core.create_namespaced_service_account_token(
            "default", cluster.namespace, {"spec": {"expirationSeconds": seconds}}
        )
    assert (refusal.code, refusal.fields) == (422, {"spec.expirationSeconds"})


async def test_a_token_of_an_account_that_does_not_exist_is_404(cluster: Cluster) -> None:
    with refused() as refusal:
        await cluster.core.create_namespaced_service_account_token(
            "nobody", cluster.namespace, {"spec": {"expirationSeconds": 600}}
        )
    assert refusal.code == 404
    assert refusal.message == 'serviceaccounts "nobody" not found'
