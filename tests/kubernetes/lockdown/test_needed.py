"""Which policies running servers need: by their labels, whoever has started them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.identifiers import ExamId
from e2xhub.domain.lockdown import Lockdown
from e2xhub.domain.offers import Offer
from e2xhub.kubernetes.labels import COURSE, EXAM, NETWORK, TERM, make_labels
from e2xhub.kubernetes.lockdown.needed import NeededPolicies
from e2xhub.kubernetes.policies import make_policy, make_policy_of, selector_in
from e2xhub.kubernetes.surroundings import Surroundings

ALONE = Surroundings(namespace="exam", hub_namespace="exam")
CHART = replace(ALONE, chart_labels={"app": "jupyterhub", "release": "autumn"})
EXAM_ID = ExamId.parse("ml-pz1")
LEARNING = {NETWORK: "no-internet", COURSE: "machine-learning", TERM: "WS26"}


def names(catalog: Catalog, *pods: dict[str, str], around: Surroundings = CHART) -> list[str]:
    return sorted(NeededPolicies(around).find(catalog, pods))


@pytest.mark.parametrize("around", [ALONE, CHART])
def test_pods_need_what_their_offer_was_started_with(
    exam: Offer, small_catalog: Catalog, around: Surroundings
) -> None:
    labels = {**make_labels(exam), **around.release, "hub.jupyter.org/username": "alice"}
    made = make_policy(exam, around)
    assert made is not None
    found = NeededPolicies(around).find(small_catalog, [labels, {**labels, "x": "y"}])
    assert found == {f"exam/{made['metadata']['name']}": made}


def test_course_that_is_locked_needs_its_own(learning: Offer, small_catalog: Catalog) -> None:
    labels = {**make_labels(learning), **CHART.release}
    made = make_policy(learning, CHART)
    assert made is not None
    assert list(NeededPolicies(CHART).find(small_catalog, [labels]).values()) == [made]


FORGOTTEN = [
    {NETWORK: "exam"},
    {NETWORK: "exam", EXAM: "forgotten"},
    {NETWORK: "no-internet", COURSE: "forgotten", TERM: "WS26"},
    {NETWORK: "no-internet", COURSE: "machine-learning", TERM: "WS99"},
    {NETWORK: "no-internet", COURSE: "machine-learning"},
]


@pytest.mark.parametrize(
    "labels",
    [
        {},
        {"component": "singleuser-server"},
        {NETWORK: "open", COURSE: "machine-learning", TERM: "WS26"},
        {NETWORK: "open", COURSE: "forgotten", TERM: "WS26"},
        {NETWORK: "closed", COURSE: "machine-learning", TERM: "WS26"},
    ],
)
def test_what_is_not_locked_needs_nothing(small_catalog: Catalog, labels: dict[str, str]) -> None:
    assert names(small_catalog, {**labels, **CHART.release}) == []


@pytest.mark.parametrize("labels", FORGOTTEN)
def test_locked_server_that_the_catalog_has_forgotten_reaches_the_hub_alone(
    small_catalog: Catalog, labels: dict[str, str]
) -> None:
    pod = {**labels, **CHART.release}
    (policy,) = NeededPolicies(CHART).find(small_catalog, [pod]).values()
    alone = Lockdown(destinations={}, name_service=False)
    assert policy == make_policy_of(selector_in(pod, CHART), alone, CHART)


@pytest.mark.parametrize("labels", FORGOTTEN)
def test_without_a_release_it_may_be_another_hubs(
    small_catalog: Catalog, labels: dict[str, str]
) -> None:
    assert names(small_catalog, labels, around=ALONE) == []


def test_server_keeps_the_policy_that_it_had_when_the_catalog_forgets_it(
    small_catalog: Catalog,
) -> None:
    needed = NeededPolicies(ALONE)
    before = dict(needed.find(small_catalog, [LEARNING]))
    without = small_catalog.model_copy(update={"courses": {}})
    assert needed.find(without, [LEARNING]) == before
    assert needed.find(without, []) == {}
    assert needed.find(without, [LEARNING]) == {}


def test_pods_of_another_release_are_its_own(small_catalog: Catalog) -> None:
    assert names(small_catalog, {**LEARNING, "release": "spring"}, LEARNING) == []
    assert len(names(small_catalog, {**LEARNING, "release": "autumn"})) == 1


def test_many_pods_of_one_lockdown_need_one_policy(small_catalog: Catalog) -> None:
    pods: list[dict[str, Any]] = [
        {**LEARNING, "release": "autumn", "user": str(number)} for number in range(100)
    ]
    assert len(names(small_catalog, *pods)) == 1


def test_another_catalog_is_looked_at_again(exam: Offer, small_catalog: Catalog) -> None:
    needed = NeededPolicies(ALONE)
    pod = make_labels(exam)
    (before,) = needed.find(small_catalog, [pod]).values()
    own = small_catalog.exams[EXAM_ID].model_copy(update={"name_service": True})
    changed = small_catalog.model_copy(update={"exams": {EXAM_ID: own}})
    (after,) = needed.find(changed, [pod]).values()
    assert len(after["spec"]["egress"]) == len(before["spec"]["egress"]) + 1
