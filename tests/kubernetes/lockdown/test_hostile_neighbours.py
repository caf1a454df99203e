"""What others put beside our policies, on purpose or not, neither blinds nor misleads a hub."""

from __future__ import annotations

import asyncio
import logging
from copy import deepcopy
from time import monotonic
from typing import Any

import pytest
from kubernetes_asyncio.client import NetworkingV1Api

from e2xhub.domain.offers import Offer
from e2xhub.kubernetes.lockdown import PolicyError
from tests.kubernetes.conftest import Cluster
from tests.kubernetes.lockdown.conftest import MakeHub
from tests.kubernetes.lockdown.hub import Hub, looks, policies_in, start_server, until
from tests.kubernetes.lockdown.test_access_policies import HUB_IS_ISOLATED, has_access, isolate_hub
from tests.kubernetes.lockdown.test_keeping import NAME, is_right, policy_of

# A field of a policy that the API takes and e2xhub does not: an IPv4 network spelt as IPv6.
PUZZLING_RULE = {"to": [{"ipBlock": {"cidr": "::ffff:10.0.0.0/104"}}]}


async def add(hub: Hub, name: str, selector: dict[str, str], **metadata: Any) -> None:
    """Somebody else's policy, which e2xhub does not understand."""
    policy = {
        "metadata": {"name": name, **metadata},
        "spec": {"podSelector": {"matchLabels": selector}, "egress": [PUZZLING_RULE]},
    }
    networking = NetworkingV1Api(hub.client)
    await networking.create_namespaced_network_policy(hub.surroundings.namespace, policy)


async def test_policy_that_is_not_understood_stops_only_those_that_it_may_select(
    hub: Hub, exam: Offer
) -> None:
    await hub.ensure(exam)
    labels = policy_of(hub, exam)["spec"]["podSelector"]["matchLabels"]
    await add(hub, "database", {"app": "database"})
    await until(lambda: f"{hub.surroundings.namespace}/database" in hub.keeper._policies())
    assert hub.keeper.find_widening(exam, labels) == []
    await add(hub, "servers", {"e2xhub.org/network": "exam"})
    await until(lambda: hub.keeper.find_widening(exam, labels))


async def test_access_policies_stay_while_a_policy_is_not_understood(hub: Hub, exam: Offer) -> None:
    await isolate_hub(hub)
    await start_server(hub, exam)
    await until(lambda: has_access(hub))
    networking = NetworkingV1Api(hub.client)
    puzzling = deepcopy(HUB_IS_ISOLATED)
    puzzling["spec"]["egress"] = [PUZZLING_RULE]  # type: ignore[index]
    await networking.replace_namespaced_network_policy("hub", hub.surroundings.namespace, puzzling)
    await looks(hub)
    assert await has_access(hub)


async def test_labels_of_ours_alone_do_not_have_a_policy_swept(
    make_hub: MakeHub, exam: Offer
) -> None:
    """Somebody has copied the metadata of one of ours."""
    hub = await make_hub(keep_seconds=0.0, look_seconds=0.05)
    await start_server(hub, exam)
    ours = policy_of(hub, exam)
    for name, labels in (("database", ours["metadata"]["labels"]), ("e2xhub-copy", _marks(ours))):
        copied = {
            "metadata": {"name": name, "labels": labels},
            "spec": {"podSelector": {"matchLabels": {"app": "database"}}},
        }
        networking = NetworkingV1Api(hub.client)
        await networking.create_namespaced_network_policy(hub.surroundings.namespace, copied)
    await looks(hub)
    assert "database" in await policies_in(hub)


def _marks(policy: dict[str, Any]) -> dict[str, str]:
    return {key: text for key, text in policy["metadata"]["labels"].items() if "exam" not in key}


async def test_policy_that_is_being_deleted_does_not_count(
    hub: Hub, exam: Offer, cluster: Cluster
) -> None:
    await hub.ensure(exam)
    networking = cluster.networking
    kept = {"metadata": {"finalizers": ["example.org/kept"]}}
    await networking.patch_namespaced_network_policy(NAME, cluster.namespace, kept)
    await networking.delete_namespaced_network_policy(NAME, cluster.namespace)
    name = f"{cluster.namespace}/{NAME}"
    await until(lambda: "deletionTimestamp" in hub.keeper._policies()[name]["metadata"])
    with pytest.raises(
        PolicyError, match=r"is being deleted, and kept by finalizers: example\.org"
    ):
        await hub.ensure(exam)
    await networking.patch_namespaced_network_policy(
        NAME, cluster.namespace, {"metadata": {"finalizers": None}}
    )
    await until(lambda: name not in hub.keeper._policies())
    await hub.ensure(exam)
    assert await is_right(hub, exam)


async def test_what_the_hub_does_by_itself_is_nobodys_doing(
    hub: Hub, exam: Offer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await start_server(hub, exam)
    await looks(hub)
    await isolate_hub(hub)
    await until(lambda: any("is made: others isolate" in line for line in caplog.messages))
    assert not [line for line in caplog.messages if "is put right" in line]


async def test_policy_that_a_start_is_about_to_make_is_not_missing(
    hub: Hub, exam: Offer, caplog: pytest.LogCaptureFixture
) -> None:
    await hub.watch()
    hub.keeper._asked_for[f"{hub.surroundings.namespace}/{NAME}"] = (
        policy_of(hub, exam),
        monotonic(),
    )
    await looks(hub)
    assert "is missing" not in caplog.text
    await start_server(hub, exam)
    await looks(hub)
    await NetworkingV1Api(hub.client).delete_namespaced_network_policy(
        NAME, hub.surroundings.namespace
    )
    await until(lambda: "is missing; it is put right" in caplog.text)


async def test_end_of_a_hub_does_not_wait_for_a_look_that_has_lost_its_end(
    hub: Hub, exam: Offer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`asyncio.wait_for` drops a cancellation that comes together with its answer."""
    is_looking = asyncio.Event()

    async def look() -> None:
        is_first = not is_looking.is_set()
        is_looking.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            if not is_first:
                raise

    monkeypatch.setattr(hub.keeper, "_look", look)
    hub.keeper.start_looking()
    await is_looking.wait()
    await asyncio.wait_for(hub.keeper.stop(), 30)
    assert not hub.keeper.is_watching
