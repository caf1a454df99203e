"""What a catalog's `kubespawner_override` may say: traits that shape a pod, and nothing else.

Image, sizes, volumes, environment, network and placement have keys of their own in the catalog;
how the hub and the server talk to each other is the hub's configuration.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from copy import deepcopy
from difflib import get_close_matches
from itertools import chain
from typing import Any

from kubernetes_asyncio.client import V1Container, V1PodSpec, V1Volume
from kubespawner import KubeSpawner
from kubespawner.utils import get_k8s_model
from traitlets import HasTraits, TraitError

from e2xhub.domain.catalog import Catalog, Level
from e2xhub.domain.catalog.model import CatalogFault, Place
from e2xhub.domain.network_class import NetworkClass
from e2xhub.domain.settings import all_chains, all_levels, merge
from e2xhub.kubernetes.names import MERGED_BY_KEY, keyed
from e2xhub.kubernetes.pods.escapes import (
    escapes_of_annotations,
    escapes_of_containers,
    escapes_of_pod,
    escapes_of_resources,
    resources_of,
)
from e2xhub.kubernetes.pods.host_aliases import escapes_of_aliases

ALLOWED = frozenset(
    {
        "allow_privilege_escalation",
        "args",
        "automount_service_account_token",
        "cmd",
        "container_security_context",
        "delete_grace_period",
        "extra_annotations",
        "extra_container_config",
        "extra_containers",
        "extra_labels",
        "extra_pod_config",
        "fs_gid",
        "http_timeout",
        "init_containers",
        "lifecycle_hooks",
        "notebook_dir",
        "pod_security_context",
        "priority_class_name",
        "privileged",
        "scheduler_name",
        "service_account",
        "supplemental_gids",
    }
)
_OWN_KEYS = {
    "uid": "run_as",
    "gid": "run_as",
    "image": "image",
    "image_pull_policy": "images.<name>.pull_policy",
    "image_pull_secrets": "images.<name>.pull_secrets",
    "environment": "environment",
    "volumes": "volumes and mounts",
    "volume_mounts": "mounts",
    "default_url": "default_url",
    "working_dir": "home",
    "mem_guarantee": "sizes",
    "mem_limit": "sizes",
    "cpu_guarantee": "sizes",
    "cpu_limit": "sizes",
    "extra_resource_guarantees": "sizes.<name>.extra_resources",
    "extra_resource_limits": "sizes.<name>.extra_resources",
    "node_selector": "placement.node_selector",
    "tolerations": "placement.tolerations",
    "node_affinity_preferred": "placement.affinity",
    "node_affinity_required": "placement.affinity",
    "pod_affinity_preferred": "placement.affinity",
    "pod_affinity_required": "placement.affinity",
    "pod_anti_affinity_preferred": "placement.affinity",
    "pod_anti_affinity_required": "placement.affinity",
    "profile_list": "courses",
}

_OF_THE_HUB = {
    "start_timeout": "because the hub starts waiting before it knows what a server is; set the "
    "chart's 'singleuser.startTimeout', which holds for all servers",
}

# Inside two traits that take anything: what belongs to the catalog, or to the hub.
_DECIDED_INSIDE = {
    "extra_container_config": (
        V1Container,
        frozenset(
            {
                *("args", "command", "env", "envFrom", "image", "imagePullPolicy", "name"),
                *("ports", "resources", "securityContext", "volumeDevices", "volumeMounts"),
            }
        ),
    ),
    "extra_pod_config": (
        V1PodSpec,
        frozenset(
            {
                *("affinity", "containers", "ephemeralContainers", "imagePullSecrets"),
                *("initContainers", "nodeSelector", "securityContext", "serviceAccountName"),
                *("serviceAccount", "automountServiceAccountToken", "tolerations", "volumes"),
            }
        ),
    ),
}
_RESERVED_LABEL = re.compile(r"hub\.jupyter\.org/|e2xhub\.org/|(?:app|component|release)$")


def check_pods(catalog: Catalog) -> list[CatalogFault]:
    """Every fault in what the catalog passes on to Kubernetes and KubeSpawner as it stands."""
    faults = [
        *_unknown_sources(catalog),
        *(
            fault
            for place, level in all_levels(catalog)
            for fault in _override_faults((*place, "kubespawner_override"), level)
        ),
    ]
    return faults or list(_unlockable_servers(catalog))


def _escapes_in(override: Mapping[str, Any], resources: Collection[str]) -> Iterator[str]:
    """What `kubernetes.pods` would refuse at each start of a server that must be locked, and what
    gives it rights in the cluster; `resources` are those that its sizes name."""
    for name in ("privileged", "service_account", "automount_service_account_token"):
        if override.get(name):
            yield name
    security = {"securityContext": override.get("pod_security_context")}
    spec = override.get("extra_pod_config", {})
    yield from escapes_of_pod({**spec, **security})
    yield from escapes_of_aliases(spec)
    yield from escapes_of_annotations(override.get("extra_annotations"))
    server = {"name": "notebook", "securityContext": override.get("container_security_context")}
    listed = (_items(override.get(key)) for key in ("init_containers", "extra_containers"))
    containers = [server, *chain.from_iterable(listed)]
    yield from escapes_of_containers(containers)
    yield from escapes_of_resources({**spec, "containers": containers}, resources)


def _items(containers: Any) -> list[Any]:
    return list(containers.values() if isinstance(containers, Mapping) else containers or [])


def _unlockable_servers(catalog: Catalog) -> Iterator[CatalogFault]:
    """Terms and exams whose servers must be locked, and whose overrides would let them out."""
    for levels in all_chains(catalog):
        place, settings = levels[-1][0], merge(catalog, [level for _, level in levels])
        network = NetworkClass.EXAM if place[0] == "exams" else settings.network
        named = resources_of(settings.sizes.values())
        escapes = ", ".join(_escapes_in(settings.kubespawner_override, named))
        if escapes and network is not NetworkClass.OPEN:
            yield CatalogFault(
                place=(*place, "kubespawner_override"),
                message=f"the network class {network.value!r} cannot hold a pod with {escapes}; "
                "expected a kubespawner_override without it on every level",
            )


def make_overrides(override: Mapping[str, Any]) -> dict[str, Any]:
    """The traits of `override` in the form that adds to what the hub configured."""
    return {
        name: keyed("override", value)
        if name in MERGED_BY_KEY and isinstance(value, list)
        else deepcopy(value)
        for name, value in override.items()
    }


def _unknown_sources(catalog: Catalog) -> Iterator[CatalogFault]:
    known = set(V1Volume.attribute_map.values()) - {"name"}
    for name, volume in catalog.volumes.items():
        for source in set(volume.source) - known:
            yield CatalogFault(
                place=("volumes", name, "kubernetes", source),
                message=f"Kubernetes has no volume source {source!r}; "
                f"expected one of: {', '.join(sorted(known))}",
            )


def _override_faults(place: Place, level: Level) -> Iterator[CatalogFault]:
    for name, value in level.kubespawner_override.items():
        message = _what_is_wrong(name, value)
        if message:
            yield CatalogFault(place=(*place, name), message=message)


def _what_is_wrong(name: str, value: Any) -> str | None:
    if name in _OWN_KEYS:
        return f"{name!r} is decided by the catalog; use its key {_OWN_KEYS[name]!r} instead"
    if name in _OF_THE_HUB:
        return f"{name!r} cannot be overridden here, {_OF_THE_HUB[name]}"
    if name not in ALLOWED:
        near = get_close_matches(name, ALLOWED, 1)
        expected = f"did you mean {near[0]!r}?" if near else f"expected one of: {_list_allowed()}"
        return f"{name!r} cannot be overridden here; {expected}"
    try:
        KubeSpawner.class_traits()[name].validate(HasTraits(), deepcopy(value))
    except TraitError as error:
        wanted = str(error).partition(" expected ")[2].partition(", not ")[0] or str(error)
        return f"{name!r} is {value!r}; KubeSpawner expects {wanted}"
    return _what_is_wrong_inside(name, value)


def _what_is_wrong_inside(name: str, value: Any) -> str | None:
    if name in _DECIDED_INSIDE:
        model, of_the_catalog = _DECIDED_INSIDE[name]
        unknown = [key for key in value if _kubernetes_name(model, key) is None]
        if unknown:
            return f"{name!r} sets {', '.join(map(repr, unknown))}, which Kubernetes does not know"
        decided = sorted(of_the_catalog & {_kubernetes_name(model, key) for key in value})
        if decided:
            return (
                f"{name!r} sets {', '.join(decided)}, which the catalog decides; "
                "expected the catalog's own keys for it"
            )
    if name == "extra_labels":
        reserved = sorted(key for key in value if _RESERVED_LABEL.match(key))
        if reserved:
            return f"the labels {', '.join(reserved)} tell policies who is who; expected others"
    if name in ("init_containers", "extra_containers"):
        return next(filter(None, map(_what_is_wrong_with_container, _items(value))), None)
    return None


def _kubernetes_name(model: Any, key: str) -> str | None:
    """How Kubernetes spells `key` of `model`; KubeSpawner also takes Python's spelling."""
    if key in model.attribute_map:
        return str(model.attribute_map[key])
    return key if key in model.attribute_map.values() else None


def _what_is_wrong_with_container(container: Any) -> str | None:
    try:
        get_k8s_model(V1Container, deepcopy(container))
    except (AttributeError, TypeError, ValueError) as error:
        return f"{container!r} is no container: {error}; expected {{name: …, image: …}}"
    if not container.get("image"):
        return f"{container!r} has no image; expected {{name: …, image: …}}"
    return None


def _list_allowed() -> str:
    return ", ".join(sorted(ALLOWED))
