"""`e2xhub import-legacy` moves a deployment, and what it writes is what the other commands read."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.cli.program import Outcome, call_e2xhub

SAMPLES = Path(__file__).parents[1] / "imports" / "legacy" / "samples"
NAMES = sorted(directory.name for directory in SAMPLES.iterdir())
EXAMS_ARE_BESIDE = "and the same volume has files of exams ("
COURSES_ARE_NESTED = "graders and instructors may write to 'courses/{course}', in which 'courses/"
"""As it was in those deployments, where nbgrader works in the course that graders mount."""


def check(target: Path) -> Outcome:
    """What `e2xhub check` says of what was written to `target`."""
    sources = {"E2XHUB_CATALOG": target / "catalog", "E2XHUB_ROSTER": target / "roster"}
    return call_e2xhub("check", **sources)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_written_passes_the_check(tmp_path: Path, name: str) -> None:
    done = call_e2xhub("import-legacy", SAMPLES / name, "--to", tmp_path / "new")
    assert (done.status, done.errors) == (0, "")
    assert done.output.startswith(f"Written to {tmp_path}/new, without faults")
    assert "left-out" in done.output
    checked = check(tmp_path / "new")
    assert checked.status == 0
    as_it_was = (COURSES_ARE_NESTED, EXAMS_ARE_BESIDE)
    warnings = [
        line
        for line in checked.errors.splitlines()
        if not any(known in line for known in as_it_was)
    ]
    assert all(line.endswith("and the exam is in: to-be-filled-in") for line in warnings)
    report = (tmp_path / "new" / "report.md").read_text()
    assert report.startswith("# Import of an e2x deployment\n\nWritten: ")


def test_json_has_counts_and_every_note(tmp_path: Path) -> None:
    done = call_e2xhub("import-legacy", SAMPLES / "exam_hub", "--to", tmp_path / "new", "--json")
    assert done.json["written"] == {
        "courses": 2,
        "terms": 2,
        "exams": 3,
        "people": 4,
        "memberships": 5,
    }
    assert {
        "kind": "to-fill-in",
        "file": "exams/IT/IT.SS23.PZ1.csv",
        "line": 1,
        "subject": "IT.SS23.PZ1",
        "message": "time and rooms of IT.SS23.PZ1 are not known: it is closed, in no room",
        "advice": "set start, duration_minutes and rooms before the exam",
    } in done.json["notes"]


def test_directory_with_files_is_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    done = call_e2xhub("import-legacy", SAMPLES / "exam_hub", "--to", tmp_path)
    assert done.status == 2
    assert "is not empty; choose a new directory" in done.error_text


@pytest.mark.parametrize("term", ["=SS23", "MRC=", ""])
def test_term_that_is_none_is_wrong_usage(tmp_path: Path, term: str) -> None:
    done = call_e2xhub(
        "import-legacy", SAMPLES / "exam_hub", "--to", tmp_path / "new", "--term", term
    )
    assert done.status == 2
    assert "expected 'WS23' or 'MRC-Klausur=WS23'" in done.error_text
    assert not (tmp_path / "new").exists()


def test_term_may_be_named(tmp_path: Path) -> None:
    done = call_e2xhub(
        *("import-legacy", SAMPLES / "lists_per_mode", "--to", tmp_path / "new"),
        *("--term", "WuS-Klausur=SS20", "--university", "Old University"),
    )
    assert done.status == 0
    assert (tmp_path / "new/roster/exams/WuS-Klausur.csv").read_text() == (
        "username,role\ncweber2s,student\n"
    )
    catalog = yaml.safe_load((tmp_path / "new/catalog/common.yaml").read_text())
    assert catalog["university"] == "Old University"


def test_time_zone_is_that_of_the_catalog_and_its_exams(tmp_path: Path) -> None:
    new = tmp_path / "new"
    done = call_e2xhub(
        "import-legacy", SAMPLES / "exam_hub", "--to", new, "--time-zone", "Asia/Tokyo"
    )
    assert (done.status, done.errors) == (0, "")
    catalog = yaml.safe_load((new / "catalog/common.yaml").read_text())
    assert catalog["time_zone"] == "Asia/Tokyo"
    exams = yaml.safe_load((new / "catalog/course.IT.yaml").read_text())["exams"]
    assert exams["IT.SS23.PZ1"]["start"] == "2023-04-01T00:00:00+09:00"


def test_time_zone_that_is_none_is_wrong_usage(tmp_path: Path) -> None:
    done = call_e2xhub(
        *("import-legacy", SAMPLES / "exam_hub", "--to", tmp_path / "new"),
        *("--time-zone", "Berlin"),
    )
    assert done.status == 2
    assert "'Berlin' is no time zone; expected one such as 'Europe/Berlin'" in done.error_text
    assert not (tmp_path / "new").exists()


def test_volume_of_an_unknown_source_is_filled_in_so_that_the_check_passes(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    (old / "values.yaml").write_text(
        "load_groups: {AMR.WS25.students: [sam]}\n"
        "singleuser: {storage: {extraVolumes: [{name: disk2, bogus: {a: b}}]}}\n"
    )
    done = call_e2xhub("import-legacy", old, "--to", new)
    assert (done.status, done.errors) == (0, "")
    checked = check(new)
    (warning,) = checked.errors.splitlines()
    assert (checked.status, COURSES_ARE_NESTED in warning) == (0, True)


def test_directory_without_a_deployment_is_refused(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    done = call_e2xhub("import-legacy", tmp_path / "old", "--to", tmp_path / "new")
    assert (done.status, done.output) == (1, "")
    assert done.errors == f"no course of an e2x deployment is in {tmp_path}/old\n"


def test_people_who_would_share_a_home_are_a_fault(tmp_path: Path) -> None:
    for course, user in (("IT", "recht-bob"), ("IT-recht", "bob")):
        file = tmp_path / "old" / course / f"{course}.SS23.PZ1.csv"
        file.parent.mkdir(parents=True)
        file.write_text(f"Username\n{user}\n")
    done = call_e2xhub("import-legacy", tmp_path / "old", "--to", tmp_path / "new")
    assert done.status == 1
    assert check(tmp_path / "new").status == 0


@pytest.mark.parametrize(
    ("user", "offer", "hub", "expected"),
    [
        ("amy", "MRC/SS23/student", "assignment", ("1000", "1000", "/home/amy")),
        ("greta", "MRC/SS23/grader", "grading", ("2000", "2000", "/home/greta")),
    ],
)
def test_people_keep_their_numbers_and_homes_in_the_server(
    tmp_path: Path, user: str, offer: str, hub: str, expected: tuple[str, str, str]
) -> None:
    new = tmp_path / "new"
    assert call_e2xhub("import-legacy", SAMPLES / "lists_per_course", "--to", new).status == 0
    done = call_e2xhub(
        *("manifest", user, offer, "--hub", hub, "--at", "2023-05-02", "--json"),
        **{"E2XHUB_CATALOG": new / "catalog", "E2XHUB_ROSTER": new / "roster"},
    )
    assert done.errors == ""
    (pod,) = [made for made in done.json if made["kind"] == "Pod"]
    environment = {
        entry["name"]: entry.get("value") for entry in pod["spec"]["containers"][0]["env"]
    }
    assert tuple(environment[name] for name in ("NB_UID", "NB_GID", "HOME")) == expected
