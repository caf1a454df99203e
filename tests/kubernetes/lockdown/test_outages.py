"""A cluster that refuses, hangs or goes away: no server starts unlocked, and the log says why."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from copy import copy
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from kubernetes_asyncio.client import ApiClient, NetworkingV1Api, RbacAuthorizationV1Api
from kubernetes_asyncio.config import new_client_from_config_dict

from e2xhub.demo.api.server import ApiServer
from e2xhub.domain.catalog import Catalog
from e2xhub.domain.identifiers import ExamId
from e2xhub.domain.offers import Offer
from e2xhub.kubernetes.lockdown import PolicyError
from e2xhub.kubernetes.surroundings import Surroundings
from tests.kubernetes.conftest import Cluster
from tests.kubernetes.lockdown.conftest import MakeHub
from tests.kubernetes.lockdown.hub import (
    LOOK_SECONDS,
    CountingClient,
    Hub,
    add_server,
    looks,
    policies_in,
    start_server,
    until,
)
from tests.kubernetes.lockdown.test_keeping import NAME, is_right
from tests.kubernetes.lockdown.tunnel import Tunnel

WATCHING = ["get", "list", "watch"]
WRITING = ["create", "update", "delete"]
NEEDED = "get, list, watch, create, update and delete on networkpolicies (helm-values/rbac.yaml)"


async def refused(hub: Hub, offer: Offer, seconds: float = 5.0) -> str:
    """The reason for which nothing may start."""
    with pytest.raises(PolicyError) as caught:
        await hub.ensure(offer, seconds)
    return str(caught.value)


# --- rights


async def configuration_with(cluster: Cluster, *verbs: str) -> Any:
    """That of an account that may do this with policies, and read pods."""
    rbac, namespace = RbacAuthorizationV1Api(cluster.api_client), cluster.namespace
    await cluster.core.create_namespaced_service_account(namespace, {"metadata": {"name": "hub"}})
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": WATCHING}]
    if verbs:
        policies = {"apiGroups": ["networking.k8s.io"], "resources": ["networkpolicies"]}
        rules.append({**policies, "verbs": list(verbs)})
    role = {"metadata": {"name": "hub"}, "rules": rules}
    await rbac.create_namespaced_role(namespace, role)
    binding = {
        "metadata": {"name": "hub"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "hub"},
        "subjects": [{"kind": "ServiceAccount", "name": "hub", "namespace": namespace}],
    }
    await rbac.create_namespaced_role_binding(namespace, binding)
    issued = await cluster.core.create_namespaced_service_account_token(
        "hub", namespace, {"spec": {}}
    )
    configuration = copy(cluster.api_client.configuration)
    configuration.api_key = {"BearerToken": issued.status.token}
    configuration.api_key_prefix = {"BearerToken": "Bearer"}
    configuration.cert_file = configuration.key_file = None
    return configuration


async def test_hub_without_any_right_starts_nothing(
    make_hub: MakeHub, exam: Offer, cluster: Cluster
) -> None:
    hub = await make_hub(configuration=await configuration_with(cluster))
    message = await refused(hub, exam)
    assert message.startswith(
        "the NetworkPolicies cannot be watched: 403 Forbidden ("
        "networkpolicies.networking.k8s.io is forbidden: "
    )
    assert message.endswith(
        f"); the hub's service account needs in namespace {cluster.namespace}: {NEEDED}"
    )


async def test_hub_that_may_only_read_starts_nothing(
    make_hub: MakeHub, exam: Offer, cluster: Cluster
) -> None:
    hub = await make_hub(configuration=await configuration_with(cluster, *WATCHING))
    message = await refused(hub, exam)
    assert message.startswith(
        f"NetworkPolicy {cluster.namespace}/{NAME} could not be ensured: 403 Forbidden ("
        "networkpolicies.networking.k8s.io is forbidden: "
    )
    assert message.endswith(
        f"); the hub's service account needs in namespace {cluster.namespace}: {NEEDED}"
    )
    assert hub.keeper.find_faults(exam) == [f"the last start was refused: {message}"]


async def test_hub_that_may_only_read_starts_where_the_admin_has_made_the_policy(
    make_hub: MakeHub, exam: Offer, cluster: Cluster
) -> None:
    admin = await make_hub()
    await admin.ensure(exam)
    hub = await make_hub(configuration=await configuration_with(cluster, *WATCHING))
    await hub.ensure(exam)
    assert hub.client.other_than_watching == []


async def test_hub_with_the_rights_of_the_manifest_does_all_that_it_must(
    make_hub: MakeHub, exam: Offer, cluster: Cluster
) -> None:
    configuration = await configuration_with(cluster, *WATCHING, *WRITING)
    hub = await make_hub(configuration=configuration, keep_seconds=0.5)
    await hub.watch()
    await hub.ensure(exam)
    wide: dict[str, Any] = {"spec": {"egress": [{}]}}
    await cluster.networking.patch_namespaced_network_policy(NAME, cluster.namespace, wide)
    await until(lambda: "PUT networkpolicies" in hub.client.requests)
    await until(lambda: "DELETE networkpolicies" in hub.client.requests)


async def test_right_that_is_lost_is_told_once(
    make_hub: MakeHub, exam: Offer, cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    admin = await make_hub()
    await admin.ensure(exam)
    await add_server(admin, exam)
    await admin.keeper.stop()
    hub = await make_hub(configuration=await configuration_with(cluster, *WATCHING))
    await hub.watch()
    await cluster.networking.delete_namespaced_network_policy(NAME, cluster.namespace)
    await until(lambda: hub.keeper.find_faults(exam))
    await looks(hub, 20)
    told = [line for line in caplog.messages if "is not what it should be" in line]
    assert len(told) == 1
    assert "403 Forbidden" in told[0]
    assert "it is put right" not in "".join(caplog.messages)


async def test_hub_that_may_not_watch_says_so_once_and_goes_on_trying(
    make_hub: MakeHub, exam: Offer, cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    hub = await make_hub(configuration=await configuration_with(cluster))
    hub.keeper.start_looking()
    began_at = monotonic()
    await looks(hub, 2)
    assert monotonic() - began_at > 2 * 10 * LOOK_SECONDS  # and not at each look
    assert hub.keeper.is_watching
    assert (await refused(hub, exam)).startswith("the NetworkPolicies cannot be watched: 403")
    told = [line for line in caplog.messages if "cannot be watched: 403 Forbidden" in line]
    assert len(told) == 1
    assert not [record for record in caplog.records if record.exc_info]
    rbac = RbacAuthorizationV1Api(cluster.api_client)
    rules = [{"apiGroups": ["networking.k8s.io"], "resources": ["*"], "verbs": ["*"]}]
    await rbac.patch_namespaced_role("hub", cluster.namespace, {"rules": rules})
    await hub.ensure(exam)
    await until(lambda: hub.keeper.find_faults(exam) == [])


async def test_namespace_that_does_not_exist_starts_nothing(make_hub: MakeHub, exam: Offer) -> None:
    hub = await make_hub(namespace="nowhere", hub_namespace="nowhere")
    assert await refused(hub, exam) == (
        f"NetworkPolicy nowhere/{NAME} could not be ensured: 404 Not Found; expected the namespace "
        "nowhere to exist"
    )


# --- no answer


async def test_api_that_hangs_from_the_start_is_told(
    make_hub: MakeHub, exam: Offer, tunnel: Tunnel, cluster: Cluster
) -> None:
    hub = await make_hub()
    tunnel.hold()
    message = await asyncio.wait_for(_refused_soon(hub, exam), 10)
    assert message == (
        f"NetworkPolicy {cluster.namespace}/{NAME} could not be ensured in 1 s: the cluster's API "
        "server does not answer"
    )
    tunnel.release()
    await hub.ensure(exam)
    assert await is_right(hub, exam)


async def _refused_soon(hub: Hub, offer: Offer) -> str:
    with pytest.raises(PolicyError) as caught:
        await hub.keeper.ensure(offer, request_seconds=0.3, seconds=1)
    return str(caught.value)


async def test_api_that_hangs_while_a_policy_is_written_is_told(
    make_hub: MakeHub, exam: Offer, tunnel: Tunnel
) -> None:
    hub = await make_hub(answer_seconds=0.5)
    await hub.watch()
    await hub.ensure(exam)
    tunnel.hold()
    other = replace(exam, exam=ExamId.parse("other"))
    assert "in 1 s: the cluster's API server does not answer" in await _refused_soon(hub, other)
    await hub.ensure(exam)  # which is there: nothing has to be asked
    tunnel.release()
    await asyncio.wait_for(hub.ensure(other), 10)


async def test_request_that_is_never_answered_does_not_hold_up_starts(
    make_hub: MakeHub, exam: Offer, tunnel: Tunnel, cluster: Cluster
) -> None:
    """The keeper's own correction hangs; when the API is back, a start need not wait for it."""
    hub = await make_hub(answer_seconds=0.5)
    await hub.watch()
    await start_server(hub, exam)
    await cluster.networking.delete_namespaced_network_policy(NAME, cluster.namespace)
    tunnel.hold()
    await asyncio.sleep(1)
    tunnel.release()
    await asyncio.wait_for(until(lambda: is_right(hub, exam)), 10)
    await asyncio.wait_for(hub.ensure(replace(exam, exam=ExamId.parse("other"))), 5)


