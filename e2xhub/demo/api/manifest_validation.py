"""Rules that hold for manifests of several kinds, and for the small kinds.

Every function yields the faults that it finds, with Kubernetes' field paths. Pods are left to
``pod_validation``, NetworkPolicies to ``network_policy_validation``, types of fields to ``schema``.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any

from e2xhub.demo.api.errors import (
    FieldFault,
    duplicate,
    forbidden_field,
    invalid_value,
    not_supported,
    required,
    too_long,
)
from e2xhub.demo.api.naming import (
    check_key_name,
    check_label_1035_name,
    check_label_name,
    check_label_value,
    check_path_segment_name,
    check_port_name,
    check_qualified_name,
    check_subdomain_name,
)
from e2xhub.demo.api.quantities import parse_quantity
from e2xhub.demo.api.resources import (
    NAMESPACES,
    RBAC_GROUP,
    SERVICES,
    Manifest,
    ResourceType,
)

NameCheck = Callable[[str], "str | None"]
Faults = Iterator[FieldFault]

ANNOTATIONS_LIMIT_BYTES = 256 * 1024
PAYLOAD_LIMIT_BYTES = 1024 * 1024
ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
PROTOCOLS = ("SCTP", "TCP", "UDP")
SERVICE_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")


def check_name(value: str | None, field: str, check: NameCheck) -> Faults:
    """Check a name that must be there."""
    if not value:
        yield required(field)
    elif problem := check(value):
        yield invalid_value(field, value, problem)


def check_choice(value: str | None, field: str, choices: Iterable[str]) -> Faults:
    """Check a value of an enumeration, where it is set."""
    if value is not None and value not in choices:
        yield not_supported(field, value, list(choices))


def check_unique(values: Iterable[tuple[str, Hashable]]) -> Faults:
    """Check that no value occurs twice; each comes with its field path, None is no value."""
    seen = set()
    for field, value in values:
        if value is not None and value in seen:
            yield duplicate(field, value)
        seen.add(value)


def check_port_number(value: Any, field: str) -> Faults:
    """Check a port number, where it is set."""
    if value is not None and not 1 <= value <= 65535:
        yield invalid_value(field, value, "must be between 1 and 65535, inclusive")


def check_port_reference(value: Any, field: str) -> Faults:
    """Check a port that may be a number or the name of a container's port."""
    if isinstance(value, str):
        if problem := check_port_name(value):
            yield invalid_value(field, value, problem)
    else:
        yield from check_port_number(value, field)


def check_object_metadata(resource: ResourceType, manifest: Manifest) -> Faults:
    """Check name, labels, annotations and owners of an object."""
    metadata = manifest["metadata"]
    check: NameCheck = check_subdomain_name
    if resource == SERVICES:
        check = check_label_1035_name
    elif resource == NAMESPACES:
        check = check_label_name
    elif resource.group == RBAC_GROUP:
        check = check_path_segment_name
    if not metadata.get("name"):
        yield required("metadata.name", "name or generateName is required")
    else:
        yield from check_name(metadata["name"], "metadata.name", check)
    yield from check_labels(metadata.get("labels") or {}, "metadata.labels")
    yield from _check_annotations(metadata.get("annotations") or {})
    for index, owner in enumerate(metadata.get("ownerReferences") or ()):
        for key in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(key):
                yield required(f"metadata.ownerReferences[{index}].{key}", "must not be empty")


def check_labels(labels: dict[str, str], field: str) -> Faults:
    """Check keys and values of labels."""
    for key, value in labels.items():
        if problem := check_qualified_name(key):
            yield invalid_value(field, key, problem)
        if problem := check_label_value(value):
            yield invalid_value(field, value, problem)


def _check_annotations(annotations: dict[str, str]) -> Faults:
    for key in annotations:
        if problem := check_qualified_name(key.lower()):
            yield invalid_value("metadata.annotations", key, problem)
    size = sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items())
    if size > ANNOTATIONS_LIMIT_BYTES:
        yield too_long("metadata.annotations", ANNOTATIONS_LIMIT_BYTES)


def check_label_selector(selector: Manifest, field: str) -> Faults:
    """Check a ``LabelSelector`` inside a manifest."""
    yield from check_labels(selector.get("matchLabels") or {}, f"{field}.matchLabels")
    for index, requirement in enumerate(selector.get("matchExpressions") or ()):
        yield from _check_expression(requirement, f"{field}.matchExpressions[{index}]")


