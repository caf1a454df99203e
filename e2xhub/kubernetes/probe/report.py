"""What a probe has found, for people and scripts. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from e2xhub.kubernetes.probe.running import ProbeError
from e2xhub.kubernetes.probe.targets import Kind, Target
from e2xhub.kubernetes.probe.verdicts import (
    Conclusion,
    Expectation,
    Finding,
    Outcome,
    State,
    conclude,
    judge,
)

_CONCLUSIONS = {
    Conclusion.LOCKED: "The exam's pod reached its hub, and nothing that has to be closed to it.",
    Conclusion.OPEN: "What has to be closed is open; no exam should be held like this. Find the "
    "policy that allows it with 'e2xhub lockdown show'; where there is none, the network plug-in "
    "does not enforce everything (some know ingress alone).",
    Conclusion.NOTHING_ENFORCED: "This cluster's network plug-in enforces no NetworkPolicies at "
    "all: the exam's pod got wherever a pod without a policy got. Policies are stored and have no "
    "effect, so that no exam can be held on this cluster. Install a plug-in that enforces them "
    "(Calico, Cilium, Antrea and others do; some need it switched on), then try again.",
    Conclusion.HUB_MISSING: "The exam's pod did not reach its hub. No server of this exam can "
    "start; look at the hub, and at the policies of both with 'e2xhub lockdown show'.",
    Conclusion.NOT_PROVED: "It is not proved that the exam is locked, although nothing was found "
    "open. For a proof the control pod, which should not have a policy, has to reach the "
    "neighbour, and the pods of the exam have to listen. A policy that selects every pod of the "
    "namespace may hold the control pod, or the cluster's pods have no network.",
}
_ESSENTIAL = (Kind.POD, Kind.FELLOW, Kind.EXAM_SERVER)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One target, and what was found out about it."""

    target: Target
    finding: Finding
    closed_after: float | None = None
    """How many seconds it was open before it was closed; None: it was never seen open."""


@dataclass(frozen=True, kw_only=True)
class ProbeReport:
    """Everything that a probe has found."""

    policy: str
    """`namespace/name` of the exam's own policy."""
    rows: tuple[Row, ...]
    conclusion: Conclusion
    notes: tuple[str, ...]
    """What could not be tried, and why."""

    @property
    def is_locked(self) -> bool:
        """Whether an exam may be held as far as the probe can tell."""
        return self.conclusion is Conclusion.LOCKED

    @property
    def locked_after(self) -> float | None:
        """Seconds until the last target was closed that had been open; None: none had been."""
        return max(
            (row.closed_after for row in self.rows if row.closed_after is not None), default=None
        )

    @property
    def sentence(self) -> str:
        """What follows from it all."""
        return f"{_CONCLUSIONS[self.conclusion]} {self._counts}"

    @property
    def _counts(self) -> str:
        """How much of it is proved."""
        states = [
            row.finding.state
            for row in self.rows
            if row.finding.is_about_policies and row.finding.expectation is Expectation.CLOSED
        ]
        unknown = states.count(State.UNPROVED) + states.count(State.NOBODY)
        return (
            f"Of what has to be closed, {states.count(State.OPEN)} are open, "
            f"{states.count(State.PROVED)} proved to be closed, and of {unknown} nothing is known: "
            "nobody listens there, or the control pod did not get there either."
        )

    @property
    def faults(self) -> tuple[str, ...]:
        """What is open, or not reached, a sentence for each; none where it is simply everything."""
        if self.conclusion is Conclusion.NOTHING_ENFORCED:
            return ()
        return tuple(_name(row) for row in self.rows if row.finding.state.is_fault)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What somebody should look at although an exam may be held."""
        return tuple(self._warn())

    def _warn(self) -> Iterator[str]:
        if self.locked_after is not None:
            yield (
                f"locked after {self.locked_after:g} s: before that a pod that has just started "
                "reaches what has to be closed, because the network plug-in takes its time"
            )
        own_node = {row.target.port for row in self.rows if row.finding.state is State.OWN_NODE}
        if own_node:
            yield _warn_of_node(own_node)
        for row in self.rows:
            if row.finding.state.is_warning and row.finding.state is not State.OWN_NODE:
                yield _name(row)

    def to_json(self) -> dict[str, Any]:
        """For scripts; the shape is in docs/reference/command-line.md."""
        return {
            "policy": self.policy,
            "conclusion": self.conclusion.value,
            "locked": self.is_locked,
            "locked_after_seconds": self.locked_after,
            "sentence": self.sentence,
            "warnings": list(self.warnings),
            "notes": list(self.notes),
            "targets": [_row_as_json(row) for row in self.rows],
        }


def _warn_of_node(ports: Collection[int]) -> str:
    noun = "port" if len(ports) == 1 else "ports"
    shown = " and ".join(map(str, sorted(ports)))
    return (
        f"the pod's own node answers at {noun} {shown}: no NetworkPolicy closes what is between a "
        "pod and the node that it runs on, although some network plug-ins do. Close it with the "
        "node's firewall, or in the plug-in (with Calico 'defaultEndpointToHostAction: Drop')"
    )


def _name(row: Row) -> str:
    return f"{row.target.kind.value} {row.target.title}: {row.finding.state.value}"


def _row_as_json(row: Row) -> dict[str, Any]:
    return {
        "kind": row.target.kind.value,
        "title": row.target.title,
        "protocol": row.target.protocol,
        "host": row.target.host,
        "port": row.target.port or None,
        "expected": row.target.expectation.value,
        "exam": row.finding.exam.name.lower(),
        "control": row.finding.control.name.lower(),
        "state": row.finding.state.name.lower(),
        "fault": row.finding.state.is_fault,
        "closed_after_seconds": row.closed_after,
    }


@dataclass(frozen=True, kw_only=True)
class LockedPod:
    """What a pod with the exam's labels has told, and where it is."""

    answer: Mapping[str, Any]
    """First of all whether it reaches itself."""
    addresses: Sequence[str]
    nodes: Collection[str]
    """The addresses of the node that it runs on."""

    @property
    def listens(self) -> bool:
        """Whether somebody who is let in would reach it."""
        return str(self.answer["outcomes"]).startswith(Outcome.REACHED.value)


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What is tried, by whom: `targets` by the exam's pod and the control pod."""

    targets: Sequence[Target]
    fellows: Sequence[Target] = ()
    """By the exam's pod alone."""
    entrances: Sequence[Target] = ()
    """By the control pod alone."""


