"""All spawners of a hub share a keeper, and a hub that was restarted has one again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from copy import copy
from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub.objects import Hub as HubObject
from jupyterhub.objects import Server
from kubernetes_asyncio.client import ApiClient, CoreV1Api, NetworkingV1Api
from kubernetes_asyncio.config import ConfigException
from kubespawner.clients import _client_cache
from traitlets.config import Config

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.offers import Offer
from e2xhub.kubernetes.lockdown import LockedSpawner, PolicyError
from e2xhub.kubernetes.policies import make_policy, selector_of
from tests.kubernetes.conftest import Cluster
from tests.kubernetes.lockdown.hub import make_server, until

LABELS = {"app": "jupyterhub", "release": "autumn", "heritage": "jupyterhub"}
NAME = "e2xhub-exam-ml-pz1--autumn"


class PlainSpawner(LockedSpawner):
    """Locks by a catalog that does not change."""

    catalog: Catalog

    def _catalog_in_force(self) -> Catalog:
        return self.catalog


def make_spawner(catalog: Catalog, *, name: str = "alice", **settings: Any) -> PlainSpawner:
    """Of a hub that may not be in a cluster."""
    user = SimpleNamespace(name=name, escaped_name=name, id=1, groups=(), url=f"/user/{name}/")
    config = Config({"PlainSpawner": {"common_labels": LABELS, **settings}})
    made = PlainSpawner.__new__(PlainSpawner)
    # The last thing that KubeSpawner's constructor does is to look for a cluster.
    with suppress(ConfigException):
        hub = HubObject(ip="localhost", port=8081, base_url="/hub/")
        made.__init__(user=user, hub=hub, config=config)  # type: ignore[misc]
    made.server, made.catalog = Server(base_url=user.url), catalog
    return made


@pytest.fixture
async def shared(cluster: Cluster) -> AsyncIterator[Cluster]:
    """The cluster, whose client all spawners share; a hub of its own, as in a new process."""
    loop = asyncio.get_running_loop()
    clients = {"CoreV1Api": cluster.core, "NetworkingV1Api": cluster.networking}
    keys = {(loop, name, (), ()): client for name, client in clients.items()}
    _client_cache.update(keys)
    yield cluster
    await PlainSpawner._stop_all_reflectors()
    for key in keys:
        del _client_cache[key]


@pytest.fixture
def spawner(shared: Cluster, small_catalog: Catalog) -> PlainSpawner:
    """Alice's."""
    made = make_spawner(small_catalog, namespace=shared.namespace)
    made.api = shared.core
    return made


# --- where it is


