"""What follows from what two pods have tried."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.in_pod import network_probe
from e2xhub.kubernetes.probe.verdicts import (
    Conclusion,
    Expectation,
    Finding,
    Outcome,
    State,
    conclude,
    judge,
)

CLOSED, HUB, ALLOWED = Expectation.CLOSED, Expectation.HUB, Expectation.ALLOWED
OWN_NODE = Expectation.OWN_NODE
REACHED, REFUSED, SILENT = Outcome.REACHED, Outcome.REFUSED, Outcome.SILENT
NO_WAY, ABSENT = Outcome.NO_WAY, Outcome.ABSENT
OUTCOMES = st.sampled_from(Outcome)
JUDGED = st.builds(
    judge,
    st.sampled_from(Expectation),
    OUTCOMES,
    OUTCOMES,
    is_up=st.booleans(),
    is_about_policies=st.booleans(),
)


def test_letters_are_those_of_the_probe() -> None:
    assert {outcome.value for outcome in Outcome} == set(network_probe.LETTERS)
    for outcome in Outcome:
        assert getattr(network_probe, outcome.name) == outcome.value


@pytest.mark.parametrize(
    ("expectation", "exam", "control", "state"),
    [
        (CLOSED, SILENT, REACHED, State.PROVED),
        (CLOSED, NO_WAY, REACHED, State.PROVED),
        # A plug-in that rejects answers as a machine does on which nobody listens.
        (CLOSED, REFUSED, REACHED, State.PROVED),
        # Packets went there and came back, for both: about the policy nothing is known.
        (CLOSED, REFUSED, REFUSED, State.NOBODY),
        # The machine has answered the control pod, and nobody the exam's.
        (CLOSED, SILENT, REFUSED, State.PROVED),
        (CLOSED, SILENT, SILENT, State.UNPROVED),
        (CLOSED, NO_WAY, SILENT, State.UNPROVED),
        (CLOSED, REACHED, REACHED, State.OPEN),
        (CLOSED, REACHED, SILENT, State.OPEN),
        (CLOSED, ABSENT, REACHED, State.NOT_TRIED),
        (OWN_NODE, REACHED, REACHED, State.OWN_NODE),
        (OWN_NODE, REACHED, SILENT, State.OWN_NODE),
        (OWN_NODE, SILENT, REACHED, State.PROVED),
        (OWN_NODE, REFUSED, REFUSED, State.NOBODY),
        (OWN_NODE, SILENT, SILENT, State.UNPROVED),
        (HUB, REACHED, SILENT, State.REACHED),
        (HUB, SILENT, REACHED, State.HUB_MISSING),
        (HUB, SILENT, SILENT, State.HUB_MISSING),
        (ALLOWED, REACHED, REACHED, State.REACHED),
        (ALLOWED, SILENT, REACHED, State.ALLOWED_MISSING),
        (ALLOWED, SILENT, SILENT, State.ALLOWED_NOWHERE),
    ],
)
def test_verdict(expectation: Expectation, exam: Outcome, control: Outcome, state: State) -> None:
    assert judge(expectation, exam, control).state is state


def test_pod_without_any_network_proves_nothing() -> None:
    assert judge(CLOSED, SILENT, REACHED, is_up=False).state is State.UNPROVED


@given(control=OUTCOMES, is_up=st.booleans())
def test_what_the_exam_reaches_is_a_fault_whatever_the_control_pod_says(
    control: Outcome, is_up: bool
) -> None:
    assert judge(CLOSED, REACHED, control, is_up=is_up).state.is_fault


@given(outcome=OUTCOMES)
def test_nothing_is_proved_where_both_pods_saw_the_same(outcome: Outcome) -> None:
    assert judge(CLOSED, outcome, outcome).state is not State.PROVED


@given(findings=st.lists(JUDGED), essential=st.lists(JUDGED, min_size=1))
def test_exam_is_locked_only_where_nothing_is_at_fault_and_the_essential_is_proved(
    findings: list[Finding], essential: list[Finding]
) -> None:
    every = [*findings, *essential]
    is_sound = not any(found.state.is_fault for found in every) and any(
        found.state is State.PROVED for found in essential
    )
    assert (conclude(every, essential=[essential]) is Conclusion.LOCKED) == is_sound


@given(findings=st.lists(JUDGED), added=JUDGED)
def test_one_more_fault_never_makes_an_exam_locked(findings: list[Finding], added: Finding) -> None:
    if added.state.is_fault:
        assert conclude([*findings, added], essential=[]) is not Conclusion.LOCKED


@pytest.mark.parametrize("others", [[], [judge(CLOSED, SILENT, SILENT)]])
def test_exam_is_not_proved_to_be_locked_by_what_is_not_essential(others: list[Finding]) -> None:
    proved = judge(CLOSED, SILENT, REACHED)
    assert conclude([proved, *others], essential=[[proved], others]) is Conclusion.NOT_PROVED
    assert conclude([proved, *others], essential=[[proved]]) is Conclusion.LOCKED


def test_own_node_that_answers_is_a_warning_and_no_fault() -> None:
    own, proved = judge(OWN_NODE, REACHED, REACHED), judge(CLOSED, SILENT, REACHED)
    assert (own.state.is_warning, own.state.is_fault) == (True, False)
    assert conclude([own, proved], essential=[[proved]]) is Conclusion.LOCKED


def test_nothing_is_enforced_where_the_exam_gets_wherever_the_control_pod_gets() -> None:
    findings = [
        judge(HUB, REACHED, REACHED),
        judge(CLOSED, REACHED, REACHED),
        judge(CLOSED, SILENT, SILENT),
        # The pod's own settings have no name server, which is no policy's work.
        judge(CLOSED, Outcome.NO_NAME, REACHED, is_about_policies=False),
    ]
    assert conclude(findings, essential=[]) is Conclusion.NOTHING_ENFORCED
    more = [*findings, judge(CLOSED, SILENT, REACHED)]
    assert conclude(more, essential=[]) is Conclusion.OPEN
