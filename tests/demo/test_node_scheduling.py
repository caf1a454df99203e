from __future__ import annotations

import random
from typing import Any

import pytest

from e2xhub.demo.node.addresses import AddressPool, NoAddressLeftError
from e2xhub.demo.node.scheduling import explain_unschedulable, matches_expression, requests_of

LABELS = {"pool": "exam", "cores": "8"}


def pick_network() -> str:
    """A loopback network that other tests on this machine hardly use at the same time."""
    return f"127.{random.randint(128, 254)}.{random.randint(0, 255)}"


def make_pod(memory: str = "1Gi", **spec: Any) -> dict[str, Any]:
    container = {"resources": {"requests": {"memory": memory}}}
    return {"metadata": {"name": "pod"}, "spec": {"containers": [container], **spec}}


def explain(pod: dict[str, Any], **facts: Any) -> str | None:
    node = {"node_name": "demo-node", "labels": LABELS}
    allocatable = {"cpu": "4", "memory": "8Gi", "pods": "2"}
    facts = {"allocatable": allocatable, "scheduled": [], "claims": [], **facts}
    return explain_unschedulable(pod, **node, **facts)


def test_a_pod_that_fits_has_no_reason() -> None:
    assert explain(make_pod(nodeSelector={"pool": "exam"})) is None


def test_scheduled_pods_use_up_the_node() -> None:
    message = "0/1 nodes are available: 1 Insufficient memory."
    assert explain(make_pod("5Gi"), scheduled=[make_pod("4Gi")]) == message
    assert explain(make_pod("4Gi"), scheduled=[make_pod("4Gi")]) is None


def test_pods_are_counted() -> None:
    message = "0/1 nodes are available: 1 Too many pods."
    assert explain(make_pod(), scheduled=[make_pod(), make_pod()]) == message


def test_every_short_resource_is_named() -> None:
    resources = {"requests": {"cpu": "5", "memory": "9Gi", "nvidia.com/gpu": "1"}}
    pod = make_pod(containers=[{"resources": resources}])
    assert explain(pod) == (
        "0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory, "
        "1 Insufficient nvidia.com/gpu."
    )


def test_a_missing_claim_comes_first() -> None:
    volume = {"name": "home", "persistentVolumeClaim": {"claimName": "claim-alice"}}
    pod = make_pod(volumes=[volume], nodeSelector={"pool": "none"})
    message = '0/1 nodes are available: persistentvolumeclaim "claim-alice" not found.'
    assert explain(pod) == message


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ({"key": "pool", "operator": "In", "values": ["exam", "x"]}, True),
        ({"key": "pool", "operator": "In", "values": ["x"]}, False),
        ({"key": "none", "operator": "NotIn", "values": ["x"]}, True),
        ({"key": "pool", "operator": "NotIn", "values": ["exam"]}, False),
        ({"key": "pool", "operator": "Exists"}, True),
        ({"key": "pool", "operator": "DoesNotExist"}, False),
        ({"key": "cores", "operator": "Gt", "values": ["4"]}, True),
        ({"key": "cores", "operator": "Lt", "values": ["8"]}, False),
        ({"key": "pool", "operator": "Gt", "values": ["4"]}, False),
        ({"key": "none", "operator": "Lt", "values": ["4"]}, False),
    ],
)
def test_node_selector_requirements(expression: dict[str, Any], expected: bool) -> None:
    assert matches_expression(expression, LABELS) is expected


@pytest.mark.parametrize(
    ("terms", "fits"),
    [
        ([{"matchExpressions": [{"key": "pool", "operator": "In", "values": ["exam"]}]}], True),
        ([{"matchExpressions": [{"key": "pool", "operator": "In", "values": ["x"]}]}], False),
        ([{}], False),
        (
            [
                {"matchExpressions": [{"key": "pool", "operator": "In", "values": ["x"]}]},
                {
                    "matchFields": [
                        {"key": "metadata.name", "operator": "In", "values": ["demo-node"]}
                    ]
                },
            ],
            True,
        ),
    ],
)
def test_one_term_of_the_required_affinity_must_match(
    terms: list[dict[str, Any]], fits: bool
) -> None:
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
    reason = explain(make_pod(affinity={"nodeAffinity": required}))
    assert (reason is None) is fits


def test_a_large_init_container_counts_alone() -> None:
    init = [{"resources": {"requests": {"memory": "3Gi", "cpu": "1"}}}]
    requests = requests_of(make_pod("2Gi", initContainers=init))
    assert requests == {"memory": 3 * 2**30, "cpu": 1, "pods": 1}


def test_addresses_are_handed_out_once_and_again_when_given_back() -> None:
    network = pick_network()
    pool = AddressPool(f"{network}.0/30")
    first, second = pool.take(), pool.take()
    assert (first, second) == (f"{network}.1", f"{network}.2")
    with pytest.raises(NoAddressLeftError):
        pool.take()
    pool.give_back(second)
    assert pool.take() == second


def test_an_address_that_was_given_back_rests() -> None:
    network = pick_network()
    pool = AddressPool(f"{network}.0/29")
    pool.give_back(pool.take())
    assert pool.take() == f"{network}.2"


def test_an_address_that_another_demo_uses_is_passed_over() -> None:
    network = pick_network()
    other = AddressPool(f"{network}.0/29")
    assert other.take() == f"{network}.1"
    pool = AddressPool(f"{network}.0/29")
    assert pool.take() == f"{network}.2"
    other.give_back(f"{network}.1")
    assert AddressPool(f"{network}.0/29").take() == f"{network}.1"


@pytest.mark.parametrize("address_range", ["10.0.0.0/8", "0.0.0.0/0"])
def test_only_loopback_addresses_are_handed_out(address_range: str) -> None:
    with pytest.raises(ValueError, match="is no range of loopback addresses"):
        AddressPool(address_range)
