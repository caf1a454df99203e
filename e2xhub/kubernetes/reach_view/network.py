"""What is known of a cluster's network: policies, namespaces, and the pods of hub and proxy.

Comes from a cluster (`cluster`) or from files (`documents`), as plain manifests.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from e2xhub.errors import Fault, FaultsFoundError, UnknownNameError
from e2xhub.kubernetes.lockdown.judgement import join_some
from e2xhub.kubernetes.lockdown.writing import name_of
from e2xhub.kubernetes.reach import Pod, Policy, PolicyFormatError, parse_policy
from e2xhub.kubernetes.reach_view.documents import PlacedManifest
from e2xhub.kubernetes.surroundings import COMPONENTS

Manifest = Mapping[str, Any]

PLUG_IN_GROUPS = {
    "policy.networking.k8s.io": "AdminNetworkPolicy",
    "crd.projectcalico.org": "Calico",
    "projectcalico.org": "Calico",
    "cilium.io": "Cilium",
    "crd.antrea.io": "Antrea",
    "k8s.ovn.org": "OVN-Kubernetes",
}
"""The API groups of policies that are not read here, and whose they are."""

_WORKLOADS = frozenset({"DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"})
_ENDED = frozenset({"Succeeded", "Failed"})
_DEFAULT_NAMESPACE = "default"
_MOST_NAMES = 5


@dataclass(frozen=True, kw_only=True)
class Network:
    """Policies, namespaces and pods."""

    policies: tuple[Policy, ...]
    manifests: Mapping[str, Manifest]
    """Those that the policies were read from, by `namespace/name`."""
    misunderstood: Mapping[str, str]
    """What is wrong with a policy that cannot be judged, by `namespace/name`."""
    namespaces: Mapping[str, Mapping[str, str]]
    """The labels of namespaces."""
    hubs: tuple[Pod, ...]
    proxies: tuple[Pod, ...]
    servers: tuple[Pod, ...] = ()
    """Servers of the offer that run now."""
    notes: tuple[str, ...] = ()
    """What was assumed, and what could not be looked at."""


def parse_policies(
    manifests: Iterable[Manifest],
) -> tuple[list[Policy], dict[str, Manifest], dict[str, str]]:
    """The policies, their manifests by name, and the faults of those that cannot be understood."""
    policies: list[Policy] = []
    by_name: dict[str, Manifest] = {}
    misunderstood: dict[str, str] = {}
    for manifest in manifests:
        name = name_of(manifest)
        by_name[name] = manifest
        try:
            policies.append(parse_policy(manifest))
        except PolicyFormatError as error:
            misunderstood[name] = str(error)
    return policies, by_name, misunderstood


def make_pod(manifest: Manifest) -> Pod:
    """The pod of a manifest that has a namespace; its labels, addresses and named ports."""
    metadata, spec = manifest["metadata"], manifest.get("spec") or {}
    addresses = (manifest.get("status") or {}).get("podIPs") or ()
    return Pod(
        namespace=metadata["namespace"],
        labels=_texts(metadata.get("labels")),
        name=str(metadata.get("name", "")),
        addresses=tuple(item["ip"] for item in addresses if item.get("ip")),
        ports=_named_ports(spec),
    )


def _texts(labels: Any) -> dict[str, str]:
    return {str(key): str(text) for key, text in (labels or {}).items()}


def _named_ports(spec: Manifest) -> dict[str, tuple[str, int]]:
    return {
        str(port["name"]): (str(port.get("protocol", "TCP")), int(port["containerPort"]))
        for container in spec.get("containers") or ()
        for port in container.get("ports") or ()
        if "name" in port and "containerPort" in port
    }


def has_ended(manifest: Manifest) -> bool:
    """Whether a pod is over, and talks to nobody."""
    return (manifest.get("status") or {}).get("phase") in _ENDED


def is_of_release(pod: Pod, component: str, release: str | None) -> bool:
    """Whether the chart has made `pod` as its `component`, such as `hub`."""
    labels = pod.labels
    return (
        "app" in labels
        and labels.get("component") == component
        and release in (None, labels.get("release"))
    )


def find_only_namespace(placed: Iterable[PlacedManifest]) -> str:
    """The namespace that the manifests name, `default` where none does.

    Raises UnknownNameError where they name several.
    """
    metadata = [it.manifest.get("metadata") for it in placed]
    named = {
        str(it["namespace"]) for it in metadata if isinstance(it, dict) and it.get("namespace")
    }
    if len(named) > 1:
        raise UnknownNameError(
            f"the files have objects of several namespaces: {', '.join(sorted(named))}; expected "
            "the one in which servers run, with --namespace"
        )
    return next(iter(named), _DEFAULT_NAMESPACE)


def make_network_of_files(
    placed: Iterable[PlacedManifest], *, namespace: str, release: str | None
) -> Network:
    """The network that files describe; what names no namespace is in `namespace`."""
    given = [_in_namespace(item, namespace) for item in placed]
    of_kubernetes = [it for it in given if _is_of_kubernetes(it)]
    policies, by_name, misunderstood = parse_policies(
        {"apiVersion": "", **it.manifest} for it in of_kubernetes
    )
    places = {name_of(it.manifest): it.place for it in of_kubernetes}
    pods = [pod for it in given for pod in _pods_in(it)]
    found = {
        component: tuple(pod for pod in pods if is_of_release(pod, component, release))
        for component in COMPONENTS
    }
    return Network(
        policies=tuple(policies),
        manifests=by_name,
        misunderstood={name: f"{places[name]}: {text}" for name, text in misunderstood.items()},
        namespaces={
            str(it.manifest["metadata"]["name"]): _texts(it.manifest["metadata"].get("labels"))
            for it in given
            if it.kind == "Namespace"
        },
        hubs=found["hub"],
        proxies=found["proxy"],
        notes=tuple(_notes_on(given)),
    )


def _in_namespace(item: PlacedManifest, namespace: str) -> PlacedManifest:
    metadata = item.manifest.get("metadata")
    known = metadata if isinstance(metadata, dict) else {}
    placed = {"name": "?", **known, "namespace": known.get("namespace") or namespace}
    manifest = {**item.manifest, "metadata": placed}
    return PlacedManifest(manifest=manifest, file=item.file, line=item.line)


def _is_of_kubernetes(item: PlacedManifest) -> bool:
    """Whether it should be a NetworkPolicy; one whose version is old, or missing, is a fault."""
    group = str(item.manifest.get("apiVersion", "")).partition("/")[0]
    return item.kind == "NetworkPolicy" and group not in PLUG_IN_GROUPS


def _pods_in(item: PlacedManifest) -> list[Pod]:
    """The pod that a manifest is, or that a workload makes; raises FaultsFoundError."""
    try:
        return [make_pod(manifest) for manifest in _pod_manifests_in(item)]
    except (AttributeError, LookupError, TypeError, ValueError):
        message = f"this is no {item.kind} that Kubernetes would take; correct it"
        fault = Fault(file=item.file, line=item.line, message=message)
        raise FaultsFoundError([fault]) from None


def _pod_manifests_in(item: PlacedManifest) -> Iterator[Manifest]:
    if item.kind == "Pod":
        yield item.manifest
    if item.kind in _WORKLOADS:
        template = item.manifest["spec"]["template"]
        metadata = {**(template.get("metadata") or {}), **_identity(item.manifest)}
        yield {**template, "metadata": metadata}


def _identity(manifest: Manifest) -> dict[str, Any]:
    return {key: manifest["metadata"][key] for key in ("name", "namespace")}


def _notes_on(given: Iterable[PlacedManifest]) -> Iterator[str]:
    """Policies of network plug-ins, which add to what is judged here, or take away from it."""
    foreign = [
        f"{it.kind} {it.manifest['metadata']['name']} ({it.place})"
        for it in given
        if it.kind.endswith("NetworkPolicy") and not _is_of_kubernetes(it)
    ]
    if foreign:
        yield f"not read: {join_some(foreign, _MOST_NAMES)}"