def make_report(
    tried: Tried,
    *,
    exam: LockedPod,
    fellow: LockedPod,
    control: Mapping[str, Any],
    notes: Sequence[str],
    policy: str,
) -> ProbeReport:
    """Joins what the pods have told. The neighbour, which the control pod reaches at the same port,
    is the control of what it may not reach itself.

    Raises ProbeError where one of them tells something that no probe tells.
    """
    count = len(tried.targets)
    _parse(fellow.answer, 1)
    of_exam = _parse(exam.answer, 1 + count + len(tried.fellows))[1:]
    of_control = _parse(control, count + len(tried.entrances))
    neighbour = _neighbour_of(tried.targets, of_control)
    is_up = exam.answer.get("up") is not None
    findings = [
        *_judge_targets(tried.targets, of_exam, of_control, exam.nodes, is_up=is_up),
        *(_judge_pod(outcome, neighbour, fellow, is_up=is_up) for outcome in of_exam[count:]),
        *(_judge_pod(outcome, neighbour, exam) for outcome in of_control[count:]),
    ]
    late = {int(index) - 1: float(s) for index, s in (exam.answer.get("late") or {}).items()}
    targets = (*tried.targets, *tried.fellows, *tried.entrances)
    rows = tuple(
        Row(target=target, finding=finding, closed_after=late.get(index))
        for index, (target, finding) in enumerate(zip(targets, findings, strict=True))
    )
    essential = [[row.finding for row in rows if row.target.kind is kind] for kind in _ESSENTIAL]
    return ProbeReport(
        policy=policy,
        rows=rows,
        conclusion=conclude(findings, essential=essential),
        notes=tuple(notes),
    )


def _judge_targets(
    targets: Sequence[Target],
    of_exam: Sequence[Outcome],
    of_control: Sequence[Outcome],
    own_nodes: Collection[str],
    *,
    is_up: bool,
) -> Iterator[Finding]:
    for target, exam, control in zip(targets, of_exam, of_control, strict=False):
        is_own = target.kind is Kind.NODE and target.host in own_nodes
        yield judge(
            Expectation.OWN_NODE if is_own else target.expectation,
            exam,
            control,
            is_up=is_up,
            is_about_policies=target.protocol != "name",
        )


def _parse(answer: Mapping[str, Any], count: int) -> list[Outcome]:
    try:
        outcomes = [Outcome(letter) for letter in answer["outcomes"]]
    except (KeyError, ValueError) as error:
        raise ProbeError(f"a pod of the probe told nothing sensible: {error}") from None
    if len(outcomes) != count:
        raise ProbeError(f"a pod of the probe told {len(outcomes)} outcomes; expected {count}")
    return outcomes


def _neighbour_of(targets: Sequence[Target], outcomes: Sequence[Outcome]) -> Outcome:
    """Whether the control pod reaches a pod that no policy selects, at the same port."""
    tried = [
        outcome
        for target, outcome in zip(targets, outcomes, strict=False)
        if target.kind is Kind.POD
    ]
    return max(tried, key=lambda outcome: outcome is Outcome.REACHED, default=Outcome.ABSENT)


def _judge_pod(
    outcome: Outcome, neighbour: Outcome, tried: LockedPod, *, is_up: bool = True
) -> Finding:
    """What an attempt at a pod of the exam means, which lets in hub and proxy alone."""
    if not tried.listens:
        return Finding(
            expectation=Expectation.CLOSED,
            exam=Outcome.ABSENT,
            control=neighbour,
            state=State.NOT_TRIED,
        )
    return judge(Expectation.CLOSED, outcome, neighbour, is_up=is_up)
