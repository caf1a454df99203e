"""What is a fault of a lockdown, and with which words it is mended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import pytest
import yaml

from e2xhub.domain.identifiers import Username
from e2xhub.domain.offers import Offer, Registry
from e2xhub.errors import FaultsFoundError, UnknownNameError
from e2xhub.kubernetes.policies import make_policy as make_policy_of_ours
from e2xhub.kubernetes.reach_view import (
    ReachView,
    configure_as_chart,
    find_only_namespace,
    find_surroundings,
    load_manifests,
    make_locked_server,
    make_network_of_files,
    make_view,
    with_chart_pods,
)
from e2xhub.kubernetes.surroundings import Surroundings
from tests.kubernetes.manifests import Manifest
from tests.kubernetes.reach_view.policies import ALLOW_WEB, NOTHING, make_policy

CHART = Path(__file__).parents[3].parent / "shared" / "z2jh" / "rendered-default.yaml"
HUB_LABELS = {"app": "jupyterhub", "component": "hub"}
HUB_PODS = {"matchLabels": HUB_LABELS}
ALICE = Username.parse("alice")


@pytest.fixture
def exam(exam_hub: Registry, exam_open_at_nine: datetime) -> Offer:
    return exam_hub.authorize("alice", "exams/ml-pz1/student", exam_open_at_nine)


@pytest.fixture
def term(assignment_hub: Registry, in_winter_term: datetime) -> Offer:
    """One without internet."""
    return assignment_hub.authorize("alice", "databases/WS26/student", in_winter_term)


class Judge(Protocol):
    """Judges the server of an offer in a cluster that has these objects, and nothing else."""

    async def __call__(
        self, offer: Offer, manifests: Sequence[Manifest], release: str | None = None
    ) -> ReachView: ...


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    async def judge(
        offer: Offer, manifests: Sequence[Manifest], release: str | None = None
    ) -> ReachView:
        file = tmp_path / "policies.yaml"
        file.write_text(yaml.safe_dump_all(manifests))
        return await judge_file(offer, file, release)

    return judge


async def judge_file(offer: Offer, file: Path, release: str | None = None) -> ReachView:
    placed = load_manifests([str(file)])
    namespace = find_only_namespace(placed)
    network = make_network_of_files(placed, namespace=namespace, release=release)
    surroundings = find_surroundings(
        network, namespace=namespace, hub_namespace=namespace, release=release
    )
    config = configure_as_chart(surroundings)
    server = await make_locked_server(
        offer, ALICE, subject="the exam", surroundings=surroundings, config=config
    )
    return make_view(server, with_chart_pods(network, surroundings))


async def judge_across_namespaces(
    offer: Offer, manifests: Sequence[Manifest], directory: Path
) -> ReachView:
    """With the servers in the namespace `servers`, and the hub in `hubs`."""
    file = directory / "policies.yaml"
    file.write_text(yaml.safe_dump_all(manifests))
    spaces = {"namespace": "servers", "hub_namespace": "hubs"}
    network = make_network_of_files(load_manifests([str(file)]), namespace="servers", release=None)
    surroundings = find_surroundings(network, **spaces, release=None)
    server = await make_locked_server(
        offer,
        ALICE,
        subject="the exam",
        surroundings=surroundings,
        config=configure_as_chart(surroundings),
    )
    return make_view(server, with_chart_pods(network, surroundings))


def name_of_ours(offer: Offer, **chart_labels: str) -> str:
    """`namespace/name` of the lockdown's policy."""
    labels = {"app": "jupyterhub", **chart_labels}
    around = Surroundings(namespace="default", hub_namespace="default", chart_labels=labels)
    policy = make_policy_of_ours(offer, around)
    assert policy is not None
    return f"default/{policy['metadata']['name']}"


def told(view: ReachView) -> list[str]:
    return [str(fault) for fault in view.faults]


async def test_others_policies_for_others_do_not_count(exam: Offer, judge: Judge) -> None:
    view = await judge(exam, [NOTHING])
    assert (view.is_locked, view.policies) == (True, (name_of_ours(exam),))


