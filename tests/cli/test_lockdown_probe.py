"""What `e2xhub lockdown verify --probe` shows of what pods have tried."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from e2xhub.cli.lockdown_probe import _join_ports, print_report
from e2xhub.kubernetes.probe import ProbeError
from e2xhub.kubernetes.probe.report import LockedPod, ProbeReport, Tried, make_report
from e2xhub.kubernetes.probe.targets import (
    Endpoint,
    Kind,
    Target,
    make_entrances,
    make_fellows,
)
from e2xhub.kubernetes.probe.verdicts import Conclusion, Expectation


def target(
    kind: Kind, host: str, expectation: Expectation = Expectation.CLOSED, port: int = 443
) -> Target:
    return Target(
        kind=kind,
        title=f"{host} port {port}",
        protocol="tcp",
        host=host,
        port=port,
        expectation=expectation,
    )


TARGETS = (
    target(Kind.HUB, "10.96.0.20", Expectation.HUB, 8081),
    target(Kind.INTERNET, "1.1.1.1"),
    target(Kind.POD, "10.1.0.9", port=8888),
    target(Kind.DESTINATION, "203.0.113.80", Expectation.ALLOWED, 27000),
    target(Kind.NODE, "192.0.2.1", port=10250),
    target(Kind.NODE, "192.0.2.2", port=10250),
)


def report(
    exam: str,
    control: str,
    *,
    up: float | None = 0.1,
    late: Mapping[str, float] | None = None,
    notes: tuple[str, ...] = (),
    fellow: str = "o",
) -> ProbeReport:
    """Of the targets, of another pod of the exam (its own letter is `fellow`), and of one address
    of the exam's pod."""
    return make_report(
        Tried(
            targets=TARGETS,
            fellows=make_fellows(["10.1.0.7"], 8888),
            entrances=make_entrances(["10.1.0.8"], 8888),
        ),
        exam=locked_pod({"outcomes": exam, "up": up, "late": late or {}}),
        fellow=locked_pod({"outcomes": fellow, "up": up}),
        control={"outcomes": control},
        notes=notes,
        policy="jupyter/e2xhub-exam-ml-pz1",
    )


def locked_pod(answer: Mapping[str, Any]) -> LockedPod:
    return LockedPod(answer=answer, addresses=[], nodes=["192.0.2.1"])


LOCKED = report("oossosss", "oooooos")


def faults_in(found: ProbeReport) -> list[Kind]:
    return [row.target.kind for row in found.rows if row.finding.state.is_fault]


def test_locked_exam_is_told_with_what_it_rests_on() -> None:
    assert LOCKED.is_locked
    assert LOCKED.warnings == ()
    assert LOCKED.sentence == (
        "The exam's pod reached its hub, and nothing that has to be closed to it. Of what has to "
        "be closed, 0 are open, 5 proved to be closed, and of 0 nothing is known: nobody listens "
        "there, or the control pod did not get there either."
    )


def test_pod_that_others_reach_is_a_fault() -> None:
    found = report("oossosss", "ooooooo")
    assert (found.conclusion, faults_in(found)) == (Conclusion.OPEN, [Kind.EXAM_SERVER])


def test_pods_of_one_exam_that_reach_each_other_are_a_fault() -> None:
    found = report("oossosso", "oooooos")
    assert (found.conclusion, faults_in(found)) == (Conclusion.OPEN, [Kind.FELLOW])


def test_own_node_that_answers_is_a_warning_and_another_node_a_fault() -> None:
    found = report("oossooss", "oooooos")
    assert found.is_locked
    assert found.warnings == (
        "the pod's own node answers at port 10250: no NetworkPolicy closes what is between a pod "
        "and the node that it runs on, although some network plug-ins do. Close it with the "
        "node's firewall, or in the plug-in (with Calico 'defaultEndpointToHostAction: Drop')",
    )
    assert faults_in(report("oossosos", "oooooos")) == [Kind.NODE]


def test_node_that_refuses_both_pods_tells_nothing() -> None:
    found = report("oossosrs", "ooooors")
    assert found.is_locked
    assert found.rows[5].finding.state.value == "nobody listens there: nothing known"


@pytest.mark.parametrize(
    ("exam", "control", "fellow"),
    [
        ("oossosss", "oosooos", "o"),  # the control pod does not reach the neighbour
        ("rossosss", "oooooos", "o"),  # the exam's pod does not listen
        ("oossosss", "oooooos", "r"),  # nor the other one of the exam
    ],
)
def test_exam_is_not_proved_to_be_locked_without_neighbour_and_entrance(
    exam: str, control: str, fellow: str
) -> None:
    found = report(exam, control, fellow=fellow)
    assert (found.is_locked, found.conclusion) == (False, Conclusion.NOT_PROVED)
    assert found.sentence.startswith(
        "It is not proved that the exam is locked, although nothing was found open."
    )


