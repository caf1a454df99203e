"""The manifest of rights gives the hub what the keeper of policies needs, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from e2xhub.kubernetes.lockdown.writing import RIGHTS
from tests.helm.chart import CHART, examples_in, needs_chart, ours


def documents(text: str) -> dict[str, Any]:
    """The objects in `text` by kind."""
    return {item["kind"]: item for item in yaml.safe_load_all(text)}


def test_it_gives_the_rights_that_a_refusal_asks_for() -> None:
    (rule,) = documents(ours("rbac"))["Role"]["rules"]
    assert rule["apiGroups"] == ["networking.k8s.io"]
    assert rule["resources"] == ["networkpolicies"]
    *first, last = rule["verbs"]
    assert RIGHTS.startswith(f"{', '.join(first)} and {last} on networkpolicies")


@pytest.mark.parametrize("text", [ours("rbac"), *examples_in(ours("rbac"))], ids=["as-is", "two"])
def test_it_binds_them_to_the_hubs_account(text: str) -> None:
    found = documents(text)
    binding = found["RoleBinding"]
    assert binding["roleRef"]["name"] == found["Role"]["metadata"]["name"]
    (subject,) = binding["subjects"]
    assert (subject["kind"], subject["name"]) == ("ServiceAccount", "hub")
    # Without one, Kubernetes takes the binding's own.
    assert subject.get("namespace", "hub-namespace") == "hub-namespace"


@needs_chart
def test_account_is_the_one_of_the_charts_hub() -> None:
    text = (CHART / "rendered-default.yaml").read_text(encoding="utf-8")
    accounts = [
        item["spec"]["template"]["spec"].get("serviceAccountName")
        for item in yaml.safe_load_all(text)
        if item["kind"] == "Deployment" and item["metadata"]["name"] == "hub"
    ]
    (subject,) = documents(ours("rbac"))["RoleBinding"]["subjects"]
    assert accounts == [subject["name"]]


@needs_chart
def test_the_chart_itself_gives_no_right_to_policies() -> None:
    """Else this manifest would not be needed."""
    text = (CHART / "rendered-default.yaml").read_text(encoding="utf-8")
    roles = [item for item in yaml.safe_load_all(text) if item["kind"] in ("Role", "ClusterRole")]
    resources = {name for role in roles for rule in role["rules"] for name in rule["resources"]}
    assert "pods" in resources
    assert "networkpolicies" not in resources
