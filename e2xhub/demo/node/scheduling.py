"""Decide whether a pod fits the demo's node, and say why not in the scheduler's words.

Taints, preemption and preferences have no meaning where there is one node; the pods' scheduler
names are ignored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from e2xhub.demo.api.quantities import parse_quantity
from e2xhub.demo.api.resources import Manifest


def requests_of(pod: Manifest) -> dict[str, Decimal]:
    """Return what a pod asks for: all containers together, or a larger init container."""
    total = sum_requests(pod["spec"].get("containers", ()))
    for container in pod["spec"].get("initContainers", ()):
        for resource, amount in sum_requests([container]).items():
            total[resource] = max(amount, total.get(resource, Decimal(0)))
    return {**total, "pods": Decimal(1)}


def sum_requests(containers: Iterable[Manifest]) -> dict[str, Decimal]:
    """Return the sum of the containers' requests."""
    total: dict[str, Decimal] = {}
    for container in containers:
        for resource, amount in container.get("resources", {}).get("requests", {}).items():
            total[resource] = total.get(resource, Decimal(0)) + parse_quantity(str(amount))
    return total


def find_short_resources(
    pod: Manifest, allocatable: Mapping[str, str], scheduled: Iterable[Manifest]
) -> list[str]:
    """Return the resources of which the node has less left than the pod asks for."""
    free = {resource: parse_quantity(amount) for resource, amount in allocatable.items()}
    for other in scheduled:
        for resource, amount in requests_of(other).items():
            free[resource] = free.get(resource, Decimal(0)) - amount
    wanted = requests_of(pod).items()
    return sorted(r for r, amount in wanted if amount and amount > free.get(r, Decimal(0)))


def matches_expression(expression: Manifest, labels: Mapping[str, str]) -> bool:
    """Whether a node with these labels meets a NodeSelectorRequirement."""
    key, operator = expression["key"], expression["operator"]
    values: Sequence[str] = expression.get("values") or ()
    value = labels.get(key)
    if operator == "In":
        return value in values
    if operator == "NotIn":
        return value not in values
    if operator == "Exists":
        return value is not None
    if operator == "DoesNotExist":
        return value is None
    if value is None or not value.lstrip("-").isdigit():
        return False
    return int(value) > int(values[0]) if operator == "Gt" else int(value) < int(values[0])


def matches_node(pod: Manifest, name: str, labels: Mapping[str, str]) -> bool:
    """Whether the pod's nodeSelector and required node affinity allow the node."""
    spec = pod["spec"]
    selector = spec.get("nodeSelector") or {}
    if any(labels.get(key) != value for key, value in selector.items()):
        return False
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if not required:
        return True
    return any(matches_term(term, name, labels) for term in required["nodeSelectorTerms"])


def matches_term(term: Manifest, name: str, labels: Mapping[str, str]) -> bool:
    """Whether a node meets a NodeSelectorTerm; an empty term allows no node."""
    expressions = term.get("matchExpressions") or []
    fields = term.get("matchFields") or []
    return bool(expressions or fields) and (
        all(matches_expression(expression, labels) for expression in expressions)
        and all(matches_expression(f, {"metadata.name": name}) for f in fields)
    )


def claims_of(pod: Manifest) -> list[str]:
    """Return the names of the PersistentVolumeClaims that the pod mounts."""
    volumes = pod["spec"].get("volumes", ())
    claims = (volume.get("persistentVolumeClaim") for volume in volumes)
    return [claim["claimName"] for claim in claims if claim]


def explain_unschedulable(
    pod: Manifest,
    *,
    node_name: str,
    labels: Mapping[str, str],
    allocatable: Mapping[str, str],
    scheduled: Iterable[Manifest],
    claims: Iterable[str],
) -> str | None:
    """Return why the pod does not fit the node, or None when it does.

    `scheduled` are the pods that hold resources of the node, `claims` the names of the claims in
    the pod's namespace.
    """
    known = set(claims)
    missing = [name for name in claims_of(pod) if name not in known]
    reasons: list[str] = []
    if missing:
        reasons = [f'persistentvolumeclaim "{missing[0]}" not found']
    elif not matches_node(pod, node_name, labels):
        reasons = ["1 node(s) didn't match Pod's node affinity/selector"]
    else:
        short = find_short_resources(pod, allocatable, scheduled)
        reasons = ["1 Too many pods" if r == "pods" else f"1 Insufficient {r}" for r in short]
    return f"0/1 nodes are available: {', '.join(reasons)}." if reasons else None
