"""The chart's NetworkPolicies and ours together: who reaches whom.

The chart's are those that it renders by default, and those that our values make of them. Pods are
tried with and without known addresses: whether an ipBlock holds pods depends on the plug-in.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any

import pytest
import yaml

from e2xhub.domain.identifiers import Username
from e2xhub.domain.offers import Registry
from e2xhub.kubernetes.manifests import make_manifests
from e2xhub.kubernetes.policies import make_access_policies
from e2xhub.kubernetes.reach import (
    NO_PORTS,
    Address,
    Pod,
    Policy,
    connections,
    find_excess,
    parse_policy,
    reach_of,
)
from e2xhub.kubernetes.surroundings import Surroundings
from tests.helm.chart import CHART, chart_values, needs_chart
from tests.helm.chart_hub import run_chart_configuration

pytestmark = [needs_chart, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

NAMESPACES = {"default": {}, "kube-system": {}, "other": {}}
SURROUNDINGS = Surroundings(
    namespace="default",
    hub_namespace="default",
    chart_labels={"app": "jupyterhub", "release": "exam"},
)
ADDRESSES = {"hub": ("10.42.0.1",), "proxy": ("10.42.0.2",)}
SERVER_PORTS = {"notebook-port": ("TCP", 8888)}

INTERNET = Address("93.184.215.14")
METADATA = Address("169.254.169.254")
OUTSIDE = {
    "the internet": INTERNET,
    "the internet by IPv6": Address("2606:2800:21f:cb07:6820:80da:af6b:8b2c"),
    "the metadata address": METADATA,
    "the API server": Address("10.43.0.1"),
    "a file server": Address("192.168.7.5"),
    "a node": Address("172.16.0.9"),
}


def rendered(kind: str) -> list[dict[str, Any]]:
    """What the chart renders by default of this kind."""
    text = (CHART / "rendered-default.yaml").read_text(encoding="utf-8")
    return [item for item in yaml.safe_load_all(text) if item["kind"] == kind]


@cache
def pod_of_the_chart(component: str) -> Pod:
    """The hub's pod, or the proxy's."""
    (template,) = (
        item["spec"]["template"]
        for item in rendered("Deployment")
        if item["metadata"]["name"] == component
    )
    ports = {
        port["name"]: ("TCP", port["containerPort"])
        for container in template["spec"]["containers"]
        for port in container["ports"]
    }
    labels = template["metadata"]["labels"]
    addresses = ADDRESSES[component]
    return Pod("default", labels, name=component, addresses=addresses, ports=ports)


DNS = Pod("kube-system", {"k8s-app": "kube-dns"}, name="dns", addresses=("10.42.0.3",))
STRANGER = Pod("other", {"app": "shop"}, name="shop", addresses=("10.42.0.4",))


def charts_policies(kind: str = "") -> list[Policy]:
    """Those of the chart: by default, or as our values for a hub of `kind` make them."""
    manifests = deepcopy(rendered("NetworkPolicy"))
    values = chart_values(kind) if kind else None
    for manifest in manifests:
        manifest["metadata"]["namespace"] = "default"
        if values:
            _change(manifest, values)
    return [parse_policy(manifest) for manifest in manifests]


def _change(manifest: dict[str, Any], values: Any) -> None:
    """As the chart's templates do: further rules are appended, switched off ones left out."""
    of_the_chart = {
        "hub": values["hub"]["networkPolicy"],
        "proxy": values["proxy"]["chp"]["networkPolicy"],
        "singleuser": values["singleuser"]["networkPolicy"],
    }[manifest["metadata"]["name"]]
    egress = manifest["spec"]["egress"]
    if not any(of_the_chart["egressAllowRules"].values()):
        to_pods = [rule for rule in egress if "podSelector" in rule["to"][0]]
        egress[:] = to_pods
    egress += of_the_chart["egress"]


