"""Quality of service: what Kubernetes makes of a pod's requests and limits, and the best of it.

Pods of the class Guaranteed are the last that a node in need ends
(https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/). It takes a request of CPU and of
memory in every container, init containers included, that is equal to its limit. Other resources do
not count: those that cannot be shared (GPUs, huge pages) have equal amounts anyway.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from e2xhub.kubernetes.pods.fields import containers_of, own_part, read, write
from e2xhub.kubernetes.quantities import parse_quantity

GUARANTEED = "Guaranteed"
DEFAULTS = {"cpu": "100m", "memory": "128Mi"}
"""What a container gets that says nothing, of the resources that count."""

_Amounts = dict[str, Decimal]


def make_guaranteed(spec: Any) -> None:
    """Makes the pod of `spec` one of the class Guaranteed, whoever added its containers.

    Of a request and a limit that differ the request counts, because nodes are planned by it; of
    one without the other it is both; without any, `DEFAULTS`. Raises ValueError where an amount is
    none of Kubernetes.
    """
    # For the whole pod: newer clusters would look at these alone, older ones not at all.
    if read(spec, "resources") is not None:
        write(spec, "resources", None)
    for container in containers_of(spec):
        _make_equal(container)
    found = qos_class(spec)
    if found != GUARANTEED:
        raise ValueError(f"its class is {found}, not {GUARANTEED}")


def qos_class(spec: Any) -> str:
    """The quality of service class of a pod: Guaranteed, Burstable or BestEffort.

    Raises ValueError where an amount is none of Kubernetes.
    """
    whole = read(spec, "resources")
    declared = (
        [whole]
        if read(whole, "requests") or read(whole, "limits")
        else [read(container, "resources") for container in containers_of(spec)]
    )
    limits = [_counting(read(resources, "limits")) for resources in declared]
    requests = [_counting(_requested(resources)) for resources in declared]
    if not any([*limits, *requests]):
        return "BestEffort"
    is_complete = all(found.keys() == DEFAULTS.keys() for found in limits)
    return GUARANTEED if is_complete and _sum(limits) == _sum(requests) else "Burstable"


def _requested(resources: Any) -> Mapping[str, Any]:
    """What is requested; Kubernetes requests what is limited, where nothing is said."""
    return {**(read(resources, "limits") or {}), **(read(resources, "requests") or {})}


def _counting(amounts: Mapping[str, Any] | None) -> _Amounts:
    """Those amounts that decide the class."""
    parsed = {name: _parse((amounts or {}).get(name)) for name in DEFAULTS}
    return {name: amount for name, amount in parsed.items() if amount > 0}


def _sum(amounts: Iterable[_Amounts]) -> _Amounts:
    summed = dict.fromkeys(DEFAULTS, Decimal(0))
    for found in amounts:
        for name, amount in found.items():
            summed[name] += amount
    return summed


def _make_equal(container: Any) -> None:
    name = read(container, "name")
    resources = own_part(container, "resources")
    requests = _as_mapping(name, "requests", read(resources, "requests"))
    limits = _as_mapping(name, "limits", read(resources, "limits"))
    for resource, default in DEFAULTS.items():
        requested = _given(name, resource, requests)
        limited = _given(name, resource, limits)
        requests[resource] = limits[resource] = requested or limited or default
    write(resources, "requests", requests)
    write(resources, "limits", limits)


def _as_mapping(name: Any, key: str, amounts: Any) -> dict[str, Any]:
    if amounts is not None and not isinstance(amounts, Mapping):
        raise ValueError(f"the {key} of container {name!r} are {amounts!r}, not a mapping")
    return dict(amounts or {})


def _given(name: Any, resource: str, amounts: Mapping[str, Any]) -> Any:
    """The amount of `resource` as it is written; None where it is nothing, as for Kubernetes."""
    written = amounts.get(resource)
    try:
        amount = _parse(written)
    except ValueError as error:
        raise ValueError(f"{resource} of container {name!r}: {error}") from None
    if amount < 0:
        raise ValueError(f"{resource} of container {name!r}: {written!r} is below 0")
    return written if amount else None


def _parse(amount: Any) -> Decimal:
    """What `amount`, a text or a number, is in CPUs or bytes; nothing is 0."""
    if isinstance(amount, bool) or not isinstance(amount, str | int | float | Decimal | None):
        raise ValueError(f"{amount!r} is no quantity; expected one such as '500m' or '1Gi'")
    return Decimal(0) if amount is None else parse_quantity(str(amount))
