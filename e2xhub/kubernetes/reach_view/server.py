"""The server that is judged: its offer, its pod, and the hub that it belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from traitlets.config import Config

from e2xhub.domain.identifiers import Username
from e2xhub.domain.lockdown import Lockdown
from e2xhub.domain.offers import Offer
from e2xhub.errors import E2xHubError, UnknownNameError
from e2xhub.kubernetes.manifests import make_manifests
from e2xhub.kubernetes.policies import make_policy
from e2xhub.kubernetes.reach import Pod
from e2xhub.kubernetes.reach_view.network import Network, make_pod
from e2xhub.kubernetes.surroundings import CHART_LABELS, SERVER_PORT, Surroundings

# What zero-to-jupyterhub gives to every server, so that the hub's policy lets it in.
_CHART_EXTRA_LABELS = {"hub.jupyter.org/network-access-hub": "true"}
_HUB_REACHES = ("proxy-api", "proxy-http", "singleuser")
_PROXY_REACHES = ("hub", "singleuser")
_COMPONENT = "component"


class NotLockedError(E2xHubError):
    """The offer has no lockdown that could be shown."""


@dataclass(frozen=True, kw_only=True)
class LockedServer:
    """A server with a lockdown, and where it runs."""

    subject: str
    """Such as `exam ml-pz1`."""
    surroundings: Surroundings
    lockdown: Lockdown
    policy: Mapping[str, Any]
    """The policy that makes the lockdown true."""
    pod: Pod
    """As it would be started."""


async def make_locked_server(
    offer: Offer, username: Username, *, subject: str, surroundings: Surroundings, config: Config
) -> LockedServer:
    """The server of `offer`, for anybody (`username`); `config` is the hub's configuration, or
    that of `configure_as_chart`.

    Raises NotLockedError where the network
    of the offer is `open`, and E2xHubError where the hub would refuse to start it.
    """
    policy, lockdown = make_policy(offer, surroundings), offer.server.lockdown
    if policy is None or lockdown is None:
        raise NotLockedError(
            f"{subject} has no lockdown: its network is 'open'; expected 'network: no-internet' "
            "or 'network: exam' in the catalog"
        )
    manifests = await make_manifests(offer, username, size=None, config=config)
    pod = next(manifest for manifest in manifests if manifest["kind"] == "Pod")
    metadata = {**pod["metadata"], "namespace": surroundings.namespace}
    return LockedServer(
        subject=subject,
        surroundings=surroundings,
        lockdown=lockdown,
        policy=policy,
        pod=make_pod({**pod, "metadata": metadata}),
    )


def configure_as_chart(surroundings: Surroundings) -> Config:
    """What zero-to-jupyterhub configures of the labels and the namespace of servers."""
    labels = {**surroundings.chart_labels, "heritage": "jupyterhub"}
    spawner = {
        "namespace": surroundings.namespace,
        "common_labels": labels,
        "extra_labels": dict(_CHART_EXTRA_LABELS),
    }
    return Config({"KubeSpawner": spawner})


def find_surroundings(
    network: Network, *, namespace: str, hub_namespace: str, release: str | None
) -> Surroundings:
    """Those of the only hub in `network`, or else of one of that `release`, or of none.

    Raises UnknownNameError where there are hubs of several releases.
    """
    found = {
        tuple((key, pod.labels[key]) for key in CHART_LABELS if key in pod.labels)
        for pod in network.hubs
    } or _labels_in_policies(network, hub_namespace, release)
    if len(found) > 1:
        releases = ", ".join(sorted({dict(labels).get("release", "none") for labels in found}))
        raise UnknownNameError(
            f"namespace {hub_namespace} has hubs of several releases: {releases}; expected the "
            "one that holds the exam, with --release"
        )
    named = {"release": release} if release else {}
    return Surroundings.of(
        {**named, **dict(next(iter(found), ()))},
        namespace=namespace,
        hub_namespace=hub_namespace,
        server_port=SERVER_PORT,
    )


def _labels_in_policies(
    network: Network, namespace: str, release: str | None
) -> set[tuple[tuple[str, str], ...]]:
    """Where only policies are given: by what the chart's policy for the hub selects."""
    selectors = [
        _match_labels(manifest)
        for manifest in network.manifests.values()
        if manifest["metadata"]["namespace"] == namespace
    ]
    return {
        tuple((key, labels[key]) for key in CHART_LABELS if key in labels)
        for labels in selectors
        if labels.get(_COMPONENT) == "hub"
        and "app" in labels
        and release in (None, labels.get("release"))
    }


def _match_labels(manifest: Mapping[str, Any]) -> dict[str, str]:
    spec = manifest.get("spec")
    selector = spec.get("podSelector") if isinstance(spec, Mapping) else None
    labels = selector.get("matchLabels") if isinstance(selector, Mapping) else None
    return (
        {str(key): str(text) for key, text in labels.items()} if isinstance(labels, Mapping) else {}
    )


def with_chart_pods(network: Network, surroundings: Surroundings) -> Network:
    """`network` with the pods of hub and proxy that it lacks, as zero-to-jupyterhub labels them."""
    hub = _chart_pod(surroundings, "hub", _HUB_REACHES, {"http": 8081})
    proxy = _chart_pod(surroundings, "proxy", _PROXY_REACHES, {"http": 8000, "api": 8001})
    missing = [
        pod.name for pod, found in ((hub, network.hubs), (proxy, network.proxies)) if not found
    ]
    if not missing:
        return network
    note = f"assumed, with the labels that the chart gives: the pods of {' and '.join(missing)}"
    return replace(
        network,
        hubs=network.hubs or (hub,),
        proxies=network.proxies or (proxy,),
        notes=(*network.notes, note),
    )


def _chart_pod(
    surroundings: Surroundings, component: str, access: Iterable[str], ports: Mapping[str, int]
) -> Pod:
    labels = {f"hub.jupyter.org/network-access-{name}": "true" for name in access}
    return Pod(
        surroundings.hub_namespace,
        {**surroundings.labels_of(component), **labels},
        name=component,
        ports={name: ("TCP", number) for name, number in ports.items()},
    )
