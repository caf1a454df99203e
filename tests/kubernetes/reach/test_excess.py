"""What is granted and not allowed is always found, and nothing is called so that is allowed."""

from __future__ import annotations

from ipaddress import ip_network
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2xhub.kubernetes.reach import (
    NO_PORTS,
    Address,
    Anyone,
    Pod,
    Policy,
    connections,
    find_excess,
    reach_of,
)
from e2xhub.kubernetes.reach.peers import NAMESPACE_NAME
from tests.kubernetes.reach.clusters import (
    NAMESPACES,
    NETWORKS,
    OUTSIDE,
    SEEDS,
    VALUES,
    Maker,
)
from tests.kubernetes.reach.manifests import (
    EXAM_POD,
    HUB,
    allow_egress,
    allow_ingress,
    block,
    make_policy,
    pods,
    reach,
)

TO_HUB = {"to": [pods(**HUB)], "ports": [{"port": 8081}]}
EVERYWHERE: dict[str, Any] = {}


def excess(granted: list[dict[str, Any]], allowed: list[dict[str, Any]]) -> list[str]:
    """What egress rules of a policy `other` grant beyond those of the policy `ours`."""
    ours = allow_egress(*allowed, name="ours")
    found = find_excess(reach(ours, allow_egress(*granted, name="other")), reach(ours))
    return [str(one) for one in found]


def test_a_reach_does_not_exceed_itself() -> None:
    ours = make_policy(ingress=[{"from": [pods(**HUB)]}], egress=[TO_HUB, EVERYWHERE])
    assert find_excess(reach(ours), reach(ours)) == []
    assert find_excess(reach(), reach()) == []


def test_an_excess_names_the_direction_the_policy_and_the_part() -> None:
    ours = make_policy("ours", policyTypes=["Ingress", "Egress"])
    wide = make_policy("allow-all", egress=[EVERYWHERE], ingress=[{"from": [pods(app="other")]}])
    egress, ingress = find_excess(reach(ours, wide), reach(ours))
    assert (egress.direction, egress.policy) == ("egress", "exam/allow-all")
    assert (egress.grant.peer, egress.grant.ports.is_everything) == (Anyone(), True)
    assert str(egress) == "exam/allow-all: egress to anyone on all ports"
    assert str(ingress) == (
        "exam/allow-all: ingress from pods with app=other in namespace exam on all ports"
    )


def test_a_direction_that_no_policy_isolates_exceeds_one_that_is() -> None:
    allowed = reach(make_policy(policyTypes=["Ingress", "Egress"]))
    found = find_excess(reach(), allowed)
    assert [one.policy for one in found] == ["", ""]
    assert list(map(str, found)) == [
        "no policy restricts it: egress to anyone on all ports",
        "no policy restricts it: ingress from anyone on all ports",
    ]


@pytest.mark.parametrize(
    "narrower",
    [
        TO_HUB,
        {**TO_HUB, "to": [pods(**HUB, release="exam")]},
        {**TO_HUB, "to": [pods({"matchLabels": {NAMESPACE_NAME: "exam"}}, **HUB)]},
        {"to": [block("10.0.0.0/24")], "ports": [{"port": 443}]},
        {"to": [block("10.0.0.0/8", "10.1.0.0/16")], "ports": [{"port": 443}]},
        {"to": [block("10.0.0.0/9"), block("10.128.0.0/9")], "ports": [{"port": 443}]},
        {"to": [block("2001:db8:1::/48")], "ports": [{"port": 27003, "endPort": 27005}]},
        {"to": [pods({}, app="x")], "ports": [{"port": 53, "protocol": "UDP"}]},
        {"to": [block("0.0.0.0/0"), pods({})], "ports": [{"port": 53, "protocol": "UDP"}]},
        {"ports": [{"port": 53, "protocol": "UDP"}]},
    ],
)
def test_the_same_or_less_is_no_excess(narrower: dict[str, Any]) -> None:
    allowed = [
        TO_HUB,
        {"to": [block("10.0.0.0/8")], "ports": [{"port": 443}, {"port": 80}]},
        {"to": [block("2001:db8::/32")], "ports": [{"port": 27000, "endPort": 27009}]},
        {"ports": [{"port": 53, "protocol": "UDP"}]},
    ]
    assert excess([narrower], allowed) == []