async def test_connections_that_are_cut_are_opened_again(
    hub: Hub, exam: Offer, tunnel: Tunnel, cluster: Cluster
) -> None:
    await start_server(hub, exam)
    for _ in range(3):
        tunnel.cut()
        await cluster.networking.delete_namespaced_network_policy(NAME, cluster.namespace)
        await until(lambda: is_right(hub, exam), 15)


async def test_cut_connection_is_a_reason_and_no_traceback(
    make_hub: MakeHub, exam: Offer, cluster: Cluster
) -> None:
    configuration = copy(cluster.api_client.configuration)
    configuration.host = "https://127.0.0.1:9"  # nobody listens there
    hub = await make_hub(configuration=configuration)
    message = await refused(hub, exam)
    assert message.startswith(
        "the NetworkPolicies cannot be watched: the cluster's API server does not answer ("
    )
    assert "127.0.0.1:9" in message


# --- an API server that goes away and comes back


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ApiServer]:
    """The demo's, which forgets what has changed after two changes."""
    api_server = ApiServer(log_directory=tmp_path, history_size=2)
    await api_server.start()
    yield api_server
    await api_server.stop()


@pytest.fixture
async def admin(server: ApiServer) -> AsyncIterator[ApiClient]:
    async with await new_client_from_config_dict(server.kubeconfig()) as client:
        yield client