def test_faults_are_named_one_by_one_unless_it_is_everything() -> None:
    assert report("oooooooo", "ooooooo").faults == ()
    assert report("orssosss", "oooooos").faults == (
        "hub 10.96.0.20 port 8081: NOT REACHED: no server of this exam can start",
    )


def test_pod_that_does_not_listen_proves_nothing_about_who_reaches_it() -> None:
    assert report("rossosss", "oooooos").rows[-1].finding.state.value == "not tried"


def test_destination_that_only_the_control_pod_reaches_is_a_warning_and_no_fault() -> None:
    found = report("oossssss", "oooooos")
    assert found.is_locked
    assert found.warnings == (
        "destination 203.0.113.80 port 27000: not reached, although the catalog allows it",
    )


def test_time_until_it_was_locked_is_that_of_the_last_target() -> None:
    found = report("oossosss", "oooooos", late={"2": 0.4, "3": 1.2, "7": 0.1})
    late = [row.closed_after for row in found.rows]
    assert late == [None, 0.4, 1.2, None, None, None, 0.1, None]
    assert found.locked_after == 1.2
    assert found.to_json()["locked_after_seconds"] == 1.2


@pytest.mark.parametrize(
    ("exam", "control", "fellow", "words"),
    [
        ("oossoss", "oooooos", "o", "a pod of the probe told 7 outcomes; expected 8"),
        ("oossosss", "ooooos", "o", "a pod of the probe told 6 outcomes; expected 7"),
        ("oossosss", "oooooos", "", "a pod of the probe told 0 outcomes; expected 1"),
        (
            *("oosxosss", "oooooos", "o"),
            "a pod of the probe told nothing sensible: 'x' is not a valid Outcome",
        ),
    ],
)
def test_answer_that_no_probe_gives_claims_nothing(
    exam: str, control: str, fellow: str, words: str
) -> None:
    with pytest.raises(ProbeError) as caught:
        report(exam, control, fellow=fellow)
    assert str(caught.value) == words


def test_json_says_of_each_target_what_both_pods_saw() -> None:
    told: dict[str, Any] = json.loads(json.dumps(LOCKED.to_json()))
    assert told["targets"][1] == {
        "kind": "internet",
        "title": "1.1.1.1 port 443",
        "protocol": "tcp",
        "host": "1.1.1.1",
        "port": 443,
        "expected": "closed",
        "exam": "silent",
        "control": "reached",
        "state": "proved",
        "fault": False,
        "closed_after_seconds": None,
    }
    assert (told["policy"], told["conclusion"], told["locked"]) == (
        "jupyter/e2xhub-exam-ml-pz1",
        "locked",
        True,
    )


def test_table_has_the_targets_of_a_kind_together_and_the_sentence_last(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_report(
        report("oossosss", "oooooos", late={"2": 1.2}, notes=("x was not tried: no address",))
    )
    lines = capsys.readouterr().out.splitlines()
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if "│" in line]
    assert ["hub", "10.96.0.20 port 8081", "gets through", "gets through", "reached"] in rows
    assert [
        "internet",
        "1.1.1.1 port 443",
        "no answer",
        "gets through",
        "closed, proved, after 1.2 s",
    ] in rows
    assert "Note: x was not tried: no address" in lines
    assert lines[-1].startswith("The exam's pod reached its hub")


def test_ports_of_one_address_are_in_one_cell() -> None:
    titles = ["1.1.1.1 port 443", "the node (10.0.0.4 port 22)", "1.1.1.1 port 853", "a name"]
    assert _join_ports(titles) == ("1.1.1.1 port 443, 853; the node (10.0.0.4 port 22); a name")


def test_what_a_cluster_names_cannot_write_to_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    hostile = make_entrances(["10.1.0.8\x1b[2J"], 8888)
    print_report(
        make_report(
            Tried(targets=(), entrances=hostile),
            exam=locked_pod({"outcomes": "o", "up": 0.1}),
            fellow=locked_pod({"outcomes": "o"}),
            control={"outcomes": "s"},
            notes=("\x1b[31m",),
            policy="jupyter/exam",
        )
    )
    assert "\x1b" not in capsys.readouterr().out


def test_endpoint_without_a_title_is_told_by_its_address() -> None:
    (entrance,) = make_entrances(["fd00::8"], 8888)
    assert entrance.title == "the exam's pod (fd00::8 port 8888)"
    assert Endpoint("", "fd00::8", 1).title == ""