async def test_policy_for_the_charts_servers_does_not_select_locked_ones(
    exam: Offer, judge: Judge
) -> None:
    selector = {"matchLabels": {"app": "jupyterhub", "component": "singleuser-server"}}
    view = await judge(exam, [make_policy("singleuser", {**ALLOW_WEB, "podSelector": selector})])
    assert view.is_locked


async def test_policy_of_the_chart_that_widens_names_the_charts_value(
    exam: Offer, judge: Judge
) -> None:
    labels = {"app": "jupyterhub", "component": "singleuser"}
    view = await judge(exam, [make_policy("singleuser", ALLOW_WEB, labels=labels)])
    assert told(view) == [
        "NetworkPolicy default/singleuser lets the servers of the exam reach everyone: every "
        "address, node and pod on 443/TCP, beyond the lockdown; set "
        "'singleuser.networkPolicy.enabled: false' in the chart's values, or switch off what is "
        "too wide below 'singleuser.networkPolicy.egressAllowRules'"
    ]


async def test_policy_that_lets_others_in_is_a_fault(exam: Offer, judge: Judge) -> None:
    scraper = {"namespaceSelector": {"matchLabels": {"team": "ops"}}}
    spec = {"podSelector": {}, "ingress": [{"from": [scraper], "ports": [{"port": 9100}]}]}
    view = await judge(exam, [make_policy("scrape", spec)])
    assert told(view)[0] == (
        "NetworkPolicy default/scrape lets others reach the servers of the exam: all pods of "
        "namespaces team=ops on 9100/TCP, beyond the lockdown; give its podSelector the "
        "expression {key: e2xhub.org/network, operator: NotIn, values: [no-internet, exam]}, or "
        "kubectl delete networkpolicy --namespace default scrape"
    )


async def test_only_the_part_beyond_the_lockdown_is_called_too_wide(
    term: Offer, judge: Judge
) -> None:
    system = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}
    ports = [{"port": 53, "protocol": "UDP"}, {"port": 443}]
    spec: Manifest = {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [system]}]}
    spec["egress"][0]["ports"] = ports
    view = await judge(term, [make_policy("dns", spec)])
    (row,) = [row for row in view.rows if row.policy == "default/dns"]
    assert (row.ports, row.excess) == (
        "443/TCP, 53/UDP",
        ("all pods of namespace kube-system on 443/TCP",),
    )


