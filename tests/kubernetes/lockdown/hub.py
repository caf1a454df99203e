"""Hubs without JupyterHub: keepers with watches of their own, on the API of a cluster."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from kubernetes_asyncio.client import ApiClient, CoreV1Api, NetworkingV1Api
from kubespawner.clients import _client_cache
from kubespawner.reflector import NamespacedResourceReflector, ResourceReflector

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.offers import Offer
from e2xhub.kubernetes.labels import make_labels
from e2xhub.kubernetes.lockdown.keeper import LockdownKeeper
from e2xhub.kubernetes.lockdown.watch import PolicyReflector
from e2xhub.kubernetes.surroundings import Surroundings
from tests.kubernetes.manifests import make_pod

Manifest = dict[str, Any]
HUB_LOG = logging.getLogger("hub")
LOOK_SECONDS = 0.05
MOST_SECONDS = 20.0


class CountingClient(ApiClient):  # type: ignore[misc]
    """Remembers the requests that it has sent, such as `POST networkpolicies`."""

    def __init__(self, configuration: Any) -> None:
        super().__init__(configuration=configuration)
        self.requests: list[str] = []
        self.listed_versions: list[str | None] = []
        """How old a list of policies might be, of each that was asked for."""

    async def request(self, method: str, url: str, **options: Any) -> Any:
        """Sends it, and notes it; a watch is `WATCH …`, a list `LIST …`."""
        kind, _, name = url.partition("/namespaces/")[2].partition("/")[2].partition("/")
        is_watch = dict(options.get("query_params") or ()).get("watch")
        verb = "WATCH" if is_watch else "LIST" if method == "GET" and not name else method
        self.requests.append(f"{verb} {kind}")
        if (verb, kind) == ("LIST", "networkpolicies"):
            self.listed_versions.append(
                dict(options.get("query_params") or ()).get("resourceVersion")
            )
        return await super().request(method, url, **options)

    @property
    def other_than_watching(self) -> list[str]:
        """The requests that do more than keep a copy of what there is."""
        return [one for one in self.requests if not one.startswith(("WATCH", "LIST"))]


class ServerReflector(NamespacedResourceReflector):  # type: ignore[misc]
    """The servers of a namespace, as KubeSpawner watches them."""

    kind = "pods"
    list_method_name = "list_namespaced_pod"


class Hub:
    """One keeper; its catalog may be changed."""

    def __init__(
        self, client: ApiClient, surroundings: Surroundings, catalog: Catalog, **settings: float
    ) -> None:
        self.client, self.surroundings, self.catalog = client, surroundings, catalog
        self.opened: list[PolicyReflector] = []
        self._servers: ResourceReflector | None = None
        self._opening = asyncio.Lock()
        self.keeper = LockdownKeeper(
            surroundings,
            open_watch=self._open_watch,
            read_pods=self._read_pods,
            read_catalog=lambda: self.catalog,
            log=HUB_LOG,
            **{"look_seconds": LOOK_SECONDS, "keep_seconds": 3600.0, **settings},
        )

    async def ensure(self, offer: Offer, seconds: float = 5.0) -> None:
        await self.keeper.ensure(offer, request_seconds=2.0, seconds=seconds)

    async def watch(self) -> None:
        """Begins to watch servers and policies, as a hub does that finds servers running."""
        self._servers = await self._start(
            ServerReflector, labels={"component": "singleuser-server"}
        )
        await self.keeper.watch()

    async def stop(self) -> None:
        """As the end of a hub."""
        await self.keeper.stop()
        for reflector in (*self.opened, self._servers):
            if reflector is not None:
                await reflector.stop()

    async def _open_watch(self) -> PolicyReflector:
        async with self._opening:
            if not self.opened or self.opened[-1].watch_task.done():
                self.opened.append(await self._start(PolicyReflector))
            return self.opened[-1]

    async def _start(self, kind: type[ResourceReflector], **settings: Any) -> Any:
        reflector = self._make_reflector(kind, settings)
        try:
            await reflector.start()
        except Exception:
            reflector.first_load_future.exception()  # nobody else has seen it
            raise
        return reflector

    def _make_reflector(self, kind: type[ResourceReflector], settings: Mapping[str, Any]) -> Any:
        """One that uses this hub's client: KubeSpawner has one client for all of a process."""
        loop = asyncio.get_running_loop()
        clients = {"CoreV1Api": CoreV1Api, "NetworkingV1Api": NetworkingV1Api}
        keys = {name: (loop, name, (), ()) for name in clients}
        _client_cache.update({keys[name]: make(self.client) for name, make in clients.items()})
        try:
            return kind(namespace=self.surroundings.namespace, log=HUB_LOG, **settings)
        finally:
            for key in keys.values():
                del _client_cache[key]

    def _read_pods(self) -> Iterable[Mapping[str, Any]] | None:
        return None if self._servers is None else list(self._servers.resources.values())


# --- what happens in the cluster


def make_server(offer: Offer, surroundings: Surroundings, name: str = "alice") -> Manifest:
    """The pod of a running server of `offer`, of which a policy sees no more than its labels."""
    pod = make_pod(f"jupyter-{name}")
    pod["metadata"]["labels"] = {
        **make_labels(offer),
        **surroundings.release,
        "component": "singleuser-server",
        "hub.jupyter.org/username": name,
    }
    return pod


async def start_server(hub: Hub, offer: Offer, name: str = "alice") -> None:
    """Ensures its policy, and has its pod in the cluster and in the watch."""
    await hub.ensure(offer)
    await add_server(hub, offer, name)


async def add_server(hub: Hub, offer: Offer, name: str = "alice") -> None:
    """The pod alone, as one of a hub before."""
    pod = make_server(offer, hub.surroundings, name)
    await CoreV1Api(hub.client).create_namespaced_pod(hub.surroundings.namespace, pod)
    if hub._servers is not None:
        await until(lambda: f"jupyter-{name}" in server_names(hub))


async def end_server(hub: Hub, name: str = "alice") -> None:
    namespace = hub.surroundings.namespace
    api = CoreV1Api(hub.client)
    await api.delete_namespaced_pod(f"jupyter-{name}", namespace, grace_period_seconds=0)
    await until(lambda: f"jupyter-{name}" not in server_names(hub))


def server_names(hub: Hub) -> list[str]:
    return [pod["metadata"]["name"] for pod in hub._read_pods() or ()]


async def policies_in(hub: Hub) -> dict[str, Manifest]:
    """The policies of the namespace by name, as the API has them."""
    api = NetworkingV1Api(hub.client)
    listed = await api.list_namespaced_network_policy(hub.surroundings.namespace)
    plain = hub.client.sanitize_for_serialization(listed)["items"]
    return {policy["metadata"]["name"]: policy for policy in plain}


async def until(condition: Callable[[], Any], most_seconds: float = MOST_SECONDS) -> None:
    """Waits for `condition`, which may be a coroutine."""

    async def come_true() -> None:
        while True:
            found = condition()
            if await found if asyncio.iscoroutine(found) else found:
                return
            await asyncio.sleep(0.02)

    await asyncio.wait_for(come_true(), most_seconds)


async def looks(hub: Hub, count: int = 6) -> None:
    """Until its keeper has looked some times more, at all that there is now."""
    enough = hub.keeper.finished_looks + 1 + count
    await until(lambda: hub.keeper.finished_looks >= enough)
