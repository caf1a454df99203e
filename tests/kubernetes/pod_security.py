"""The Pod Security Standards, as https://kubernetes.io/docs/concepts/security/pod-security-standards/
publishes them: what a namespace that enforces one of them would refuse in a pod for Linux.

Written from that page alone, and for pods as they are sent (plain JSON).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

_CAPABILITIES = {
    *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD"),
    *("NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
}
_SELINUX_TYPES = {"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}
_SYSCTLS = {
    *(
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_unprivileged_port_start",
    ),
    *("net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports"),
    *("net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout"),
    *("net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes"),
}
_VOLUME_TYPES = {
    *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral"),
    *("persistentVolumeClaim", "projected", "secret"),
}
_APP_ARMOR = "container.apparmor.security.beta.kubernetes.io/"


def baseline_faults(pod: Json) -> list[str]:
    """What the standard `baseline` does not allow of `pod`."""
    return [*_pod_baseline(pod), *(f for c in _containers(pod) for f in _container_baseline(c))]


def restricted_faults(pod: Json) -> list[str]:
    """What the standard `restricted` does not allow of `pod`, beyond `baseline`."""
    faults = baseline_faults(pod)
    for volume in pod["spec"].get("volumes", []):
        faults += [f"volume {kind}" for kind in set(volume) - {"name"} - _VOLUME_TYPES]
    whole = pod["spec"].get("securityContext", {})
    if whole.get("runAsUser") == 0:
        faults.append("pod: runAsUser")
    for container in _containers(pod):
        faults += _container_restricted(container, whole)
    return faults


def _containers(pod: Json) -> Iterator[Json]:
    for key in ("initContainers", "containers", "ephemeralContainers"):
        yield from pod["spec"].get(key, [])


def _pod_baseline(pod: Json) -> Iterator[str]:
    spec = pod["spec"]
    yield from (key for key in ("hostNetwork", "hostPID", "hostIPC") if spec.get(key))
    for volume in spec.get("volumes", []):
        if "hostPath" in volume:
            yield "volume hostPath"
    for key, text in pod["metadata"].get("annotations", {}).items():
        allowed = text == "runtime/default" or text.startswith("localhost/")
        if key.startswith(_APP_ARMOR) and not allowed:
            yield "AppArmor annotation"
    for sysctl in spec.get("securityContext", {}).get("sysctls", []):
        if sysctl["name"] not in _SYSCTLS:
            yield f"sysctl {sysctl['name']}"
    yield from _security_baseline("pod", spec.get("securityContext", {}))


def _container_baseline(container: Json) -> Iterator[str]:
    name, security = container["name"], container.get("securityContext", {})
    if security.get("privileged"):
        yield f"{name}: privileged"
    if set(security.get("capabilities", {}).get("add", [])) - _CAPABILITIES:
        yield f"{name}: capabilities"
    if any(port.get("hostPort") for port in container.get("ports", [])):
        yield f"{name}: hostPort"
    if security.get("procMount", "Default") != "Default":
        yield f"{name}: procMount"
    actions = [container.get(f"{kind}Probe", {}) for kind in ("liveness", "readiness", "startup")]
    actions += container.get("lifecycle", {}).values()
    if any(
        action.get(kind, {}).get("host") for action in actions for kind in ("httpGet", "tcpSocket")
    ):
        yield f"{name}: a probe of another host"
    yield from _security_baseline(name, security)


def _security_baseline(of: str, security: Json) -> Iterator[str]:
    for key in ("seccompProfile", "appArmorProfile"):
        if security.get(key, {}).get("type", "RuntimeDefault") not in (
            "RuntimeDefault",
            "Localhost",
        ):
            yield f"{of}: {key}"
    options = security.get("seLinuxOptions", {})
    if options.get("type", "") not in _SELINUX_TYPES or options.get("user") or options.get("role"):
        yield f"{of}: seLinuxOptions"
    if security.get("windowsOptions", {}).get("hostProcess"):
        yield f"{of}: hostProcess"


def _container_restricted(container: Json, whole: Json) -> Iterator[str]:
    name, security = container["name"], container.get("securityContext", {})
    capabilities = security.get("capabilities", {})
    if security.get("allowPrivilegeEscalation") is not False:
        yield f"{name}: allowPrivilegeEscalation"
    if security.get("runAsNonRoot", whole.get("runAsNonRoot")) is not True:
        yield f"{name}: runAsNonRoot"
    if security.get("runAsUser") == 0:
        yield f"{name}: runAsUser"
    if "type" not in security.get("seccompProfile", whole.get("seccompProfile", {})):
        yield f"{name}: seccompProfile"
    if "ALL" not in capabilities.get("drop", []):
        yield f"{name}: drop ALL"
    if set(capabilities.get("add", [])) - {"NET_BIND_SERVICE"}:
        yield f"{name}: add"
