"""What a pod has that its network class cannot hold; docs/topics/pods.md says why.

Only what somebody put there on purpose, and what would not work without, is an escape and refused.
What a server does as well without is taken away instead (`kubernetes.pods.hygiene`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from e2xhub.domain.catalog.servers import Size
from e2xhub.kubernetes.pods.fields import containers_of, lasting_containers, read

# By these, network plug-ins give a pod a further interface, another network instead of the usual
# one, addresses that policies are not about, or traffic that they do not track; a NetworkPolicy
# holds for the usual interface alone. Each plug-in's next version may add a key, so all keys of its
# domain, and of domains below that, count. Few admins miss one of the harmless ones.
_NETWORK_DOMAINS = (
    *("cni.cncf.io", "multus-cni.io"),  # Multus, and who else follows its standard
    *("networking.gke.io", "vpc.amazonaws.com", "tke.cloud.tencent.com"),
    *("ovn.kubernetes.io", "ovn.org"),  # Kube-OVN; OVN-Kubernetes, of OpenShift
    *("cilium.io", "projectcalico.org", "antrea.io"),
    *("danm.k8s.io", "danm.io", "networkservicemesh.io"),
)
_OLD_CILIUM = "io.cilium."
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
    for key, text in (annotations or {}).items():
        if text and _is_of_a_network(str(key)):
            yield f"the annotation {key}"


def _is_of_a_network(key: str) -> bool:
    domain = f".{key.partition('/')[0]}"
    return key.startswith(_OLD_CILIUM) or domain.endswith(
        tuple(f".{known}" for known in _NETWORK_DOMAINS)
    )


def resources_of(sizes: Iterable[Size]) -> frozenset[str]:
    """The extended resources that `sizes` of the catalog name."""
    return frozenset(chain.from_iterable(size.extra_resources for size in sizes))


def escapes_of_resources(spec: Any, of_the_catalog: Collection[str]) -> Iterator[str]:
    """Devices that a pod claims and its sizes in the catalog do not name: one may be an interface
    to another network, and that is the whole pod's, whichever container asks for it."""
    if read(spec, "resourceClaims"):
        yield "resource claims"
    for container in containers_of(spec):
        resources, of = read(container, "resources"), f"of container {read(container, 'name')!r}"
        if read(resources, "claims"):
            yield f"the resource claims {of}"
        asked = {*_names_in(resources, "limits"), *_names_in(resources, "requests")}
        # What Kubernetes knows itself has no domain.
        extended = sorted(name for name in asked if "/" in name)
        for name in extended:
            if name not in of_the_catalog:
                yield f"the resource {name} {of}, which no size of the catalog names"


def _names_in(resources: Any, key: str) -> Iterator[str]:
    # What is no mapping is refused, or dropped by Kubernetes.
    amounts = read(resources, key)
    return map(str, amounts if isinstance(amounts, Mapping) else ())


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
