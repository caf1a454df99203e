"""Finds out where the things are that a probe tries, with the rights of a hub's admin."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from kubernetes_asyncio.client import ApiException, CoreV1Api

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.catalog.destinations import Destination
from e2xhub.kubernetes.probe.running import ProbeError
from e2xhub.kubernetes.probe.targets import Endpoint, Places
from e2xhub.kubernetes.starts.failures import message_of
from e2xhub.kubernetes.surroundings import Surroundings

_REQUEST_SECONDS = 15
_HUB, _PROXIES = "hub", ("proxy-public", "proxy-api", "proxy-http", "proxy", "autohttps")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "ftp_proxy")


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What is known before the first pod runs; hosts may be names."""

    hubs: tuple[Endpoint, ...]
    proxies: tuple[Endpoint, ...]
    destination_pods: Mapping[str, tuple[str, ...]]
    public: tuple[Endpoint, ...]
    file_servers: tuple[Endpoint, ...]
    web_proxies: tuple[Endpoint, ...]
    api_servers: tuple[Endpoint, ...]
    notes: tuple[str, ...] = ()

    @property
    def names(self) -> set[str]:
        """The hosts that a pod of the cluster should look up."""
        several = (self.public, self.file_servers, self.web_proxies, self.api_servers)
        return {endpoint.host for endpoints in several for endpoint in endpoints}


async def make_survey(
    api: CoreV1Api,
    *,
    surroundings: Surroundings,
    catalog: Catalog,
    destinations: Mapping[str, Destination],
    server: Mapping[str, Any],
    public_urls: Iterable[str],
) -> Survey:
    """Asks the cluster; raises ProbeError where it refuses, or has no hub there."""
    around = surroundings.hub_namespace
    labels = ",".join(f"{key}={text}" for key, text in surroundings.chart_labels.items())
    services, pods = await asyncio.gather(
        _list(api.list_namespaced_service, around, labels, "services"),
        _list(api.list_namespaced_pod, around, labels, "pods"),
    )
    hubs = [*_of_services(services, [_HUB]), *_of_pods(pods, [_HUB])]
    if not hubs:
        raise ProbeError(
            f"namespace {around} has no service and no pod with the labels {labels},component=hub; "
            "expected the namespace of the hub: name it with --namespace or --hub-namespace"
        )
    found, notes = await _find_destination_pods(api, destinations)
    return Survey(
        hubs=tuple(hub for hub in hubs if hub.port == surroundings.hub_port) or tuple(hubs),
        proxies=(*_of_services(services, _PROXIES), *_of_pods(pods, _PROXIES)),
        destination_pods=found,
        public=tuple(_endpoint_of(url) for url in public_urls),
        file_servers=tuple(_file_servers(catalog)),
        web_proxies=tuple(_web_proxies(server)),
        api_servers=(_endpoint_of(api.api_client.configuration.host),),
        notes=notes,
    )


def make_places(
    survey: Survey,
    look: Mapping[str, Any],
    *,
    neighbour: Sequence[str],
    nodes: Sequence[str],
    port: int,
) -> tuple[Places, tuple[str, ...]]:
    """All that is known, with what the neighbour (its addresses, those of its node) has looked up.

    Also what could not be found out, as sentences.
    """
    addresses: Mapping[str, str | None] = look["addresses"]
    api_server = look["api_server"]
    within = [Endpoint("as pods know it", *api_server)] if api_server else []
    places = Places(
        hubs=survey.hubs,
        proxies=survey.proxies,
        api_servers=(*within, *_located(survey.api_servers, addresses)),
        name_servers=look["name_servers"],
        neighbour=[Endpoint("the probe's neighbour", address, port) for address in neighbour],
        nodes=nodes,
        public=_located(survey.public, addresses),
        file_servers=_located(survey.file_servers, addresses),
        web_proxies=_located(survey.web_proxies, addresses),
        destination_pods=survey.destination_pods,
    )
    lost = sorted(name for name in survey.names if not addresses.get(name))
    notes = [
        f"{name} was not tried: pods of the cluster find no address of that name" for name in lost
    ]
    return places, (*survey.notes, *notes)


