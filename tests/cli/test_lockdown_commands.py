"""`e2xhub lockdown show` and `verify` with policies of files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml

from tests.cli.program import Outcome, call_e2xhub, run_e2xhub, run_on_terminal
from tests.kubernetes.reach_view.policies import ALLOW_WEB, NOTHING, make_policy

NAME = "default/e2xhub-exam-ml-pz1"
NOT_SHOWN = (
    "NetworkPolicy objects do not show policies of the network plug-in for the whole cluster "
    "(AdminNetworkPolicy, kinds of Calico or Cilium), which are not read, nor whether the plug-in "
    "enforces anything, which 'e2xhub lockdown verify --probe' tries"
)
ASSUMED = [
    "assumed, with the labels that the chart gives: the pods of hub and proxy",
    f"assumed, as e2xhub makes it when a server starts: {NAME}",
    NOT_SHOWN,
]
DESTINATIONS = """
destinations:
  licences: {addresses: [10.3.4.5], ports: [27000-27009]}
  mirror: {pods: {namespace: mirror, labels: {app: pypi}}, ports: [443]}
"""


def run_with(
    directory: Path, sources: Mapping[str, object], *arguments: object, policies: list[Any]
) -> Outcome:
    """The outcome of `e2xhub lockdown ARGUMENTS` with these policies in a file."""
    file = directory / "policies.yaml"
    file.write_text(yaml.safe_dump_all(policies))
    return call_e2xhub("lockdown", *arguments, "--policies", file, **sources)


@pytest.fixture
def exam_with_destinations(catalog_file: Path, tmp_path: Path) -> dict[str, object]:
    """The small university, whose exam may reach a licence server and a mirror."""
    text = catalog_file.read_text().replace(
        "  ml-pz1:\n", "  ml-pz1:\n    reach: {licences: true, mirror: true}\n"
    )
    file = tmp_path / "catalog.yaml"
    file.write_text(text + DESTINATIONS)
    return {"E2XHUB_CATALOG": file}


def test_exam_without_other_policies_is_locked(tmp_path: Path, sources: dict[str, object]) -> None:
    done = run_with(tmp_path, sources, "verify", "ml-pz1", policies=[NOTHING])
    assert (done.status, done.errors) == (0, "")
    assert done.output.splitlines() == [
        "The servers of exam ml-pz1 in namespace default are locked: all policies that select them "
        f"({NAME}) allow no more than the lockdown, and hub and proxy are reached.",
        *(f"Note: {note}" for note in ASSUMED),
    ]


def test_rows_name_hub_proxy_and_destinations(
    tmp_path: Path, exam_with_destinations: dict[str, object]
) -> None:
    done = run_with(
        tmp_path, exam_with_destinations, "show", "ml-pz1", "--json", policies=[NOTHING]
    )
    told = done.json
    assert (told["subject"], told["is_locked"], told["faults"]) == ("exam ml-pz1", True, [])
    access = "app=jupyterhub, hub.jupyter.org/network-access-singleuser=true, "
    assert [(row["direction"], row["peer"], row["ports"]) for row in told["rows"]] == [
        (
            "from",
            f"the hub and the proxy (pods {access}component in (hub,proxy))",
            "8888/TCP",
        ),
        ("to", "the hub (pods app=jupyterhub, component=hub)", "8081/TCP"),
        ("to", "10.3.4.5 (licences)", "27000-27009/TCP"),
        ("to", "mirror (pods app=pypi of namespace mirror)", "443/TCP"),
    ]
    assert all(row["is_allowed"] and row["policy"] == NAME for row in told["rows"])
    assert [(it["source"], it["destination"], it["is_open"]) for it in told["connections"]] == [
        ("the hub", "the server", True),
        ("the proxy", "the server", True),
        ("the server", "the hub", True),
    ]


def test_policy_that_widens_is_named_with_what_mends_it(
    tmp_path: Path, sources: dict[str, object]
) -> None:
    done = run_with(
        tmp_path, sources, "verify", "ml-pz1", policies=[make_policy("allow-web", ALLOW_WEB)]
    )
    assert done.status == 1
    assert done.errors == (
        "NetworkPolicy default/allow-web lets the servers of exam ml-pz1 reach everyone: every "
        "address, node and pod on 443/TCP, beyond the lockdown; give its podSelector the "
        "expression {key: e2xhub.org/network, operator: NotIn, values: [no-internet, exam]}, or "
        "kubectl delete networkpolicy --namespace default allow-web\n"
    )
    both = "default/e2xhub-hub-to-servers, default/e2xhub-proxy-to-servers"
    assert done.output.splitlines() == [
        f"Note: {ASSUMED[0]}",
        f"Note: {ASSUMED[1]}, {both}",  # the policy isolates hub and proxy, too
        f"Note: {NOT_SHOWN}",
    ]


def test_table_says_what_is_too_wide(tmp_path: Path, sources: dict[str, object]) -> None:
    policies = [make_policy("allow-web", ALLOW_WEB)]
    done = run_with(tmp_path, sources, "show", "ml-pz1", policies=policies)
    assert (done.status, done.errors) == (0, "")
    rows = [line for line in done.output.splitlines() if "allow-web" in line and "│" in line]
    assert [[cell.strip() for cell in row.strip("│").split("│")] for row in rows] == [
        ["to", "everyone: every address, node and pod", "443/TCP", "default/allow-web", "TOO WIDE"]
    ]
    assert f"Policies that select the servers: default/allow-web, {NAME}" in done.output


def test_table_fits_eighty_columns(tmp_path: Path, sources: dict[str, object]) -> None:
    file = tmp_path / "policies.yaml"
    file.write_text(yaml.safe_dump(make_policy("allow-web", ALLOW_WEB)))
    shown = run_on_terminal("lockdown", "show", "ml-pz1", "--policies", file, COLUMNS=80, **sources)
    table = [line for line in shown.splitlines() if line[:1] in "┏┃┡│└"]
    assert max(map(len, table)) <= 80
    assert any("TOO WIDE" in line for line in table)


def test_picture_is_drawn_into_a_file(tmp_path: Path, sources: dict[str, object]) -> None:
    picture = tmp_path / "reach.svg"
    policies = [make_policy("allow-web", ALLOW_WEB)]
    done = run_with(tmp_path, sources, "show", "ml-pz1", "--svg", picture, policies=policies)
    assert done.status == 0
    texts = [element.text for element in ET.fromstring(picture.read_text()).iter()]
    assert "TOO WIDE: policy default/allow-web" in texts


def test_picture_that_cannot_be_written_is_told(tmp_path: Path, sources: dict[str, object]) -> None:
    done = run_with(tmp_path, sources, "show", "ml-pz1", "--svg", tmp_path, policies=[NOTHING])
    assert (done.status, done.output) == (1, "")
    assert done.errors == (
        f"{tmp_path}: the picture cannot be written: Is a directory; expected a file to write\n"
    )


def test_text_of_a_cluster_cannot_steer_the_terminal(
    tmp_path: Path, sources: dict[str, object]
) -> None:
    peer = {"podSelector": {"matchLabels": {"app": "x\x1b[2Jy"}}}
    policy = make_policy("p\x1b[2J", {"podSelector": {}, "egress": [{"to": [peer]}]})
    for command in ("show", "verify"):
        done = run_with(tmp_path, sources, command, "ml-pz1", policies=[policy])
        assert "\x1b" not in done.output + done.errors
        assert "\\x1b" in done.output + done.errors


def test_options_say_where_servers_and_hub_are(tmp_path: Path, sources: dict[str, object]) -> None:
    where = ["--namespace", "exam", "--hub-namespace", "hubs", "--release", "spring"]
    options = ["show", "--course", "databases", "--term", "WS26", *where, "--json"]
    told = run_with(tmp_path, sources, *options, policies=[NOTHING]).json
    assert (told["subject"], told["namespace"]) == ("databases WS26", "exam")
    assert told["labels"]["release"] == "spring"
    assert told["rows"][1]["peer"] == (
        "the hub (pods app=jupyterhub, release=spring, component=hub of namespace hubs)"
    )


def test_empty_standard_input_proves_nothing(sources: dict[str, object]) -> None:
    done = run_e2xhub("lockdown", "verify", "ml-pz1", "--policies", "-", **sources)
    assert (done.status, done.output) == (1, "")
    assert done.errors == (
        "standard input: this is empty; expected what 'kubectl get networkpolicy -o yaml' prints\n"
    )


def test_open_term_has_no_lockdown(tmp_path: Path, sources: dict[str, object]) -> None:
    options = ["verify", "--course", "machine-learning", "--term", "WS26"]
    done = run_with(tmp_path, sources, *options, policies=[NOTHING])
    assert (done.status, done.output) == (1, "")
    assert done.errors == (
        "machine-learning WS26 has no lockdown: its network is 'open'; expected "
        "'network: no-internet' or 'network: exam' in the catalog\n"
    )


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["nothing"], "exam 'nothing' is not in the catalog; expected one of: ml-pz1, ml-pz2\n"),
        (
            ["--course", "databases", "--term", "SS27"],
            "course 'databases' with term 'SS27' is not in the catalog; expected one of: "
            "machine-learning/WS26, machine-learning/SS27, databases/WS26\n",
        ),
    ],
)
def test_name_that_the_catalog_has_not_is_told(
    tmp_path: Path, sources: dict[str, object], arguments: list[str], error: str
) -> None:
    done = run_with(tmp_path, sources, "show", *arguments, policies=[NOTHING])
    assert (done.status, done.output, done.errors) == (1, "", error)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--course", "databases"],
        ["ml-pz1", "--course", "databases", "--term", "WS26"],
        ["ml-pz1", "--context", "other"],
    ],
)
def test_contradicting_arguments_are_wrong_usage(
    tmp_path: Path, sources: dict[str, object], arguments: list[str]
) -> None:
    assert run_with(tmp_path, sources, "show", *arguments, policies=[NOTHING]).status == 2


def test_probe_needs_a_cluster(tmp_path: Path, sources: dict[str, object]) -> None:
    done = run_with(tmp_path, sources, "verify", "ml-pz1", "--probe", policies=[NOTHING])
    assert done.status == 2
    assert "Invalid value for --probe: needs the cluster, without --policies" in done.error_text
