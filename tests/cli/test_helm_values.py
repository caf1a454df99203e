"""`e2xhub helm-values`: values that the chart takes, the same for the same catalog."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.cli.program import Outcome, call_e2xhub, run_e2xhub
from tests.helm.chart import CHART, chart_values, load, needs_chart

TERM = "2026-11-01T09:00"
DIGEST = "0123e456" * 8
CATALOG = """
university: U
time_zone: Europe/Berlin
images:
  tagged: {name: "registry.example.org:5000/a/notebook:1e3"}
  pinned: {name: "registry.example.org/b/notebook@sha256:DIGEST", pull_secrets: [login]}
  both: {name: "registry.example.org:5000/c:2026-01-01@sha256:DIGEST"}
  Capital_Letters: {name: "registry.example.org/d:y"}
volumes: {files: {nfs: {server: nfs.example.org, path: /srv}}}
sizes: {small: {title: Small, memory: 1G, cpu: 0.0625}}
defaults: {network: open, sizes: [small]}
courses:
  one: {title: One, image: tagged, terms: &terms {WS26: {start: 2026-10-01, end: 2027-03-31}}}
  two: {title: Two, image: pinned, terms: {WS26: {start: 2026-10-01, end: 2027-03-31}}}
  three: {title: Three, image: both, terms: {WS26: {start: 2026-10-01, end: 2027-03-31}}}
  four: {title: Four, image: Capital_Letters, terms: {WS26: {start: 2026-10-01, end: 2027-03-31}}}
""".replace("&terms ", "").replace("DIGEST", DIGEST)


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    """A catalog with images of all spellings."""
    file = tmp_path / "catalog.yaml"
    file.write_text(CATALOG, encoding="utf-8")
    return file


def run(catalog: Path, *arguments: object) -> Outcome:
    return call_e2xhub("helm-values", "--catalog", catalog, "--at", TERM, *arguments)


def references_in(values: Any) -> dict[str, str]:
    """The images as the chart spells them: name, colon, tag."""
    images = values["prePuller"]["extraImages"]
    return {key: f"{image['name']}:{image['tag']}" for key, image in images.items()}


def test_tags_and_digests_come_out_as_they_went_in(catalog: Path) -> None:
    done = run(catalog)
    assert (done.status, done.errors) == (0, "")
    references = references_in(yaml.safe_load(done.output))
    capital = next(key for key in references if key.startswith("e2x-capital"))
    assert references.pop(capital) == "registry.example.org/d:y"
    assert references == {
        "e2x-both": f"registry.example.org:5000/c:2026-01-01@sha256:{DIGEST}",
        "e2x-pinned": f"registry.example.org/b/notebook@sha256:{DIGEST}",
        "e2x-tagged": "registry.example.org:5000/a/notebook:1e3",
    }


def test_every_tag_is_in_quotes(catalog: Path) -> None:
    """For helm, `1e3` and `y` are no texts."""
    tags = [line.split(": ", 1)[1] for line in run(catalog).output.splitlines() if "tag: " in line]
    assert len(tags) == 5
    assert all(tag.startswith('"') and tag.endswith('"') for tag in tags)


def test_each_key_makes_the_name_of_a_container(catalog: Path) -> None:
    long = f"{'long' * 30}: {{name: 'registry.example.org/e:1'}}\n"
    text = CATALOG.replace("  tagged:", f"  {long}  tagged:").replace(
        "image: tagged", f"image: {'long' * 30}"
    )
    catalog.write_text(text, encoding="utf-8")
    keys = list(run(catalog, "--json").json["prePuller"]["extraImages"])
    assert len(keys) == 4
    for key in keys:
        assert re.fullmatch(r"e2x-[a-z0-9-]*[a-z0-9]", key)
        assert len(f"image-pull-{key}") <= 63


def test_it_is_the_same_each_time_and_as_json(catalog: Path) -> None:
    words = ("helm-values", "--catalog", catalog, "--at", TERM)
    first, second = (run_e2xhub(*words, PYTHONHASHSEED=seed) for seed in (1, 2))
    assert first.output == second.output
    assert run(catalog, "--json").json == yaml.safe_load(first.output)


def test_it_says_how_it_was_made_and_of_what(catalog: Path) -> None:
    assert run(catalog, "--hub", "grading").output.startswith(
        "# Made by 'e2xhub helm-values --hub grading'. Make it anew when images, sizes or\n"
        "# placements of the catalog change; do not edit it. It is of terms and exams that are not "
        "over:\n"
        "# four/WS26, one/WS26, three/WS26, two/WS26\n"
    )
    assert "It is of all terms and exams:" in run(catalog, "--all").output


@needs_chart
@pytest.mark.parametrize("kind", ["assignment", "exam", "grading"])
def test_chart_takes_them(catalog: Path, kind: str) -> None:
    made = yaml.safe_load(run(catalog, "--hub", kind, "--all").output)
    jsonschema.validate(chart_values(kind, made), load(CHART / "values.schema.yaml"))


def test_secrets_and_an_image_of_ours_take_the_place_of_the_charts(catalog: Path) -> None:
    """Else nodes would also fetch the chart's sample, which nobody starts."""
    image = run(catalog, "--json").json["singleuser"]["image"]
    assert image["pullSecrets"] == ["login"]
    assert f"{image['name']}:{image['tag']}" == "registry.example.org/d:y"


