"""Locked pods know the names of their lockdown, and ask nobody for others."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from kubernetes_asyncio.client import V1HostAlias, V1PodSpec

from e2xhub.domain.catalog.destinations import Destination
from e2xhub.domain.lockdown import Lockdown
from e2xhub.domain.offers import Offer, Registry
from e2xhub.kubernetes.pods import UnsafePodError
from e2xhub.kubernetes.pods.name_service import set_name_service
from tests.kubernetes.test_manifests import manifests_of

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

LICENCES = Destination(
    addresses=("10.3.4.5", "2001:db8::5"), ports=("443",), hosts=("licences.example.org", "lic")
)
HUB = {"10.96.0.7": ["hub"], "2001:db8:7::1": ["hub"]}
HUB_ALIASES = [
    {"ip": "10.96.0.7", "hostnames": ["hub"]},
    {"ip": "2001:db8:7::1", "hostnames": ["hub"]},
]
LICENCE_ALIASES = [
    {"ip": "10.3.4.5", "hostnames": ["licences.example.org", "lic"]},
    {"ip": "2001:db8::5", "hostnames": ["licences.example.org", "lic"]},
]
OWN = {"ip": "192.0.2.9", "hostnames": ["intern"]}


def lockdown(*destinations: Destination, name_service: bool = False) -> Lockdown:
    named = {f"place-{index}": place for index, place in enumerate(destinations)}
    return Lockdown(destinations=named, name_service=name_service)


def spec_with(plan: Lockdown, hub: Any = HUB, **written: Any) -> dict[str, Any]:
    """The spec of a pod that a hook has written this into."""
    spec: dict[str, Any] = {"containers": [], **written}
    set_name_service(spec, plan, hub)
    return spec


@pytest.fixture
def exam(exam_hub: Registry, exam_open_at_nine: datetime) -> Offer:
    """Alice's offer of an exam."""
    return exam_hub.authorize("alice", "exams/ml-pz1/student", exam_open_at_nine)


def with_lockdown(offer: Offer, plan: Lockdown) -> Offer:
    return replace(offer, server=replace(offer.server, lockdown=plan))


def test_pod_without_name_service_knows_its_hub_and_asks_nobody() -> None:
    assert spec_with(lockdown()) == {
        "containers": [],
        "dnsPolicy": "None",
        "dnsConfig": {"nameservers": ["127.0.0.1"]},
        "hostAliases": HUB_ALIASES,
    }


def test_pod_without_name_service_knows_its_destinations() -> None:
    assert spec_with(lockdown(LICENCES))["hostAliases"] == [*HUB_ALIASES, *LICENCE_ALIASES]


def test_pod_with_name_service_asks_and_knows_its_destinations_all_the_same() -> None:
    assert spec_with(lockdown(LICENCES, name_service=True)) == {
        "containers": [],
        "hostAliases": LICENCE_ALIASES,
    }


def test_pod_with_name_service_and_nothing_to_know_stays_as_it_is() -> None:
    assert spec_with(lockdown(name_service=True)) == {"containers": []}


def test_name_service_of_the_admins_own_is_taken_away() -> None:
    own = {"dnsPolicy": "ClusterFirst", "dnsConfig": {"nameservers": ["8.8.8.8"], "searches": []}}
    spec = spec_with(lockdown(), **own)
    assert (spec["dnsPolicy"], spec["dnsConfig"]) == ("None", {"nameservers": ["127.0.0.1"]})
    assert spec_with(lockdown(name_service=True), **own) == {"containers": [], **own}


def test_names_of_the_hub_come_first_and_own_ones_before_those_of_destinations() -> None:
    spec = spec_with(lockdown(LICENCES), hostAliases=[OWN])
    assert spec["hostAliases"] == [*HUB_ALIASES, OWN, *LICENCE_ALIASES]