async def server_of(
    registry: Registry, kind: str, files: dict[str, Any], slug: str, now: datetime
) -> tuple[Pod, list[Policy]]:
    """Alice's pod of this offer as it would be sent, with the policies that are made for it."""
    c = run_chart_configuration(chart_values(kind, files))
    offer = registry.authorize("alice", slug, now)
    made = await make_manifests(offer, Username.parse("alice"), size=None, config=c)
    (pod,) = (item for item in made if item["kind"] == "Pod")
    policies = [parse_policy(item) for item in made if item["kind"] == "NetworkPolicy"]
    labels = pod["metadata"]["labels"]
    server = Pod("default", labels, name=slug, addresses=("10.42.1.1",), ports=SERVER_PORTS)
    return server, policies


@pytest.fixture
async def examinee(
    exam_hub: Registry, exam_files: dict[str, Any], exam_open_at_nine: datetime
) -> tuple[Pod, list[Policy]]:
    """Alice's server in an exam, and its policies."""
    slug = "exams/ml-pz1/student"
    return await server_of(exam_hub, "exam", exam_files, slug, exam_open_at_nine)


@pytest.fixture
async def without_internet(
    assignment_hub: Registry, hub_files: dict[str, Any], in_winter_term: datetime
) -> tuple[Pod, list[Policy]]:
    """Alice's server in a course without internet, and its policies."""
    slug = "databases/WS26/student"
    return await server_of(assignment_hub, "assignment", hub_files, slug, in_winter_term)


@pytest.fixture
async def student(
    assignment_hub: Registry, hub_files: dict[str, Any], in_winter_term: datetime
) -> tuple[Pod, list[Policy]]:
    """Alice's server in a course whose network is open; no policy is made for it."""
    slug = "machine-learning/WS26/student"
    return await server_of(assignment_hub, "assignment", hub_files, slug, in_winter_term)


def ports(source: Any, destination: Any, policies: list[Policy]) -> str:
    """The ports that `source` gets through to, as text; empty: none."""
    found = connections(source, destination, policies, NAMESPACES)
    return "" if found == NO_PORTS else str(found)


def reached_by(server: Pod, policies: list[Policy]) -> dict[str, str]:
    """What `server` gets through to, of everything that there is."""
    charts = {name: pod_of_the_chart(name) for name in ADDRESSES}
    pods = {**charts, "DNS": DNS, "a stranger": STRANGER}
    others = {"a server like it": replace(server, name="another", addresses=("10.42.1.2",))}
    found = {
        name: ports(server, destination, policies)
        for name, destination in {**pods, **others, **OUTSIDE}.items()
    }
    return {name: text for name, text in found.items() if text}


@pytest.fixture(params=["default", "ours"])
def charts(request: pytest.FixtureRequest) -> list[Policy]:
    """The chart's policies: by default, with the access policies that are made for it then, and as
    our values have them."""
    if request.param == "ours":
        return charts_policies("exam")
    access = [parse_policy(manifest) for manifest in make_access_policies(SURROUNDINGS)]
    return [*charts_policies(), *access]


def without_address(pod: Pod) -> Pod:
    return replace(pod, addresses=())


def test_examinees_server_reaches_the_hub_and_nothing_else(
    examinee: tuple[Pod, list[Policy]], charts: list[Policy]
) -> None:
    server, ours = examinee
    assert reached_by(server, [*charts, *ours]) == {"hub": "8081/TCP"}


def test_server_without_internet_reaches_hub_and_name_service_alone(
    without_internet: tuple[Pod, list[Policy]], charts: list[Policy]
) -> None:
    server, ours = without_internet
    reached = reached_by(server, [*charts, *ours])
    # Some clouds have their name service at the address of their metadata.
    assert reached == {
        "hub": "8081/TCP",
        "DNS": "53/TCP, 53/UDP",
        "the metadata address": "53/TCP, 53/UDP",
    }


@pytest.mark.parametrize("locked", ["examinee", "without_internet"])
@pytest.mark.parametrize("name", ADDRESSES)
def test_hub_and_proxy_reach_locked_servers_by_rules_about_pods_too(
    request: pytest.FixtureRequest, locked: str, name: str, charts: list[Policy]
) -> None:
    server, ours = request.getfixturevalue(locked)
    component = pod_of_the_chart(name)
    policies = [*charts, *ours]
    assert ports(component, server, policies) == "8888/TCP"
    assert ports(without_address(component), without_address(server), policies) == "8888/TCP"


