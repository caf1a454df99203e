"""All NetworkPolicies of a namespace, as the hub sees them without asking."""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic
from typing import Any

from kubespawner.reflector import NamespacedResourceReflector

from e2xhub.kubernetes.lockdown.writing import name_of

# News of what the hub has written may come late, after older news, or after a list from a cache.
_CATCH_UP_SECONDS = 3.0
# Twice as long as the watch takes until it lists anew.
_STALE_SECONDS = 20.0
_OUTAGE_SECONDS = 5.0
# https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
_ANY_VERSION = "0"


class PolicyReflector(NamespacedResourceReflector):  # type: ignore[misc]
    """Keeps a copy of the NetworkPolicies of a namespace up to date, everybody's."""

    kind = "networkpolicies"
    list_method_name = "list_namespaced_network_policy"
    api_group_name = "NetworkingV1Api"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._stale_at = monotonic() + _STALE_SECONDS
        self._written: dict[str, tuple[dict[str, Any], float]] = {}
        self._doomed: dict[str, int] = {}

    async def start(self) -> None:
        """Loads all policies; raises what the Kubernetes client raises.

        Asks first whether it may: KubeSpawner logs each refusal with two tracebacks.
        """
        try:
            await self.api.list_namespaced_network_policy(
                self.namespace, limit=1, _request_timeout=self.request_timeout
            )
        except Exception as error:
            self.first_load_future.set_exception(error)
            raise
        await super().start()

    async def _list_and_update(self, resource_version: str | None = None) -> Any:
        """As KubeSpawner does every ten seconds, whether or not there is news; notes when.

        Never from whatever the server has in its cache, which may be older than what the watch has
        seen: a policy that is there would seem to be missing.
        """
        began_at = monotonic()
        known = None if resource_version == _ANY_VERSION else resource_version
        try:
            version = await super()._list_and_update(known)
        except Exception:
            # KubeSpawner tries again ever more rarely. A short outage keeps nobody from starting.
            self._stale_at = min(self._stale_at, began_at + _OUTAGE_SECONDS)
            raise
        self._stale_at = began_at + _STALE_SECONDS
        return version

    @property
    def is_stale(self) -> bool:
        """Whether the copy may be older than the policies are; a watch can die in silence."""
        return monotonic() > self._stale_at

    async def refresh(self) -> None:
        """Asks the API itself; raises what the Kubernetes client raises."""
        await self._list_and_update()

    @property
    def policies(self) -> dict[str, dict[str, Any]]:
        """The policies by `namespace/name`, as the API gives them."""
        found, now = dict(self.resources), monotonic()
        for name, (policy, written_at) in list(self._written.items()):
            if now - written_at > _CATCH_UP_SECONDS or _is_as_new(found.get(name), policy):
                del self._written[name]
            else:
                found[name] = policy
        return found

    def remember(self, name: str, policy: dict[str, Any]) -> None:
        """Has `policy` here at once, which the hub has just written."""
        self._written[name] = policy, monotonic()
        self._doomed.pop(name, None)

    def expect_deletion(self, policy: Mapping[str, Any]) -> None:
        """Notes that the hub is about to delete `policy`, which counts until it is gone."""
        self._doomed[name_of(policy)] = _version_of(policy)

    def expect_no_deletion(self, name: str) -> None:
        """Takes that back: the cluster has refused."""
        self._doomed.pop(name, None)

    def is_doomed(self, name: str) -> bool:
        """Whether the policy that is seen may be gone any moment, or already."""
        found = self.policies.get(name)
        return found is not None and _version_of(found) <= self._doomed.get(name, -1)

    def forget(self, policy: Mapping[str, Any]) -> None:
        """Has `policy` gone at once, which the hub has deleted; not what has come after it."""
        name = name_of(policy)
        self._written.pop(name, None)
        found = self.resources.get(name)
        if found is not None and _version_of(found) <= _version_of(policy):
            del self.resources[name]


def _is_as_new(seen: Mapping[str, Any] | None, written: Mapping[str, Any]) -> bool:
    """Whether the watch has seen what was written, or what came after it."""
    return seen is not None and _version_of(seen) >= _version_of(written)


def _version_of(policy: Mapping[str, Any]) -> int:
    # https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
    return int(policy["metadata"]["resourceVersion"])
