"""The helm values fit the chart's schema, each of their examples too, and say what they are for."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from e2xhub.domain.exam_board import IDLE_AFTER
from tests.helm.chart import (
    CHART,
    KINDS,
    ROOT,
    VALUES,
    chart_values,
    examples_in,
    load,
    merge_all,
    needs_chart,
    ours,
    parse,
)

_FROM_SECRET = {
    "assignment": {"E2XHUB_DATABASE_URL": "database-url", "E2XHUB_PEPPER": "pepper"},
    "grading": {"E2XHUB_DATABASE_URL": "database-url"},
}
EXAMPLES = [(name, example) for name in ("common", *KINDS) for example in examples_in(ours(name))]


def check(values: Any) -> None:
    jsonschema.validate(values, load(CHART / "values.schema.yaml"))


@needs_chart
@pytest.mark.parametrize("kind", KINDS)
def test_values_fit_the_charts_schema(kind: str) -> None:
    values = chart_values(kind)
    check(values)
    assert values["custom"]["e2xhub"]["hub"] == kind


@needs_chart
@pytest.mark.parametrize(("name", "text"), EXAMPLES)
def test_each_example_fits_the_charts_schema(name: str, text: str) -> None:
    assert parse(text) != parse(ours(name)), "the example changes nothing"
    for kind in KINDS if name == "common" else [name]:
        files = {"common": ours("common"), kind: ours(kind), name: text}
        check(merge_all([load(CHART / "values.yaml"), *map(parse, files.values())]))


def test_there_are_examples_to_test() -> None:
    assert len(EXAMPLES) > 12


@needs_chart
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_file_sets_is_a_key_that_the_chart_has(kind: str) -> None:
    chart, values = (
        load(CHART / "values.yaml"),
        merge_all([parse(ours("common")), parse(ours(kind))]),
    )
    free = {"custom", "hub.config", "hub.extraConfig", "singleuser.extraEnv", "hub.resources"}
    free |= {"singleuser.networkTools.resources"}

    def unknown(value: Any, known: Any, path: str = "") -> list[str]:
        if path in free or not isinstance(value, dict):
            return []
        return [
            fault
            for key, item in value.items()
            for place in [f"{path}.{key}".lstrip(".")]
            for fault in ([place] if key not in known else unknown(item, known[key], place))
        ]

    assert unknown(values, chart) == []


@pytest.mark.parametrize("file", sorted(VALUES.glob("*.*")), ids=lambda file: file.name)
def test_each_file_opens_by_saying_what_it_changes(file: Path) -> None:
    assert file.read_text(encoding="utf-8").startswith("# ")


def test_extra_config_does_what_jupyterhub_config_d_does() -> None:
    code = parse(ours("common"))["hub"]["extraConfig"]["10-e2xhub"]
    file = (ROOT / "jupyterhub_config.d" / "10-e2xhub.py").read_text(encoding="utf-8")
    assert [line for line in file.splitlines() if not line.startswith("#")] == code.splitlines()


def test_refused_requests_never_stop_a_hub() -> None:
    assert parse(ours("common"))["hub"]["consecutiveFailureLimit"] == 0


def test_nobody_is_culled_in_an_exam() -> None:
    assert parse(ours("exam"))["cull"] == {"enabled": False}


@needs_chart
def test_charts_policy_for_servers_opens_nothing_on_an_exam_hub() -> None:
    """Each switch of the chart is off: one that a later chart adds is found here."""
    policy = chart_values("exam")["singleuser"]["networkPolicy"]
    assert policy["enabled"] is True
    assert not any(policy["egressAllowRules"].values())
    assert policy["egress"] == policy["ingress"] == []


@pytest.mark.parametrize("kind", ["assignment", "grading"])
def test_activity_is_told_often_enough_for_culling(kind: str) -> None:
    values = parse(ours(kind))
    told_seconds = int(values["singleuser"]["extraEnv"]["JUPYTERHUB_ACTIVITY_INTERVAL"])
    assert told_seconds * 4 <= values["cull"]["timeout"]


def test_activity_is_told_often_enough_for_the_console_of_an_exam() -> None:
    """With JupyterHub's jitter of a tenth: nobody who works seems to be idle."""
    server = parse(ours("exam"))["singleuser"]
    told_seconds = int(server["extraEnv"]["JUPYTERHUB_ACTIVITY_INTERVAL"]) * 1.1
    assert timedelta(seconds=told_seconds) < IDLE_AFTER


def test_container_of_the_chart_leaves_pods_guaranteed() -> None:
    resources = parse(ours("common"))["singleuser"]["networkTools"]["resources"]
    assert resources["requests"] == resources["limits"]
    assert set(resources["limits"]) == {"cpu", "memory"}


@pytest.mark.parametrize("kind", ["assignment", "grading"])
def test_example_of_a_course_hub_has_what_changes_of_members_and_grading_need(kind: str) -> None:
    """With the sign-in of its example, so that nobody writes a second mapping `hub`."""
    (example,) = [
        parse(text)["hub"]
        for text in examples_in(ours(kind))
        if "extraEnv" in parse(text).get("hub", {})
    ]
    for variable, key in _FROM_SECRET[kind].items():
        reference = example["extraEnv"][variable]["valueFrom"]["secretKeyRef"]
        assert reference == {"name": "e2xhub", "key": key}
    assert example["config"]


@pytest.mark.parametrize("name", ["common", "exam"])
def test_example_of_an_ingress_asks_the_hub_about_every_request(name: str) -> None:
    (ingress,) = [
        parse(text)["ingress"] for text in examples_in(ours(name)) if "ingress" in parse(text)
    ]
    prefix, (host,) = "nginx.ingress.kubernetes.io/", ingress["hosts"]
    asked = "http://proxy-public.NAMESPACE.svc.cluster.local/hub/e2x/forward-auth"
    assert ingress["annotations"][f"{prefix}auth-url"] == asked
    assert ingress["annotations"][f"{prefix}auth-signin"] == f"https://{host}/hub/login"
    assert ingress["annotations"][f"{prefix}auth-signin-redirect-param"] == "next"