def test_by_default_the_chart_alone_keeps_hub_and_proxy_from_locked_servers(
    examinee: tuple[Pod, list[Policy]],
) -> None:
    """What our values, or the access policies, are for."""
    server, ours = examinee
    for component in map(pod_of_the_chart, ADDRESSES):
        pods = without_address(component), without_address(server)
        assert ports(*pods, [*charts_policies(), *ours]) == ""


@pytest.mark.parametrize("locked", ["examinee", "without_internet"])
def test_nobody_else_reaches_a_locked_server(
    request: pytest.FixtureRequest,
    locked: str,
    student: tuple[Pod, list[Policy]],
    charts: list[Policy],
) -> None:
    server, ours = request.getfixturevalue(locked)
    twin = replace(server, name="twin", addresses=("10.42.1.2",))
    for other in (twin, student[0], STRANGER, DNS, *OUTSIDE.values()):
        assert ports(other, server, [*charts, *ours]) == ""


@pytest.mark.parametrize("locked", ["examinee", "without_internet"])
def test_chart_adds_nothing_to_what_a_locked_server_reaches(
    request: pytest.FixtureRequest, locked: str, charts: list[Policy]
) -> None:
    server, ours = request.getfixturevalue(locked)
    assert find_excess(reach_of(server, [*charts, *ours]), reach_of(server, ours)) == []


def test_with_the_charts_label_its_policy_would_add_to_it(
    examinee: tuple[Pod, list[Policy]],
) -> None:
    server, ours = examinee
    relabelled = replace(server, labels={**server.labels, "app": "jupyterhub"})
    excess = find_excess(
        reach_of(relabelled, [*charts_policies(), *ours]), reach_of(relabelled, ours)
    )
    assert {item.policy for item in excess} == {"default/singleuser"}
    assert ports(relabelled, INTERNET, [*charts_policies(), *ours]) == "all"


def test_with_our_values_even_that_label_opens_neither_internet_nor_names(
    examinee: tuple[Pod, list[Policy]],
) -> None:
    server, ours = examinee
    relabelled = replace(server, labels={**server.labels, "app": "jupyterhub"})
    reached = reached_by(relabelled, [*charts_policies("exam"), *ours])
    assert reached == {"hub": "8081/TCP", "proxy": "8000/TCP"}


@pytest.mark.parametrize("kind", ["", "assignment"], ids=["default", "ours"])
def test_student_reaches_what_the_chart_intends(
    student: tuple[Pod, list[Policy]], kind: str
) -> None:
    server, ours = student
    assert ours == []
    assert reached_by(server, charts_policies(kind)) == {
        "hub": "8081/TCP",
        "proxy": "8000/TCP",
        "DNS": "53/TCP, 53/UDP",
        "a stranger": "53/TCP, 53/UDP",  # in a private network, where name services are
        "the API server": "53/TCP, 53/UDP",
        "a file server": "53/TCP, 53/UDP",
        "a node": "53/TCP, 53/UDP",
        "the internet": "all",
        "the metadata address": "53/TCP, 53/UDP",
    }


@pytest.mark.parametrize("kind", ["", "assignment"], ids=["default", "ours"])
def test_hub_and_proxy_reach_a_student(student: tuple[Pod, list[Policy]], kind: str) -> None:
    server, _ = student
    for component in map(pod_of_the_chart, ADDRESSES):
        assert ports(component, server, charts_policies(kind)) == "8888/TCP"
        pods = without_address(component), without_address(server)
        assert ports(*pods, charts_policies(kind)) == "8888/TCP"


def test_policy_of_a_locked_course_does_not_touch_an_open_one(
    student: tuple[Pod, list[Policy]], without_internet: tuple[Pod, list[Policy]]
) -> None:
    server, _ = student
    _, ours = without_internet
    with_it = reached_by(server, [*charts_policies(), *ours])
    assert with_it == reached_by(server, charts_policies())
