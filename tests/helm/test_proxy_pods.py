"""The Service by which an exam hub knows its proxy: the chart's proxy is in it, and no server."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from e2xhub.domain.proxies import DeclaredProxies
from tests.helm.chart import CHART, examples_in, needs_chart, ours, parse

TEXT = ours("proxy-pods")
IN_ITS_COMMENTS = re.compile(r"(?m)^#   (apiVersion: v1\n(?:#   .*\n)*)")


def service(text: str) -> Any:
    (found,) = yaml.safe_load_all(text)
    return found


def of_the_ingress() -> Any:
    """What the comments show for an ingress controller."""
    (example,) = IN_ITS_COMMENTS.findall(TEXT)
    return service(re.sub(r"(?m)^#   ", "", example))


@pytest.fixture(scope="module")
def pods_of_the_chart() -> dict[str, dict[str, str]]:
    """The labels of its pods, by the name of what makes them."""
    text = (CHART / "rendered-default.yaml").read_text(encoding="utf-8")
    return {
        item["metadata"]["name"]: item["spec"]["template"]["metadata"]["labels"]
        for item in yaml.safe_load_all(text)
        if item["kind"] in ("Deployment", "StatefulSet", "DaemonSet", "Job")
    }


@pytest.mark.parametrize("made", [service(TEXT), of_the_ingress()], ids=["proxy", "ingress"])
def test_name_answers_with_the_addresses_of_pods_that_are_ready(made: Any) -> None:
    assert made["kind"] == "Service"
    assert made["spec"]["clusterIP"] == "None"
    assert made["spec"]["publishNotReadyAddresses"] is False
    assert made["spec"]["selector"]


@needs_chart
@pytest.mark.parametrize("text", [TEXT, *examples_in(TEXT)], ids=["as-is", "two-releases"])
def test_it_selects_the_charts_proxy_and_nothing_else(
    text: str, pods_of_the_chart: dict[str, dict[str, str]]
) -> None:
    selector = service(text)["spec"]["selector"].items()
    release = {"release": "exam"}
    pods = {name: {**labels, **release} for name, labels in pods_of_the_chart.items()}
    assert [name for name, labels in pods.items() if selector <= labels.items()] == ["proxy"]


@needs_chart
def test_its_port_is_the_one_of_the_proxy() -> None:
    text = (CHART / "rendered-default.yaml").read_text(encoding="utf-8")
    (ports,) = (
        item["spec"]["template"]["spec"]["containers"][0]["ports"]
        for item in yaml.safe_load_all(text)
        if item["kind"] == "Deployment" and item["metadata"]["name"] == "proxy"
    )
    (port,) = service(TEXT)["spec"]["ports"]
    assert port["targetPort"] in [declared["containerPort"] for declared in ports]


def test_names_of_the_example_are_those_that_the_manifest_makes() -> None:
    (example,) = re.findall(r"(?m)^ *#(trusted_proxies: .*)$", ours("exam"))
    ingress = of_the_ingress()["metadata"]["name"]
    declared = DeclaredProxies.parse(parse(example)["trusted_proxies"])
    names = (service(TEXT)["metadata"]["name"], f"{ingress}.ingress-nginx")
    assert (declared.names, declared.networks) == (names, ())
