"""Rules for pods, as the Kubernetes API server checks them.

Covers what KubeSpawner and e2xhub can get wrong: containers, mounts, volumes, resources,
environment, ports, and what of a pod may change. Volume sources are checked where
``volume_validation`` says so.
"""

from __future__ import annotations

import copy
from decimal import Decimal

from e2xhub.demo.api.errors import (
    FieldFault,
    forbidden_field,
    invalid_value,
    not_found_value,
    required,
)
from e2xhub.demo.api.manifest_validation import (
    PROTOCOLS,
    Faults,
    check_choice,
    check_labels,
    check_name,
    check_port_number,
    check_port_reference,
    check_unique,
)
from e2xhub.demo.api.naming import (
    check_environment_name,
    check_label_name,
    check_port_name,
    check_qualified_name,
    check_subdomain_name,
)
from e2xhub.demo.api.quantities import parse_quantity
from e2xhub.demo.api.resources import Manifest
from e2xhub.demo.api.volume_validation import check_relative_path, check_volume

CONTAINER_LISTS = ("initContainers", "containers")
PHASES = ("Failed", "Pending", "Running", "Succeeded", "Unknown")
RESTART_POLICIES = ("Always", "Never", "OnFailure")
DNS_POLICIES = ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None")
PULL_POLICIES = ("Always", "IfNotPresent", "Never")
PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
ENVIRONMENT_SOURCES = (
    "configMapKeyRef",
    "fieldRef",
    "fileKeyRef",
    "resourceFieldRef",
    "secretKeyRef",
)
TOLERATION_EFFECTS = ("NoExecute", "NoSchedule", "PreferNoSchedule")


def check_pod(manifest: Manifest) -> Faults:
    """Check a pod whose defaults are set."""
    spec = manifest.get("spec") or {}
    if not spec.get("containers"):
        yield required("spec.containers")
    yield from check_choice(spec.get("restartPolicy"), "spec.restartPolicy", RESTART_POLICIES)
    yield from _check_dns(spec)
    yield from _check_deadline(spec)
    yield from check_labels(spec.get("nodeSelector") or {}, "spec.nodeSelector")
    if spec.get("serviceAccountName"):
        name = spec["serviceAccountName"]
        yield from check_name(name, "spec.serviceAccountName", check_subdomain_name)
    volumes = spec.get("volumes") or []
    for index, volume in enumerate(volumes):
        yield from check_volume(volume, f"spec.volumes[{index}]")
    yield from check_unique(
        (f"spec.volumes[{i}].name", v.get("name")) for i, v in enumerate(volumes)
    )
    yield from _check_containers(spec, {volume.get("name") for volume in volumes})
    for index, toleration in enumerate(spec.get("tolerations") or ()):
        yield from _check_toleration(toleration, f"spec.tolerations[{index}]")


def _check_dns(spec: Manifest) -> Faults:
    policy = spec.get("dnsPolicy")
    yield from check_choice(policy, "spec.dnsPolicy", DNS_POLICIES)
    if policy != "None":
        return
    config = spec.get("dnsConfig")
    if config is None:
        yield required("spec.dnsConfig", "must provide `dnsConfig` when `dnsPolicy` is None")
    elif not config.get("nameservers"):
        detail = "must provide at least one DNS nameserver when `dnsPolicy` is None"
        yield required("spec.dnsConfig.nameservers", detail)


def _check_deadline(spec: Manifest) -> Faults:
    deadline = spec.get("activeDeadlineSeconds")
    if deadline is not None and not 1 <= deadline <= 2**31 - 1:
        detail = "must be between 1 and 2147483647, inclusive"
        yield invalid_value("spec.activeDeadlineSeconds", deadline, detail)


def _check_containers(spec: Manifest, volume_names: set[str]) -> Faults:
    names = []
    for key in CONTAINER_LISTS:
        for index, container in enumerate(spec.get(key) or ()):
            field = f"spec.{key}[{index}]"
            names.append((f"{field}.name", container.get("name")))
            yield from _check_container(container, field, volume_names)
    yield from check_unique(names)


