"""The helm values fit the chart, and `configure` fits what the chart has set before."""

from __future__ import annotations

from functools import reduce
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).parents[1]
CHART = ROOT.parent / "shared" / "z2jh"
KINDS = ("assignment", "exam", "grading")


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def merge(over: Any, under: Any) -> Any:
    """As helm merges values: mappings key by key, everything else replaced."""
    if not (isinstance(over, dict) and isinstance(under, dict)):
        return over
    return under | {key: merge(value, under.get(key)) for key, value in over.items()}


@pytest.mark.skipif(not CHART.is_dir(), reason="the chart's values are not part of the project")
@pytest.mark.parametrize("kind", KINDS)
def test_values_fit_the_charts_schema(kind: str) -> None:
    files = [CHART / "values.yaml", *(ROOT / "helm-values" / f"{n}.yaml" for n in ("common", kind))]
    values = reduce(lambda under, file: merge(load(file), under), files, {})
    jsonschema.validate(values, load(CHART / "values.schema.yaml"))
    assert values["custom"]["e2xhub"]["hub"] == kind


@pytest.mark.parametrize(
    "file", sorted((ROOT / "helm-values").glob("*.yaml")), ids=lambda f: f.name
)
def test_each_file_opens_by_saying_what_it_changes(file: Path) -> None:
    assert file.read_text(encoding="utf-8").startswith("# ")


def test_extra_config_does_what_jupyterhub_config_d_does() -> None:
    code = load(ROOT / "helm-values" / "common.yaml")["hub"]["extraConfig"]["10-e2xhub"]
    file = (ROOT / "jupyterhub_config.d" / "10-e2xhub.py").read_text(encoding="utf-8")
    assert [line for line in file.splitlines() if not line.startswith("#")] == code.splitlines()
