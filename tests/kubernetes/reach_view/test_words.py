"""Peers in words: the hub, destinations of the catalog, addresses that are known, and the rest."""

from __future__ import annotations

import pytest

from e2xhub.domain.catalog.destinations import Destination, DestinationPods
from e2xhub.kubernetes.reach import parse_policy
from e2xhub.kubernetes.reach_view.words import PeerWords
from e2xhub.kubernetes.surroundings import Surroundings
from tests.kubernetes.manifests import Manifest

WORDS = PeerWords(
    surroundings=Surroundings(namespace="exam", hub_namespace="hubs"),
    destinations={
        "licences": Destination(addresses=("10.3.4.0/24", "2001:db8::5"), ports=("27000",)),
        "mirror": Destination(
            pods=DestinationPods(namespace="mirror", labels={"app": "pypi"}), ports=("443",)
        ),
    },
)
NAME = "kubernetes.io/metadata.name"


def peer_of(peer: Manifest | None) -> str:
    """The words for a peer of a rule; None: a rule without peers."""
    rule = {} if peer is None else {"to": [peer]}
    policy = parse_policy(
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": "x", "namespace": "exam"},
            "spec": {"podSelector": {}, "policyTypes": ["Egress"], "egress": [rule]},
        }
    )
    return WORDS.name(policy.egress_grants[0].peer)


def pods(**labels: str) -> Manifest:
    return {"podSelector": {"matchLabels": labels}}


def of_namespace(name: str) -> Manifest:
    return {"namespaceSelector": {"matchLabels": {NAME: name}}}


def block(cidr: str, *excepted: str) -> Manifest:
    return {"ipBlock": {"cidr": cidr, "except": list(excepted)}}


@pytest.mark.parametrize(
    ("peer", "words"),
    [
        (None, "everyone: every address, node and pod"),
        (
            {**pods(app="jupyterhub", component="hub"), **of_namespace("hubs")},
            "the hub (pods app=jupyterhub, component=hub of namespace hubs)",
        ),
        (
            {**pods(app="pypi"), **of_namespace("mirror")},
            "mirror (pods app=pypi of namespace mirror)",
        ),
        ({**pods(app="pypi"), **of_namespace("other")}, "pods app=pypi of namespace other"),
        (pods(app="pypi"), "pods app=pypi"),
        ({"podSelector": {}}, "all pods beside it (of its namespace)"),
        ({"namespaceSelector": {}}, "all pods of all namespaces"),
        (of_namespace("kube-system"), "all pods of namespace kube-system"),
        (
            {"namespaceSelector": {"matchLabels": {"team": "ops"}}},
            "all pods of namespaces team=ops",
        ),
        (block("0.0.0.0/0", "10.0.0.0/8"), "every IPv4 address but 10.0.0.0/8"),
        (block("::/0"), "every IPv6 address"),
        (block("10.3.4.5/32"), "10.3.4.5 (licences)"),
        (block("10.3.4.0/25"), "10.3.4.0/25 (licences)"),
        (block("10.3.0.0/16"), "10.3.0.0/16"),
        (block("2001:db8::5/128"), "2001:db8::5 (licences)"),
        (block("169.254.169.254/32"), "169.254.169.254 (metadata of the cloud)"),
    ],
)
def test_peer_is_told_in_words(peer: Manifest | None, words: str) -> None:
    assert peer_of(peer) == words


@pytest.mark.parametrize(
    "peer",
    [
        pods(app="jupyterhub", component="hub"),  # beside the servers, where no hub is
        {**pods(app="jupyterhub"), **of_namespace("hubs")},
        {**pods(component="other"), **of_namespace("hubs")},
        {**pods(component="hub"), "namespaceSelector": {}},
        {
            "podSelector": {
                "matchExpressions": [{"key": "component", "operator": "NotIn", "values": ["x"]}]
            },
            **of_namespace("hubs"),
        },
    ],
)
def test_what_may_be_more_than_the_hub_is_not_called_the_hub(peer: Manifest) -> None:
    assert "the hub" not in peer_of(peer)
