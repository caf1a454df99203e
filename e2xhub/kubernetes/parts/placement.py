"""A placement in KubeSpawner's words, so that it is demanded besides what the hub demands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from e2xhub.domain.catalog.servers import PodAffinity
from e2xhub.domain.settings import EffectivePlacement
from e2xhub.kubernetes.names import PREFIX, keyed

_KEY = f"{PREFIX}catalog"
_Term = dict[str, Any]


def make_placement(placement: EffectivePlacement) -> dict[str, Any]:
    """The traits that put a pod where `placement` says; what it leaves open is not among them."""
    affinity = placement.affinity
    required = affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution
    traits: dict[str, Any] = {
        "node_selector": dict(placement.node_selector),
        "tolerations": keyed(
            _KEY, [item.model_dump(exclude_none=True) for item in placement.tolerations]
        ),
        "node_affinity_preferred": keyed(
            _KEY,
            map(dict, affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution),
        ),
        **_make_pod_affinity("pod_affinity", affinity.podAffinity),
        **_make_pod_affinity("pod_anti_affinity", affinity.podAntiAffinity),
    }
    if required is not None:
        traits["node_affinity_required"] = _demand_also(
            [dict(term) for term in required.nodeSelectorTerms]
        )
    return {name: value for name, value in traits.items() if value}


def _make_pod_affinity(prefix: str, affinity: PodAffinity) -> dict[str, Any]:
    required = affinity.requiredDuringSchedulingIgnoredDuringExecution
    preferred = affinity.preferredDuringSchedulingIgnoredDuringExecution
    return {
        f"{prefix}_required": keyed(_KEY, map(dict, required)),
        f"{prefix}_preferred": keyed(_KEY, map(dict, preferred)),
    }


def _demand_also(ours: list[_Term]) -> Callable[[Any], list[_Term]]:
    """A trait's value that needs the spawner: both the hub's terms and ours must hold.

    Of a node's terms one must hold; two lists of them joined would let each make up for the other.
    """

    def join(spawner: Any) -> list[_Term]:
        configured = spawner._sorted_dict_values(spawner.node_affinity_required)
        return [_join(theirs, term) for theirs in configured for term in ours] or ours

    return join


def _join(one: _Term, other: _Term) -> _Term:
    joined = {}
    for key in ("matchExpressions", "matchFields"):
        expressions = [*one.get(key, ()), *other.get(key, ())]
        if expressions:
            joined[key] = expressions
    return joined
