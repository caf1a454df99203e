"""Reads and writes parts of a pod, in whichever form they are.

KubeSpawner makes objects of the client, and leaves mappings inside them as they are; an admin's
hook adds either. Keys are Kubernetes' own (`securityContext`). A mapping may also spell them as
Python does (`security_context`), which Kubernetes would drop in silence: what is written or owned
here has Kubernetes' spelling.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from copy import copy
from typing import Any

_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_UNDERSCORE = re.compile(r"_([a-z])")


def attribute_of(key: str) -> str:
    """How the client's objects spell Kubernetes' `key`, such as `host_ipc` for `hostIPC`."""
    return _HUMP.sub("_", key).lower()


def read(thing: Any, *keys: str) -> Any:
    """What stands in `thing` under the first key, in that under the second one, and so on.

    None where there is nothing.
    """
    for key in keys:
        attribute = attribute_of(key)
        if isinstance(thing, Mapping):
            thing = thing[key] if key in thing else thing.get(attribute)
        else:
            thing = getattr(thing, attribute, None)
    return thing


def write(thing: Any, key: str, value: Any) -> None:
    """Sets `key` of `thing`; None takes it away."""
    attribute = attribute_of(key)
    if not isinstance(thing, MutableMapping):
        setattr(thing, attribute, value)
        return
    thing.pop(attribute, None)
    thing.pop(key, None)
    if value is not None:
        thing[key] = value


def own_part(thing: Any, key: str) -> Any:
    """The part `key` of `thing` to be changed: an object or mapping that nobody else holds.

    What a hook adds may be its own for all pods, and a mapping the hub's configuration. Raises
    ValueError where it is neither of them.
    """
    found = read(thing, key) or {}
    if not isinstance(found, Mapping) and not hasattr(found, "attribute_map"):
        raise ValueError(f"{key} is {found!r}; expected a mapping")
    part = _own(found)
    write(thing, key, part)
    return part


def own_containers(spec: Any) -> None:
    """Makes each container of `spec` one that nobody else holds."""
    for key in ("initContainers", "containers"):
        containers = read(spec, key)
        if containers:
            write(spec, key, [_own(container) for container in containers])


def _own(thing: Any) -> Any:
    """A copy of `thing`, a mapping as Kubernetes spells it: what it would drop would not hold."""
    if not isinstance(thing, Mapping):
        return copy(thing)
    spelled = {_UNDERSCORE.sub(lambda found: found[1].upper(), key): key for key in thing}
    return {key: thing.get(key, thing[written]) for key, written in spelled.items()}


def containers_of(spec: Any) -> list[Any]:
    """Every container of a pod, init containers first."""
    return [*(read(spec, "initContainers") or []), *(read(spec, "containers") or [])]


def lasting_containers(spec: Any) -> list[Any]:
    """The containers that run while the person works."""
    # An init container ends before the server starts, unless it is restarted as long as it lives.
    sidecars = [
        container
        for container in read(spec, "initContainers") or []
        if read(container, "restartPolicy") == "Always"
    ]
    return [*sidecars, *(read(spec, "containers") or [])]
