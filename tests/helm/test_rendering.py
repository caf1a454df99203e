"""Helm itself takes our values: it reads, merges, and checks them against the chart's schema.

Always with a chart of our own that has the schema and the values of the real one, and shows what
became of the values; and with the real chart where E2XHUB_TEST_CHART names its directory (or an
archive of it).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2xhub.cli.helm_values import make_values
from e2xhub.domain.catalog import Catalog
from e2xhub.domain.cluster_needs import find_needs
from e2xhub.domain.roles import HubKind
from tests.helm.chart import CHART, KINDS, VALUES, chart_values, load, needs_chart
from tests.programs import find_program

REAL_CHART = os.environ.get("E2XHUB_TEST_CHART", "")
# Helm without a cluster believes in an old one, with which the chart refuses to be rendered.
KUBERNETES = "1.34.0"

needs_real_chart = pytest.mark.skipif(
    not REAL_CHART, reason="E2XHUB_TEST_CHART names no zero-to-jupyterhub chart"
)

# What the real templates do with images and everything else that e2xhub makes.
_TEMPLATE = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: values}
data:
  values: {{ .Values | toJson | quote }}
  images: |
    {{- range $key, $image := .Values.prePuller.extraImages }}
    {{ $image.name }}:{{ $image.tag }}
    {{- end }}
"""


def find_helm() -> str:
    """Helm on the PATH, or where npm puts programs beside this Python."""
    beside = Path(sys.executable).parent / "helm"
    return str(beside) if beside.exists() else find_program("helm")


def render(chart: Path | str, *files: Path) -> list[dict[str, Any]]:
    """What helm makes of `chart` with these files of values."""
    values = [part for file in files for part in ("--values", str(file))]
    where = ["--namespace", "default", "--kube-version", KUBERNETES]
    done = subprocess.run(
        [find_helm(), "template", "exam", str(chart), *where, *values],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [item for item in yaml.safe_load_all(done.stdout) if item]


@pytest.fixture
def schema_chart(tmp_path: Path) -> Path:
    """A chart with the values and the schema of the real one."""
    chart = tmp_path / "jupyterhub"
    (chart / "templates").mkdir(parents=True)
    about = {"apiVersion": "v2", "name": "jupyterhub", "version": "4.4.0"}
    (chart / "Chart.yaml").write_text(yaml.safe_dump(about), encoding="utf-8")
    (chart / "values.yaml").write_bytes((CHART / "values.yaml").read_bytes())
    schema = json.dumps(load(CHART / "values.schema.yaml"))
    (chart / "values.schema.json").write_text(schema, encoding="utf-8")
    (chart / "templates" / "values.yaml").write_text(_TEMPLATE, encoding="utf-8")
    return chart


def files_of(kind: str) -> list[Path]:
    return [VALUES / "common.yaml", VALUES / f"{kind}.yaml"]


@pytest.fixture
def generated(small_catalog: Catalog, in_winter_term: datetime, tmp_path: Path) -> Path:
    """What `e2xhub helm-values` makes of the small university's exams, as a file."""
    needs = find_needs(small_catalog, HubKind.EXAM, in_winter_term)
    file = tmp_path / "images.yaml"
    values = json.dumps(make_values(needs, people_per_placeholder=10))  # JSON is YAML
    file.write_text(values, encoding="utf-8")
    return file


@needs_chart
@pytest.mark.parametrize("kind", KINDS)
def test_helm_merges_our_values_as_these_tests_do(schema_chart: Path, kind: str) -> None:
    (shown,) = render(schema_chart, *files_of(kind))
    merged = json.loads(shown["data"]["values"])
    ours = chart_values(kind)
    for key in ours.keys() - {"global"}:
        assert without_null(merged.get(key)) == without_null(ours[key]), key


def without_null(value: Any) -> Any:
    """Null is what is not set."""
    if not isinstance(value, Mapping):
        return value
    return {key: without_null(item) for key, item in value.items() if item is not None}


@needs_chart
def test_helm_refuses_a_key_that_the_chart_has_not(schema_chart: Path, tmp_path: Path) -> None:
    """Else the tests beside this one would prove nothing."""
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("hub: {consecutiveFailureLimits: 0}", encoding="utf-8")
    with pytest.raises(AssertionError, match="consecutiveFailureLimits is not allowed"):
        render(schema_chart, *files_of("exam"), wrong)


@needs_chart
def test_images_come_out_of_helm_as_the_catalog_has_them(
    schema_chart: Path, tmp_path: Path
) -> None:
    names = ["a:1e3", "b:y", "c:010", f"d@sha256:{'12e4' * 16}", f"e:1.0@sha256:{'0' * 64}"]
    images = [f"registry.example.org:5000/{name}" for name in names]
    file = tmp_path / "images.yaml"
    file.write_text(values_of(images, tmp_path), encoding="utf-8")
    (shown,) = render(schema_chart, *files_of("assignment"), file)
    assert shown["data"]["images"].split() == images


def values_of(images: list[str], directory: Path) -> str:
    """What `e2xhub helm-values` prints of a catalog with a course for each of `images`."""
    term = {"start": "2026-10-01", "end": "2027-03-31"}
    catalog = {
        "university": "U",
        "images": {f"i{number}": {"name": name} for number, name in enumerate(images)},
        "sizes": {"small": {"title": "Small", "memory": "1G", "cpu": 1}},
        "defaults": {"sizes": ["small"], "network": "open"},
        "courses": {
            f"c{number}": {"title": name, "image": f"i{number}", "terms": {"WS26": term}}
            for number, name in enumerate(images)
        },
    }
    file = directory / "catalog.yaml"
    file.write_text(json.dumps(catalog), encoding="utf-8")
    command = [sys.executable, "-m", "e2xhub", "helm-values", "--all", "--catalog", str(file)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


# --- the real chart


@needs_real_chart
@pytest.mark.parametrize("kind", KINDS)
def test_real_chart_renders_our_values(kind: str) -> None:
    kinds = [item["kind"] for item in render(REAL_CHART, *files_of(kind))]
    assert {"Deployment", "NetworkPolicy", "PriorityClass"} <= set(kinds)


@needs_real_chart
def test_real_chart_runs_our_image_and_lets_hub_and_proxy_reach_locked_servers() -> None:
    found = {
        (item["kind"], item["metadata"]["name"]): item
        for item in render(REAL_CHART, *files_of("exam"))
    }
    (hub,) = found["Deployment", "hub"]["spec"]["template"]["spec"]["containers"]
    assert hub["image"] == "registry.example.org/e2xhub/hub:4.4.0-1"
    for name in ("hub", "proxy"):
        rules = found["NetworkPolicy", name]["spec"]["egress"]
        assert any("e2xhub.org/network" in json.dumps(rule) for rule in rules)
    servers = found["NetworkPolicy", "singleuser"]["spec"]["egress"]
    assert all("podSelector" in rule["to"][0] for rule in servers)


@needs_real_chart
def test_real_chart_fetches_the_images_of_the_catalog(generated: Path) -> None:
    items = render(REAL_CHART, *files_of("exam"), generated)
    pullers = [item for item in items if item["kind"] == "DaemonSet"]
    assert pullers
    for puller in pullers:
        containers = puller["spec"]["template"]["spec"]["initContainers"]
        images = {container["image"] for container in containers}
        assert {"registry.example.org/exam:1", "registry.example.org/gpu:1"} <= images
