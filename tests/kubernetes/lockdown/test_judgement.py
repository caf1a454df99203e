"""What widens a lockdown is found and named; what does not is left alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from e2xhub.domain.catalog.destinations import Destination
from e2xhub.domain.lockdown import Lockdown
from e2xhub.kubernetes.labels import EXAM, NETWORK
from e2xhub.kubernetes.lockdown.judgement import (
    ParsedPolicies,
    find_widening,
    join_some,
    tell_apart,
)
from e2xhub.kubernetes.policies import make_policy_of
from e2xhub.kubernetes.reach import Pod, connections, parse_policy
from e2xhub.kubernetes.surroundings import Surroundings
from tests.kubernetes.reach.clusters import NAMESPACES, OUTSIDE, SEEDS, Maker

CHART = Surroundings(
    namespace="exams",
    hub_namespace="exams",
    chart_labels={"app": "jupyterhub", "release": "autumn"},
)
SELECTOR = {NETWORK: "exam", EXAM: "ml-pz1", "release": "autumn"}
LABELS = {**SELECTOR, "component": "singleuser-server", "hub.jupyter.org/username": "alice"}
SERVER_PORTS = {"notebook-port": ("TCP", 8888)}
SERVER = Pod("exams", LABELS, ports=SERVER_PORTS)
LICENCES = Destination(addresses=("10.3.4.0/24",), ports=("27000-27009",))
OWN = make_policy_of(
    SELECTOR, Lockdown(destinations={"licences": LICENCES}, name_service=False), CHART
)
HUB = {"podSelector": {"matchLabels": {"app": "jupyterhub", "component": "hub"}}}
OUR_HUB = {
    "podSelector": {
        "matchLabels": {"app": "jupyterhub", "release": "autumn", "component": "hub", "x": "y"}
    }
}
OUR_PROXY = {
    "podSelector": {
        "matchLabels": {
            **{"app": "jupyterhub", "release": "autumn", "component": "proxy"},
            "hub.jupyter.org/network-access-singleuser": "true",
        }
    }
}
CHARTS_SINGLEUSER: dict[str, Any] = {
    "podSelector": {
        "matchLabels": {
            **{"app": "jupyterhub", "release": "autumn"},
            "component": "singleuser-server",
        }
    },
    "policyTypes": ["Ingress", "Egress"],
    "ingress": [
        {
            "ports": [{"port": "notebook-port"}],
            "from": [
                {
                    "podSelector": {
                        "matchLabels": {"hub.jupyter.org/network-access-singleuser": "true"}
                    }
                }
            ],
        }
    ],
    "egress": [
        {"to": [HUB], "ports": [{"port": 8081}]},
        {"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}}]},
    ],
}
MEND = (
    "Expected that it does not select these pods: give its podSelector the expression "
    "{key: e2xhub.org/network, operator: NotIn, values: [no-internet, exam]}, or delete it"
)


def policy_with(name: str = "other", **spec: Any) -> dict[str, Any]:
    """Somebody's policy for every pod of the namespace."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": "exams"},
        "spec": {"podSelector": {}, **spec},
    }


def to(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"policyTypes": ["Egress"], "egress": list(rules)}


def let_in(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"policyTypes": ["Ingress"], "ingress": list(rules)}


def faults_with(*others: dict[str, Any], pod: Pod = SERVER) -> list[str]:
    """What is said where these policies are there beside ours."""
    understood, puzzling = ParsedPolicies().parse([OWN, *others])
    return find_widening(pod, parse_policy(OWN), understood, puzzling)


def test_our_policy_alone_widens_nothing() -> None:
    assert faults_with() == []


# --- what widens

