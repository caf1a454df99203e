"""What Kubernetes fills in when a pod leaves it out.

Works on a copy that the caller owns. Defaults that admission plug-ins of real clusters add
(tolerations, priority, service-account tokens) are left out: the demo has no admission.
"""

from __future__ import annotations

from typing import Any

from e2xhub.demo.api.quantities import parse_quantity
from e2xhub.demo.api.resources import Manifest
from e2xhub.demo.api.schema import iterate_items

DEFAULT_FILE_MODE = 0o644

_PROBE_DEFAULTS = {
    "timeoutSeconds": 1,
    "periodSeconds": 10,
    "successThreshold": 1,
    "failureThreshold": 3,
}


def set_pod_defaults(manifest: Manifest) -> None:
    """Fill in a pod's defaults."""
    spec = manifest.setdefault("spec", {})
    _set_missing(
        spec,
        restartPolicy="Always",
        terminationGracePeriodSeconds=30,
        dnsPolicy="ClusterFirst",
        schedulerName="default-scheduler",
        securityContext={},
        enableServiceLinks=True,
    )
    account = spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"
    spec.update(serviceAccountName=account, serviceAccount=account)
    for container in iterate_items(spec, "initContainers", "containers"):
        _set_container_defaults(container)
    for volume in iterate_items(spec, "volumes"):
        _set_volume_defaults(volume)


def _set_missing(target: Manifest, **defaults: Any) -> None:
    for key, value in defaults.items():
        target.setdefault(key, value)


def _set_container_defaults(container: Manifest) -> None:
    _set_missing(
        container,
        resources={},
        imagePullPolicy=_pull_policy(container.get("image") or ""),
        terminationMessagePath="/dev/termination-log",
        terminationMessagePolicy="File",
    )
    for port in iterate_items(container, "ports"):
        _set_missing(port, protocol="TCP")
    for variable in iterate_items(container, "env"):
        field_ref = (variable.get("valueFrom") or {}).get("fieldRef")
        if field_ref is not None:
            _set_missing(field_ref, apiVersion="v1")
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        if probe in container:
            _set_probe_defaults(container[probe])
    _set_requests(container["resources"])


def _pull_policy(image: str) -> str:
    """Return ``Always`` where the tag is ``latest`` or missing, as such an image may change."""
    if "@" in image:
        return "IfNotPresent"
    tag = image.rpartition("/")[2].partition(":")[2]
    return "Always" if tag in ("", "latest") else "IfNotPresent"


def _set_probe_defaults(probe: Manifest) -> None:
    _set_missing(probe, **_PROBE_DEFAULTS)
    if "httpGet" in probe:
        _set_missing(probe["httpGet"], path="/", scheme="HTTP")


def _set_requests(resources: Manifest) -> None:
    """Request what is limited, where nothing is requested: the scheduler counts requests only."""
    limits = resources.get("limits")
    if limits:
        resources["requests"] = {**limits, **(resources.get("requests") or {})}


def _set_volume_defaults(volume: Manifest) -> None:
    if set(volume) == {"name"}:
        volume["emptyDir"] = {}
    for source in ("secret", "configMap", "downwardAPI", "projected"):
        if source in volume:
            _set_missing(volume[source], defaultMode=DEFAULT_FILE_MODE)
    if "hostPath" in volume:
        _set_missing(volume["hostPath"], type="")
    for source in iterate_items(volume.get("projected") or {}, "sources"):
        if "serviceAccountToken" in source:
            _set_missing(source["serviceAccountToken"], expirationSeconds=3600)


def qos_class(spec: Manifest) -> str:
    """Return the quality of service class of a pod spec whose defaults are set.

    All containers count, init containers too:
    https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/
    """
    resources = [
        container.get("resources") or {}
        for container in iterate_items(spec, "initContainers", "containers")
    ]
    if all(_is_guaranteed(entry) for entry in resources):
        return "Guaranteed"
    if not any(
        _cpu_and_memory(entry, key) for entry in resources for key in ("limits", "requests")
    ):
        return "BestEffort"
    return "Burstable"


def _cpu_and_memory(resources: Manifest, key: str) -> dict[str, object]:
    amounts = resources.get(key) or {}
    return {
        name: parse_quantity(amounts[name])
        for name in ("cpu", "memory")
        if name in amounts and parse_quantity(amounts[name]) > 0
    }


def _is_guaranteed(resources: Manifest) -> bool:
    limits = _cpu_and_memory(resources, "limits")
    return set(limits) == {"cpu", "memory"} and limits == _cpu_and_memory(resources, "requests")
