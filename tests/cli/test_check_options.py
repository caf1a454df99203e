"""`e2xhub check` explains, pins and prints its schema."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

import e2xhub.demo
from tests.cli.program import call_e2xhub, run_e2xhub

Sources = dict[str, Path]

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
    assert result.stderr == (
        "'maths/WS99' is no term or exam of the catalog; expected COURSE/TERM or exams/ID, "
        "one of: maths/WS26\n"
    )


@pytest.mark.parametrize(
    ("name", "offered"),
    [
        ("", "machine-learning/WS26, machine-learning/SS27, databases/WS26, exams/ml-pz1, "),
        ("databases", "databases/WS26"),
        ("exams", "exams/ml-pz1, exams/ml-pz2"),
    ],
)
def test_explain_offers_what_may_be_meant(sources: Sources, name: str, offered: str) -> None:
    done = call_e2xhub("check", "--explain", name, **sources)
    assert (done.status, done.output) == (1, "")
    assert f"expected COURSE/TERM or exams/ID, one of: {offered}" in done.errors


def test_explain_is_the_same_in_every_run(sources: Sources) -> None:
    runs = [
        run_e2xhub("check", "--explain", "exams/ml-pz1", PYTHONHASHSEED=seed, **sources).output
        for seed in (1, 2, 3)
    ]
    assert runs[0] == runs[1] == runs[2]
    assert "mounts.home.access.read_write" in runs[0]
    assert "grader, instructor, student" in runs[0]


def test_explain_tells_the_hubs_of_what_only_some_have(sources: Sources) -> None:
    told = call_e2xhub("check", "--explain", "exams/ml-pz1", "--json", **sources).json
    hubs = {item["key"]: item["value"]["hubs"] for item in told if "mounts." in item["key"]}
    assert hubs["mounts.home"] == ["assignment", "grading"]
    assert hubs["mounts.exam-home"] == ["exam"]


def test_explain_tells_which_hubs_have_the_exchange(sources: Sources, tmp_path: Path) -> None:
    """An exam inherits the key, and shares nothing by that."""
    course = "    title: Machine Learning\n"
    nbgrader = '    nbgrader: {volume: files, exchange: "x/{course}/{term}"}\n'
    changed = replace_in_catalog(sources, tmp_path, course, course + nbgrader)
    told = call_e2xhub("check", "--explain", "exams/ml-pz1", "--json", **changed).json
    (value,) = (item["value"] for item in told if item["key"] == "nbgrader")
    assert value["hubs"] == ["assignment", "grading"]


def test_explain_tells_memory_as_the_catalog_does(tmp_path: Path) -> None:
    sources = write_sources(tmp_path)
    (catalog,) = (word for word in sources if str(word).endswith("catalog.yaml"))
    more = "{image: plain, memory: 512M, cpu: 1}"
    text = Path(catalog).read_text() + f"    extra_containers: {{db: {more}}}\n"
    Path(catalog).write_text(text)
    result = run("check", *sources, "--explain", "maths/WS26", "--json")
    values = {item["key"]: item["value"] for item in json.loads(result.stdout)}
    assert values["extra_containers.db"]["memory"] == "512M"


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


def test_check_tells_scripts_what_there_is(sources: Sources) -> None:
    done = call_e2xhub("check", "--json", **sources)
    told = json.loads(done.output)
    assert (done.status, told["faults"]) == (0, [])
    assert told["courses"] == 2
    assert told["roles"]["observer"] == 2


def test_check_tells_scripts_every_fault(sources: Sources, tmp_path: Path) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_text("username,exam,role\nalice,none,\n")
    done = call_e2xhub("check", "--json", **{**sources, "E2XHUB_ROSTER": roster})
    (fault,) = json.loads(done.output)["faults"]
    assert done.status == 1
    assert (fault["file"], fault["line"]) == (str(roster), 2)
    assert f"{roster}:2: {fault['message']}" in done.errors


def test_explain_tells_scripts_each_value_and_its_level(sources: Sources) -> None:
    done = call_e2xhub("check", "--explain", "exams/ml-pz1", "--json", **sources)
    origins = {item["key"]: item for item in json.loads(done.output)}
    assert origins["image"] == {"key": "image", "value": "exam", "from": "exams.ml-pz1"}


def test_override_that_kubespawner_does_not_know_is_a_fault(
    sources: Sources, tmp_path: Path
) -> None:
    faulty = replace_in_catalog(
        sources, tmp_path, "defaults:\n", "defaults:\n  kubespawner_override: {imagee: x}\n"
    )
    done = call_e2xhub("check", **faulty)
    assert done.status == 1
    assert "'imagee' cannot be overridden here; expected one of: " in done.errors


def test_image_of_an_exam_is_frozen_from_its_day_on(sources: Sources, tmp_path: Path) -> None:
    for day, status in (("2026-01-01", 1), ("2126-01-01", 0)):
        changed = replace_in_catalog(
            sources, tmp_path, "  ml-pz1:\n", f"  ml-pz1:\n    freeze_image_on: {day}\n"
        )
        done = call_e2xhub("check", **changed)
        assert done.status == status, done.errors
        if status:
            assert f"the image of this exam is frozen since {day}, and " in done.errors


def test_extra_time_of_somebody_who_is_no_examinee_is_a_warning(
    sources: Sources, tmp_path: Path
) -> None:
    changed = replace_in_catalog(
        sources, tmp_path, "  ml-pz1:\n", "  ml-pz1:\n    extra_minutes: {nobody: 10}\n"
    )
    done = call_e2xhub("check", **changed)
    assert done.status == 0
    line = line_of(changed["E2XHUB_CATALOG"], "nobody")
    assert done.errors.splitlines()[0] == (
        f"Warning: {changed['E2XHUB_CATALOG']}:{line}: 'nobody' gets extra time and is no "
        "examinee of this exam on the roster"
    )
    told = call_e2xhub("check", "--json", **changed).json["warnings"][0]
    assert (told["file"], told["line"]) == (str(changed["E2XHUB_CATALOG"]), line)


def test_offers_can_be_asked_for_with_groups(sources: Sources, tmp_path: Path) -> None:
    rule = 'groups: [{pattern: "course::{course}::{role}", term: WS26}]\n'
    changed = replace_in_catalog(sources, tmp_path, "university:", f"{rule}university:")
    asked = ("offers", "stranger", "--at", "2026-11-02T10:00", "--json")
    done = call_e2xhub(*asked, "--group", "course::databases::student", "--group", "x", **changed)
    assert [offer["offer"] for offer in json.loads(done.output)["offers"]] == [
        "databases/WS26/student"
    ]
    assert call_e2xhub(*asked, **changed).status == 1


def line_of(file: Path, text: str) -> int:
    lines = file.read_text(encoding="utf-8").splitlines()
    return 1 + next(index for index, line in enumerate(lines) if text in line)


def replace_in_catalog(sources: Sources, tmp_path: Path, old: str, new: str) -> Sources:
    """The sources with a catalog in which `new` stands for the first `old`."""
    text = Path(sources["E2XHUB_CATALOG"]).read_text(encoding="utf-8")
    assert old in text
    catalog = tmp_path / "changed.yaml"
    catalog.write_text(text.replace(old, new, 1), encoding="utf-8")
    return {**sources, "E2XHUB_CATALOG": catalog}