def _check_expression(requirement: Manifest, field: str) -> Faults:
    operator, values = requirement.get("operator"), requirement.get("values") or []
    yield from check_name(requirement.get("key"), f"{field}.key", check_qualified_name)
    if operator in ("In", "NotIn"):
        if not values:
            yield required(
                f"{field}.values", "must be specified when `operator` is 'In' or 'NotIn'"
            )
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            yield forbidden_field(f"{field}.values", detail)
    else:
        yield invalid_value(f"{field}.operator", operator, "not a valid selector operator")
    for index, value in enumerate(values):
        if problem := check_label_value(value):
            yield invalid_value(f"{field}.values[{index}]", value, problem)


def check_payload(manifest: Manifest) -> Faults:
    """Check keys and size of a ConfigMap or Secret."""
    size = 0
    for field in ("data", "binaryData"):
        for key, value in (manifest.get(field) or {}).items():
            size += len(value.encode())
            if problem := check_key_name(key):
                yield invalid_value(f"{field}[{key}]", key, problem)
    for key in set(manifest.get("binaryData") or {}) & set(manifest.get("data") or {}):
        yield invalid_value(f"data[{key}]", key, "duplicate of key present in binaryData")
    if size > PAYLOAD_LIMIT_BYTES:
        yield too_long("data", PAYLOAD_LIMIT_BYTES)


def check_payload_update(new: Manifest, old: Manifest) -> Faults:
    """Check that an immutable ConfigMap or Secret keeps its data, and a Secret its type."""
    if old.get("immutable"):
        for field in ("immutable", "data", "binaryData"):
            if new.get(field) != old.get(field):
                yield forbidden_field(field, "field is immutable when `immutable` is set")
    if new.get("type") != old.get("type"):
        yield invalid_value("type", new.get("type"), "field is immutable")


def check_claim(manifest: Manifest) -> Faults:
    """Check a PersistentVolumeClaim."""
    spec = manifest.get("spec") or {}
    modes = spec.get("accessModes") or []
    if not modes:
        yield required("spec.accessModes", "at least 1 access mode is required")
    for mode in modes:
        yield from check_choice(mode, "spec.accessModes", ACCESS_MODES)
    storage = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    field = "spec.resources[storage]"
    if storage is None:
        yield required(field)
    elif parse_quantity(storage) <= 0:
        yield invalid_value(field, storage, "must be greater than zero")


def check_claim_update(new: Manifest, old: Manifest) -> Faults:
    """Check that only the size of a claim changes."""
    unchanged = {**new["spec"], "resources": {}, "volumeName": None}
    if unchanged != {**old["spec"], "resources": {}, "volumeName": None}:
        detail = (
            "spec is immutable after creation except resources.requests and "
            "volumeAttributesClassName for bound claims"
        )
        yield forbidden_field("spec", detail)


def check_service(manifest: Manifest) -> Faults:
    """Check a Service."""
    spec = manifest.get("spec") or {}
    ports = spec.get("ports") or []
    yield from check_choice(spec.get("type"), "spec.type", SERVICE_TYPES)
    yield from check_labels(spec.get("selector") or {}, "spec.selector")
    if not ports and spec.get("clusterIP") != "None" and spec.get("type") != "ExternalName":
        yield required("spec.ports")
    for index, port in enumerate(ports):
        yield from _check_service_port(port, f"spec.ports[{index}]", named=len(ports) > 1)
    yield from check_unique((f"spec.ports[{i}].name", p.get("name")) for i, p in enumerate(ports))


def _check_service_port(port: Manifest, field: str, *, named: bool) -> Faults:
    if named or port.get("name"):
        yield from check_name(port.get("name"), f"{field}.name", check_label_name)
    if port.get("port") is None:
        yield required(f"{field}.port")
    yield from check_port_number(port.get("port"), f"{field}.port")
    yield from check_port_reference(port.get("targetPort"), f"{field}.targetPort")
    yield from check_choice(port.get("protocol"), f"{field}.protocol", PROTOCOLS)


def check_service_update(new: Manifest, old: Manifest) -> Faults:
    """Check that a Service keeps its address."""
    address = new["spec"].get("clusterIP")
    if address != old["spec"].get("clusterIP"):
        yield invalid_value("spec.clusterIPs[0]", address, "may not change once set")


def check_event(manifest: Manifest) -> Faults:
    """Check that an Event is in the namespace of the object that it is about."""
    involved = (manifest.get("involvedObject") or {}).get("namespace") or "default"
    if involved != manifest["metadata"].get("namespace"):
        yield invalid_value("involvedObject.namespace", involved, "does not match event.namespace")
