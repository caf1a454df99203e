"""A hub's keeper on the demo's API server, and on a real one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.lockdown import Lockdown
from e2xhub.domain.network_class import NetworkClass
from e2xhub.domain.offers import Offer, Registry
from e2xhub.kubernetes.surroundings import Surroundings
from tests.kubernetes.conftest import Cluster
from tests.kubernetes.lockdown.hub import CountingClient, Hub
from tests.kubernetes.lockdown.tunnel import Tunnel, make_tunnel_to, through

MakeHub = Callable[..., Awaitable[Hub]]


@pytest.fixture
def exam(exam_hub: Registry, exam_open_at_nine: datetime) -> Offer:
    """Alice's offer of an exam, which reaches nothing but the hub."""
    return exam_hub.authorize("alice", "exams/ml-pz1/student", exam_open_at_nine)


@pytest.fixture
def learning(assignment_hub: Registry, in_winter_term: datetime) -> Offer:
    """Alice's offer of a course without internet."""
    offer = assignment_hub.authorize("alice", "machine-learning/WS26/student", in_winter_term)
    lockdown = Lockdown(destinations={}, name_service=True)
    server = replace(offer.server, network=NetworkClass.NO_INTERNET, lockdown=lockdown)
    return replace(offer, server=server)


@pytest.fixture
async def tunnel(cluster: Cluster) -> AsyncIterator[Tunnel]:
    """The way of `hub` to the cluster."""
    async with make_tunnel_to(cluster.api_client.configuration).listening() as opened:
        yield opened


@pytest.fixture
async def make_hub(
    cluster: Cluster, tunnel: Tunnel, small_catalog: Catalog
) -> AsyncIterator[MakeHub]:
    """Makes hubs of a release in the cluster's namespace; stops them in the end."""
    hubs: list[Hub] = []

    async def make(*, release: str = "autumn", **settings: Any) -> Hub:
        chart_labels = {"app": "jupyterhub", **({"release": release} if release else {})}
        surroundings = Surroundings(
            namespace=settings.pop("namespace", cluster.namespace),
            hub_namespace=settings.pop("hub_namespace", cluster.namespace),
            chart_labels=chart_labels,
        )
        configuration = settings.pop(
            "configuration", through(tunnel, cluster.api_client.configuration)
        )
        client = CountingClient(configuration)
        hubs.append(Hub(client, surroundings, small_catalog, **settings))
        return hubs[-1]

    yield make
    tunnel.release()
    for hub in hubs:
        await hub.stop()
        await hub.client.close()


@pytest.fixture
async def hub(make_hub: MakeHub) -> Hub:
    """A hub of the release `autumn` that watches its servers; there is none yet."""
    made = await make_hub()
    await made.watch()
    return made
