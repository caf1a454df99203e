"""What starting an offer creates in the cluster, without creating it.

Runs the spawner's own methods, so that what is shown is what would be sent.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from jupyterhub.objects import Hub, Server
from kubernetes_asyncio.client import ApiClient
from kubernetes_asyncio.config import ConfigException
from traitlets.config import Config

from e2xhub.domain.identifiers import Username
from e2xhub.domain.offers import Offer
from e2xhub.kubernetes.policies import make_policy
from e2xhub.kubernetes.spawner import E2xSpawner, SpawnRefusedError

_MADE_AT_START = "<made at start>"
_HUB_ADDRESS = "192.0.2.1"  # an address of nobody (RFC 5737); a hub asks its name service


class _Owner:
    """What a spawner asks of its user, for a person who need not exist in a hub's database."""

    def __init__(self, username: Username) -> None:
        self.name = self.escaped_name = str(username)
        self.id = 0
        self.groups = ()
        self.url = f"/user/{username}/"


def _make_spawner(username: Username, config: Config) -> E2xSpawner:
    """A spawner that no hub owns, also where there is no cluster."""
    spawner = E2xSpawner.__new__(E2xSpawner)
    spawner.reflectors = {}  # knows nothing of what a hub in this process watches
    hub = Hub(ip="hub", port=8081, base_url="/hub/")  # as in zero-to-jupyterhub
    # The last thing that KubeSpawner's constructor does is to look for a cluster.
    with suppress(ConfigException):
        spawner.__init__(user=_Owner(username), hub=hub, config=config)  # type: ignore[misc]
    spawner.server = Server(base_url=spawner.user.url)
    spawner.hub_addresses = spawner.hub_addresses or [_HUB_ADDRESS]
    spawner.api_token = _MADE_AT_START
    spawner.oauth_client_id = f"jupyterhub-user-{username}"
    return spawner


async def _make_pod(spawner: E2xSpawner) -> Any:
    """As KubeSpawner makes the one that it sends."""
    return await spawner.modify_pod_hook(spawner, await spawner.get_pod_manifest())


async def make_manifests(
    offer: Offer, username: Username, *, size: str | None, config: Config
) -> list[dict[str, Any]]:
    """The objects of `offer` in the order in which they are created, as plain dictionaries.

    `config` is the hub's configuration. What a hub makes up at start (tokens) is shown as
    `<made at start>`. Raises NotOfferedError where the offer has no size of that name, and
    E2xHubError where the hub would refuse to start the pod.
    """
    chosen = offer.choose_size(size)
    spawner = _make_spawner(username, config)
    spawner.apply_offer(offer, chosen)
    policy = make_policy(offer, spawner.surroundings)
    made = [policy] if policy else []
    if spawner.storage_pvc_ensure:
        made.append(spawner.get_pvc_manifest())
    try:
        made.append(await _make_pod(spawner))
    except SpawnRefusedError as refusal:
        raise (refusal.__cause__ or refusal) from None  # the reason, which a person is not told
    # Needed for its serialisation only; it opens no connection.
    async with ApiClient() as client:
        return [client.sanitize_for_serialization(item) for item in made]