EVERYWHERE: dict[str, Any] = {}


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        (to(EVERYWHERE), "lets the server reach anyone: all"),
        (let_in(EVERYWHERE), "lets in to the server anyone: all"),
        (
            to({"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}),
            "lets the server reach 0.0.0.0/0 except 10.3.4.0/24: all; 10.3.4.0/24: 1-26999/TCP, "
            "27010-65535/TCP, all UDP, all SCTP, other protocols",
        ),
        (
            to({"to": [{"ipBlock": {"cidr": "10.3.0.0/16"}}], "ports": [{"port": 27000}]}),
            "lets the server reach 10.3.0.0/16 except 10.3.4.0/24: 27000/TCP",
        ),
        (
            to({"to": [{"ipBlock": {"cidr": "::/0"}}], "ports": [{"port": 443}]}),
            "lets the server reach ::/0: 443/TCP",
        ),
        (
            to({"to": [HUB], "ports": [{"port": 8081}]}),
            "lets the server reach pods with app=jupyterhub,component=hub in namespace exams: "
            "8081/TCP",
        ),
        (
            to({"to": [OUR_HUB], "ports": [{"port": 8000, "endPort": 9000}]}),
            "lets the server reach pods with app=jupyterhub,release=autumn,component=hub,x=y in "
            "namespace exams: 8000-8080/TCP, 8082-9000/TCP",
        ),
        (
            to({"to": [OUR_HUB], "ports": [{"port": 8081, "protocol": "UDP"}]}),
            "lets the server reach pods with app=jupyterhub,release=autumn,component=hub,x=y in "
            "namespace exams: 8081/UDP",
        ),
        (
            to({"ports": [{"port": 53, "protocol": "UDP"}]}),
            "lets the server reach anyone: 53/UDP",
        ),
        (
            let_in({"from": [{"podSelector": {}}], "ports": [{"port": "notebook-port"}]}),
            "lets in to the server all pods in namespace exams: 8888/TCP",
        ),
        (
            let_in({"from": [OUR_PROXY]}),
            "lets in to the server pods with app=jupyterhub,release=autumn,component=proxy,"
            "hub.jupyter.org/network-access-singleuser=true in namespace exams: 1-8887/TCP, "
            "8889-65535/TCP, all UDP, all SCTP, other protocols",
        ),
        (
            let_in({"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}),
            "lets in to the server 10.0.0.0/8: all",
        ),
        (
            let_in({"from": [{"namespaceSelector": {}}]}),
            "lets in to the server all pods in all namespaces: all",
        ),
    ],
)
def test_policy_that_widens_is_named_with_the_way_out(spec: dict[str, Any], fault: str) -> None:
    assert faults_with(policy_with(**spec)) == [f"NetworkPolicy exams/other {fault}. {MEND}"]


def test_charts_policy_widens_where_the_label_app_is_there() -> None:
    policy = policy_with("singleuser", **CHARTS_SINGLEUSER)
    assert faults_with(policy) == []
    with_app = Pod("exams", {**LABELS, "app": "jupyterhub"}, ports=SERVER_PORTS)
    to_many, let_many_in = faults_with(policy, pod=with_app)
    assert to_many.startswith(
        "NetworkPolicy exams/singleuser lets the server reach pods with app=jupyterhub,"
        "component=hub in namespace exams: 8081/TCP; 0.0.0.0/0 except 10.0.0.0/8: all."
    )
    assert let_many_in.startswith(
        "NetworkPolicy exams/singleuser lets in to the server pods with "
        "hub.jupyter.org/network-access-singleuser=true in namespace exams: 8888/TCP."
    )


def test_each_policy_that_widens_is_named() -> None:
    faults = faults_with(
        policy_with("one", **to(EVERYWHERE)),
        policy_with("none", **to()),
        policy_with("two", **let_in(EVERYWHERE)),
    )
    assert [fault.split(" ")[1] for fault in faults] == ["exams/one", "exams/two"]


def test_network_that_our_own_policy_cuts_into_dozens_can_be_read_out() -> None:
    """The addresses of the name service are in it, with other ports than all others."""
    reached = Lockdown(destinations={"licences": LICENCES}, name_service=True)
    written = make_policy_of(SELECTOR, reached, CHART)
    theirs = policy_with(**to({"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}))
    (fault,) = find_widening(SERVER, parse_policy(written), [parse_policy(theirs)], [])
    assert fault == (
        "NetworkPolicy exams/other lets the server reach 0.0.0.0/0 except 10.3.4.0/24, "
        "169.254.20.10/32, 169.254.169.254/32: all; 10.3.4.0/24: 1-26999/TCP, 27010-65535/TCP, "
        "all UDP, all SCTP, other protocols; 169.254.0.0/16 except 30 networks in it: 1-52/TCP, "
        f"54-65535/TCP, 1-52/UDP, 54-65535/UDP, all SCTP, other protocols. {MEND}"
    )


def test_many_grants_of_one_policy_are_one_sentence() -> None:
    blocks = [{"ipBlock": {"cidr": f"10.{number}.0.0/16"}} for number in range(10, 20)]
    (fault,) = faults_with(policy_with(**to({"to": blocks, "ports": [{"port": 443}]})))
    assert fault == (
        "NetworkPolicy exams/other lets the server reach 10.10.0.0/16: 443/TCP; 10.11.0.0/16: "
        f"443/TCP; 10.12.0.0/16: 443/TCP; and 7 more. {MEND}"
    )


@pytest.mark.parametrize(
    "selector",
    [
        {"matchLabels": {"hub.jupyter.org/username": "alice"}},
        {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["jupyterhub"]}]},
        {"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]},
        {"matchExpressions": [{"key": NETWORK, "operator": "Exists"}]},
    ],
)
def test_policy_that_selects_in_any_way_is_found(selector: dict[str, Any]) -> None:
    assert len(faults_with(policy_with(podSelector=selector, **to(EVERYWHERE)))) == 1


# --- what does not widen

LICENCE_PORTS = {"port": 27000, "endPort": 27009}


@pytest.mark.parametrize(
    "spec",
    [
        to(),
        let_in(),
        {},
        to({"to": [OUR_HUB], "ports": [{"port": 8081}]}),
        to({"to": [{"ipBlock": {"cidr": "10.3.4.7/32"}}], "ports": [{"port": 27000}]}),
        to({"to": [{"ipBlock": {"cidr": "10.3.4.0/24"}}], "ports": [LICENCE_PORTS]}),
        let_in({"from": [OUR_PROXY], "ports": [{"port": 8888}]}),
        let_in({"from": [OUR_PROXY], "ports": [{"port": "notebook-port"}]}),
        {**to(EVERYWHERE), "policyTypes": ["Ingress"]},
        {**to(EVERYWHERE), "podSelector": {"matchLabels": {"app": "jupyterhub"}}},
        {
            **to(EVERYWHERE),
            "podSelector": {"matchExpressions": [{"key": NETWORK, "operator": "DoesNotExist"}]},
        },
        OWN["spec"],
    ],
)
def test_policy_that_opens_no_more_is_no_fault(spec: dict[str, Any]) -> None:
    assert faults_with(policy_with(**spec)) == []


def test_policy_of_another_namespace_is_without_effect() -> None:
    policy = policy_with(**to(EVERYWHERE))
    policy["metadata"]["namespace"] = "teaching"
    assert faults_with(policy) == []


def test_our_own_policy_counts_as_it_is_written_and_not_as_it_is_found() -> None:
    """The keeper puts it right; it is no policy of others."""
    found = {**OWN, "spec": {**OWN["spec"], "egress": [{}]}}
    understood, puzzling = ParsedPolicies().parse([found])
    assert find_widening(SERVER, parse_policy(OWN), understood, puzzling) == []


# --- what cannot be judged


def test_pod_without_the_labels_of_its_policy_is_a_fault() -> None:
    labels = {NETWORK: "exam"}
    assert faults_with(pod=Pod("exams", labels)) == [
        "NetworkPolicy exams/e2xhub-exam-ml-pz1--autumn does not select the pod (its labels: "
        "{'e2xhub.org/network': 'exam'})"
    ]


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        (
            {"egress": [{"to": [{"fqdn": "example.org"}]}]},
            "NetworkPolicy exams/other: spec.egress[0].to[0]",
        ),
        ({"egress": [{"ports": [{"port": "HTTP S"}]}]}, "NetworkPolicy exams/other: spec.egress"),
        ({"podSelector": {"matchFields": []}}, "NetworkPolicy exams/other: spec.podSelector"),
    ],
)
def test_policy_that_nobody_understands_is_a_fault(spec: dict[str, Any], fault: str) -> None:
    (found,) = faults_with(policy_with(**spec))
    assert found.startswith(fault)
    assert "expected" in found


# --- many policies, many servers


def test_policy_is_read_again_only_where_it_has_changed() -> None:
    parsed = ParsedPolicies()
    manifest = policy_with(**to(EVERYWHERE))
    ((first,), _) = parsed.parse([manifest])
    ((same,), _) = parsed.parse([{**manifest}])
    assert same is first
    ((changed,), _) = parsed.parse([policy_with(**to())])
    assert changed is not first
    assert changed.egress_grants == ()
    assert parsed.parse([]) == ([], [])
    assert parsed.parse([policy_with(unknown=1)])[0] == []


USERNAME = "hub.jupyter.org/username"


def test_servers_are_told_apart_by_the_policies_that_select_them() -> None:
    """However many labels of its own each has, and whichever of them policies name."""
    pods = [replace(SERVER, labels={**LABELS, USERNAME: name}) for name in ("x", "y", "z")]
    own = parse_policy(OWN)
    assert tell_apart(pods, [own]) == pods[:1]
    of_y = parse_policy(policy_with(podSelector={"matchLabels": {USERNAME: "y"}}))
    assert tell_apart(pods, [own, of_y]) == pods[:2]
    has_any = [{"key": USERNAME, "operator": "Exists"}]
    of_all = parse_policy(policy_with(podSelector={"matchExpressions": has_any}))
    assert tell_apart(pods, [own, of_all]) == pods[:1]


def test_servers_of_other_ports_are_told_apart() -> None:
    """A policy may name a port, which is another number on each."""
    other = replace(SERVER, ports={"notebook-port": ("TCP", 9999)})
    assert tell_apart([SERVER, other, SERVER], [parse_policy(OWN)]) == [SERVER, other]


@pytest.mark.parametrize(
    ("count", "text"), [(0, ""), (1, "0"), (3, "0; 1; 2"), (4, "0; 1; 2; and 1 more")]
)
def test_many_are_told_as_some(count: int, text: str) -> None:
    assert join_some([str(number) for number in range(count)]) == text


# --- any policies

EXAM_LABELS = {NETWORK: "exam", EXAM: "x"}
NAMES: tuple[str, ...] = NAMESPACES
OTHERS = st.tuples(SEEDS, st.integers(1, 5))


def random_lockdown(maker: Maker) -> dict[str, Any]:
    """A policy of ours, whose destinations meet the networks of others."""
    networks = ("10.1.0.0/16", "0.0.0.0/0", "2001:db8::/32", "192.168.0.0/16")
    ports = ("1-65535", "80", "443", "53/udp")
    places = {
        str(index): Destination(
            addresses=tuple({maker.pick(networks)}), ports=tuple({maker.pick(ports)})
        )
        for index in range(maker.pick((0, 1, 2)))
    }
    around = Surroundings(namespace=NAMES[0], hub_namespace=NAMES[0])
    lockdown = Lockdown(destinations=places, name_service=maker.happens())
    return make_policy_of(EXAM_LABELS, lockdown, around)


@given(OTHERS)
@example((0, 1))
def test_nothing_is_reached_beyond_a_lockdown_without_faults(drawn: tuple[int, int]) -> None:
    """Sound: where no fault is found, no connection of any destination is more than ours."""
    seed, count = drawn
    maker = Maker(seed)
    written = parse_policy(random_lockdown(maker))
    server = Pod(NAMES[0], {**maker.labels(), **EXAM_LABELS}, name="server", ports=SERVER_PORTS)
    others = [parse_policy(maker.manifest(f"policy-{index}", NAMES[0])) for index in range(count)]
    namespaces = {name: maker.labels() for name in NAMES}
    peers = [maker.pod(f"pod-{index}", maker.pick(NAMES)) for index in range(6)]
    is_wider = any(
        not connections(source, destination, [written], namespaces).covers(
            connections(source, destination, [written, *others], namespaces)
        )
        for peer in (*peers, *OUTSIDE)
        for source, destination in ((server, peer), (peer, server))
    )
    found = find_widening(server, written, others, [])
    assert found or not is_wider
    # And each fault is the named policy's: without those that are named there is none.
    named = {fault.split(" ")[1] for fault in found}
    rest = [policy for policy in others if str(policy) not in named]
    assert find_widening(server, written, rest, []) == []
    assert named <= {str(policy) for policy in others if policy.selects(server)}


@given(OTHERS)
def test_policies_that_only_isolate_never_widen(drawn: tuple[int, int]) -> None:
    seed, count = drawn
    maker = Maker(seed)
    own = parse_policy(random_lockdown(maker))
    server = Pod(NAMES[0], {**maker.labels(), **EXAM_LABELS}, ports=SERVER_PORTS)
    isolating = []
    for index in range(count):
        manifest = maker.manifest(f"policy-{index}", NAMES[0])
        spec = {"podSelector": manifest["spec"].get("podSelector", {})}
        isolating.append(parse_policy({**manifest, "spec": {**spec, "policyTypes": ["Egress"]}}))
    assert find_widening(server, own, isolating, []) == []
