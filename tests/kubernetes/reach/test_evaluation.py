"""Who reaches whom under all policies together, rule by rule of Kubernetes' documentation."""

from __future__ import annotations

import time
from typing import Any

import pytest

from e2xhub.kubernetes.reach import (
    ALL_PORTS,
    NO_PORTS,
    Address,
    Pod,
    Policy,
    Ports,
    connections,
    find_excess,
    reach_of,
)
from tests.kubernetes.reach.manifests import (
    EXAM_POD,
    HUB,
    allow_egress,
    allow_ingress,
    block,
    make_policy,
    pods,
)

NAMESPACES = {"exam": {}, "hub": {"team": "e-learning"}, "teaching": {"team": "courses"}}
HUB_POD = Pod("hub", HUB, name="hub", ports={"http": ("TCP", 8081), "dns": ("UDP", 5353)})
OTHER_EXAM_POD = Pod("exam", {"app": "exam"}, name="bob")
SOMEWHERE = Address("203.0.113.7")
TCP_8081 = Ports.of("TCP", 8081)


def from_exam(destination: Pod | Address, *policies: Policy) -> Ports:
    return connections(EXAM_POD, destination, policies, NAMESPACES)


def test_without_policies_everybody_reaches_everybody() -> None:
    assert from_exam(HUB_POD) == ALL_PORTS
    assert from_exam(SOMEWHERE) == ALL_PORTS
    assert connections(SOMEWHERE, EXAM_POD, [], NAMESPACES) == ALL_PORTS


def test_a_policy_isolates_only_the_directions_that_it_is_about() -> None:
    no_ingress = make_policy(policyTypes=["Ingress"])
    assert from_exam(SOMEWHERE, no_ingress) == ALL_PORTS
    assert connections(SOMEWHERE, EXAM_POD, [no_ingress], NAMESPACES) == NO_PORTS


def test_a_policy_isolates_only_the_pods_that_it_selects() -> None:
    other = make_policy(podSelector={"matchLabels": {"app": "other"}}, policyTypes=["Egress"])
    assert from_exam(SOMEWHERE, other) == ALL_PORTS


def test_a_policy_of_another_namespace_is_without_effect() -> None:
    elsewhere = make_policy(namespace="hub", policyTypes=["Egress"])
    assert from_exam(SOMEWHERE, elsewhere) == ALL_PORTS


def test_policies_add_and_none_takes_away() -> None:
    deny = make_policy("deny", policyTypes=["Egress"])
    web = allow_egress({"ports": [{"port": 443}]}, name="web")
    dns = allow_egress({"ports": [{"port": 53, "protocol": "UDP"}]}, name="dns")
    assert str(from_exam(SOMEWHERE, deny, web, dns)) == "443/TCP, 53/UDP"


def test_a_connection_needs_egress_and_ingress() -> None:
    out = allow_egress({"ports": [{"port": 8000, "endPort": 8100}]})
    into = make_policy("in", "hub", ingress=[{"ports": [{"port": 8081}, {"port": 9000}]}])
    assert from_exam(HUB_POD, out, into) == TCP_8081
    assert from_exam(HUB_POD, allow_egress(), into) == NO_PORTS


def test_a_pod_always_reaches_itself_and_not_its_twin() -> None:
    deny = make_policy(policyTypes=["Ingress", "Egress"])
    assert from_exam(EXAM_POD, deny) == ALL_PORTS
    assert from_exam(OTHER_EXAM_POD, deny) == NO_PORTS
    nameless, twin = Pod("exam", {}), Pod("exam", {})
    assert connections(nameless, twin, [deny], NAMESPACES) == NO_PORTS


def test_a_pod_selector_alone_selects_in_the_policys_own_namespace() -> None:
    policy = allow_egress({"to": [pods(**HUB)]})
    assert from_exam(Pod("exam", HUB), policy) == ALL_PORTS
    assert from_exam(HUB_POD, policy) == NO_PORTS