@pytest.mark.parametrize(
    ("granted", "allowed"),
    [
        (
            [{"to": [block("10.0.0.0/8")]}],
            [{"to": [block("10.0.0.0/9")]}, {"to": [block("10.128.0.0/9")]}],
        ),
        (
            [{"to": [block("10.0.0.0/8")]}],
            [{"to": [block("10.0.0.0/8", "10.1.0.0/16")]}, {"to": [block("10.1.0.0/16")]}],
        ),
        (
            [{"to": [pods(**HUB)], "ports": [{"port": 80}, {"port": 443}]}],
            [{"to": [pods(**HUB)], "ports": [{"port": port}]} for port in (80, 443)],
        ),
        (
            [{"to": [block("10.0.0.0/8")], "ports": [{"port": 80, "endPort": 82}]}],
            [{"to": [block("10.0.0.0/8")], "ports": [{"port": port}]} for port in (80, 81, 82)],
        ),
        (
            [{"to": [pods({})]}],
            [
                {"to": [{"namespaceSelector": {"matchExpressions": [expression]}}]}
                for expression in (
                    {"key": "team", "operator": "In", "values": ["a"]},
                    {"key": "team", "operator": "NotIn", "values": ["a"]},
                )
            ],
        ),
    ],
)
def test_what_several_rules_allow_together_is_no_excess(
    granted: list[dict[str, Any]], allowed: list[dict[str, Any]]
) -> None:
    assert excess(granted, allowed) == []


@pytest.mark.parametrize(
    ("granted", "allowed", "found"),
    [
        (
            {"to": [pods(**HUB)], "ports": [{"port": 8081}, {"port": 22}]},
            TO_HUB,
            "egress to pods with app=jupyterhub,component=hub in namespace exam on 22/TCP",
        ),
        (
            {"to": [pods(app="jupyterhub")], "ports": [{"port": 8081}]},
            TO_HUB,
            "egress to pods with app=jupyterhub in namespace exam on 8081/TCP",
        ),
        (
            {"to": [pods({}, **HUB)], "ports": [{"port": 8081}]},
            TO_HUB,
            "egress to pods with app=jupyterhub,component=hub in all namespaces on 8081/TCP",
        ),
        (
            {"to": [pods(**HUB)], "ports": [{"port": 8081, "protocol": "UDP"}]},
            TO_HUB,
            "egress to pods with app=jupyterhub,component=hub in namespace exam on 8081/UDP",
        ),
        (
            {"to": [block("10.0.0.0/8")], "ports": [{"port": 8081}]},
            TO_HUB,
            "egress to 10.0.0.0/8 on 8081/TCP",
        ),
        (
            {"to": [pods({})]},
            {"to": [block("0.0.0.0/0"), block("::/0")]},
            "egress to all pods in all namespaces on all ports",
        ),
        (
            {"to": [block("10.0.0.0/8")]},
            {"to": [block("10.1.0.0/16", "10.1.2.0/24")]},
            "egress to 10.0.0.0/8 except 10.1.0.0/23, 10.1.3.0/24, 10.1.4.0/22, 10.1.8.0/21, "
            "10.1.16.0/20, 10.1.32.0/19, 10.1.64.0/18, 10.1.128.0/17 on all ports",
        ),
        (
            {"to": [block("2001:db8::/32")]},
            {"to": [block("2001:db8::/33")]},
            "egress to 2001:db8:8000::/33 on all ports",
        ),
        (
            {"ports": [{"port": 53}]},
            {"to": [block("0.0.0.0/0"), block("::/0"), pods({})]},
            "egress to anyone on 53/TCP",
        ),
        (
            {"to": [pods(**HUB)], "ports": [{"port": "http"}]},
            TO_HUB,
            "egress to pods with app=jupyterhub,component=hub in namespace exam on http/TCP",
        ),
        (
            {"to": [pods(**HUB)]},
            {"to": [pods(**HUB)], "ports": [{"protocol": p} for p in ("TCP", "UDP", "SCTP")]},
            "egress to pods with app=jupyterhub,component=hub in namespace exam on other protocols",
        ),
    ],
)
def test_what_goes_beyond_is_an_excess(
    granted: dict[str, Any], allowed: dict[str, Any], found: str
) -> None:
    assert excess([granted], [allowed]) == [f"exam/other: {found}"]


