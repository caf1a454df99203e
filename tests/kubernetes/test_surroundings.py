"""Where hub, proxy and servers are: from the labels that the chart gives, and two namespaces."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from e2xhub.kubernetes.surroundings import Surroundings, in_namespace

CHART = {"app": "jupyterhub", "release": "exam", "chart": "jupyterhub-4.4.0", "heritage": "x"}
SELECTOR = {"matchLabels": {"component": "hub"}}


def surroundings_of(
    labels: Mapping[str, str], *, namespace: str = "exam", hub_namespace: str = "exam"
) -> Surroundings:
    return Surroundings.of(
        labels, namespace=namespace, hub_namespace=hub_namespace, server_port=8888
    )


@pytest.mark.parametrize(
    ("labels", "chart_labels", "release"),
    [
        (CHART, {"app": "jupyterhub", "release": "exam"}, {"release": "exam"}),
        ({"app": "hub2", "release": "x"}, {"app": "hub2", "release": "x"}, {"release": "x"}),
        ({"app": "jupyterhub", "heritage": "jupyterhub"}, {"app": "jupyterhub"}, {}),
        ({}, {"app": "jupyterhub"}, {}),
        ({"app": "", "release": ""}, {"app": "jupyterhub"}, {}),
    ],
)
def test_labels_of_the_chart_tell_its_parts(
    labels: Mapping[str, str], chart_labels: Mapping[str, str], release: Mapping[str, str]
) -> None:
    surroundings = surroundings_of(labels)
    assert surroundings.chart_labels == chart_labels
    assert surroundings.release == release
    assert surroundings.labels_of("proxy") == {**chart_labels, "component": "proxy"}


def test_peer_in_the_same_namespace_needs_no_name_of_it() -> None:
    surroundings = surroundings_of(CHART)
    assert surroundings.peer_beside_hub(SELECTOR) == {"podSelector": SELECTOR}
    assert surroundings.peer_beside_servers(SELECTOR) == {"podSelector": SELECTOR}


def test_peer_in_another_namespace_names_it() -> None:
    surroundings = surroundings_of(CHART, namespace="servers", hub_namespace="hub")
    assert surroundings.peer_beside_hub(SELECTOR) == {
        "podSelector": SELECTOR,
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "hub"}},
    }
    assert surroundings.peer_beside_servers(SELECTOR) == {
        "podSelector": SELECTOR,
        **in_namespace("servers"),
    }
