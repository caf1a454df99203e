"""The policies of the zero-to-jupyterhub chart mean what its documentation says."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from e2xhub.kubernetes.reach import Address, Pod, Policy, connections, find_excess, reach_of
from e2xhub.kubernetes.reach import parse_policy as parse

RENDERED = Path(__file__).parents[4] / "shared" / "z2jh" / "rendered-default.yaml"
RELEASE = {"app": "jupyterhub", "release": "exam"}
HUB = Pod(
    "default",
    {
        **RELEASE,
        "component": "hub",
        "hub.jupyter.org/network-access-proxy-api": "true",
        "hub.jupyter.org/network-access-proxy-http": "true",
        "hub.jupyter.org/network-access-singleuser": "true",
    },
    name="hub",
    ports={"http": ("TCP", 8081)},
)
PROXY = Pod(
    "default",
    {
        **RELEASE,
        "component": "proxy",
        "hub.jupyter.org/network-access-hub": "true",
        "hub.jupyter.org/network-access-singleuser": "true",
    },
    name="proxy",
    ports={"http": ("TCP", 8000), "api": ("TCP", 8001)},
)
ACCESS_TO_HUB = {"hub.jupyter.org/network-access-hub": "true"}
NOTEBOOK = {"notebook-port": ("TCP", 8888)}
SERVER_LABELS = {**RELEASE, "component": "singleuser-server", **ACCESS_TO_HUB}
ALICE = Pod("default", SERVER_LABELS, name="jupyter-alice", ports=NOTEBOOK)
BOB = Pod("default", SERVER_LABELS, name="jupyter-bob", ports=NOTEBOOK)
NAME_SERVICE = Pod("kube-system", {"k8s-app": "kube-dns"}, name="coredns")
METADATA = Address("169.254.169.254")
INTERNET = Address("203.0.113.7")

pytestmark = pytest.mark.skipif(
    not RENDERED.is_file(), reason="the chart's policies are not part of the project"
)


@pytest.fixture(scope="module")
def chart_policies() -> list[Policy]:
    """Those of the chart's defaults, of a release `exam`."""
    documents = yaml.safe_load_all(RENDERED.read_text(encoding="utf-8"))
    return [parse(each) for each in documents if each and each["kind"] == "NetworkPolicy"]


def test_the_chart_has_a_policy_for_hub_proxy_and_servers(chart_policies: list[Policy]) -> None:
    assert list(map(str, chart_policies)) == ["default/hub", "default/proxy", "default/singleuser"]


@pytest.mark.parametrize(
    ("source", "destination", "ports"),
    [
        (ALICE, HUB, "8081/TCP"),
        (HUB, ALICE, "8888/TCP"),
        (PROXY, ALICE, "8888/TCP"),
        (HUB, PROXY, "8001/TCP"),
        (PROXY, HUB, "8081/TCP"),
        (ALICE, PROXY, "8000/TCP"),
        (ALICE, BOB, "none"),
        (ALICE, NAME_SERVICE, "53/TCP, 53/UDP"),
        (ALICE, INTERNET, "all"),
        (ALICE, METADATA, "53/TCP, 53/UDP"),
        (ALICE, Address("10.0.0.1"), "53/TCP, 53/UDP"),
        (ALICE, Address("2001:db8::1"), "none"),
        (INTERNET, PROXY, "8000/TCP"),
        (INTERNET, HUB, "none"),
        (INTERNET, ALICE, "none"),
    ],
    ids=lambda one: getattr(one, "name", "") or str(getattr(one, "ip", one)),
)
def test_in_the_chart(
    chart_policies: list[Policy], source: Pod | Address, destination: Pod | Address, ports: str
) -> None:
    assert str(connections(source, destination, chart_policies, {})) == ports


def test_the_charts_policy_of_servers_undoes_an_exams(chart_policies: list[Policy]) -> None:
    locked = parse(
        {
            "metadata": {"name": "e2xhub-exam"},
            "spec": {
                "podSelector": {"matchLabels": {"e2xhub.org/network": "exam"}},
                "policyTypes": ["Ingress", "Egress"],
                "ingress": [
                    {
                        "from": [{"podSelector": {"matchLabels": {"component": "hub"}}}],
                        "ports": [{"port": "notebook-port"}],
                    }
                ],
                "egress": [
                    {
                        "to": [{"podSelector": {"matchLabels": {"component": "hub"}}}],
                        "ports": [{"port": 8081}],
                    }
                ],
            },
        }
    )
    network = {"e2xhub.org/network": "exam"}
    with_labels_of_chart = Pod("default", {**SERVER_LABELS, **network}, ports=NOTEBOOK)
    found = find_excess(
        reach_of(with_labels_of_chart, [*chart_policies, locked]),
        reach_of(with_labels_of_chart, [locked]),
    )
    assert {one.policy for one in found} == {"default/singleuser"}
    assert (
        "default/singleuser: egress to 0.0.0.0/0 except 10.0.0.0/8, 172.16.0.0/12, "
        in "\n".join(map(str, found))
    )
    without = Pod("default", {"component": "singleuser-server", **network}, ports=NOTEBOOK)
    assert not find_excess(
        reach_of(without, [*chart_policies, locked]), reach_of(without, [locked])
    )