def test_a_block_is_split_into_what_is_allowed_on_no_port_and_on_some() -> None:
    web = {"to": [block("10.0.0.7/32")], "ports": [{"port": 443}]}
    granted = {"to": [block("10.0.0.0/8")], "ports": [{"port": 443}, {"port": 22}]}
    assert excess([granted], [web]) == [
        "exam/other: egress to 10.0.0.0/8 except 10.0.0.7/32 on 22/TCP, 443/TCP",
        "exam/other: egress to 10.0.0.7/32 on 22/TCP",
    ]


def test_a_selector_or_a_block_that_holds_nobody_is_no_excess() -> None:
    nobody = {"key": "app", "operator": "DoesNotExist"}
    selector = {"matchLabels": {"app": "x"}, "matchExpressions": [nobody]}
    halves = block("10.0.0.0/8", "10.0.0.0/9", "10.128.0.0/9")
    assert excess([{"to": [{"podSelector": selector}, halves]}], []) == []


def test_a_port_that_the_pod_names_is_the_same_as_its_number() -> None:
    by_name = allow_ingress({"ports": [{"port": "notebook-port"}]}, name="by-name")
    by_number = allow_ingress({"ports": [{"port": 8888}]}, name="by-number")
    assert find_excess(reach(by_name), reach(by_number)) == []
    assert find_excess(reach(by_number), reach(by_name)) == []
    other = allow_ingress({"ports": [{"port": "ssh"}]}, name="other")
    (found,) = find_excess(reach(by_number, other), reach(by_number))
    assert str(found) == "exam/other: ingress from anyone on ssh/TCP"


def test_with_too_many_pieces_what_is_left_is_reported_rather_than_lost() -> None:
    def select(number: int) -> dict[str, Any]:
        return {"to": [pods({}, **{f"a{number}": "1", f"b{number}": "1"})]}

    assert excess([{"to": [pods({})]}], [select(number) for number in range(60)]) == [
        "exam/other: egress to all pods in all namespaces on all ports"
    ]
    assert excess([select(59)], [select(number) for number in range(60)]) == []


def one_direction(seed: int, direction: str, most: int) -> list[Policy]:
    """Some policies of namespace `exams` that isolate all of its pods in one direction."""
    maker = Maker(seed)
    peers = {"Egress": "to", "Ingress": "from"}[direction]
    return [
        make_policy(
            f"policy-{index}",
            "exams",
            policyTypes=[direction],
            **{direction.lower(): maker.some(lambda: maker.rule(peers), 0, 2)},
        )
        for index in range(maker.pick(range(1, most + 1)))
    ]


def examinee(seed: int) -> Pod:
    return Maker(seed).pod("examinee", "exams")


def some_others(seed: int) -> tuple[list[Pod | Address], dict[str, dict[str, str]]]:
    """Pods of all namespaces, half of them with known addresses, and addresses outside."""
    maker = Maker(seed)
    namespaces = {name: maker.labels() for name in NAMESPACES}
    made = [maker.pod(f"other-{index}", maker.pick(NAMESPACES)) for index in range(12)]
    known = [
        Pod(pod.namespace, pod.labels, pod.name, (outside.ip,), pod.ports)
        for pod, outside in zip(made, OUTSIDE, strict=False)
    ]
    return [*made[len(known) :], *known, *OUTSIDE], namespaces


