"""What is particular about each kind: its defaults, its rules, its first status.

Kubernetes calls this a kind's strategy. How objects are created, changed and deleted in general is
left to ``object_registry``.
"""

from __future__ import annotations

import base64
import copy
import ipaddress
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from e2xhub.demo.api.errors import FieldFault
from e2xhub.demo.api.manifest_validation import (
    check_claim,
    check_claim_update,
    check_event,
    check_payload,
    check_payload_update,
    check_service,
    check_service_update,
)
from e2xhub.demo.api.network_policy_validation import check_network_policy
from e2xhub.demo.api.pod_defaults import qos_class, set_pod_defaults
from e2xhub.demo.api.pod_validation import check_pod, check_pod_status, check_pod_update
from e2xhub.demo.api.quotas import check_quota
from e2xhub.demo.api.resources import (
    CLUSTER_ROLE_BINDINGS,
    CLUSTER_ROLES,
    CONFIG_MAPS,
    EVENTS,
    NAMESPACES,
    NETWORK_POLICIES,
    NODES,
    PERSISTENT_VOLUME_CLAIMS,
    PODS,
    RESOURCE_QUOTAS,
    ROLE_BINDINGS,
    ROLES,
    SECRETS,
    SERVICE_ACCOUNTS,
    SERVICES,
    Manifest,
    ResourceType,
)
from e2xhub.demo.api.role_validation import (
    check_cluster_role,
    check_cluster_role_binding,
    check_role,
    check_role_binding,
    check_role_binding_update,
    set_role_binding_defaults,
    set_role_defaults,
)
from e2xhub.demo.api.schema import iterate_items


def _set_nothing(manifest: Manifest) -> None:
    """Leave a kind without defaults as it is."""


def _no_faults(_manifest: Manifest) -> Iterator[FieldFault]:
    return iter(())


def _no_update_faults(_new: Manifest, _old: Manifest) -> Iterator[FieldFault]:
    return iter(())


@dataclass(frozen=True, kw_only=True)
class Strategy:
    """What is particular about one kind.

    Attributes:
        set_defaults: fills in what the client left out; may change its argument.
        check: yields the faults of an object.
        check_update: yields the faults of a change, from the new and the old object.
        check_status: yields the faults of a status.
        make_status: returns the status of a new object, None where the client's counts.
        has_generation: whether ``metadata.generation`` counts changes of the spec.
    """

    set_defaults: Callable[[Manifest], None] = _set_nothing
    check: Callable[[Manifest], Iterator[FieldFault]] = _no_faults
    check_update: Callable[[Manifest, Manifest], Iterator[FieldFault]] = _no_update_faults
    check_status: Callable[[Manifest], Iterator[FieldFault]] = _no_faults
    make_status: Callable[[Manifest], Manifest | None] = lambda _manifest: None
    has_generation: bool = False


def _make_pod_status(manifest: Manifest) -> Manifest:
    return {"phase": "Pending", "qosClass": qos_class(manifest["spec"])}


def _set_claim_defaults(manifest: Manifest) -> None:
    manifest.setdefault("spec", {}).setdefault("volumeMode", "Filesystem")


def _set_secret_defaults(manifest: Manifest) -> None:
    manifest.setdefault("type", "Opaque")
    plain = manifest.pop("stringData", None)
    if plain:
        encoded = {key: base64.b64encode(text.encode()).decode() for key, text in plain.items()}
        manifest["data"] = {**(manifest.get("data") or {}), **encoded}


def _set_service_defaults(manifest: Manifest) -> None:
    spec = manifest.setdefault("spec", {})
    for key, value in (
        ("type", "ClusterIP"),
        ("sessionAffinity", "None"),
        ("internalTrafficPolicy", "Cluster"),
        ("ipFamilies", ["IPv4"]),
        ("ipFamilyPolicy", "SingleStack"),
    ):
        spec.setdefault(key, copy.copy(value))
    for port in iterate_items(spec, "ports"):
        port.setdefault("protocol", "TCP")
        port.setdefault("targetPort", port.get("port"))


def _set_network_policy_defaults(manifest: Manifest) -> None:
    spec = manifest.setdefault("spec", {})
    # a missing selector is an empty one, and that selects every pod
    spec.setdefault("podSelector", {})
    if not spec.get("policyTypes"):
        spec["policyTypes"] = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]
    for rule in iterate_items(spec, "ingress", "egress"):
        for port in iterate_items(rule, "ports"):
            port.setdefault("protocol", "TCP")


def _set_quota_defaults(manifest: Manifest) -> None:
    manifest.setdefault("spec", {})


def _set_namespace_defaults(manifest: Manifest) -> None:
    manifest.setdefault("spec", {}).setdefault("finalizers", ["kubernetes"])
    metadata = manifest["metadata"]
    if metadata.get("name"):
        labels = {**(metadata.get("labels") or {}), "kubernetes.io/metadata.name": metadata["name"]}
        metadata["labels"] = labels


STRATEGIES: dict[ResourceType, Strategy] = {
    PODS: Strategy(
        set_defaults=set_pod_defaults,
        check=check_pod,
        check_update=check_pod_update,
        check_status=check_pod_status,
        make_status=_make_pod_status,
        has_generation=True,
    ),
    PERSISTENT_VOLUME_CLAIMS: Strategy(
        set_defaults=_set_claim_defaults,
        check=check_claim,
        check_update=check_claim_update,
        make_status=lambda _manifest: {"phase": "Pending"},
    ),
    SECRETS: Strategy(
        set_defaults=_set_secret_defaults, check=check_payload, check_update=check_payload_update
    ),
    CONFIG_MAPS: Strategy(check=check_payload, check_update=check_payload_update),
    SERVICES: Strategy(
        set_defaults=_set_service_defaults,
        check=check_service,
        check_update=check_service_update,
        make_status=lambda _manifest: {"loadBalancer": {}},
    ),
    SERVICE_ACCOUNTS: Strategy(),
    EVENTS: Strategy(check=check_event),
    NAMESPACES: Strategy(
        set_defaults=_set_namespace_defaults, make_status=lambda _manifest: {"phase": "Active"}
    ),
    NODES: Strategy(),
    RESOURCE_QUOTAS: Strategy(check=check_quota, set_defaults=_set_quota_defaults),
    NETWORK_POLICIES: Strategy(
        set_defaults=_set_network_policy_defaults, check=check_network_policy, has_generation=True
    ),
    ROLES: Strategy(set_defaults=set_role_defaults, check=check_role),
    ROLE_BINDINGS: Strategy(
        set_defaults=set_role_binding_defaults,
        check=check_role_binding,
        check_update=check_role_binding_update,
    ),
    CLUSTER_ROLES: Strategy(set_defaults=set_role_defaults, check=check_cluster_role),
    CLUSTER_ROLE_BINDINGS: Strategy(
        set_defaults=set_role_binding_defaults,
        check=check_cluster_role_binding,
        check_update=check_role_binding_update,
    ),
}


class ServiceAddresses:
    """Hands out cluster addresses of Services from a loopback range; nothing listens there."""

    def __init__(self, address_range: str = "127.200.0.0/16") -> None:
        self._free = ipaddress.ip_network(address_range).hosts()

    def assign(self, service: Manifest) -> None:
        """Give the Service an address unless it has one or wants none."""
        spec = service["spec"]
        if spec["type"] == "ExternalName" or spec.get("clusterIP"):
            return
        address = str(next(self._free))
        spec.update(clusterIP=address, clusterIPs=[address])
