"""What a pod requests of its node, as the scheduler counts it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from e2xhub.domain.node_types import Resources
from e2xhub.kubernetes.quantities import parse_quantity

# A placeholder holds room for servers and gives way to them.
_COMPONENTS_OF_USERS = {"singleuser-server", "user-placeholder"}
_OUR_LABELS = "e2xhub.org/"

_Amounts = tuple[Decimal, Decimal]
_NOTHING = (Decimal(0), Decimal(0))


def is_of_a_user(pod: Any) -> bool:
    """Whether `pod` is somebody's server, or stands for servers to come."""
    labels = pod.metadata.labels or {}
    return labels.get("component") in _COMPONENTS_OF_USERS or any(
        label.startswith(_OUR_LABELS) for label in labels
    )


def sum_requests(spec: Any) -> Resources:
    """What a pod of this spec requests, itself one pod.

    Containers run at once, init containers one after the other, beside those sidecars that began
    before them (https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/).
    """
    beside, highest = _NOTHING, _NOTHING
    for container in spec.init_containers or ():
        needed = _add([beside, _requests_of(container)])
        highest = _highest(highest, needed)
        if container.restart_policy == "Always":
            beside = needed
    running = _add([beside, *map(_requests_of, spec.containers)])
    cpu, memory = _add([_highest(highest, running), _amounts(spec.overhead)])
    return Resources(cpu=cpu, memory=math.ceil(memory), pods=1)


def to_resources(quantities: Mapping[str, str]) -> Resources:
    """The CPU, memory and pods of a node's `allocatable`; raises ValueError."""
    cpu, memory = _amounts(quantities)
    pods = int(parse_quantity(quantities["pods"])) if "pods" in quantities else None
    return Resources(cpu=cpu, memory=int(memory), pods=pods)


def _requests_of(container: Any) -> _Amounts:
    return _amounts(container.resources.requests if container.resources else None)


def _amounts(quantities: Mapping[str, str] | None) -> _Amounts:
    given = quantities or {}
    return parse_quantity(given.get("cpu", "0")), parse_quantity(given.get("memory", "0"))


def _add(amounts: Iterable[_Amounts]) -> _Amounts:
    cpu, memory = zip(*amounts, strict=True)
    return sum(cpu, Decimal(0)), sum(memory, Decimal(0))


def _highest(one: _Amounts, other: _Amounts) -> _Amounts:
    return max(one[0], other[0]), max(one[1], other[1])