@given(SEEDS, SEEDS, SEEDS)
@settings(max_examples=400)
def test_whoever_reaches_more_than_allowed_is_an_excess(seed: int, other: int, third: int) -> None:
    pod, (others, namespaces) = examinee(third), some_others(third)
    for direction in ("Egress", "Ingress"):
        granted, allowed = (one_direction(one, direction, 4) for one in (seed, other))
        found = find_excess(reach_of(pod, granted), reach_of(pod, allowed))
        for peer in others:
            ends = (pod, peer) if direction == "Egress" else (peer, pod)
            more = connections(*ends, granted, namespaces)
            if not connections(*ends, allowed, namespaces).covers(more):
                assert direction.lower() in {one.direction for one in found}


@given(SEEDS, SEEDS, SEEDS)
@settings(max_examples=300)
def test_everything_that_is_allowed_and_nothing_else_is_no_excess(
    seed: int, other: int, third: int
) -> None:
    pod = examinee(third)
    ours, more = (one_direction(one, "Egress", 3) for one in (seed, other))
    both = reach_of(pod, [*ours, *more])
    for part in (ours, more, [*ours, *more]):
        assert find_excess(reach_of(pod, part), both) == []


def to_pods_only(seed: int) -> list[Policy]:
    """Egress to pods by the label `app` and without names of ports: excess is decidable there."""
    maker = Maker(seed, keys=("app",), with_names=False)

    def make_rule() -> dict[str, Any]:
        peers = [peer for peer in maker.some(maker.peer, 1, 3) if "ipBlock" not in peer]
        rule = {"to": peers or [pods()]}
        return rule if maker.happens(0.3) else {**rule, "ports": maker.some(maker.port, 1, 2)}

    rules = maker.some(make_rule, 1, 3)
    return [make_policy(namespace="exams", policyTypes=["Egress"], egress=rules)]


def every_kind_of_pod() -> list[tuple[Pod, dict[str, dict[str, str]]]]:
    """One of each that such selectors can tell apart, with the labels of its namespace."""
    values = (*VALUES, "something else", None)
    labels = [{"app": value} if value else {} for value in values]
    return [
        (Pod(name, of_pod), {name: of_namespace})
        for name, of_pod, of_namespace in product((*NAMESPACES, "new"), labels, labels)
    ]


@given(SEEDS, SEEDS)
@settings(max_examples=150)
def test_pods_are_an_excess_exactly_where_some_kind_of_pod_gets_more(seed: int, other: int) -> None:
    granted, allowed, source = to_pods_only(seed), to_pods_only(other), Pod("exams", {})
    found = find_excess(reach_of(source, granted), reach_of(source, allowed))
    assert bool(found) == any(
        not connections(source, kind, allowed, namespaces).covers(
            connections(source, kind, granted, namespaces)
        )
        for kind, namespaces in every_kind_of_pod()
    )


_CIDRS = st.sampled_from([network for network in NETWORKS if ":" not in network])
_BLOCK_RULES = st.lists(
    st.builds(
        lambda cidr, first, last: {
            "to": [block(cidr)],
            "ports": [{"port": min(first, last), "endPort": max(first, last)}],
        },
        _CIDRS,
        st.integers(1, 5),
        st.integers(1, 5),
    ),
    max_size=4,
)
_EDGES = [
    Address(edge)
    for network in (ip_network(cidr, strict=False) for cidr in NETWORKS if ":" not in cidr)
    for edge in (network.network_address, network.broadcast_address)
]


@given(_BLOCK_RULES, _BLOCK_RULES)
def test_the_parts_of_blocks_are_exactly_what_is_not_allowed(
    granted: list[dict[str, Any]], allowed: list[dict[str, Any]]
) -> None:
    more, ours = allow_egress(*granted), allow_egress(*allowed)
    parts = [one.grant for one in find_excess(reach(more), reach(ours))]
    for address in _EDGES:
        found = NO_PORTS
        for part in parts:
            found |= part.ports if part.peer.matches(address, {}) else NO_PORTS
        granted_ports, allowed_ports = (
            connections(EXAM_POD, address, [policy], {}) for policy in (more, ours)
        )
        assert found == granted_ports - allowed_ports
