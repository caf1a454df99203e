"""NetworkPolicies say what a lockdown means, and nothing else; each has a name of its own."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.domain.catalog.destinations import CLOSED, Destination
from e2xhub.domain.identifiers import CourseId, ExamId, TermId
from e2xhub.domain.lockdown import Lockdown
from e2xhub.domain.network_class import NetworkClass
from e2xhub.domain.offers import Offer, Registry
from e2xhub.kubernetes.labels import COURSE, EXAM, NETWORK, TERM, make_labels
from e2xhub.kubernetes.policies import (
    LOCKED,
    make_access_policies,
    make_policy,
    make_policy_of,
    selector_in,
    selector_of,
)
from e2xhub.kubernetes.reach import (
    NO_PORTS,
    Address,
    Pod,
    Ports,
    connections,
    find_excess,
    parse_policy,
    reach_of,
)
from e2xhub.kubernetes.surroundings import Surroundings

DNS_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
ALONE = Surroundings(namespace="exam", hub_namespace="exam")
CHART = replace(ALONE, chart_labels={"app": "jupyterhub", "release": "autumn"})
APART = replace(CHART, hub_namespace="hub")
HUB_LABELS = {"app": "jupyterhub", "release": "autumn", "component": "hub"}
NAMESPACE = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "hub"}}}
NO_NAME_SERVICE = Lockdown(destinations={}, name_service=False)
NAME_SERVICE = Lockdown(destinations={}, name_service=True)
SELECTOR = {NETWORK: "exam", EXAM: "ml-pz1"}
TO_THE_HUB = {
    "to": [{"podSelector": {"matchLabels": {"app": "jupyterhub", "component": "hub"}}}],
    "ports": [{"port": 8081, "protocol": "TCP"}],
}
TO_THE_NAME_SERVICE = {
    "to": [
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}},
        {"ipBlock": {"cidr": "169.254.20.10/32"}},
        {"ipBlock": {"cidr": "169.254.169.254/32"}},
    ],
    "ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}],
}


def from_proxy_and_hub(labels: dict[str, str], **namespace: Any) -> dict[str, Any]:
    """What lets in the proxy and the hub that have these labels of the chart."""
    access = {**labels, "hub.jupyter.org/network-access-singleuser": "true"}
    either = {"key": "component", "operator": "In", "values": ["hub", "proxy"]}
    peer = {"podSelector": {"matchLabels": access, "matchExpressions": [either]}, **namespace}
    return {"from": [peer], "ports": [{"port": 8888, "protocol": "TCP"}]}


@pytest.fixture(scope="module")
def exam(exam_hub: Registry, exam_open_at_nine: datetime) -> Offer:
    """Alice's offer of an exam."""
    return exam_hub.authorize("alice", "exams/ml-pz1/student", exam_open_at_nine)


@pytest.fixture(scope="module")
def learning(assignment_hub: Registry, in_winter_term: datetime) -> Offer:
    """Alice's offer of Machine Learning."""
    return assignment_hub.authorize("alice", "machine-learning/WS26/student", in_winter_term)


def with_lockdown(offer: Offer, network: NetworkClass, lockdown: Lockdown | None) -> Offer:
    return replace(offer, server=replace(offer.server, network=network, lockdown=lockdown))


def policy_to(*destinations: Destination, name_service: bool = False) -> dict[str, Any]:
    """The policy of an exam that reaches these places."""
    named = {f"place-{index}": place for index, place in enumerate(destinations)}
    lockdown = Lockdown(destinations=named, name_service=name_service)
    return make_policy_of(SELECTOR, lockdown, ALONE)


# --- which there are


def test_open_network_needs_no_policy(learning: Offer) -> None:
    assert make_policy(learning, CHART) is None


def test_every_other_network_class_has_one(exam: Offer) -> None:
    assert set(LOCKED) == {network.value for network in NetworkClass} - {"open"}
    for network in LOCKED:
        locked = with_lockdown(exam, NetworkClass(network), NO_NAME_SERVICE)
        assert make_policy(locked, CHART) is not None


def test_exam_reaches_the_hub_and_nothing_else(exam: Offer) -> None:
    assert make_policy(exam, ALONE) == {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {
            "name": "e2xhub-exam-ml-pz1",
            "namespace": "exam",
            "labels": {"app.kubernetes.io/managed-by": "e2xhub", **SELECTOR},
        },
        "spec": {
            "podSelector": {"matchLabels": SELECTOR},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [from_proxy_and_hub({"app": "jupyterhub"})],
            "egress": [TO_THE_HUB],
        },
    }


