"""Manifests are read as Kubernetes reads them, and what it would refuse is refused."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.kubernetes.reach import ALL_PORTS, Anyone, PolicyFormatError, Ports, parse_policy
from tests.kubernetes.reach.clusters import SEEDS, Maker
from tests.kubernetes.reach.manifests import make_manifest, make_policy

RULE = {"ports": [{"port": 80}]}


@pytest.mark.parametrize(
    ("spec", "is_about"),
    [
        ({}, "ingress"),
        ({"policyTypes": []}, "ingress"),
        ({"policyTypes": None, "egress": None}, "ingress"),
        ({"ingress": [RULE]}, "ingress"),
        ({"egress": []}, "ingress"),
        ({"egress": [RULE]}, "ingress egress"),
        ({"policyTypes": ["Egress"]}, "egress"),
        ({"policyTypes": ["Egress"], "ingress": [RULE]}, "egress"),
        ({"policyTypes": ["Ingress"], "egress": [RULE]}, "ingress"),
        ({"policyTypes": ["Egress", "Ingress"]}, "ingress egress"),
    ],
)
def test_policy_types_default_to_ingress_and_to_egress_where_there_are_egress_rules(
    spec: dict[str, Any], is_about: str
) -> None:
    policy = make_policy(**spec)
    directions = {"ingress": policy.is_about_ingress, "egress": policy.is_about_egress}
    assert " ".join(name for name, is_it in directions.items() if is_it) == is_about


@pytest.mark.parametrize("peers", [{}, {"to": []}, {"to": None}])
def test_a_rule_without_peers_is_about_anyone(peers: dict[str, Any]) -> None:
    (rule,) = make_policy(egress=[{**peers, **RULE}]).egress
    assert rule.peers == (Anyone(),)


@pytest.mark.parametrize("ports", [{}, {"ports": []}, {"ports": None}])
def test_a_rule_without_ports_is_about_all_traffic(ports: dict[str, Any]) -> None:
    (rule,) = make_policy(egress=[ports]).egress
    assert rule.ports == ALL_PORTS


@pytest.mark.parametrize("rules", [{}, {"egress": []}, {"egress": None}])
def test_no_rules_let_nothing_through(rules: dict[str, Any]) -> None:
    assert make_policy(policyTypes=["Egress"], **rules).egress_grants == ()


@pytest.mark.parametrize(
    ("port", "meaning"),
    [
        ({"port": 80}, Ports.of("TCP", 80)),
        ({"port": 53, "protocol": "UDP"}, Ports.of("UDP", 53)),
        ({"port": 53, "protocol": None}, Ports.of("TCP", 53)),
        ({"port": 1, "endPort": 65535}, Ports.every("TCP")),
        ({"port": 80, "endPort": 80}, Ports.of("TCP", 80)),
        ({"port": 27000, "endPort": 27009}, Ports.of("TCP", 27000, 27009)),
        ({"port": "http"}, Ports.named("TCP", "http")),
        ({"port": "dns", "protocol": "UDP"}, Ports.named("UDP", "dns")),
        ({"protocol": "SCTP"}, Ports.every("SCTP")),
        ({}, Ports.every("TCP")),
    ],
)
def test_a_port_is_of_tcp_and_is_all_ports_unless_it_says_otherwise(
    port: dict[str, Any], meaning: Ports
) -> None:
    (rule,) = make_policy(egress=[{"ports": [port]}]).egress
    assert rule.ports == meaning


@pytest.mark.parametrize(
    ("peer", "shown"),
    [
        ({"podSelector": {}}, "all pods in namespace exam"),
        ({"podSelector": {}, "namespaceSelector": None}, "all pods in namespace exam"),
        ({"podSelector": {"matchLabels": {"a": "b"}}}, "pods with a=b in namespace exam"),
        ({"namespaceSelector": {}}, "all pods in all namespaces"),
        (
            {"namespaceSelector": {"matchLabels": {"n": "m"}}, "podSelector": {}},
            "all pods in namespaces with n=m",
        ),
        (
            {
                "namespaceSelector": {"matchExpressions": [{"key": "n", "operator": "Exists"}]},
                "podSelector": {"matchLabels": {"a": ""}},
            },
            "pods with a= in namespaces with n",
        ),
        ({"ipBlock": {"cidr": "10.0.0.0/8"}}, "10.0.0.0/8"),
        ({"ipBlock": {"cidr": "10.1.2.3/8", "except": None}}, "10.0.0.0/8"),
        (
            {"ipBlock": {"cidr": "2001:db8::/32", "except": ["2001:db8:1::/48"]}},
            "2001:db8::/32 except 2001:db8:1::/48",
        ),
    ],
)
def test_a_peer_is_who_kubernetes_documents(peer: dict[str, Any], shown: str) -> None:
    (rule,) = make_policy(egress=[{"to": [peer]}]).egress
    assert [str(one) for one in rule.peers] == [shown]


def test_a_manifest_without_namespace_is_of_the_one_that_is_given() -> None:
    manifest = {"metadata": {"name": "hub"}, "spec": {"podSelector": {}}}
    assert str(parse_policy(manifest)) == "default/hub"
    assert str(parse_policy(manifest, namespace="exam")) == "exam/hub"
    assert str(parse_policy(make_manifest("hub", "jhub"), namespace="exam")) == "jhub/hub"


def test_a_policy_without_spec_lets_nothing_into_any_pod_as_in_the_api() -> None:
    policy = parse_policy({"metadata": {"name": "empty"}})
    assert (policy.is_about_ingress, policy.is_about_egress) == (True, False)
    assert policy.selector.requirements == ()


def test_fields_outside_of_spec_are_ignored() -> None:
    manifest = {**make_manifest(), "status": {"conditions": []}, "x": 1}
    manifest["metadata"] |= {"uid": "7", "annotations": None}
    assert parse_policy(manifest) == parse_policy(make_manifest())


BAD_CIDR = "expected a network such as 10.0.0.0/8 or 2001:db8::/32; correct the policy"
NUMBER = "expected a number from 1 to 65535; correct the policy"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            {"policyTypes": ["Both"]},
            "spec.policyTypes[0]: found 'Both', expected Ingress or Egress; correct the policy",
        ),
        (
            {"policyTypes": [["Ingress"]]},
            "spec.policyTypes[0]: found a list of 1, expected Ingress or Egress; "
            "correct the policy",
        ),
        ({"egress": {}}, "spec.egress: found a mapping, expected a list; correct the policy"),
        ({"egress": [None]}, "spec.egress[0]: found None, expected a mapping; correct the policy"),
        (
            {"egress": [{"from": []}]},
            "spec.egress[0]: found a mapping (from), expected only the fields to, ports, not from; "
            "correct the policy",
        ),
        (
            {"egressDeny": None},
            "spec: found a mapping (podSelector, egressDeny), expected only the fields "
            "podSelector, policyTypes, ingress, egress, not egressDeny; correct the policy",
        ),
        (
            {"podSelector": {True: "x"}},
            "spec.podSelector: found a mapping, expected only texts as keys, not True; "
            "correct the policy",
        ),
        (
            {"podSelector": {"matchLabels": {"exam": True}}},
            "spec.podSelector.matchLabels.exam: found True, expected a label's value in quotes; "
            "correct the policy",
        ),
    ],
)
def test_what_is_wrong_in_a_policy_is_said_with_its_place(
    spec: dict[str, Any], message: str
) -> None:
    with pytest.raises(PolicyFormatError) as error:
        make_policy(**spec)
    assert str(error.value) == f"NetworkPolicy exam/policy: {message}"


@pytest.mark.parametrize(
    ("peer", "message"),
    [
        (
            {},
            ": found a mapping, expected podSelector and namespaceSelector (one or both), "
            "or ipBlock alone; correct the policy",
        ),
        (
            {"ipBlock": {"cidr": "10.0.0.0/8"}, "podSelector": {}},
            ": found a mapping (ipBlock, podSelector), expected podSelector and namespaceSelector "
            "(one or both), or ipBlock alone; correct the policy",
        ),
        (
            {"serviceSelector": {}, "podSelector": {}},
            ": found a mapping (serviceSelector, podSelector), expected only the fields "
            "podSelector, namespaceSelector, ipBlock, not serviceSelector; correct the policy",
        ),
        (
            {"ipBlock": {}},
            ".ipBlock: found a mapping, expected cidr, such as 10.0.0.0/8; correct the policy",
        ),
        ({"ipBlock": {"cidr": 10}}, f".ipBlock.cidr: found 10, {BAD_CIDR}"),
        ({"ipBlock": {"cidr": "10.0.0.1"}}, f".ipBlock.cidr: found '10.0.0.1', {BAD_CIDR}"),
        ({"ipBlock": {"cidr": "10.0.0.0/33"}}, f".ipBlock.cidr: found '10.0.0.0/33', {BAD_CIDR}"),
        ({"ipBlock": {"cidr": "010.0.0.0/8"}}, f".ipBlock.cidr: found '010.0.0.0/8', {BAD_CIDR}"),
        ({"ipBlock": {"cidr": "fe80::%1/64"}}, f".ipBlock.cidr: found 'fe80::%1/64', {BAD_CIDR}"),
        (
            {"ipBlock": {"cidr": "10.0.0.0/255.0.0.0"}},
            f".ipBlock.cidr: found '10.0.0.0/255.0.0.0', {BAD_CIDR}",
        ),
        (
            {"ipBlock": {"cidr": "::ffff:10.0.0.0/104"}},
            ".ipBlock.cidr: found '::ffff:10.0.0.0/104', expected an IPv4 network in IPv4's own "
            "form; correct the policy",
        ),
        (
            {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["11.0.0.0/16"]}},
            ".ipBlock.except[0]: found '11.0.0.0/16', expected a smaller network inside of "
            "10.0.0.0/8; correct the policy",
        ),
        (
            {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.0.0.0/8"]}},
            ".ipBlock.except[0]: found '10.0.0.0/8', expected a smaller network inside of "
            "10.0.0.0/8; correct the policy",
        ),
        (
            {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["2001:db8::/32"]}},
            ".ipBlock.except[0]: found '2001:db8::/32', expected a smaller network inside of "
            "10.0.0.0/8; correct the policy",
        ),
        (
            {"podSelector": {"matchExpressions": [{"key": "a", "operator": "Gt"}]}},
            ".podSelector.matchExpressions[0].operator: found 'Gt', expected In, NotIn, Exists, "
            "DoesNotExist; correct the policy",
        ),
        (
            {"podSelector": {"matchExpressions": [{"key": "a", "operator": "In"}]}},
            ".podSelector.matchExpressions[0]: found a mapping (key, operator), expected values "
            "with In and NotIn, and none with the others; correct the policy",
        ),
        (
            {"podSelector": {"matchExpressions": [{"operator": "Exists"}]}},
            ".podSelector.matchExpressions[0]: found a mapping (operator), expected key and "
            "operator; correct the policy",
        ),
    ],
)
def test_a_peer_that_the_api_would_refuse_is_refused(peer: dict[str, Any], message: str) -> None:
    with pytest.raises(PolicyFormatError) as error:
        make_policy(egress=[{"to": [peer]}])
    assert str(error.value) == f"NetworkPolicy exam/policy: spec.egress[0].to[0]{message}"


@pytest.mark.parametrize(
    ("port", "message"),
    [
        ({"port": 0}, f".port: found 0, {NUMBER}"),
        ({"port": 65536}, f".port: found 65536, {NUMBER}"),
        ({"port": True}, f".port: found True, {NUMBER}"),
        ({"port": 80.0}, f".port: found 80.0, {NUMBER}"),
        ({"port": 10**5000}, f".port: found a very large number, {NUMBER}"),
        (
            {"port": "80"},
            ".port: found '80', expected a number, or the name of a port such as http; "
            "correct the policy",
        ),
        (
            {"port": 80, "endPort": 79},
            ".endPort: found 79, expected a number from 80 to 65535; correct the policy",
        ),
        (
            {"endPort": 79},
            ".endPort: found 79, expected endPort only beside the number of a port; "
            "correct the policy",
        ),
        (
            {"port": "http", "endPort": 90},
            ".endPort: found 90, expected endPort only beside the number of a port; "
            "correct the policy",
        ),
        (
            {"port": 80, "protocol": "tcp"},
            ".protocol: found 'tcp', expected TCP, UDP, SCTP; correct the policy",
        ),
        (
            {"port": 80, "protocol": ["TCP"]},
            ".protocol: found a list of 1, expected TCP, UDP, SCTP; correct the policy",
        ),
    ],
)
def test_a_port_that_the_api_would_refuse_is_refused(port: dict[str, Any], message: str) -> None:
    with pytest.raises(PolicyFormatError) as error:
        make_policy(egress=[{"ports": [port]}])
    assert str(error.value) == f"NetworkPolicy exam/policy: spec.egress[0].ports[0]{message}"


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ([], "NetworkPolicy (no name): found a list of 0, expected a mapping; correct the policy"),
        (
            {},
            "NetworkPolicy (no name): found a mapping, expected metadata.name; correct the policy",
        ),
        (
            {**make_manifest(), "kind": "CiliumNetworkPolicy"},
            "NetworkPolicy exam/policy: kind: found 'CiliumNetworkPolicy', expected NetworkPolicy; "
            "correct the policy",
        ),
        (
            {**make_manifest(), "apiVersion": "extensions/v1beta1"},
            "NetworkPolicy exam/policy: apiVersion: found 'extensions/v1beta1', expected "
            "networking.k8s.io/v1; correct the policy",
        ),
        (
            {**make_manifest(), "spec": "x" * 100},
            f"NetworkPolicy exam/policy: spec: found '{'x' * 59}…, expected a mapping; "
            "correct the policy",
        ),
        (
            make_manifest("a\x1b[2Jb") | {"spec": 1},
            "NetworkPolicy exam/a\\x1b[2Jb: spec: found 1, expected a mapping; correct the policy",
        ),
    ],
)
def test_what_is_no_policy_is_refused(manifest: Any, message: str) -> None:
    with pytest.raises(PolicyFormatError) as error:
        parse_policy(manifest)
    assert str(error.value) == message


_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
_KEYS = st.sampled_from(
    ["podSelector", "ingress", "egress", "from", "to", "ports", "ipBlock", "cidr", "except", "key"]
)
_ANYTHING = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=12,
)


@given(_ANYTHING)
def test_whatever_a_manifest_holds_it_is_a_policy_or_a_policy_format_error(spec: Any) -> None:
    with contextlib.suppress(PolicyFormatError):
        parse_policy({"metadata": {"name": "any"}, "spec": spec})


@given(SEEDS)
def test_a_manifest_means_the_same_after_a_way_through_json(seed: int) -> None:
    manifest = Maker(seed).manifest("policy", "exam")
    assert parse_policy(json.loads(json.dumps(manifest))) == parse_policy(manifest)
