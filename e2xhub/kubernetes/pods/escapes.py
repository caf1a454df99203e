"""What a pod has that its network class cannot hold; docs/topics/pods.md says why.

Only what somebody put there on purpose, and what would not work without, is an escape and refused.
What a server does as well without is taken away instead (`kubernetes.pods.hygiene`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from e2xhub.kubernetes.pods.fields import lasting_containers, read

_FURTHER_NETWORKS = ("k8s.v1.cni.cncf.io/networks", "v1.multus-cni.io/default-network")
# Those that the Pod Security Standards take for confined.
_SELINUX_TYPES = frozenset(
    {None, "", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}
)
_CREDENTIALS = ("serviceAccountToken", "podCertificate")


def escapes_of_pod(spec: Any) -> Iterator[str]:
    """What of a pod's `spec`, without its containers and volumes, a policy does not hold."""
    for key in ("hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace"):
        if read(spec, key):
            yield key
    if read(spec, "ephemeralContainers"):
        yield "ephemeral containers"
    account = read(spec, "serviceAccountName") or read(spec, "serviceAccount")
    if account and account != "default":
        yield f"the service account {account!r}"
    yield from _escapes_of_security("the pod", read(spec, "securityContext"))


def escapes_of_annotations(annotations: Mapping[str, Any] | None) -> Iterator[str]:
    """What of a pod's annotations a policy does not hold: networks beside the one it is about."""
    for key in _FURTHER_NETWORKS:
        if (annotations or {}).get(key):
            yield f"the annotation {key}"


def escapes_of_containers(containers: Iterable[Any]) -> Iterator[str]:
    """What of `containers` a policy does not hold."""
    for container in containers:
        name, security = read(container, "name"), read(container, "securityContext")
        if read(security, "privileged"):
            yield f"the privileged container {name!r}"
        added = read(security, "capabilities", "add")
        if added:
            yield f"the capabilities {', '.join(map(str, added))} of container {name!r}"
        if any(read(port, "hostPort") for port in read(container, "ports") or []):
            yield f"a port of the node for container {name!r}"
        if read(security, "procMount") not in (None, "Default"):
            yield f"an unmasked /proc in container {name!r}"
        yield from _escapes_of_security(f"container {name!r}", security)


def escapes_of_volumes(spec: Any, of_the_catalog: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """What lasting containers see of the node and of the cluster's credentials.

    `of_the_catalog` are the sources by name in the pod that the catalog declares: those may be
    directories of the node.
    """
    mounted = {
        read(mount, "name")
        for container in lasting_containers(spec)
        for mount in read(container, "volumeMounts") or []
    }
    for volume in read(spec, "volumes") or []:
        name = read(volume, "name")
        if name not in mounted:
            continue
        path = read(volume, "hostPath", "path")
        if path is not None and path != read(of_the_catalog.get(name), "hostPath", "path"):
            yield f"the node's directory {path}"
        if _has_credentials(volume):
            yield f"credentials for the cluster in volume {name!r}"


def _has_credentials(volume: Any) -> bool:
    sources = read(volume, "projected", "sources") or []
    return any(read(source, key) is not None for source in sources for key in _CREDENTIALS)


def _escapes_of_security(of: str, security: Any) -> Iterator[str]:
    options = read(security, "seLinuxOptions")
    if (
        read(options, "type") not in _SELINUX_TYPES
        or read(options, "user")
        or read(options, "role")
    ):
        yield f"the SELinux options of {of}"