def test_course_without_internet_reaches_hub_and_name_service(learning: Offer) -> None:
    offer = with_lockdown(learning, NetworkClass.NO_INTERNET, NAME_SERVICE)
    policy = make_policy(offer, ALONE)
    assert policy is not None
    labels = {NETWORK: "no-internet", COURSE: "machine-learning", TERM: "WS26"}
    assert policy["spec"] == {
        "podSelector": {
            "matchLabels": labels,
            "matchExpressions": [{"key": EXAM, "operator": "DoesNotExist"}],
        },
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [from_proxy_and_hub({"app": "jupyterhub"})],
        "egress": [TO_THE_HUB, TO_THE_NAME_SERVICE],
    }


@pytest.mark.parametrize("may_ask", [True, False])
def test_name_service_is_open_where_the_lockdown_says_so(may_ask: bool) -> None:
    policy = policy_to(name_service=may_ask)
    assert (TO_THE_NAME_SERVICE in policy["spec"]["egress"]) is may_ask


# --- which pods


@pytest.mark.parametrize("surroundings", [ALONE, CHART, APART])
def test_policy_selects_the_pod_of_its_offer(exam: Offer, surroundings: Surroundings) -> None:
    made = make_policy(exam, surroundings)
    assert made is not None
    labels = {**make_labels(exam), **surroundings.release}
    assert parse_policy(made).selects(Pod("exam", labels))
    assert selector_of(exam, surroundings) == made["spec"]["podSelector"]["matchLabels"]


def test_policy_is_one_of_its_release(exam: Offer) -> None:
    policy = make_policy(exam, CHART)
    assert policy is not None
    assert policy["metadata"]["name"] == "e2xhub-exam-ml-pz1--autumn"
    assert policy["metadata"]["labels"]["release"] == "autumn"
    other = {**make_labels(exam), "release": "spring"}
    assert not parse_policy(policy).selects(Pod("exam", other))
    hub = policy["spec"]["egress"][0]["to"][0]
    assert hub == {"podSelector": {"matchLabels": HUB_LABELS}}


def test_policy_of_a_course_is_not_its_exams() -> None:
    """An exam's pod has the labels of its course, and may be locked in the same way."""
    course = {NETWORK: "exam", COURSE: "ml", TERM: "WS26"}
    policy = parse_policy(make_policy_of(course, NO_NAME_SERVICE, ALONE))
    assert policy.selects(Pod("exam", course))
    assert not policy.selects(Pod("exam", {**course, EXAM: "ml-pz1"}))


def test_labels_that_many_share_select() -> None:
    labels = {**SELECTOR, COURSE: "ml", TERM: "WS26", "release": "autumn", "hub/username": "alice"}
    assert selector_in(labels, CHART) == {**SELECTOR, "release": "autumn"}
    assert selector_in(labels, ALONE) == SELECTOR
    of_a_course = {key: text for key, text in labels.items() if key != EXAM}
    assert selector_in(of_a_course, CHART) == {
        **{NETWORK: "exam", COURSE: "ml", TERM: "WS26"},
        "release": "autumn",
    }


# --- where the hub is


def test_hub_in_another_namespace_is_named_with_it(exam: Offer) -> None:
    policy = make_policy(exam, APART)
    assert policy is not None
    assert policy["metadata"]["namespace"] == "exam"
    assert policy["spec"]["egress"][0]["to"] == [
        {"podSelector": {"matchLabels": HUB_LABELS}, **NAMESPACE}
    ]
    chart = {"app": "jupyterhub", "release": "autumn"}
    assert policy["spec"]["ingress"] == [from_proxy_and_hub(chart, **NAMESPACE)]


@pytest.mark.parametrize("surroundings", [CHART, APART])
@pytest.mark.parametrize("component", ["hub", "proxy"])
def test_hub_and_proxy_get_in_and_nobody_else(
    exam: Offer, surroundings: Surroundings, component: str
) -> None:
    made = make_policy(exam, surroundings)
    assert made is not None
    policies, namespace = [parse_policy(made)], surroundings.hub_namespace
    server = Pod("exam", {**make_labels(exam), **surroundings.release})
    access = {"hub.jupyter.org/network-access-singleuser": "true"}
    labels = {**surroundings.labels_of(component), **access}
    for source, ports in (
        (Pod(namespace, labels), Ports.of("TCP", 8888)),
        (Pod("elsewhere", labels), NO_PORTS),
        (Pod(namespace, {**labels, "release": "other"}), NO_PORTS),
        (Pod(namespace, {**labels, "component": "singleuser-server"}), NO_PORTS),
        (Pod(namespace, access), NO_PORTS),
        (Address("10.0.0.1"), NO_PORTS),
    ):
        assert connections(source, server, policies, {}) == ports


def test_other_ports_of_hub_and_server_are_named() -> None:
    surroundings = replace(ALONE, server_port=9999, hub_port=9081)
    spec = make_policy_of(SELECTOR, NO_NAME_SERVICE, surroundings)["spec"]
    assert spec["ingress"][0]["ports"] == [{"port": 9999, "protocol": "TCP"}]
    assert spec["egress"][0]["ports"] == [{"port": 9081, "protocol": "TCP"}]