def test_a_namespace_selector_alone_selects_all_pods_there() -> None:
    policy = allow_egress({"to": [{"namespaceSelector": {"matchLabels": {"team": "e-learning"}}}]})
    assert from_exam(HUB_POD, policy) == ALL_PORTS
    assert from_exam(Pod("hub", {}), policy) == ALL_PORTS
    assert from_exam(Pod("teaching", HUB), policy) == NO_PORTS


def test_both_selectors_in_one_entry_must_match() -> None:
    policy = allow_egress({"to": [pods({"matchLabels": {"team": "e-learning"}}, **HUB)]})
    assert from_exam(HUB_POD, policy) == ALL_PORTS
    assert from_exam(Pod("hub", {}), policy) == NO_PORTS
    assert from_exam(Pod("teaching", HUB), policy) == NO_PORTS


def test_of_two_entries_one_is_enough() -> None:
    entries = [{"namespaceSelector": {"matchLabels": {"team": "e-learning"}}}, pods(**HUB)]
    policy = allow_egress({"to": entries})
    assert from_exam(Pod("hub", {}), policy) == ALL_PORTS
    assert from_exam(Pod("exam", HUB), policy) == ALL_PORTS
    assert from_exam(Pod("teaching", HUB), policy) == NO_PORTS


def test_a_namespace_has_its_name_as_a_label_also_where_nobody_says_so() -> None:
    by_name = {"matchLabels": {"kubernetes.io/metadata.name": "hub"}}
    assert from_exam(HUB_POD, allow_egress({"to": [{"namespaceSelector": by_name}]})) == ALL_PORTS
    not_hub = {
        "matchExpressions": [
            {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["hub"]}
        ]
    }
    assert from_exam(HUB_POD, allow_egress({"to": [{"namespaceSelector": not_hub}]})) == NO_PORTS


def test_a_namespace_that_is_not_listed_has_no_other_label() -> None:
    selects_unlabelled = {"matchExpressions": [{"key": "team", "operator": "DoesNotExist"}]}
    policy = allow_egress({"to": [{"namespaceSelector": selects_unlabelled}]})
    assert from_exam(Pod("new", {}), policy) == ALL_PORTS


@pytest.mark.parametrize(
    ("address", "is_reached"),
    [("10.0.0.1", True), ("10.1.2.3", False), ("11.0.0.1", False), ("2001:db8::1", False)],
)
def test_a_block_holds_its_addresses_but_the_excepted(address: str, is_reached: bool) -> None:
    policy = allow_egress({"to": [block("10.0.0.0/8", "10.1.0.0/16")]})
    assert bool(from_exam(Address(address), policy)) == is_reached


@pytest.mark.parametrize(
    ("address", "is_reached"),
    [("2001:db8::1", True), ("2001:db8:1::1", False), ("2001:db9::1", False), ("10.0.0.1", False)],
)
def test_a_block_of_ipv6_does_so_as_well(address: str, is_reached: bool) -> None:
    policy = allow_egress({"to": [block("2001:db8::/32", "2001:db8:1::/48")]})
    assert bool(from_exam(Address(address), policy)) == is_reached


def test_what_one_block_excepts_another_may_hold() -> None:
    around, inside = block("10.0.0.0/8", "10.1.0.0/16"), block("10.1.2.0/24")
    assert from_exam(Address("10.1.2.3"), allow_egress({"to": [around, inside]})) == ALL_PORTS


def test_an_ipv4_address_in_ipv6_form_is_that_ipv4_address() -> None:
    policy = allow_egress({"to": [block("10.0.0.0/8")]})
    assert from_exam(Address("::ffff:10.1.2.3"), policy) == ALL_PORTS


