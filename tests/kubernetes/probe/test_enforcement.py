"""The whole probe in a real network whose plug-in does its work, or does not.

Pods are network namespaces, wires are wires, and what is closed is closed by the kernel.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.kubernetes.probe.laboratory import Observation, check_that_there_can_be_one, observe

SCENARIOS = ("enforcing", "slow", "hole", "own-node", "no-hub", "nothing", "demo")
AT_ONCE = 3


@pytest.fixture(scope="module")
def observations(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, Future[Observation]]]:
    """All scenarios, which take their time side by side."""
    check_that_there_can_be_one()
    base = tmp_path_factory.mktemp("laboratory")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {name: pool.submit(observe, name, base / name) for name in SCENARIOS}


@pytest.fixture
def enforcing(observations: dict[str, Future[Observation]]) -> Observation:
    return observations["enforcing"].result()


@pytest.fixture
def slow(observations: dict[str, Future[Observation]]) -> Observation:
    return observations["slow"].result()


@pytest.fixture
def with_hole(observations: dict[str, Future[Observation]]) -> Observation:
    return observations["hole"].result()


@pytest.fixture
def with_own_node(observations: dict[str, Future[Observation]]) -> Observation:
    return observations["own-node"].result()


@pytest.fixture
def without_hub(observations: dict[str, Future[Observation]]) -> Observation:
    return observations["no-hub"].result()


CLOSED_KINDS = (
    *("internet", "name service", "metadata of the cloud", "API server", "another pod", "proxy"),
    *("node", "public address", "file server"),
    *("another exam server", "exam server, from another pod"),
)


def test_everything_but_the_hub_is_closed_where_policies_are_enforced(
    enforcing: Observation,
) -> None:
    assert enforcing.status == 0, enforcing.errors
    assert enforcing.probe["conclusion"] == "locked"
    assert enforcing.states("hub") == ["reached", "reached"]
    assert [row["title"] for row in enforcing.probe["targets"] if row["fault"]] == []


@pytest.mark.parametrize("kind", CLOSED_KINDS)
def test_of_every_kind_something_is_proved_by_the_control_pod(
    enforcing: Observation, kind: str
) -> None:
    assert "proved" in enforcing.states(kind)


def test_ipv6_and_questions_over_udp_are_tried_as_well(enforcing: Observation) -> None:
    rows = {(row["host"], row["port"], row["protocol"]): row for row in enforcing.probe["targets"]}
    for target in (
        ("2606:4700:4700::1111", 443, "tcp"),
        ("2606:4700:4700::1111", 53, "dns"),
        ("fd00:ec2::254", 80, "tcp"),
        ("8.8.8.8", 53, "dns"),
        ("10.96.0.10", 53, "dns"),
    ):
        found = rows[target]
        assert (found["state"], found["control"]) == ("proved", "reached"), target


def test_what_nobody_answers_is_not_called_proved(enforcing: Observation) -> None:
    # The pods' own loopback is what the kubeconfig calls the API server here: it refuses both.
    assert enforcing.states("API server") == ["proved", "nobody"]


def test_plug_in_that_takes_its_time_is_given_it_and_told_of(slow: Observation) -> None:
    assert slow.status == 0, slow.errors
    assert slow.probe["locked_after_seconds"] > 0.2
    seconds = f"{slow.probe['locked_after_seconds']:g}"
    assert slow.probe["warnings"] == [
        f"locked after {seconds} s: before that a pod that has just started reaches what has to "
        "be closed, because the network plug-in takes its time"
    ]
    assert "open" not in slow.states("internet")


def test_one_hole_is_a_fault_and_named(with_hole: Observation) -> None:
    assert with_hole.status == 1
    assert with_hole.probe["conclusion"] == "open"
    faults = [row["title"] for row in with_hole.probe["targets"] if row["fault"]]
    assert faults == ["exam.example.org (203.0.113.7 port 443)"]


def test_own_node_that_answers_is_a_warning_that_says_what_closes_it(
    with_own_node: Observation,
) -> None:
    assert with_own_node.status == 0, with_own_node.errors
    assert with_own_node.probe["conclusion"] == "locked"
    assert set(with_own_node.states("node")) == {"own_node"}
    assert with_own_node.probe["warnings"] == [
        "the pod's own node answers at ports 22 and 10250: no NetworkPolicy closes what is between "
        "a pod and the node that it runs on, although some network plug-ins do. Close it with the "
        "node's firewall, or in the plug-in (with Calico 'defaultEndpointToHostAction: Drop')"
    ]


def test_hub_that_is_not_reached_is_a_fault(without_hub: Observation) -> None:
    assert without_hub.status == 1
    assert without_hub.probe["conclusion"] == "hub not reached"
    assert without_hub.states("hub") == ["hub_missing", "reached"]
    assert "proved" not in without_hub.states("internet"), "its pod may have no network at all"


@pytest.mark.parametrize("scenario", ["nothing", "demo"])
def test_cluster_that_enforces_nothing_is_found_and_told(
    observations: dict[str, Future[Observation]], scenario: str
) -> None:
    seen = observations[scenario].result()
    assert seen.status == 1, seen.errors
    assert seen.probe["conclusion"] == "nothing enforced"
    assert seen.probe["sentence"].startswith(
        "This cluster's network plug-in enforces no NetworkPolicies at all: the exam's pod got "
        "wherever a pod without a policy got. Policies are stored and have no effect, so that no "
        "exam can be held on this cluster."
    )
    assert set(seen.states("exam server, from another pod")) == {"open"}
    assert set(seen.states("another exam server")) == {"open"}, "examinees talk to each other"
    assert "proved" not in seen.states("internet")


def test_progress_tells_what_goes_on(enforcing: Observation) -> None:
    lines = enforcing.errors.splitlines()
    assert lines[0] == "… ensuring the policy of exams/ml-pz1/student"
    assert lines[-1] == "… deleting the pods of the probe"