def _check_container(container: Manifest, field: str, volume_names: set[str]) -> Faults:
    yield from check_name(container.get("name"), f"{field}.name", check_label_name)
    if not container.get("image"):
        yield required(f"{field}.image")
    elif container["image"] != container["image"].strip():
        detail = "must not have leading or trailing whitespace"
        yield invalid_value(f"{field}.image", container["image"], detail)
    yield from check_choice(
        container.get("imagePullPolicy"), f"{field}.imagePullPolicy", PULL_POLICIES
    )
    yield from _check_environment(container, field)
    yield from _check_ports(container.get("ports") or [], f"{field}.ports")
    yield from _check_mounts(
        container.get("volumeMounts") or [], f"{field}.volumeMounts", volume_names
    )
    yield from _check_resources(container.get("resources") or {}, f"{field}.resources")
    yield from _check_probes(container, field)


def _check_environment(container: Manifest, field: str) -> Faults:
    for index, variable in enumerate(container.get("env") or ()):
        place = f"{field}.env[{index}]"
        yield from check_name(variable.get("name"), f"{place}.name", check_environment_name)
        source = variable.get("valueFrom")
        if source is None:
            continue
        if variable.get("value"):
            detail = "may not be specified when `value` is not empty"
            yield invalid_value(f"{place}.valueFrom", "", detail)
        if len([key for key in ENVIRONMENT_SOURCES if source.get(key) is not None]) != 1:
            detail = "must specify exactly one of: " + ", ".join(ENVIRONMENT_SOURCES)
            yield invalid_value(f"{place}.valueFrom", "", detail)
    for index, source in enumerate(container.get("envFrom") or ()):
        if len([key for key in ("configMapRef", "secretRef") if source.get(key) is not None]) != 1:
            detail = "must specify one of: `configMapRef` or `secretRef`"
            yield invalid_value(f"{field}.envFrom[{index}]", "", detail)


def _check_ports(ports: list[Manifest], field: str) -> Faults:
    for index, port in enumerate(ports):
        place = f"{field}[{index}]"
        if port.get("containerPort") is None:
            yield required(f"{place}.containerPort")
        yield from check_port_number(port.get("containerPort"), f"{place}.containerPort")
        yield from check_choice(port.get("protocol"), f"{place}.protocol", PROTOCOLS)
        if port.get("name"):
            yield from check_name(port["name"], f"{place}.name", check_port_name)
    yield from check_unique(
        (f"{field}[{i}].name", port.get("name")) for i, port in enumerate(ports)
    )


def _check_mounts(mounts: list[Manifest], field: str, volume_names: set[str]) -> Faults:
    for index, mount in enumerate(mounts):
        place = f"{field}[{index}]"
        if not mount.get("name"):
            yield required(f"{place}.name")
        elif mount["name"] not in volume_names:
            yield not_found_value(f"{place}.name", mount["name"])
        yield from _check_mount_paths(mount, place)
        for key in ("subPath", "subPathExpr"):
            # Kubernetes names the list here, not its item
            yield from check_relative_path(mount.get(key), f"{field}.{key}")
    yield from _check_mount_paths_are_unique(mounts, field)


def _check_mount_paths(mount: Manifest, field: str) -> Faults:
    path = mount.get("mountPath")
    if not path:
        yield required(f"{field}.mountPath")
    elif ":" in path:
        yield invalid_value(f"{field}.mountPath", path, "must not contain ':'")
    if mount.get("subPath") and mount.get("subPathExpr"):
        yield invalid_value(
            f"{field}.subPathExpr",
            mount["subPathExpr"],
            "subPathExpr and subPath are mutually exclusive",
        )


def _check_mount_paths_are_unique(mounts: list[Manifest], field: str) -> Faults:
    seen = set()
    for index, mount in enumerate(mounts):
        path = mount.get("mountPath")
        if path and path in seen:
            yield invalid_value(f"{field}[{index}].mountPath", path, "must be unique")
        seen.add(path)


