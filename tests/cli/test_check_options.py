"""`e2xhub check` explains, pins and prints its schema."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import yaml

import e2xhub.demo

DEMO_CATALOG = Path(e2xhub.demo.__file__).parent / "university" / "catalog.yaml"
CATALOG = """\
university: Small University
images:
  plain: {name: "registry.example.org/notebook:1"}
  pinned: {name: "registry.example.org/notebook:1@sha256:%s"}
sizes: {small: {title: Small, memory: 1G, cpu: 1}}
defaults: {image: plain, sizes: [small], environment: {LANG: C, MODE: outer}}
courses:
  maths:
    title: Maths
    image: pinned
    terms:
      WS26: {start: 2026-10-01, end: 2027-03-31, environment: {MODE: inner}}
"""


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "e2xhub", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def write_sources(directory: Path) -> tuple[str, Path, str, Path]:
    catalog, roster = directory / "catalog.yaml", directory / "roster.csv"
    catalog.write_text(CATALOG % ("a" * 64))
    roster.write_text("username,course,term,role\nalice,maths,WS26,student\n")
    return "--catalog", catalog, "--roster", roster


def test_explain_names_the_level_of_each_value(tmp_path: Path) -> None:
    result = run("check", *write_sources(tmp_path), "--explain", "maths/WS26")
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in result.stdout.split("\n")]
    assert ["environment.LANG", "C", "defaults"] in rows
    assert ["environment.MODE", "inner", "courses.maths.terms"] in [
        [key, value, place.removesuffix(".WS26")] for key, value, place in filter(None, rows)
    ]
    assert ["image", "pinned", "courses.maths"] in rows
    assert ["sizes", "small", "defaults"] in rows
    assert result.returncode == 0


def test_explain_of_an_unknown_term_is_one_sentence(tmp_path: Path) -> None:
    result = run("check", *write_sources(tmp_path), "--explain", "maths/WS99")
    assert result.returncode == 1
    assert result.stderr == "'maths/WS99' is not declared; expected one of: maths/WS26\n"


def test_pinned_faults_the_image_without_digest(tmp_path: Path) -> None:
    sources = write_sources(tmp_path)
    assert run("check", *sources).returncode == 0
    result = run("check", *sources, "--pinned")
    assert result.returncode == 1
    assert result.stderr == (
        f"{tmp_path}/catalog.yaml:3: image 'plain' has no digest; "
        "expected 'registry.example.org/notebook:1@sha256:…'\n"
    )


def test_schema_needs_no_catalog_and_fits_one() -> None:
    result = run("check", "--schema")
    assert result.returncode == 0
    schema = json.loads(result.stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    # As an editor sees it: dates are texts.
    text = DEMO_CATALOG.read_text(encoding="utf-8").replace("%", "x")
    catalog = json.loads(json.dumps(yaml.safe_load(text), default=str))
    faults = jsonschema.Draft202012Validator(schema).iter_errors(catalog)
    assert [fault.message for fault in faults] == []


def test_schema_refuses_what_the_catalog_refuses() -> None:
    schema = json.loads(run("check", "--schema").stdout)
    validator = jsonschema.Draft202012Validator(schema)
    size = {"title": "Small", "memory": "1G", "cpu": 1}
    image = {"name": "registry.example.org/notebook:1"}
    good = {"university": "U", "images": {"n": image}, "sizes": {"s": size}}
    assert validator.is_valid(good)
    assert not validator.is_valid({**good, "univrsity": "U"})
    assert not validator.is_valid({**good, "sizes": {"s": {**size, "memory": "much"}}})
    assert not validator.is_valid({"images": {"n": image}, "sizes": {"s": size}})