async def test_many_excesses_of_one_policy_are_one_fault(exam: Offer, judge: Judge) -> None:
    blocks = [{"ipBlock": {"cidr": f"192.0.2.{number}/32"}} for number in range(9)]
    spec = {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": blocks}]}
    view = await judge(exam, [make_policy("many", spec)])
    (fault,) = [fault for fault in view.faults if fault.policy == "default/many"]
    assert "192.0.2.0 on all ports; 192.0.2.1 on all ports; 192.0.2.2 on all ports; and 6 more" in (
        fault.message
    )


async def test_hub_that_lets_nobody_in_is_a_fault(exam: Offer, judge: Judge) -> None:
    view = await judge(exam, [make_policy("hub", {"podSelector": HUB_PODS, "ingress": []})])
    assert told(view) == [
        "the server → the hub, 8081/TCP is closed: NetworkPolicy default/hub keeps it from getting "
        "in; keep 'hub.jupyter.org/network-access-hub: \"true\"' in the chart's "
        "'singleuser.extraLabels', or let the servers in with 'hub.networkPolicy.ingress'"
    ]


async def test_hub_that_is_isolated_gets_a_policy_that_lets_it_out(
    exam: Offer, judge: Judge
) -> None:
    isolated = make_policy("hub", {"podSelector": HUB_PODS, "policyTypes": ["Egress"]})
    view = await judge(exam, [isolated])
    assert view.is_locked
    assert any(note.endswith(", default/e2xhub-hub-to-servers") for note in view.notes)


@pytest.mark.parametrize(
    ("component", "value"),
    [("hub", "hub.networkPolicy.egress"), ("proxy", "proxy.chp.networkPolicy.egress")],
)
async def test_what_is_isolated_in_another_namespace_gets_no_policy_and_is_a_fault(
    exam: Offer, tmp_path: Path, component: str, value: str
) -> None:
    """The hub writes nothing beside itself: whoever installs the chart has to open the way."""
    selector = {"matchLabels": {"app": "jupyterhub", "component": component}}
    spec = {"podSelector": selector, "policyTypes": ["Egress"]}
    isolated = make_policy(component, spec, namespace="hubs")
    view = await judge_across_namespaces(exam, [isolated], tmp_path)
    assert told(view) == [
        f"the {component} → the server, 8888/TCP is closed: NetworkPolicy hubs/{component} keeps "
        f"it from getting out; have '{value}' in the chart's values contain {{to: "
        "[{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: servers}}, podSelector: "
        "{matchExpressions: [{key: e2xhub.org/network, operator: Exists}]}}], ports: [{port: "
        "8888, protocol: TCP}]}"
    ]


async def test_rules_that_the_remedies_of_two_namespaces_name_open_the_ways(
    exam: Offer, tmp_path: Path
) -> None:
    isolated = {"podSelector": HUB_PODS, "policyTypes": ["Egress", "Ingress"]}
    policy = make_policy("hub", isolated, namespace="hubs")
    closed = await judge_across_namespaces(exam, [policy], tmp_path)
    remedies = [fault.remedy.partition(" contain ")[2] for fault in closed.faults]
    egress, ingress = map(yaml.safe_load, remedies)
    policy["spec"] |= {"egress": [egress], "ingress": [ingress]}
    assert told(await judge_across_namespaces(exam, [policy], tmp_path)) == []


async def test_hub_without_the_label_that_lets_it_in_is_a_fault(exam: Offer, judge: Judge) -> None:
    labels = {**HUB_LABELS, "release": "autumn"}
    deployment = {
        "kind": "Deployment",
        "metadata": {"name": "hub"},
        "spec": {"template": {"metadata": {"labels": labels}, "spec": {"containers": []}}},
    }
    view = await judge(exam, [deployment])
    ours = name_of_ours(exam, release="autumn")
    assert told(view) == [
        f"the hub → the server, 8888/TCP is closed: NetworkPolicy {ours} keeps it from getting in; "
        "start a server of it: that puts the policy right"
    ]


async def test_changed_policy_of_ours_is_a_fault(exam: Offer, judge: Judge) -> None:
    selector = {"matchLabels": {"e2xhub.org/exam": "ml-pz1"}}
    name = name_of_ours(exam)
    policy = make_policy(
        name.partition("/")[2],
        {"podSelector": selector, "policyTypes": ["Ingress", "Egress"]},
        labels={"app.kubernetes.io/managed-by": "e2xhub"},
    )
    assert told(await judge(exam, [policy]))[0] == (
        f"NetworkPolicy {name} was changed: it is not what the exam needs; start a server of it: "
        "that puts the policy right"
    )


async def test_policy_of_somebody_else_with_that_name_is_a_fault(exam: Offer, judge: Judge) -> None:
    own = name_of_ours(exam).partition("/")[2]
    view = await judge(exam, [make_policy(own, {"podSelector": {}})])
    assert told(view)[0] == (
        f"NetworkPolicy default/{own} is not e2xhub's, and has the name of one of its policies; "
        f"rename it, or kubectl delete networkpolicy --namespace default {own}"
    )


@pytest.mark.parametrize("spec", [{"podSelector": {}, "widen": True}, {"egress": "all"}])
async def test_policy_that_nobody_understands_is_a_fault(
    exam: Offer, judge: Judge, tmp_path: Path, spec: Manifest
) -> None:
    (fault,) = (await judge(exam, [NOTHING, make_policy("odd", spec)])).faults
    assert fault.policy == "default/odd"
    assert fault.message.startswith(f"{tmp_path}/policies.yaml:10: NetworkPolicy default/odd: spec")
    assert fault.remedy == (
        "what it allows is not known: correct it, or kubectl delete networkpolicy "
        "--namespace default odd"
    )


async def test_policy_without_a_spec_and_with_our_name_is_a_fault(
    exam: Offer, judge: Judge
) -> None:
    name = name_of_ours(exam).partition("/")[2]
    policy = make_policy(name, {}, labels={"app.kubernetes.io/managed-by": "e2xhub"})
    del policy["spec"]
    assert not (await judge(exam, [policy])).is_locked


async def test_policies_of_a_plug_in_are_named_and_not_read(
    exam: Offer, judge: Judge, tmp_path: Path
) -> None:
    cilium = {
        "kind": "CiliumNetworkPolicy",
        "metadata": {"name": "c"},
        "apiVersion": "cilium.io/v2",
    }
    view = await judge(exam, [NOTHING, cilium])
    assert view.notes[0] == f"not read: CiliumNetworkPolicy c ({tmp_path}/policies.yaml:10)"


@pytest.mark.parametrize(
    ("identity", "found"),
    [({"apiVersion": "extensions/v1beta1"}, "'extensions/v1beta1'"), ({}, "''")],
)
async def test_policy_without_the_version_of_policies_is_a_fault_with_its_line(
    exam: Offer, judge: Judge, tmp_path: Path, identity: Manifest, found: str
) -> None:
    odd = {**make_policy("odd", {"podSelector": {}, "egress": [{}]}), **identity}
    if not identity:
        del odd["apiVersion"]
    (fault,) = (await judge(exam, [NOTHING, odd])).faults
    assert fault.message == (
        f"{tmp_path}/policies.yaml:10: NetworkPolicy default/odd: apiVersion: found {found}, "
        "expected networking.k8s.io/v1; correct the policy"
    )


async def test_command_that_mends_is_safe_to_paste_whatever_the_name(
    exam: Offer, judge: Judge
) -> None:
    view = await judge(exam, [make_policy("x; touch /tmp/y", ALLOW_WEB)])
    assert view.faults[0].remedy.endswith(
        "kubectl delete networkpolicy --namespace default 'x; touch /tmp/y'"
    )


async def test_objects_of_several_namespaces_need_a_choice(exam: Offer, judge: Judge) -> None:
    manifests = [{**NOTHING, "metadata": {"name": "a", "namespace": name}} for name in ("x", "y")]
    with pytest.raises(UnknownNameError) as caught:
        await judge(exam, manifests)
    assert str(caught.value) == (
        "the files have objects of several namespaces: x, y; expected the one in which servers "
        "run, with --namespace"
    )


async def test_hubs_of_several_releases_need_a_choice(exam: Offer, judge: Judge) -> None:
    pods = [
        {"kind": "Pod", "metadata": {"name": name, "labels": {**HUB_LABELS, "release": name}}}
        for name in ("autumn", "spring")
    ]
    with pytest.raises(UnknownNameError) as caught:
        await judge(exam, pods)
    assert str(caught.value) == (
        "namespace default has hubs of several releases: autumn, spring; expected the one that "
        "holds the exam, with --release"
    )
    chosen = await judge(exam, pods, release="spring")
    assert chosen.policies == (name_of_ours(exam, release="spring"),)


@pytest.mark.parametrize("template", ["x", {"spec": {"containers": 3}}])
async def test_pod_that_is_none_is_told_with_its_line(
    exam: Offer, judge: Judge, tmp_path: Path, template: Any
) -> None:
    spec = {"template": template}
    deployment = {"kind": "Deployment", "metadata": {"name": "hub"}, "spec": spec}
    with pytest.raises(FaultsFoundError) as caught:
        await judge(exam, [NOTHING, deployment])
    assert str(caught.value) == (
        f"{tmp_path}/policies.yaml:10: this is no Deployment that Kubernetes would take; correct it"
    )


async def test_chart_with_its_defaults_leaves_exams_locked(exam: Offer) -> None:
    if not CHART.is_file():
        pytest.skip(f"the rendered chart is not here: {CHART}")
    view = await judge_file(exam, CHART)
    assert told(view) == []
    assert all(row.is_of_hub for row in view.rows)
    assert len(view.connections) == 3
