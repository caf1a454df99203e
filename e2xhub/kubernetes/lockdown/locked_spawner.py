"""A KubeSpawner that starts locked servers only where they are locked, and keeps them so."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from traitlets import List, Unicode, default

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.network_class import NetworkClass
from e2xhub.domain.offers import Offer
from e2xhub.kubernetes.labels import NETWORK, locked_labels, make_labels
from e2xhub.kubernetes.lockdown.hub_hosts import find_hub_hosts
from e2xhub.kubernetes.lockdown.keeper import LockdownKeeper
from e2xhub.kubernetes.lockdown.watch import PolicyReflector
from e2xhub.kubernetes.lockdown.writing import PolicyError
from e2xhub.kubernetes.starts.watches import SharedWatches
from e2xhub.kubernetes.surroundings import SERVER_PORT, Surroundings


class LockedSpawner(SharedWatches):
    """Has a keeper of the NetworkPolicies of its namespace, which all spawners of a hub share.

    A subclass says which catalog is in force (`_catalog_in_force`).
    """

    hub_namespace = Unicode(
        config=True,
        help="""
        The namespace of hub and proxy, which locked servers are reached from and may reach.

        Taken from the environment variable POD_NAMESPACE, which zero-to-jupyterhub sets; without it
        the namespace of the servers.
        """,
    )

    hub_addresses = List(
        Unicode(),
        config=True,
        help="""
        The addresses of the hub, such as the ClusterIP of its service, for servers that may not ask
        the name service.

        Left empty, the hub asks its own name service at each start.
        """,
    )

    @default("hub_namespace")
    def _hub_namespace_default(self) -> str:
        return os.environ.get("POD_NAMESPACE") or str(self.namespace)

    def _catalog_in_force(self) -> Catalog:
        """The catalog by which servers are locked."""
        raise NotImplementedError

    _is_refused = False
    """Whether the last start had no lockdown, and ended before there was a pod."""

    @property
    def surroundings(self) -> Surroundings:
        """Where hub, proxy and servers are, as the hub's configuration has it."""
        return Surroundings.of(
            self.common_labels,
            namespace=self.namespace,
            hub_namespace=self.hub_namespace,
            server_port=self.port or SERVER_PORT,
        )

    @property
    def lockdown(self) -> LockdownKeeper:
        """The keeper of the lockdown of this namespace."""
        key = ("lockdown", self.namespace)
        known: LockdownKeeper | None = self.reflectors.get(key)
        if known is None:
            # Where KubeSpawner has what all spawners share, by keys such as these.
            known = self.reflectors[key] = LockdownKeeper(
                self.surroundings,
                open_watch=self._open_policy_watch,
                read_pods=self._read_pods,
                read_catalog=self._catalog_in_force,
                log=self.log,
            )
        return known

    async def ensure_lockdown(self, offer: Offer) -> None:
        """Makes the policies of `offer` exist; raises PolicyError where that is not possible."""
        try:
            await self.lockdown.ensure(
                offer,
                request_seconds=self.k8s_api_request_timeout,
                seconds=self.k8s_api_request_retry_timeout,
            )
        except PolicyError:
            self._is_refused = True
            raise
        self._is_refused = False

    def check_lockdown(self, offer: Offer, labels: Mapping[str, str]) -> None:
        """Raises PolicyError where a pod of `offer` with `labels` reaches more than it may."""
        widening = self.lockdown.judge_start(offer, labels)
        if widening:
            raise PolicyError("; ".join(widening))

    async def find_lockdown_faults(self, offer: Offer) -> list[str]:
        """What is wrong with the lockdown of `offer` now, in sentences; opens the watch if need be.

        That the cluster lets nobody watch is one, too.
        """
        try:
            await self.lockdown.watch_or_explain()
        except PolicyError as error:
            return [str(error)]
        labels = self._build_pod_labels(self._expand_all(self.extra_labels))
        return self.lockdown.find_faults(offer, locked_labels({**labels, **make_labels(offer)}))

    async def find_hub_hosts(self) -> dict[str, list[str]]:
        """The hub's name by its addresses, for servers without a name service; or PolicyError."""
        return await find_hub_hosts(self.hub.api_url, self.hub_addresses)

    async def poll(self) -> Any:
        """As KubeSpawner does; a hub that was restarted begins to watch over the servers again."""
        if self._is_refused:
            return 1  # no pod was made; a cluster that is silent would keep the person waiting
        status = await super().poll()
        if status is None and self._is_locked:
            self.lockdown.start_looking()
        return status

    @property
    def _is_locked(self) -> bool:
        """Whether the running pod is a locked one, by its labels."""
        pods = self.pod_reflector.pods if self.pod_reflector else {}
        pod = pods.get(f"{self.namespace}/{self.pod_name}") or {"metadata": {}}
        network = (pod["metadata"].get("labels") or {}).get(NETWORK)
        return network not in (None, NetworkClass.OPEN.value)

    async def _open_policy_watch(self) -> PolicyReflector:
        # One for each namespace, also where people have namespaces of their own.
        watch = await self._start_reflector(f"networkpolicies of {self.namespace}", PolicyReflector)
        assert isinstance(watch, PolicyReflector)
        return watch

    def _read_pods(self) -> list[dict[str, Any]] | None:
        return list(self.pod_reflector.pods.values()) if self.pod_reflector else None
