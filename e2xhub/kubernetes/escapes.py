"""What a NetworkPolicy does not hold: it is about a pod's own network, and that alone.

Works on the client's objects, and on mappings with Kubernetes' names in their place: where an admin
or a hook gave a mapping, KubeSpawner leaves it one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_ATTRIBUTES = {
    "hostIPC": "host_ipc",
    "hostNetwork": "host_network",
    "hostPID": "host_pid",
    "hostPort": "host_port",
    "restartPolicy": "restart_policy",
    "runAsGroup": "run_as_group",
    "runAsUser": "run_as_user",
    "securityContext": "security_context",
}
"""Kubernetes' names that the client's objects write otherwise."""


def read(thing: Any, key: str) -> Any:
    """A value of an object of the client, or of a mapping; None where it has none."""
    attribute = _ATTRIBUTES.get(key, key)
    if isinstance(thing, Mapping):  # KubeSpawner takes both spellings
        return thing[key] if key in thing else thing.get(attribute)
    return getattr(thing, attribute, None)


def escapes_of_pod(spec: Any) -> Iterator[str]:
    """What of a pod's `spec`, without its containers, a policy does not hold."""
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if read(spec, key):
            yield key


def escapes_of_containers(containers: Iterable[Any]) -> Iterator[str]:
    """What of `containers` a policy does not hold."""
    for container in containers:
        name, security = read(container, "name"), read(container, "securityContext")
        if read(security, "privileged"):
            yield f"the privileged container {name!r}"
        added = read(read(security, "capabilities"), "add")
        if added:
            yield f"the capabilities {', '.join(map(str, added))} of container {name!r}"
        if any(read(port, "hostPort") for port in read(container, "ports") or []):
            yield f"a port of the node for container {name!r}"
