"""Which policies the pods of a cluster need, by their labels and the catalog in force.

The hub that looks need not have started them: it may have been restarted since.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.lockdown import Lockdown, plan_lockdown
from e2xhub.domain.network_class import NetworkClass
from e2xhub.domain.settings import Settings, exam_settings, term_settings
from e2xhub.kubernetes.labels import COURSE, EXAM, NETWORK, TERM
from e2xhub.kubernetes.lockdown.writing import name_of
from e2xhub.kubernetes.policies import make_policy_of, selector_in
from e2xhub.kubernetes.surroundings import Surroundings

Selector = tuple[tuple[str, str], ...]
_LOCKED = {network.value for network in NetworkClass if network is not NetworkClass.OPEN}
_HUB_ALONE = Lockdown(destinations={}, name_service=False)


class NeededPolicies:
    """Made anew only where catalog or servers have changed: somebody looks every second."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._asked: tuple[Catalog, frozenset[Selector]] | None = None
        self._made: dict[Selector, dict[str, Any]] = {}

    def find(
        self, catalog: Catalog, pods: Iterable[Mapping[str, str]]
    ) -> dict[str, dict[str, Any]]:
        """The policies, by `namespace/name`, of the locked ones among `pods` (their labels).

        Pods of other releases are theirs. Those of courses and exams that the catalog no longer
        has keep the policy that they had; after a restart of the hub they reach the hub alone.
        """
        selectors = frozenset(self._selectors_in(pods))
        asked, self._asked = self._asked, (catalog, selectors)
        if asked is None or asked[0] is not catalog or asked[1] != selectors:
            made = {selector: self._make(catalog, selector) for selector in sorted(selectors)}
            self._made = {selector: policy for selector, policy in made.items() if policy}
        return {name_of(policy): policy for policy in self._made.values()}

    def _make(self, catalog: Catalog, selector: Selector) -> dict[str, Any] | None:
        labels = dict(selector)
        lockdown = _find_lockdown(catalog, labels)
        if lockdown is None and selector in self._made:
            return self._made[selector]
        if lockdown is None and self._is_certainly_ours(labels):
            lockdown = _HUB_ALONE
        return make_policy_of(labels, lockdown, self._surroundings) if lockdown else None

    def _is_certainly_ours(self, labels: Mapping[str, str]) -> bool:
        """Whether nobody else's hub may have a catalog that knows these locked pods."""
        return bool(self._surroundings.release) and labels[NETWORK] in _LOCKED

    def _selectors_in(self, pods: Iterable[Mapping[str, str]]) -> Iterator[Selector]:
        release = self._surroundings.release.items()
        for labels in pods:
            if NETWORK in labels and release <= labels.items():
                # In the order of the policy's name.
                yield tuple(selector_in(labels, self._surroundings).items())


def _find_lockdown(catalog: Catalog, selector: Mapping[str, str]) -> Lockdown | None:
    try:
        network = NetworkClass(selector[NETWORK])
        return plan_lockdown(catalog, _find_settings(catalog, selector), network)
    except (KeyError, ValueError):  # of another catalog, or no labels of ours
        return None


def _find_settings(catalog: Catalog, selector: Mapping[str, str]) -> Settings:
    if EXAM in selector:
        return exam_settings(catalog, selector[EXAM])  # type: ignore[arg-type]
    return term_settings(catalog, selector[COURSE], selector[TERM])  # type: ignore[arg-type]