def test_address_has_one_alias_however_it_is_written() -> None:
    """Kubernetes merges by address, and may keep the last of two."""
    own = [
        {"ip": "2001:DB8:0::5", "hostnames": ["intern"]},
        {"ip": "10.96.0.7", "hostnames": ["intern"]},
    ]
    assert spec_with(lockdown(LICENCES), hostAliases=own)["hostAliases"] == [
        {"ip": "10.96.0.7", "hostnames": ["hub", "intern"]},
        {"ip": "2001:db8:7::1", "hostnames": ["hub"]},
        {"ip": "2001:db8::5", "hostnames": ["intern", "licences.example.org", "lic"]},
        {"ip": "10.3.4.5", "hostnames": ["licences.example.org", "lic"]},
    ]


def test_hub_at_the_address_of_a_destination_keeps_both_names() -> None:
    spec = spec_with(lockdown(LICENCES), {"10.3.4.5": ["hub", "lic"]})
    assert spec["hostAliases"][0] == {
        "ip": "10.3.4.5",
        "hostnames": ["hub", "lic", "licences.example.org"],
    }


def test_object_of_the_client_is_written_like_a_mapping() -> None:
    own = V1HostAlias(ip="192.0.2.9", hostnames=["intern"])
    spec = V1PodSpec(containers=[], host_aliases=[own])
    set_name_service(spec, lockdown(LICENCES), HUB)
    assert spec.dns_policy == "None"
    assert spec.dns_config == {"nameservers": ["127.0.0.1"]}
    assert spec.host_aliases == [*HUB_ALIASES, OWN, *LICENCE_ALIASES]


def test_pod_that_is_finished_twice_has_each_name_once() -> None:
    spec = spec_with(lockdown(LICENCES))
    before = {key: list(value) for key, value in spec.items() if key == "hostAliases"}
    set_name_service(spec, lockdown(LICENCES), HUB)
    assert {"hostAliases": spec["hostAliases"]} == before


# --- in the pod that is sent


async def test_examinee_has_the_name_of_the_hub_by_its_address(exam: Offer) -> None:
    made = await manifests_of(exam, hub_addresses=["10.96.0.7", "2001:db8:7::1"])
    spec = made["Pod"]["spec"]
    assert spec["hostAliases"] == HUB_ALIASES
    assert (spec["dnsPolicy"], spec["dnsConfig"]) == ("None", {"nameservers": ["127.0.0.1"]})


async def test_aliases_of_a_hook_stay_in_an_exam(exam: Offer) -> None:
    def add(_spawner: Any, pod: Any) -> Any:
        pod.spec.host_aliases = [OWN]
        pod.spec.dns_policy = "Default"
        return pod

    made = await manifests_of(exam, modify_pod_hook=add, hub_addresses=["10.96.0.7"])
    assert made["Pod"]["spec"]["hostAliases"] == [{"ip": "10.96.0.7", "hostnames": ["hub"]}, OWN]
    assert made["Pod"]["spec"]["dnsPolicy"] == "None"


async def test_open_server_keeps_its_name_service(
    assignment_hub: Registry, in_winter_term: datetime
) -> None:
    offer = assignment_hub.authorize("alice", "machine-learning/WS26/student", in_winter_term)
    spec = (await manifests_of(offer))["Pod"]["spec"]
    assert not {"dnsConfig", "hostAliases"} & spec.keys()
    assert spec.get("dnsPolicy") in (None, "ClusterFirst")


async def test_exam_that_may_ask_needs_no_alias_of_the_hub(exam: Offer) -> None:
    offer = with_lockdown(exam, lockdown(name_service=True))
    spec = (await manifests_of(offer, hub_addresses=["10.96.0.7"]))["Pod"]["spec"]
    assert not {"dnsConfig", "hostAliases"} & spec.keys()


# --- names that nobody may take over

BY_ALIAS = "hostAliases (of a kubespawner_override or modify_pod_hook)"
OTHER = "10.6.6.6"


def hook_with(*aliases: Any, **more: Any) -> Any:
    def add(_spawner: Any, pod: Any) -> Any:
        pod.spec.host_aliases = list(aliases)
        for key, value in more.items():
            setattr(pod.spec, key, value)
        return pod

    return add


