"""ResourceQuotas: what the pods of a namespace may ask for together.

Counts pods and their requests and limits of CPU, memory and extended resources; other resources of
a quota are stored and not enforced. https://kubernetes.io/docs/concepts/policy/resource-quotas/
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from e2xhub.demo.api.errors import FieldFault, forbidden, not_supported
from e2xhub.demo.api.object_store import Change, ObjectKey, ObjectStore
from e2xhub.demo.api.quantities import canonical_quantity, parse_quantity
from e2xhub.demo.api.resources import PODS, RESOURCE_QUOTAS, Manifest

_ENDED_PHASES = ("Succeeded", "Failed")
_COUNTS = ("pods", "count/pods")
# What has to be said in every container where a quota limits it.
_DEMANDED = ("cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory")

Amounts = dict[str, Decimal]


class QuotaKeeper:
    """Refuses pods that a quota has no room for, and keeps the status of the quotas."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        store.add_listener(self._follow)

    def check(self, pod: Manifest) -> None:
        """Raises ApiStatusError, 403, where a quota of the pod's namespace refuses it."""
        namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
        for quota in self._store.select(RESOURCE_QUOTAS, namespace):
            hard = _hard_amounts(quota)
            if missing := _find_missing(pod, hard):
                detail = f"failed quota: {quota['metadata']['name']}: {missing}"
                raise forbidden(PODS, name, detail)
            if excess := self._find_excess(pod, quota, hard):
                raise forbidden(PODS, name, excess)

    def _find_excess(self, pod: Manifest, quota: Manifest, hard: Amounts) -> str:
        wanted = usage_of(pod)
        used = self._usage_in(quota["metadata"]["namespace"])
        over = sorted(
            key
            for key, most in hard.items()
            if wanted.get(key) and used.get(key, Decimal(0)) + wanted[key] > most
        )
        if not over:
            return ""
        columns = {"requested": wanted, "used": used, "limited": hard}
        told = ", ".join(
            f"{word}: {','.join(f'{key}={_format(values.get(key, Decimal(0)))}' for key in over)}"
            for word, values in columns.items()
        )
        return f"exceeded quota: {quota['metadata']['name']}, {told}"

    def _usage_in(self, namespace: str) -> Amounts:
        total: Amounts = {}
        for pod in self._store.select(PODS, namespace):
            if (pod.get("status") or {}).get("phase") not in _ENDED_PHASES:
                _add(total, usage_of(pod))
        return total

    def _follow(self, change: Change) -> None:
        if change.key.resource not in (PODS, RESOURCE_QUOTAS):
            return
        for quota in self._store.select(RESOURCE_QUOTAS, change.key.namespace):
            self._refresh(quota)

    def _refresh(self, quota: Manifest) -> None:
        namespace, name = quota["metadata"]["namespace"], quota["metadata"]["name"]
        used = self._usage_in(namespace)
        hard = quota["spec"].get("hard") or {}
        counted = {key: _format(used.get(key, Decimal(0))) for key in hard}
        status = {"hard": hard, "used": counted}
        if quota.get("status") != status:
            key = ObjectKey(RESOURCE_QUOTAS, namespace, name)
            self._store.put(key, {**quota, "status": status})


def usage_of(pod: Manifest) -> Amounts:
    """What a pod uses of a quota: all containers together, or a larger init container."""
    total: Amounts = {}
    for container in pod["spec"].get("containers", ()):
        _add(total, _asked_by(container))
    for container in pod["spec"].get("initContainers", ()):
        for key, amount in _asked_by(container).items():
            total[key] = max(amount, total.get(key, Decimal(0)))
    return {**total, **dict.fromkeys(_COUNTS, Decimal(1))}


def check_quota(quota: Manifest) -> Iterator[FieldFault]:
    """Yields the faults of a quota; the demo has none that is for some of the pods only."""
    for key in ("scopes", "scopeSelector"):
        if (quota.get("spec") or {}).get(key):
            yield not_supported(f"spec.{key}", quota["spec"][key], [])


def _asked_by(container: Manifest) -> Amounts:
    """A container's requests and limits under every name that a quota may have for them."""
    resources, asked = container.get("resources") or {}, {}
    for kind in ("requests", "limits"):
        for name, text in (resources.get(kind) or {}).items():
            amount = parse_quantity(str(text))
            asked[f"{kind}.{name}"] = amount
            if kind == "requests" and name in ("cpu", "memory"):
                asked[name] = amount
    return asked


def _find_missing(pod: Manifest, hard: Amounts) -> str:
    """Names the containers that do not say what a quota limits."""
    missing: dict[str, set[str]] = {}
    spec = pod["spec"]
    for container in [*spec.get("initContainers", ()), *spec.get("containers", ())]:
        said = _asked_by(container)
        for key in hard:
            if key in _DEMANDED and key not in said:
                missing.setdefault(key, set()).add(container["name"])
    told = [f"{key} for: {','.join(sorted(names))}" for key, names in sorted(missing.items())]
    return f"must specify {'; '.join(told)}" if told else ""


def _hard_amounts(quota: Manifest) -> Amounts:
    hard = quota["spec"].get("hard") or {}
    return {key: parse_quantity(str(text)) for key, text in hard.items()}


def _add(total: Amounts, more: Amounts) -> None:
    for key, amount in more.items():
        total[key] = total.get(key, Decimal(0)) + amount


def _format(amount: Decimal) -> str:
    """As Kubernetes writes it: binary where that is even, as for memory."""
    if amount >= 1024 and amount % 1024 == 0:
        return canonical_quantity(f"{int(amount) // 1024}Ki")
    return canonical_quantity(f"{amount:f}")