# --- destinations


def test_destination_is_one_rule() -> None:
    place = Destination(
        addresses=("10.3.4.5", "10.9.0.0/16", "2001:DB8::5"),
        ports=("443", "27000-27009", "123/udp"),
    )
    hub, rule = policy_to(place)["spec"]["egress"]
    assert hub == TO_THE_HUB
    assert rule == {
        "to": [
            {"ipBlock": {"cidr": "10.3.4.5/32"}},
            {"ipBlock": {"cidr": "10.9.0.0/16"}},
            {"ipBlock": {"cidr": "2001:db8::5/128"}},
        ],
        "ports": [
            {"port": 443, "protocol": "TCP"},
            {"port": 27000, "endPort": 27009, "protocol": "TCP"},
            {"port": 123, "protocol": "UDP"},
        ],
    }


def test_pods_are_selected_in_their_namespace() -> None:
    pods = {"namespace": "mirror", "labels": {"app": "pypi"}}
    place = Destination.model_validate({"pods": pods, "ports": [443]})
    assert policy_to(place)["spec"]["egress"][1] == {
        "to": [
            {
                "podSelector": {"matchLabels": {"app": "pypi"}},
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "mirror"}},
            }
        ],
        "ports": [{"port": 443, "protocol": "TCP"}],
    }


@pytest.mark.parametrize(
    ("network", "excepted"),
    [
        ("0.0.0.0/0", ["169.254.0.0/16", "100.100.100.200/32", "168.63.129.16/32"]),
        ("169.254.0.0/15", ["169.254.0.0/16"]),
        ("100.64.0.0/10", ["100.100.100.200/32"]),
        ("::/0", ["fe80::/10", "fd00:ec2::254/128", "fd20:ce::254/128"]),
        ("fd00::/16", ["fd00:ec2::254/128"]),
        ("10.0.0.0/8", None),
    ],
)
def test_metadata_of_a_cloud_is_taken_out_of_networks(
    network: str, excepted: list[str] | None
) -> None:
    (peer,) = policy_to(Destination(addresses=(network,), ports=("80",)))["spec"]["egress"][1]["to"]
    block = {"cidr": network} if excepted is None else {"cidr": network, "except": excepted}
    assert peer == {"ipBlock": block}


@given(st.sampled_from(CLOSED), st.sampled_from(["0.0.0.0/0", "::/0"]), st.data())
def test_no_destination_opens_metadata(closed: Any, network: str, data: st.DataObject) -> None:
    address = data.draw(st.ip_addresses(network=closed))
    policy = parse_policy(policy_to(Destination(addresses=(network,), ports=("80",))))
    server = Pod("exam", SELECTOR)
    assert connections(server, Address(address), [policy], {}) == NO_PORTS


def test_no_destination_lets_anybody_in() -> None:
    place = Destination(addresses=("0.0.0.0/0",), ports=("1-65535",))
    assert policy_to(place, name_service=True)["spec"]["ingress"] == policy_to()["spec"]["ingress"]


PLACES = st.builds(
    Destination,
    addresses=st.lists(
        st.sampled_from(["10.3.4.5", "10.9.0.0/16", "0.0.0.0/0", "2001:db8::/32"]), min_size=1
    ).map(tuple),
    ports=st.lists(st.sampled_from(["443", "1-65535", "53/udp"]), min_size=1).map(tuple),
)


@given(st.dictionaries(st.sampled_from("abc"), PLACES), st.booleans())
def test_each_destination_only_adds(places: dict[str, Destination], name_service: bool) -> None:
    """And what is made can be read by the evaluator, which is as strict as an API server."""
    server = Pod("exam", SELECTOR)
    lockdown = Lockdown(destinations=places, name_service=name_service)
    whole = reach_of(server, [parse_policy(make_policy_of(SELECTOR, lockdown, ALONE))])
    least = reach_of(server, [parse_policy(make_policy_of(SELECTOR, NO_NAME_SERVICE, ALONE))])
    assert find_excess(least, whole) == []
    assert bool(find_excess(whole, least)) == bool(places or name_service)
    assert whole.ingress.grants[0].peer == least.ingress.grants[0].peer


# --- hub and proxy