def _located(
    endpoints: Iterable[Endpoint], addresses: Mapping[str, str | None]
) -> tuple[Endpoint, ...]:
    return tuple(
        Endpoint(_call(endpoint, address), address, endpoint.port)
        for endpoint in endpoints
        if (address := addresses.get(endpoint.host))
    )


def _call(endpoint: Endpoint, address: str) -> str:
    names = [] if endpoint.host == address else [endpoint.host]
    return " ".join(filter(None, [endpoint.title, *names]))


async def _list(call: Any, namespace: str, labels: str, what: str) -> list[Any]:
    try:
        found = await call(namespace, label_selector=labels, _request_timeout=_REQUEST_SECONDS)
    except ApiException as error:
        raise ProbeError(
            f"the {what} of namespace {namespace} cannot be listed: {message_of(error)}; expected "
            f"the right to list {what} there. Nothing was tried"
        ) from error
    return list(found.items)


def _component(thing: Any) -> str:
    return str((thing.metadata.labels or {}).get("component", ""))


def _of_services(services: Iterable[Any], components: Iterable[str]) -> Iterator[Endpoint]:
    for service in services:
        if _component(service) not in components:
            continue
        for address in service.spec.cluster_ips or [service.spec.cluster_ip]:
            for port in service.spec.ports or ():
                if address and address != "None" and (port.protocol or "TCP") == "TCP":
                    yield Endpoint(f"service {service.metadata.name}", address, port.port)


def _of_pods(pods: Iterable[Any], components: Iterable[str]) -> Iterator[Endpoint]:
    for pod in pods:
        if _component(pod) not in components or pod.status.phase != "Running":
            continue
        for container in pod.spec.containers:
            for port in container.ports or ():
                for address in pod.status.pod_ips or ():
                    if (port.protocol or "TCP") == "TCP":
                        title = f"pod {pod.metadata.name}"
                        yield Endpoint(title, address.ip, port.container_port)


async def _find_destination_pods(
    api: CoreV1Api, destinations: Mapping[str, Destination]
) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """The addresses of the pods of `destinations`; a note on each whose pods are not shown."""
    found, notes = {}, []
    for name, destination in destinations.items():
        if destination.pods is None:
            continue
        labels = ",".join(f"{key}={text}" for key, text in destination.pods.labels.items())
        try:
            pods = await _list(api.list_namespaced_pod, destination.pods.namespace, labels, "pods")
        except ProbeError as error:
            notes.append(f"destination {name} was not tried: {error}")
            continue
        found[name] = tuple(pod.status.pod_ip for pod in pods if pod.status.pod_ip)
        if not found[name]:
            notes.append(f"destination {name} was not tried: no pod has its labels")
    return found, tuple(notes)


def _file_servers(catalog: Catalog) -> Iterator[Endpoint]:
    """The NFS servers of the catalog's volumes, each once."""
    servers = {
        str(server): name
        for name, volume in catalog.volumes.items()
        for source in volume.source.values()
        # CSI drivers of NFS have it among the attributes of the volume.
        for server in (source.get("server"), (source.get("volumeAttributes") or {}).get("server"))
        if server
    }
    return (Endpoint(f"volume {name}", server, 0) for server, name in servers.items())


def _web_proxies(server: Mapping[str, Any]) -> Iterator[Endpoint]:
    """The proxies to the internet that the server's variables name."""
    urls = {
        entry.get("value")
        for container in server["spec"]["containers"]
        for entry in container.get("env") or ()
        if entry["name"].lower() in _PROXY_VARIABLES
    }
    for url in sorted(filter(None, urls)):
        try:
            yield _endpoint_of(url)
        except ProbeError:
            continue  # no program could use it either


def _endpoint_of(url: str) -> Endpoint:
    """Where `url` leads; raises ProbeError where it is none."""
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
        host, port = parts.hostname, parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        host, port = None, None
    if not host or not port:
        raise ProbeError(
            f"{url!r} is no address of a page; expected one such as https://exam.example.org"
        )
    return Endpoint("", host, port)
