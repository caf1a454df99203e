"""What a probe tries, and what it expects of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from e2xhub.domain.catalog.destinations import Destination
from e2xhub.domain.lockdown import Lockdown
from e2xhub.kubernetes.probe.targets import (
    Endpoint,
    Kind,
    Places,
    Target,
    as_task,
    make_entrances,
    make_targets,
)
from e2xhub.kubernetes.probe.verdicts import Expectation
from e2xhub.kubernetes.reach import Pod, parse_policy

LABELS = {"e2xhub.org/network": "exam"}
HUB = Endpoint("service hub", "10.96.0.20", 8081)
PLACES = Places(
    hubs=[HUB, Endpoint("pod hub-1", "10.1.0.7", 8081)],
    proxies=[Endpoint("service proxy-api", "10.96.0.31", 8001)],
    api_servers=[Endpoint("as pods know it", "10.96.0.1", 443)],
    name_servers=["10.96.0.10"],
    neighbour=[Endpoint("the probe's neighbour", "10.1.0.9", 8888)],
    nodes=["192.168.1.5"],
    public=[Endpoint("exam.example.org", "203.0.113.7", 443)],
    file_servers=[Endpoint("volume homes", "10.50.0.9", 0)],
    web_proxies=[Endpoint("", "10.60.0.1", 3128)],
)
NOTHING = Lockdown(destinations={}, name_service=False)
LICENCES = Destination(addresses=("203.0.113.80", "10.70.0.0/16"), ports=("27000-27009", "123/udp"))


def policy(*egress: dict[str, Any]) -> Any:
    return parse_policy(
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": "exam", "namespace": "jupyter"},
            "spec": {
                "podSelector": {"matchLabels": LABELS},
                "policyTypes": ["Ingress", "Egress"],
                "egress": list(egress),
            },
        }
    )


def targets_of(
    places: Places = PLACES, lockdown: Lockdown = NOTHING, *egress: dict[str, Any]
) -> dict[tuple[str, str, int], Target]:
    made = make_targets(places, lockdown, policy=policy(*egress), pod=Pod("jupyter", LABELS))
    found = {(target.protocol, target.host, target.port): target for target in made}
    assert len(found) == len(made), "nothing is tried twice"
    return found


@pytest.mark.parametrize(
    ("protocol", "host", "port", "kind"),
    [
        ("tcp", "1.1.1.1", 443, Kind.INTERNET),
        ("tcp", "8.8.8.8", 80, Kind.INTERNET),
        ("dns", "9.9.9.9", 53, Kind.INTERNET),
        ("tcp", "2606:4700:4700::1111", 443, Kind.INTERNET),
        ("dns", "10.96.0.10", 53, Kind.NAME_SERVICE),
        ("tcp", "10.96.0.10", 53, Kind.NAME_SERVICE),
        ("name", "kubernetes.default.svc", 0, Kind.NAME_SERVICE),
        ("tcp", "169.254.169.254", 80, Kind.METADATA),
        ("tcp", "fd00:ec2::254", 80, Kind.METADATA),
        ("tcp", "10.96.0.1", 443, Kind.API_SERVER),
        ("tcp", "10.1.0.9", 8888, Kind.POD),
        ("tcp", "10.96.0.31", 8001, Kind.PROXY),
        ("tcp", "192.168.1.5", 22, Kind.NODE),
        ("tcp", "203.0.113.7", 443, Kind.PUBLIC),
        ("tcp", "10.50.0.9", 111, Kind.FILE_SERVER),
        ("tcp", "10.50.0.9", 2049, Kind.FILE_SERVER),
        ("tcp", "10.50.0.9", 20048, Kind.FILE_SERVER),
        ("tcp", "10.60.0.1", 3128, Kind.WEB_PROXY),
    ],
)
def test_target_is_tried_and_has_to_be_closed(
    protocol: str, host: str, port: int, kind: Kind
) -> None:
    found = targets_of()[protocol, host, port]
    assert (found.kind, found.expectation) == (kind, Expectation.CLOSED)


def test_own_node_need_not_be_closed() -> None:
    for port in (22, 10250):
        assert targets_of()["tcp", "@E2XHUB_NODE_ADDRESS", port].expectation is Expectation.OWN_NODE


def test_hub_has_to_be_reached_as_servers_reach_it() -> None:
    found = targets_of()
    assert found["tcp", "10.96.0.20", 8081].expectation is Expectation.HUB
    assert found["tcp", "10.1.0.7", 8081].expectation is Expectation.ALLOWED


def test_name_service_that_the_catalog_allows_is_no_fault() -> None:
    found = targets_of(PLACES, replace(NOTHING, name_service=True))
    assert found["dns", "10.96.0.10", 53].expectation is Expectation.ALLOWED
    assert found["dns", "8.8.8.8", 53].expectation is Expectation.CLOSED


def test_destination_is_tried_at_single_addresses_and_the_first_port() -> None:
    found = targets_of(PLACES, replace(NOTHING, destinations={"licences": LICENCES}))
    mine = [target for target in found.values() if target.kind is Kind.DESTINATION]
    assert [(t.host, t.port, t.expectation) for t in mine] == [
        ("203.0.113.80", 27000, Expectation.ALLOWED)
    ]
    assert mine[0].title == "licences (203.0.113.80 port 27000)"


def test_destination_in_the_cluster_is_tried_at_its_pods() -> None:
    mirror = Destination.model_validate(
        {"pods": {"namespace": "mirror", "labels": {"app": "mirror"}}, "ports": ["443"]}
    )
    places = replace(PLACES, destination_pods={"mirror": ("10.1.0.40",)})
    found = targets_of(places, replace(NOTHING, destinations={"mirror": mirror}))
    assert found["tcp", "10.1.0.40", 443].expectation is Expectation.ALLOWED


def test_address_that_the_exams_policy_allows_may_be_reached() -> None:
    """A destination can be a network with the file server in it."""
    rule = {
        "to": [{"ipBlock": {"cidr": "10.50.0.0/16"}}],
        "ports": [{"port": 2049, "protocol": "TCP"}],
    }
    found = targets_of(PLACES, NOTHING, rule)
    assert found["tcp", "10.50.0.9", 2049].expectation is Expectation.ALLOWED
    assert found["tcp", "10.50.0.9", 111].expectation is Expectation.CLOSED


def test_task_begins_with_the_gate_and_keeps_the_order() -> None:
    entrances = make_entrances(["10.1.0.9", "fd00::9"], 8888)
    wants = dict.fromkeys(Expectation, "open")
    assert as_task(entrances, wants=wants, gate=["tcp", "@X", 1, "first"]) == [
        ["tcp", "@X", 1, "first"],
        ["tcp", "10.1.0.9", 8888, "open"],
        ["tcp", "fd00::9", 8888, "open"],
    ]