def test_access_policies_let_hub_and_proxy_reach_locked_servers() -> None:
    hub, proxy = make_access_policies(CHART)
    assert hub == {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {
            "name": "e2xhub-hub-to-servers--autumn",
            "namespace": "exam",
            "labels": {"app.kubernetes.io/managed-by": "e2xhub", "release": "autumn"},
        },
        "spec": {
            "podSelector": {"matchLabels": HUB_LABELS},
            "policyTypes": ["Egress"],
            "egress": [
                {
                    "to": [
                        {
                            "podSelector": {
                                "matchExpressions": [
                                    {
                                        "key": NETWORK,
                                        "operator": "In",
                                        "values": ["no-internet", "exam"],
                                    }
                                ]
                            }
                        }
                    ],
                    "ports": [{"port": 8888, "protocol": "TCP"}],
                }
            ],
        },
    }
    assert proxy["metadata"]["name"] == "e2xhub-proxy-to-servers--autumn"
    assert proxy["spec"]["podSelector"]["matchLabels"]["component"] == "proxy"


def test_access_policies_are_in_the_namespace_of_the_hub() -> None:
    for policy in make_access_policies(APART):
        assert policy["metadata"]["namespace"] == "hub"
        (peer,) = policy["spec"]["egress"][0]["to"]
        assert peer["namespaceSelector"] == {"matchLabels": {"kubernetes.io/metadata.name": "exam"}}


# --- names

LETTERS = "abAB01._-"
ids = st.text(LETTERS, min_size=1, max_size=63).filter(
    lambda text: text[0] not in "._-" and text[-1] not in "._-"
) | st.sampled_from(["ml", "a", "b", "a-b", "a--b", "a-b-c", "WS26", "a" * 63, "A" * 63])
releases = st.none() | ids
selectors = st.tuples(st.just("exam"), ids) | st.tuples(st.sampled_from(LOCKED), ids, ids)


def name_of(selector: tuple[str, ...], release: str | None) -> str:
    keys = (NETWORK, EXAM) if len(selector) == 2 else (NETWORK, COURSE, TERM)
    labels = dict(zip(keys, selector, strict=True))
    surroundings = ALONE
    if release is not None:
        labels["release"] = release
        surroundings = replace(ALONE, chart_labels={"app": "jupyterhub", "release": release})
    made = make_policy_of(selector_in(labels, surroundings), NO_NAME_SERVICE, surroundings)
    name: str = made["metadata"]["name"]
    return name


@given(one=st.tuples(selectors, releases), other=st.tuples(selectors, releases))
def test_each_lockdown_has_a_policy_of_its_own(
    one: tuple[tuple[str, ...], str | None], other: tuple[tuple[str, ...], str | None]
) -> None:
    names = name_of(*one), name_of(*other)
    assert all(DNS_LABEL.fullmatch(name) for name in names)
    assert (names[0] == names[1]) == (one == other)
    assert names == (name_of(*one), name_of(*other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((("no-internet", "ml-a", "b"), None), (("no-internet", "ml", "a-b"), None)),
        ((("exam", "ml", "a"), None), (("exam", "ml-a"), None)),
        ((("exam", "ml-a"), "b"), (("exam", "ml"), "a-b")),
        ((("exam", "ml-a"), None), (("exam", "ml"), "a")),
        ((("exam", "ml--a"), None), (("exam", "ml"), "a")),
        ((("exam", "ML"), None), (("exam", "ml"), None)),
        ((("exam", "ml", "a"), None), (("exam", "ml"), "a")),
    ],
)
def test_hyphens_do_not_make_two_lockdowns_one(one: Any, other: Any) -> None:
    assert name_of(*one) != name_of(*other)


@pytest.mark.parametrize(
    ("selector", "release", "name"),
    [
        (("exam", "ml-ws26-pz1"), "hub", "e2xhub-exam-ml-ws26-pz1--hub"),
        (("exam", "ml-ws26-pz1"), None, "e2xhub-exam-ml-ws26-pz1"),
        (("exam", "ML-1"), "hub", "e2xhub-exam-ml-1-hub---"),
        (("no-internet", "ml", "WS26"), "hub", "e2xhub-no-internet-ml-ws26-hub---"),
    ],
)
def test_names_can_be_read_by_people(
    selector: tuple[str, ...], release: str | None, name: str
) -> None:
    found = name_of(selector, release)
    assert found == name or (name.endswith("---") and found.startswith(name))


def test_ids_of_an_offer_are_in_the_name(exam: Offer, learning: Offer) -> None:
    other = replace(exam, exam=ExamId.parse("ml-pz2"))
    names = {make_policy(one, CHART)["metadata"]["name"] for one in (exam, other)}  # type: ignore[index]
    assert names == {"e2xhub-exam-ml-pz1--autumn", "e2xhub-exam-ml-pz2--autumn"}
    locked = with_lockdown(learning, NetworkClass.NO_INTERNET, NAME_SERVICE)
    terms = [
        replace(locked, course=CourseId.parse("x"), term=TermId.parse(term)) for term in ("a", "b")
    ]
    assert len({make_policy(one, CHART)["metadata"]["name"] for one in terms}) == 2  # type: ignore[index]