@pytest.fixture
async def own_hub(admin: ApiClient, small_catalog: Catalog) -> AsyncIterator[Hub]:
    """A hub on that server."""
    surroundings = Surroundings(
        namespace="default",
        hub_namespace="default",
        chart_labels={"app": "jupyterhub", "release": "autumn"},
    )
    client = CountingClient(admin.configuration)
    hub = Hub(client, surroundings, small_catalog)
    await hub.watch()
    yield hub
    await hub.stop()
    await client.close()


async def test_watch_whose_past_is_forgotten_begins_anew(
    own_hub: Hub, exam: Offer, admin: ApiClient
) -> None:
    """The API answers 410, and the reflector lists again."""
    await start_server(own_hub, exam)
    api = NetworkingV1Api(admin)
    for number in range(10):
        policy = {"metadata": {"name": f"of-others-{number}"}, "spec": {"podSelector": {}}}
        await api.create_namespaced_network_policy("default", policy)
    await api.delete_namespaced_network_policy(NAME, "default")
    await until(lambda: is_right(own_hub, exam), 15)


async def test_server_that_was_away_finds_its_policies_kept(
    own_hub: Hub, exam: Offer, server: ApiServer, admin: ApiClient, caplog: pytest.LogCaptureFixture
) -> None:
    await start_server(own_hub, exam)
    await server.stop()
    await asyncio.sleep(1)
    assert own_hub.keeper.is_watching
    await own_hub.ensure(exam)  # by what was known last: no reason to stop an exam
    await server.start()
    await NetworkingV1Api(admin).delete_namespaced_network_policy(NAME, "default")
    await until(lambda: is_right(own_hub, exam), 30)
    assert sorted(await policies_in(own_hub)) == [NAME]
    tracebacks = [record for record in caplog.records if record.exc_info]
    assert len(tracebacks) < 15


async def test_watch_that_has_ended_is_opened_again(own_hub: Hub, exam: Offer) -> None:
    """As after a minute without the API: KubeSpawner's reflector gives up."""
    await start_server(own_hub, exam)
    first = own_hub.opened[-1]
    first.watch_task.cancel()
    await until(lambda: len(own_hub.opened) == 2)
    await NetworkingV1Api(own_hub.client).delete_namespaced_network_policy(NAME, "default")
    await until(lambda: is_right(own_hub, exam), 15)