def test_surroundings_are_those_of_the_hubs_configuration(
    small_catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POD_NAMESPACE", "hub")
    around = make_spawner(small_catalog, namespace="servers", port=9999).surroundings
    assert (around.namespace, around.hub_namespace) == ("servers", "hub")
    assert around.chart_labels == {"app": "jupyterhub", "release": "autumn"}
    assert around.server_port == 9999


def test_hub_is_beside_its_servers_where_nothing_says_otherwise(
    small_catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("POD_NAMESPACE", raising=False)
    around = make_spawner(small_catalog, namespace="servers").surroundings
    assert (around.hub_namespace, around.server_port) == ("servers", 8888)


def test_setting_of_the_admin_counts_more_than_the_chart(
    small_catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POD_NAMESPACE", "hub")
    made = make_spawner(small_catalog, namespace="servers", hub_namespace="other")
    assert made.surroundings.hub_namespace == "other"


# --- one keeper


async def test_spawners_share_a_keeper(spawner: PlainSpawner, small_catalog: Catalog) -> None:
    other = make_spawner(small_catalog, name="ben", namespace=spawner.namespace)
    elsewhere = make_spawner(small_catalog, name="ben", namespace="elsewhere")
    assert other.lockdown is spawner.lockdown
    assert elsewhere.lockdown is not spawner.lockdown


async def test_start_ensures_and_judges(
    spawner: PlainSpawner, exam: Offer, shared: Cluster
) -> None:
    await spawner.ensure_lockdown(exam)
    labels = selector_of(exam, spawner.surroundings)
    spawner.check_lockdown(exam, labels)
    found = await shared.networking.read_namespaced_network_policy(NAME, shared.namespace)
    made = make_policy(exam, spawner.surroundings)
    assert made is not None
    assert shared.api_client.sanitize_for_serialization(found)["spec"] == made["spec"]


async def test_start_is_refused_with_every_reason(
    spawner: PlainSpawner, exam: Offer, shared: Cluster
) -> None:
    for name, direction in (("in", "Ingress"), ("out", "Egress")):
        spec = {"podSelector": {}, "policyTypes": [direction], direction.lower(): [{}]}
        await shared.networking.create_namespaced_network_policy(
            shared.namespace, {"metadata": {"name": name}, "spec": spec}
        )
    await spawner.ensure_lockdown(exam)
    with pytest.raises(PolicyError) as caught:
        spawner.check_lockdown(exam, selector_of(exam, spawner.surroundings))
    one, other = str(caught.value).split("; NetworkPolicy ")
    assert {one.split(" ")[1], other.split(" ")[0]} == {
        f"{shared.namespace}/in",
        f"{shared.namespace}/out",
    }


async def test_console_is_told_of_faults_also_where_no_start_has_asked(
    spawner: PlainSpawner, exam: Offer, shared: Cluster
) -> None:
    assert await spawner.find_lockdown_faults(exam) == []
    spec = {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{}]}
    await shared.networking.create_namespaced_network_policy(
        shared.namespace, {"metadata": {"name": "wide"}, "spec": spec}
    )
    await until(lambda: spawner.lockdown.find_faults(exam))
    (fault,) = await spawner.find_lockdown_faults(exam)
    assert fault.startswith(f"NetworkPolicy {shared.namespace}/wide lets the server reach anyone")


@pytest.mark.parametrize(
    "selector",
    [
        {"heritage": "jupyterhub"},
        {"app.kubernetes.io/component": "singleuser-server"},
        {"hub.jupyter.org/network-access-hub": "true"},
        {"hub.jupyter.org/username": "alice"},
        {"e2xhub.org/course": "machine-learning"},
    ],
)
async def test_console_judges_a_server_with_all_labels_that_a_real_one_has(
    small_catalog: Catalog, exam: Offer, shared: Cluster, selector: dict[str, str]
) -> None:
    extra = {"hub.jupyter.org/network-access-hub": "true"}
    spawner = make_spawner(small_catalog, namespace=shared.namespace, extra_labels=extra)
    spec = {"podSelector": {"matchLabels": selector}, "policyTypes": ["Egress"], "egress": [{}]}
    await shared.networking.create_namespaced_network_policy(
        shared.namespace, {"metadata": {"name": "wide"}, "spec": spec}
    )
    assert len(await spawner.find_lockdown_faults(exam)) == 1


async def test_console_is_told_of_the_start_that_was_refused(
    spawner: PlainSpawner, exam: Offer, shared: Cluster
) -> None:
    spec = {"podSelector": {"matchLabels": {"team": "x"}}, "policyTypes": ["Egress"]}
    await shared.networking.create_namespaced_network_policy(
        shared.namespace, {"metadata": {"name": "wide"}, "spec": {**spec, "egress": [{}]}}
    )
    await spawner.ensure_lockdown(exam)
    with pytest.raises(PolicyError) as caught:
        spawner.check_lockdown(exam, {**selector_of(exam, spawner.surroundings), "team": "x"})
    assert await spawner.find_lockdown_faults(exam) == [str(caught.value)]


async def test_console_is_told_that_the_cluster_does_not_answer(
    small_catalog: Catalog, exam: Offer, shared: Cluster
) -> None:
    loop = asyncio.get_running_loop()
    key = (loop, "NetworkingV1Api", (), ())
    configuration = copy(shared.api_client.configuration)
    configuration.host = "https://127.0.0.1:9"  # nobody listens there
    async with ApiClient(configuration=configuration) as client:
        _client_cache[key] = NetworkingV1Api(client)
        (fault,) = await make_spawner(small_catalog).find_lockdown_faults(exam)
    assert fault.startswith(
        "the NetworkPolicies cannot be watched: the cluster's API server does not answer ("
    )


async def test_hub_has_its_addresses_from_the_setting(small_catalog: Catalog) -> None:
    made = make_spawner(small_catalog, hub_addresses=["10.96.0.7"])
    assert await made.find_hub_hosts() == {"10.96.0.7": ["localhost"]}


# --- a hub that was restarted


async def poll_after_restart(spawner: PlainSpawner, offer: Offer) -> None:
    """As JupyterHub does with each server that was running, when it starts."""
    pod = make_server(offer, spawner.surroundings)
    await CoreV1Api(spawner.api.api_client).create_namespaced_pod(spawner.namespace, pod)
    spawner.pod_name = pod["metadata"]["name"]
    assert await spawner.poll() is None


async def test_running_locked_server_has_the_hub_watch_again(
    spawner: PlainSpawner, exam: Offer, shared: Cluster
) -> None:
    await poll_after_restart(spawner, exam)
    assert spawner.lockdown.is_watching

    async def is_made() -> bool:
        listed = await shared.networking.list_namespaced_network_policy(shared.namespace)
        return [policy.metadata.name for policy in listed.items] == [NAME]

    await until(is_made, 5)


async def test_running_locked_server_is_told_of_as_running_where_policies_cannot_be_watched(
    spawner: PlainSpawner, exam: Offer, shared: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    """The looks try again; a poll asks for nothing, and says nothing."""
    key = (asyncio.get_running_loop(), "NetworkingV1Api", (), ())
    configuration = copy(shared.api_client.configuration)
    configuration.host = "https://127.0.0.1:9"  # nobody listens there
    async with ApiClient(configuration=configuration) as client:
        _client_cache[key] = NetworkingV1Api(client)
        await poll_after_restart(spawner, exam)
        assert spawner.lockdown.is_watching
        message = "the NetworkPolicies cannot be watched: the cluster's API server does not answer"
        await until(lambda: message in caplog.text, 5)
        assert await spawner.poll() is None
        await spawner.lockdown.stop()
    assert not [record for record in caplog.records if record.exc_info]


async def test_running_open_server_needs_no_watch(
    spawner: PlainSpawner, exam: Offer, shared: Cluster
) -> None:
    pod = make_server(exam, spawner.surroundings)
    pod["metadata"]["labels"]["e2xhub.org/network"] = "open"
    await shared.core.create_namespaced_pod(shared.namespace, pod)
    spawner.pod_name = pod["metadata"]["name"]
    assert await spawner.poll() is None
    assert not spawner.lockdown.is_watching


async def test_server_that_is_gone_needs_no_watch(spawner: PlainSpawner) -> None:
    spawner.pod_name = "jupyter-alice"
    assert await spawner.poll() is not None
    assert not spawner.lockdown.is_watching