@pytest.mark.parametrize("name_service", [True, False])
@pytest.mark.parametrize("name", ["hub", "HUB", "hub."])
@pytest.mark.parametrize(
    "as_what",
    [dict, lambda ip, hostnames: V1HostAlias(ip=ip, hostnames=hostnames)],
    ids=["mapping", "object"],
)
async def test_nobody_leads_a_locked_server_to_another_hub(
    exam: Offer, name_service: bool, name: str, as_what: Any
) -> None:
    offer = with_lockdown(exam, lockdown(name_service=name_service))
    hook = hook_with(as_what(ip=OTHER, hostnames=["intern", name]))
    with pytest.raises(UnsafePodError) as refused:
        await manifests_of(offer, modify_pod_hook=hook, hub_addresses=["10.96.0.7"])
    assert str(refused.value) == (
        f"the pod of {exam.slug} has the hub's name 'hub' for {OTHER} by {BY_ALIAS}; the network "
        "class 'exam' cannot hold that"
    )


async def test_no_override_leads_a_locked_server_to_another_hub(exam: Offer) -> None:
    aliases = {"hostAliases": [{"ip": OTHER, "hostnames": ["hub"]}]}
    server = replace(exam.server, kubespawner_override={"extra_pod_config": aliases})
    with pytest.raises(UnsafePodError, match=f"the hub's name 'hub' for {OTHER} by hostAliases"):
        await manifests_of(replace(exam, server=server), hub_addresses=["10.96.0.7"])


@pytest.mark.parametrize("name_service", [True, False])
async def test_no_destination_leads_a_locked_server_to_another_hub(
    exam: Offer, name_service: bool
) -> None:
    place = Destination(addresses=(OTHER,), ports=("443",), hosts=("licences.example.org", "hub"))
    offer = with_lockdown(exam, lockdown(place, name_service=name_service))
    expected = f"has the hub's name 'hub' for {OTHER} by the destination 'place-0'; the network"
    with pytest.raises(UnsafePodError, match=expected):
        await manifests_of(offer, hub_addresses=["10.96.0.7"])


@pytest.mark.parametrize(
    "name", ["localhost", "LocalHost.", "db.localhost", "ip6-localhost", "localhost.localdomain"]
)
async def test_server_keeps_its_own_name(exam: Offer, name: str) -> None:
    hook = hook_with({"ip": OTHER, "hostnames": [name]})
    expected = f"the server's own name '{name.lower().rstrip('.')}' for {OTHER} by hostAliases"
    with pytest.raises(UnsafePodError, match=expected):
        await manifests_of(exam, modify_pod_hook=hook, hub_addresses=["10.96.0.7"])


async def test_pod_keeps_its_own_name(exam: Offer) -> None:
    made = await manifests_of(exam, hub_addresses=["10.96.0.7"])
    for name, more in ((made["Pod"]["metadata"]["name"], {}), ("desk", {"hostname": "desk"})):
        hook = hook_with({"ip": OTHER, "hostnames": [name]}, **more)
        with pytest.raises(UnsafePodError, match=f"the server's own name '{name}' for {OTHER} by"):
            await manifests_of(exam, modify_pod_hook=hook, hub_addresses=["10.96.0.7"])


async def test_alias_that_says_where_the_hub_is_stays(exam: Offer) -> None:
    hook = hook_with({"ip": "10.96.0.7", "hostnames": ["hub"]}, OWN)
    made = await manifests_of(exam, modify_pod_hook=hook, hub_addresses=["10.96.0.7"])
    assert made["Pod"]["spec"]["hostAliases"] == [{"ip": "10.96.0.7", "hostnames": ["hub"]}, OWN]


async def test_open_server_has_the_aliases_of_its_admin(
    assignment_hub: Registry, in_winter_term: datetime
) -> None:
    offer = assignment_hub.authorize("alice", "machine-learning/WS26/student", in_winter_term)
    aliases = [{"ip": OTHER, "hostnames": ["hub", "localhost"]}]
    made = await manifests_of(offer, modify_pod_hook=hook_with(*aliases))
    assert made["Pod"]["spec"]["hostAliases"] == aliases