def _check_resources(resources: Manifest, field: str) -> Faults:
    limits = resources.get("limits") or {}
    for key in ("limits", "requests"):
        for name, quantity in (resources.get(key) or {}).items():
            yield from _check_resource_quantity(name, quantity, f"{field}.{key}[{name}]")
    for name, quantity in (resources.get("requests") or {}).items():
        if name in limits and parse_quantity(quantity) > parse_quantity(limits[name]):
            detail = f"must be less than or equal to {name} limit of {limits[name]}"
            yield invalid_value(f"{field}.requests", quantity, detail)


def _check_resource_quantity(name: str, quantity: str, field: str) -> Faults:
    if problem := check_qualified_name(name):
        yield invalid_value(field, name, problem)
    elif (
        "/" not in name
        and name not in ("cpu", "memory", "ephemeral-storage")
        and (not name.startswith("hugepages-"))
    ):
        yield invalid_value(field, name, "must be a standard resource type or fully qualified")
    if parse_quantity(quantity) < Decimal(0):
        yield invalid_value(field, quantity, "must be greater than or equal to 0")


def _check_probes(container: Manifest, field: str) -> Faults:
    for key in PROBES:
        probe = container.get(key)
        if probe is None:
            continue
        actions = [name for name in ("exec", "grpc", "httpGet", "tcpSocket") if probe.get(name)]
        if not actions:
            yield required(f"{field}.{key}", "must specify a handler type")
        for action in actions[1:]:
            yield forbidden_field(
                f"{field}.{key}.{action}", "may not specify more than 1 handler type"
            )
        for action in {"httpGet", "tcpSocket"} & set(actions):
            place = f"{field}.{key}.{action}.port"
            if probe[action].get("port") is None:
                yield required(place)
            yield from check_port_reference(probe[action].get("port"), place)


def _check_toleration(toleration: Manifest, field: str) -> Faults:
    operator = toleration.get("operator") or "Equal"
    yield from check_choice(operator, f"{field}.operator", ("Equal", "Exists", "Gt", "Lt"))
    yield from check_choice(toleration.get("effect") or None, f"{field}.effect", TOLERATION_EFFECTS)
    if operator == "Exists" and toleration.get("value"):
        detail = "value must be empty when `operator` is 'Exists'"
        yield invalid_value(f"{field}.operator", toleration["value"], detail)
    if not toleration.get("key") and operator != "Exists":
        detail = (
            "operator must be Exists when `key` is empty, which means match all values and keys"
        )
        yield invalid_value(f"{field}.operator", operator, detail)


def check_pod_update(new: Manifest, old: Manifest) -> Faults:
    """Check that of a pod's spec only changes what Kubernetes allows to change."""
    if _without_mutable_fields(new["spec"], old["spec"]) != _without_mutable_fields(
        old["spec"], old["spec"]
    ):
        yield FieldFault(
            "spec",
            "FieldValueForbidden",
            "Forbidden: pod updates may not change fields other than "
            "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
            "`spec.tolerations` (only additions to existing tolerations),"
            "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously "
            "negative)",
        )
    tolerations = new["spec"].get("tolerations") or []
    if any(old_one not in tolerations for old_one in old["spec"].get("tolerations") or ()):
        yield forbidden_field(
            "spec.tolerations",
            "existing toleration can not be modified except its tolerationSeconds",
        )


def _without_mutable_fields(spec: Manifest, old_spec: Manifest) -> Manifest:
    comparable = copy.deepcopy(spec)
    comparable.pop("tolerations", None)
    if old_spec.get("activeDeadlineSeconds") is None or _is_shortened(spec, old_spec):
        comparable.pop("activeDeadlineSeconds", None)
    for key in CONTAINER_LISTS:
        for container in comparable.get(key) or ():
            container.pop("image", None)
    return comparable


def _is_shortened(spec: Manifest, old_spec: Manifest) -> bool:
    deadline = spec.get("activeDeadlineSeconds")
    return deadline is not None and deadline <= old_spec["activeDeadlineSeconds"]


def check_pod_status(manifest: Manifest) -> Faults:
    """Check the status that a node reports."""
    phase = (manifest.get("status") or {}).get("phase")
    yield from check_choice(phase, "status.phase", PHASES)
