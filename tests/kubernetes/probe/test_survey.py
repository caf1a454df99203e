"""What a probe finds out about a cluster before its first pod."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.catalog.destinations import Destination
from e2xhub.kubernetes.probe.running import ProbeError
from e2xhub.kubernetes.probe.survey import Survey, make_places, make_survey
from e2xhub.kubernetes.probe.targets import Endpoint
from e2xhub.kubernetes.surroundings import Surroundings
from tests.kubernetes.conftest import Cluster

CHART = {"app": "jupyterhub", "release": "exams"}
SERVER: dict[str, Any] = {"spec": {"containers": [{"name": "notebook"}]}}


async def add_service(cluster: Cluster, component: str, *ports: int) -> str:
    """Makes a service of the chart; returns its address."""
    manifest: dict[str, Any] = {
        "metadata": {"name": component, "labels": {**CHART, "component": component}},
        "spec": {"ports": [{"name": f"p{port}", "port": port} for port in ports]},
    }
    made = await cluster.core.create_namespaced_service(cluster.namespace, manifest)
    return str(made.spec.cluster_ip)


async def add_pod(cluster: Cluster, name: str, labels: Mapping[str, str]) -> str:
    """Runs a pod that does nothing; returns its address."""
    container = {
        "name": "sleep",
        "image": cluster.image,
        "command": ["python3", "-c", "import time; time.sleep(600)"],
        "ports": [{"containerPort": 8000}, {"containerPort": 53, "protocol": "UDP"}],
    }
    manifest = {
        "metadata": {"name": name, "labels": dict(labels)},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 0},
    }
    await cluster.core.create_namespaced_pod(cluster.namespace, manifest)
    for _ in range(300):
        found = await cluster.core.read_namespaced_pod(name, cluster.namespace)
        if found.status.phase == "Running":
            return str(found.status.pod_ip)
        await asyncio.sleep(0.1)
    raise AssertionError("the pod does not run")


async def survey_of(
    cluster: Cluster,
    catalog: Catalog,
    *,
    destinations: Mapping[str, Destination] | None = None,
    server: Mapping[str, Any] = SERVER,
    public_urls: Sequence[str] = (),
) -> Survey:
    return await make_survey(
        cluster.core,
        surroundings=Surroundings(
            namespace=cluster.namespace, hub_namespace=cluster.namespace, chart_labels=CHART
        ),
        catalog=catalog,
        destinations=destinations or {},
        server=server,
        public_urls=public_urls,
    )


@pytest.mark.usefixtures("ready_node")
async def test_services_and_pods_of_the_chart_are_found(
    cluster: Cluster, small_catalog: Catalog
) -> None:
    hub = await add_service(cluster, "hub", 8081, 9999)
    public = await add_service(cluster, "proxy-public", 80, 443)
    pod = await add_pod(cluster, "proxy-1", {**CHART, "component": "proxy"})
    await add_pod(cluster, "other", {"app": "jupyterhub", "component": "proxy"})
    found = await survey_of(cluster, small_catalog)
    assert found.hubs == (Endpoint("service hub", hub, 8081),)
    assert set(found.proxies) == {
        Endpoint("service proxy-public", public, 80),
        Endpoint("service proxy-public", public, 443),
        Endpoint("pod proxy-1", pod, 8000),
    }


async def test_namespace_without_hub_ends_the_probe(
    cluster: Cluster, small_catalog: Catalog
) -> None:
    with pytest.raises(ProbeError) as caught:
        await survey_of(cluster, small_catalog)
    assert str(caught.value) == (
        f"namespace {cluster.namespace} has no service and no pod with the labels "
        "app=jupyterhub,release=exams,component=hub; expected the namespace of the hub: name it "
        "with --namespace or --hub-namespace"
    )


async def test_file_servers_web_proxies_and_public_addresses_are_found(
    cluster: Cluster, small_catalog: Catalog
) -> None:
    await add_service(cluster, "hub", 8081)
    environment = [
        {"name": "HTTPS_PROXY", "value": "http://proxy.example.org:3128"},
        {"name": "no_proxy", "value": "http://never.example.org:1"},
        {"name": "ftp_proxy", "value": "nonsense:port"},
    ]
    found = await survey_of(
        cluster,
        small_catalog,
        server={"spec": {"containers": [{"name": "notebook", "env": environment}]}},
        public_urls=["https://exam.example.org/hub/", "http://other.example.org:8000"],
    )
    assert found.file_servers == (Endpoint("volume files", "nfs.example.org", 0),)
    assert found.web_proxies == (Endpoint("", "proxy.example.org", 3128),)
    assert found.public == (
        Endpoint("", "exam.example.org", 443),
        Endpoint("", "other.example.org", 8000),
    )
    assert {"nfs.example.org", "proxy.example.org", "exam.example.org"} < found.names


@pytest.mark.parametrize("url", ["https://", "http://[", "ftp://files.example.org", "h:99999"])
async def test_public_address_that_is_none_is_refused(
    cluster: Cluster, small_catalog: Catalog, url: str
) -> None:
    await add_service(cluster, "hub", 8081)
    with pytest.raises(ProbeError, match="is no address of a page"):
        await survey_of(cluster, small_catalog, public_urls=[url])


@pytest.mark.usefixtures("ready_node")
async def test_pods_of_destinations_are_found_and_missing_ones_told(
    cluster: Cluster, small_catalog: Catalog
) -> None:
    await add_service(cluster, "hub", 8081)
    address = await add_pod(cluster, "mirror-1", {"app": "mirror"})
    mirror, lost = (
        Destination.model_validate(
            {"pods": {"namespace": cluster.namespace, "labels": {"app": app}}, "ports": ["443"]}
        )
        for app in ("mirror", "lost")
    )
    found = await survey_of(cluster, small_catalog, destinations={"mirror": mirror, "lost": lost})
    assert found.destination_pods == {"mirror": (address,), "lost": ()}
    assert found.notes == ("destination lost was not tried: no pod has its labels",)


EMPTY = Survey(
    hubs=(Endpoint("service hub", "10.96.0.20", 8081),),
    proxies=(),
    destination_pods={},
    public=(Endpoint("", "exam.example.org", 443),),
    file_servers=(Endpoint("volume files", "nfs.example.org", 0),),
    web_proxies=(),
    api_servers=(),
)
LOOK: dict[str, Any] = {
    "name_servers": ["10.96.0.10"],
    "api_server": ["10.96.0.1", 443],
    "addresses": {"exam.example.org": "203.0.113.7", "nfs.example.org": None},
}


def test_names_are_tried_at_the_addresses_that_the_neighbour_found() -> None:
    places, notes = make_places(
        EMPTY, LOOK, neighbour=["10.1.0.9", "fd00::9"], nodes=["192.168.1.5"], port=8888
    )
    assert places.public == (Endpoint("exam.example.org", "203.0.113.7", 443),)
    assert places.api_servers == (Endpoint("as pods know it", "10.96.0.1", 443),)
    assert [endpoint.host for endpoint in places.neighbour] == ["10.1.0.9", "fd00::9"]
    assert places.nodes == ["192.168.1.5"]
    assert places.file_servers == ()
    assert notes == (
        "nfs.example.org was not tried: pods of the cluster find no address of that name",
    )


def test_address_is_not_named_twice() -> None:
    survey = replace(EMPTY, public=(Endpoint("", "203.0.113.7", 443),), file_servers=())
    look = {**LOOK, "addresses": {"203.0.113.7": "203.0.113.7"}}
    places, notes = make_places(survey, look, neighbour=[], nodes=[], port=8888)
    assert places.public == (Endpoint("", "203.0.113.7", 443),)
    assert (places.nodes, notes) == ([], ())
