"""What follows from what two pods have tried: pure, and the only place where it is decided.

The exam's pod says whether something is closed; the control pod, which no policy selects, says
whether that means anything. A plug-in that enforces nothing lets both through.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum


class Outcome(str, Enum):
    """What happened to one attempt, by the letter that `e2xhub.in_pod.network_probe` tells."""

    REACHED = "o"
    REFUSED = "r"
    SILENT = "s"
    NO_WAY = "u"
    NO_NAME = "n"
    ABSENT = "-"

    @property
    def is_answer(self) -> bool:
        """Whether packets have gone there and come back, be it with a refusal."""
        return self in (Outcome.REACHED, Outcome.REFUSED)


class Expectation(str, Enum):
    """What should be so of a target, seen from the exam's pod."""

    CLOSED = "closed"
    HUB = "hub"
    """Has to be reached: no server works without it."""
    ALLOWED = "allowed"
    """May be reached: the catalog says so."""
    OWN_NODE = "own node"
    """Kubernetes closes nothing between a pod and the node that it runs on; some plug-ins do."""


class State(str, Enum):
    """What was found out about a target."""

    PROVED = "closed (proved)"
    UNPROVED = "closed, but the control pod did not get there either: proves nothing"
    NOBODY = "nobody listens there: nothing known"
    OPEN = "OPEN"
    OWN_NODE = "open: the pod's own node, which no NetworkPolicy closes"
    REACHED = "reached"
    HUB_MISSING = "NOT REACHED: no server of this exam can start"
    ALLOWED_MISSING = "not reached, although the catalog allows it"
    ALLOWED_NOWHERE = "not reached, by the control pod neither: proves nothing"
    NOT_TRIED = "not tried"

    @property
    def is_fault(self) -> bool:
        """Whether the exam must not be held like this."""
        return self in (State.OPEN, State.HUB_MISSING)

    @property
    def is_warning(self) -> bool:
        """Whether somebody should look at it."""
        return self in (State.ALLOWED_MISSING, State.ALLOWED_NOWHERE, State.OWN_NODE)


class Conclusion(str, Enum):
    """What follows from all targets together."""

    LOCKED = "locked"
    OPEN = "open"
    NOTHING_ENFORCED = "nothing enforced"
    HUB_MISSING = "hub not reached"
    NOT_PROVED = "not proved"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What happened at one target."""

    expectation: Expectation
    exam: Outcome
    control: Outcome
    state: State
    is_about_policies: bool = True
    """Whether a policy decides it; the pod's own settings decide whether it can look up names."""


def judge(
    expectation: Expectation,
    exam: Outcome,
    control: Outcome,
    *,
    is_up: bool = True,
    is_about_policies: bool = True,
) -> Finding:
    """What the outcomes of both pods at one target mean.

    `is_up`: whether the exam's pod has reached its hub; a pod that has no network at all proves
    nothing by what it does not reach.
    """
    if expectation is Expectation.OWN_NODE and exam is Outcome.REACHED:
        state = State.OWN_NODE
    elif expectation in (Expectation.CLOSED, Expectation.OWN_NODE):
        state = _judge_closed(exam, control, is_up)
    elif exam is Outcome.REACHED:
        state = State.REACHED
    elif expectation is Expectation.HUB:
        state = State.HUB_MISSING
    elif control is Outcome.REACHED:
        state = State.ALLOWED_MISSING
    else:
        state = State.ALLOWED_NOWHERE
    return Finding(
        expectation=expectation,
        exam=exam,
        control=control,
        state=state,
        is_about_policies=is_about_policies,
    )


def _judge_closed(exam: Outcome, control: Outcome, is_up: bool) -> State:
    if exam is Outcome.REACHED:
        return State.OPEN
    if exam is Outcome.ABSENT:
        return State.NOT_TRIED
    if exam is control is Outcome.REFUSED:
        return State.NOBODY
    # Where nobody listens the control pod is refused by the machine itself; silence of the exam's
    # pod is then the policy's work.
    is_difference = control is Outcome.REACHED or (control.is_answer and not exam.is_answer)
    return State.PROVED if is_difference and is_up else State.UNPROVED


def conclude(findings: Sequence[Finding], *, essential: Iterable[Sequence[Finding]]) -> Conclusion:
    """What follows from all findings; nothing good unless of each group in `essential` at least
    one is proved to be closed."""
    closed = [found for found in findings if found.expectation is Expectation.CLOSED]
    by_policy = [found for found in closed if found.is_about_policies]
    if any(found.state is State.OPEN for found in closed):
        through = [found for found in by_policy if found.control is Outcome.REACHED]
        has_all = through and all(found.state is State.OPEN for found in through)
        return Conclusion.NOTHING_ENFORCED if has_all else Conclusion.OPEN
    if any(found.state is State.HUB_MISSING for found in findings):
        return Conclusion.HUB_MISSING
    if not all(any(found.state is State.PROVED for found in group) for group in essential):
        return Conclusion.NOT_PROVED
    return Conclusion.LOCKED
