"""Label selectors select what Kubernetes documents, and their arithmetic is that of sets."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.kubernetes.reach import LabelSelector, Requirement
from e2xhub.kubernetes.reach.selectors import Operator, Values

HUB = {"app": "hub"}
PROXY = {"app": "proxy"}
NO_APP = {"tier": "web"}
EMPTY_APP = {"app": ""}


@pytest.mark.parametrize(
    ("operator", "values", "selected"),
    [
        ("In", ["hub"], [HUB]),
        ("In", ["hub", "proxy"], [HUB, PROXY]),
        ("In", [""], [EMPTY_APP]),
        ("NotIn", ["hub"], [PROXY, NO_APP, EMPTY_APP]),
        ("NotIn", [""], [HUB, PROXY, NO_APP]),
        ("Exists", [], [HUB, PROXY, EMPTY_APP]),
        ("DoesNotExist", [], [NO_APP]),
    ],
)
def test_an_operator_selects_what_kubernetes_documents(
    operator: Operator, values: list[str], selected: list[Mapping[str, str]]
) -> None:
    selector = LabelSelector((Requirement("app", operator, frozenset(values)),))
    everything = [HUB, PROXY, NO_APP, EMPTY_APP]
    assert [labels for labels in everything if selector.matches(labels)] == selected


def test_all_requirements_must_hold() -> None:
    selector = LabelSelector.of({"app": "hub", "tier": "web"})
    assert selector.matches({"app": "hub", "tier": "web", "more": "labels"})
    assert not selector.matches({"app": "hub"})


def test_requirements_of_one_key_that_contradict_select_nothing() -> None:
    twice = (Requirement("app", "In", frozenset({"hub"})), Requirement("app", "DoesNotExist"))
    assert not LabelSelector(twice).matches(HUB)
    assert not LabelSelector(twice).matches({})


def test_an_empty_selector_selects_everything() -> None:
    assert LabelSelector().matches({})
    assert LabelSelector().matches(HUB)


def test_a_selector_is_shown_as_kubectl_writes_it() -> None:
    selector = LabelSelector(
        (
            Requirement("app", "In", frozenset({"hub"})),
            Requirement("component", "In", frozenset({"proxy", "hub"})),
            Requirement("tier", "NotIn", frozenset({"web"})),
            Requirement("release", "Exists"),
            Requirement("old", "DoesNotExist"),
        )
    )
    assert str(selector) == "app=hub,component in (hub,proxy),tier notin (web),release,!old"


_VALUES = st.builds(Values, st.frozensets(st.sampled_from("abc")), st.booleans(), st.booleans())
_CASES = ("a", "b", "c", "something else", None)


def members(values: Values) -> set[str | None]:
    return {case for case in _CASES if case in values}


@given(_VALUES, _VALUES)
def test_values_of_a_key_calculate_as_sets_do(one: Values, other: Values) -> None:
    assert members(one & other) == members(one) & members(other)
    assert members(one - other) == members(one) - members(other)
    assert members(~one) == set(_CASES) - members(one)
    assert bool(one) == bool(members(one))