def test_placeholder_is_as_large_as_the_people_it_stands_for(catalog: Path) -> None:
    made = run(catalog, "--people-per-placeholder", 10, "--json").json
    requests = made["scheduling"]["userPlaceholder"]["resources"]["requests"]
    assert requests == {"cpu": "625m", "memory": str(10 * 2**30)}
    one = run(catalog, "--json").json["scheduling"]["userPlaceholder"]["resources"]["requests"]
    assert one == {"cpu": "63m", "memory": str(2**30)}  # rounded up, as Kubernetes does


def test_hub_without_offers_needs_nothing(catalog: Path) -> None:
    assert run(catalog, "--hub", "exam", "--json").json == {
        "prePuller": {"extraImages": {}},
        "scheduling": {"userPlaceholder": {"replicas": 0}},
    }


def test_image_that_cannot_be_fetched_beforehand_is_left_out(catalog: Path) -> None:
    made = run(catalog, "--without", "pinned", "--without", "both", "--json").json
    assert "e2x-pinned" not in references_in(made)
    assert "e2x-tagged" in references_in(made)


def test_image_that_the_catalog_has_not_is_a_fault(catalog: Path) -> None:
    done = run(catalog, "--without", "pined")
    assert (done.status, done.output) == (1, "")
    assert done.errors == (
        "image 'pined' is not in the catalog; expected one of: Capital_Letters, both, pinned, "
        "tagged\n"
    )


def test_hub_that_serves_a_part_needs_what_the_part_needs(catalog: Path) -> None:
    made = run(catalog, "--course", "one", "--course", "two", "--term", "WS26")
    assert set(references_in(yaml.safe_load(made.output))) == {"e2x-tagged", "e2x-pinned"}
    assert made.output.startswith(
        "# Made by 'e2xhub helm-values --hub assignment --course one --course two --term WS26'. "
    )
    assert "# one/WS26, two/WS26\n" in made.output


@pytest.mark.parametrize(
    ("option", "name", "fault"),
    [
        ("course", "won", "'won' is not in the catalog; expected one of: four, one, three, two"),
        ("term", "WS27", "'WS27' is not in the catalog; expected one of: WS26"),
    ],
)
def test_part_that_the_catalog_has_not_is_a_fault(
    catalog: Path, option: str, name: str, fault: str
) -> None:
    """As the hub itself says it: else a misspelt id would be a hub that needs nothing."""
    done = run(catalog, f"--{option}", name)
    assert (done.status, done.output, done.errors) == (1, "", f"{option} {fault}\n")


def test_faulty_catalog_makes_no_values(catalog: Path) -> None:
    catalog.write_text(CATALOG.replace("image: tagged", "image: taged"), encoding="utf-8")
    done = run(catalog)
    assert (done.status, done.output) == (1, "")
    assert done.errors.startswith(f"{catalog}:13: ")