def test_a_block_holds_a_pod_whose_known_address_is_in_it() -> None:
    policy = allow_egress({"to": [block("10.0.0.0/8")]})
    two_addresses = ("2001:db8::9", "10.4.5.6")
    assert from_exam(Pod("hub", HUB, addresses=two_addresses), policy) == ALL_PORTS
    assert from_exam(Pod("hub", HUB, addresses=("192.0.2.1",)), policy) == NO_PORTS
    assert from_exam(HUB_POD, policy) == NO_PORTS


def test_anything_may_come_in_from_a_block() -> None:
    policy = allow_ingress({"from": [block("203.0.113.0/24")]})
    assert connections(SOMEWHERE, EXAM_POD, [policy], NAMESPACES) == ALL_PORTS
    assert connections(Address("8.8.8.8"), EXAM_POD, [policy], NAMESPACES) == NO_PORTS


@pytest.mark.parametrize(
    ("port", "numbers"),
    [
        ({"port": "http"}, "8081/TCP"),
        ({"port": "http", "protocol": "UDP"}, "none"),
        ({"port": "dns", "protocol": "UDP"}, "5353/UDP"),
        ({"port": "dns"}, "none"),
        ({"port": "unknown"}, "none"),
    ],
)
def test_a_ports_name_means_what_the_destinations_pod_calls_so(
    port: dict[str, Any], numbers: str
) -> None:
    policy = allow_egress({"ports": [port]})
    assert str(from_exam(HUB_POD, policy)) == numbers
    assert from_exam(SOMEWHERE, policy) == NO_PORTS


def test_a_ports_name_of_ingress_is_one_of_the_selected_pod() -> None:
    policy = allow_ingress({"ports": [{"port": "notebook-port"}]})
    assert str(connections(HUB_POD, EXAM_POD, [policy], NAMESPACES)) == "8888/TCP"
    assert connections(HUB_POD, OTHER_EXAM_POD, [policy], NAMESPACES) == NO_PORTS


def test_an_open_direction_grants_everything_by_no_policy() -> None:
    (grant,) = reach_of(EXAM_POD, []).egress.grants
    assert (grant.policy, str(grant)) == (None, "anyone: all")
    assert not reach_of(EXAM_POD, []).egress.is_isolated


def test_a_reach_says_which_policies_make_it() -> None:
    closed = make_policy("closed", policyTypes=["Ingress", "Egress"])
    web = allow_egress({"to": [block("10.0.0.0/8")], "ports": [{"port": 443}]}, name="web")
    notebook = {"from": [pods(**HUB)], "ports": [{"port": "notebook-port"}, {"port": "unknown"}]}
    other = make_policy("other", podSelector={"matchLabels": {"app": "other"}})
    reach = reach_of(EXAM_POD, [web, other, closed, allow_ingress(notebook, name="in")])
    assert list(map(str, reach.egress.policies)) == ["exam/web", "exam/closed"]
    assert list(map(str, reach.ingress.policies)) == ["exam/closed", "exam/in"]
    assert list(map(str, reach.egress.grants)) == ["10.0.0.0/8: 443/TCP"]
    assert list(map(str, reach.ingress.grants)) == [
        "pods with app=jupyterhub,component=hub in namespace exam: 8888/TCP, unknown/TCP"
    ]


def test_five_hundred_policies_of_others_cost_milliseconds() -> None:
    rule = {"to": [pods(**HUB), block("10.0.0.0/8")], "ports": [{"port": "http"}, {"port": 443}]}
    others = [
        make_policy(
            f"other-{index}",
            podSelector={"matchLabels": {"app": f"other-{index}"}},
            egress=[rule] * 20,
        )
        for index in range(500)
    ]
    ours = allow_egress({"to": [pods(**HUB)]})
    reach_of(EXAM_POD, others)
    begin = time.process_time()
    reach, allowed = reach_of(EXAM_POD, [*others, ours]), reach_of(EXAM_POD, [ours])
    excess = find_excess(reach, allowed)
    assert excess == []
    assert time.process_time() - begin < 0.1  # half a millisecond on a quiet machine
