"""Verdicts are worked out once for the same policies, and anew for others."""

from __future__ import annotations

import gc
import weakref
from time import process_time
from typing import Any

from e2xhub.domain.catalog.destinations import Destination
from e2xhub.domain.lockdown import Lockdown
from e2xhub.kubernetes.lockdown.verdicts import Verdicts
from e2xhub.kubernetes.policies import make_policy_of
from e2xhub.kubernetes.reach import Pod
from tests.kubernetes.lockdown.test_judgement import (
    CHART,
    EVERYWHERE,
    LABELS,
    OWN,
    SELECTOR,
    SERVER,
    SERVER_PORTS,
    USERNAME,
    policy_with,
    to,
)

NETWORKS = [{"ipBlock": {"cidr": f"10.{n // 250}.{n % 250}.0/24"}} for n in range(2000)]
WIDE = policy_with("wide", **to(EVERYWHERE))


def verdicts_on(*manifests: dict[str, Any]) -> Verdicts:
    verdicts = Verdicts()
    read(verdicts, *manifests)
    return verdicts


def read(verdicts: Verdicts, *manifests: dict[str, Any]) -> None:
    verdicts.read({f"exams/{one['metadata']['name']}": one for one in manifests})


def seconds_of(verdicts: Verdicts, manifest: dict[str, Any], pods: list[Pod]) -> float:
    began_at = process_time()
    read(verdicts, manifest)
    assert len(verdicts.find_widening_of(pods, {**OWN})) == 1
    return process_time() - began_at


def test_policy_of_many_rules_is_compared_once_for_all_servers_and_starts() -> None:
    verdicts = Verdicts()
    hostile = policy_with(**to({"to": NETWORKS, "ports": [{"port": 443}]}))
    pods = [Pod("exams", {**LABELS, USERNAME: f"user-{n}"}, ports=SERVER_PORTS) for n in range(20)]
    first = seconds_of(verdicts, hostile, pods)
    assert seconds_of(verdicts, hostile, pods) < first / 10


def test_policy_that_appears_changes_or_goes_is_judged_anew() -> None:
    verdicts = verdicts_on()
    assert verdicts.find_widening(SERVER, OWN) == []
    read(verdicts, WIDE)
    (fault,) = verdicts.find_widening(SERVER, OWN)
    assert "exams/wide lets the server reach anyone" in fault
    read(verdicts, policy_with("wide", **to()))
    assert verdicts.find_widening(SERVER, OWN) == []
    read(verdicts, WIDE)
    assert verdicts.find_widening(SERVER, OWN) == [fault]
    read(verdicts)
    assert verdicts.find_widening(SERVER, OWN) == []


def test_policy_that_is_gone_is_forgotten() -> None:
    """Somebody may edit one of thousands of rules all day."""
    verdicts = verdicts_on(WIDE)
    verdicts.find_widening(SERVER, OWN)
    seen = weakref.ref(verdicts.policies[0])
    read(verdicts)
    gc.collect()
    assert seen() is None


def test_our_policy_that_is_written_anew_is_judged_anew() -> None:
    licences = policy_with(
        **to({"to": [{"ipBlock": {"cidr": "10.3.4.0/24"}}], "ports": [{"port": 27000}]})
    )
    verdicts = verdicts_on(licences)
    assert verdicts.find_widening(SERVER, OWN) == []
    alone = make_policy_of(SELECTOR, Lockdown(destinations={}, name_service=False), CHART)
    assert len(verdicts.find_widening(SERVER, alone)) == 1
    assert verdicts.find_widening(SERVER, OWN) == []
    place = Destination(addresses=("10.3.4.0/24",), ports=("27000",))
    enough = Lockdown(destinations={"place": place}, name_service=False)
    assert verdicts.find_widening(SERVER, make_policy_of(SELECTOR, enough, CHART)) == []


def test_policy_of_one_user_is_a_fault_of_that_user_alone() -> None:
    selector = {"matchLabels": {USERNAME: "alice"}}
    verdicts = verdicts_on(policy_with(podSelector=selector, **to(EVERYWHERE)))
    ben = Pod("exams", {**LABELS, USERNAME: "ben"}, ports=SERVER_PORTS)
    assert verdicts.find_widening(ben, OWN) == []
    assert len(verdicts.find_widening(SERVER, OWN)) == 1
    assert len(verdicts.find_widening_of([ben, SERVER, ben, SERVER], OWN)) == 1


def test_policy_that_nobody_understands_is_a_fault_of_everybody() -> None:
    verdicts = verdicts_on()
    assert verdicts.find_widening(SERVER, OWN) == []
    read(verdicts, policy_with(unknown=1))
    assert len(verdicts.find_widening(SERVER, OWN)) == 1


def test_pod_that_our_policy_does_not_select_is_told_with_its_labels() -> None:
    (fault,) = verdicts_on(OWN).find_widening(Pod("exams", {"a": "b"}), OWN)
    assert fault == (
        "NetworkPolicy exams/e2xhub-exam-ml-pz1--autumn does not select the pod (its labels: "
        "{'a': 'b'})"
    )
