"""`e2xhub check`, `offers` and `manifest`: exit status, texts and JSON."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.cli.program import run_e2xhub

Sources = dict[str, Path]
WINTER = "2026-11-02T10:00"


def test_check_counts_what_it_found(sources: Sources) -> None:
    done = run_e2xhub("check", **sources)
    assert (done.status, done.errors) == (0, "")
    assert done.output == (
        "No faults: 2 courses with 3 terms, 2 exams, 6 people with 13 memberships.\n"
    )


def test_check_takes_its_sources_from_options_first(sources: Sources, tmp_path: Path) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_text("username,exam\nalice,ml-pz1\n")
    done = run_e2xhub("check", "--roster", roster, **sources)
    assert done.output.endswith("1 people with 1 memberships.\n")


def test_check_tells_every_fault_of_a_catalog_and_fails(sources: Sources, tmp_path: Path) -> None:
    catalog = tmp_path / "catalog.yaml"
    catalog.write_text("university: U\nimages: {}\nsizes: {}\ncolour: red\nexams: {x y: {}}\n")
    done = run_e2xhub("check", "--catalog", catalog, **sources)
    assert (done.status, done.output) == (1, "")
    lines = done.errors.splitlines()
    assert lines[0] == (
        f"{catalog}:4: colour: unknown key 'colour'; "
        "docs/reference/catalog.md lists what may stand here"
    )
    assert all(line.startswith(f"{catalog}:5: exams.x y") for line in lines[1:])


def test_check_tells_every_fault_of_a_roster_and_fails(sources: Sources, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("username,exam\nalice,none\n")
    (tmp_path / "b.csv").write_text("username,exam\na b,ml-pz1\n")
    done = run_e2xhub("check", "--roster", tmp_path, **sources)
    assert (done.status, done.output) == (1, "")
    assert done.errors.splitlines() == [
        f"{tmp_path}/a.csv:2: exam 'none' is not in the catalog; expected one of: ml-pz1, ml-pz2",
        f"{tmp_path}/b.csv:2: username 'a b' cannot be used; expected a hub username such as "
        "'amueller': letters, digits and . _ @ + -, beginning with a letter or digit",
    ]


def test_check_without_a_catalog_is_wrong_usage(roster_directory: Path) -> None:
    done = run_e2xhub("check", "--roster", roster_directory)
    assert done.status == 2
    assert "Missing option '--catalog' (env var: 'E2XHUB_CATALOG')." in done.error_text


def test_unknown_option_is_wrong_usage(sources: Sources) -> None:
    done = run_e2xhub("check", "--colour", **sources)
    assert (done.status, done.output) == (2, "")
    assert done.error_text.startswith("Usage:")


def test_help_is_status_zero() -> None:
    done = run_e2xhub("-h")
    assert done.status == 0
    for command in ("check", "offers", "manifest", "password", "demo"):
        assert command in done.output


def test_offers_shows_a_table_in_words(sources: Sources) -> None:
    done = run_e2xhub("offers", "Alice", "--at", WINTER, **sources)
    assert done.status == 0
    for text in (
        "alice on the assignment hub",
        "machine-learning/WS26/student",
        "Machine Learning, Winter 2026/27",
        "registry.example.org/gpu:1 (small, large)",
        "Opens on 2027-04-01.",
    ):
        assert text in done.output


def test_slug_stays_in_one_piece_on_a_narrow_terminal(sources: Sources) -> None:
    done = run_e2xhub("offers", "alice", "--at", WINTER, COLUMNS=70, **sources)
    assert "machine-learning/WS26/student" in done.output


def test_offers_as_json_are_offers_and_refusals(sources: Sources) -> None:
    found = run_e2xhub("offers", "alice", "--at", WINTER, "--json", **sources).json
    assert [offer["offer"] for offer in found["offers"]] == [
        "machine-learning/WS26/student",
        "databases/WS26/student",
    ]
    assert found["offers"][1] == {
        "offer": "databases/WS26/student",
        "title": "Databases",
        "subtitle": "WS26",
        "role": "student",
        "course": "databases",
        "term": "WS26",
        "exam": None,
        "image": "registry.example.org/notebook:1",
        "sizes": ["large"],
        "network": "no-internet",
        "mounts": [
            {
                "name": "home",
                "volume": "files",
                "sub_path": "homes/assignment/student/alice",
                "mount_path": "/home/jovyan",
                "read_only": False,
            },
            {
                "name": "data",
                "volume": "data-sets",
                "sub_path": "databases",
                "mount_path": "/srv/data",
                "read_only": True,
            },
        ],
    }
    assert found["refusals"] == [
        {
            "offer": "machine-learning/SS27/student",
            "title": "Machine Learning, SS27",
            "reason": "Opens on 2027-04-01.",
            "at": "2027-04-01T00:00:00+02:00",
        }
    ]


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        ("2027-02-15T08:45", True),
        ("2027-02-15T07:44:59Z", False),
    ],
)
def test_moment_without_zone_is_the_universitys_time(
    sources: Sources, at: str, is_open: bool
) -> None:
    found = run_e2xhub("offers", "ben", "--hub", "exam", "--at", at, "--json", **sources).json
    assert bool(found["offers"]) is is_open


def test_person_without_a_role_on_this_hub_is_told_so(sources: Sources) -> None:
    done = run_e2xhub("offers", "petra", **sources)
    assert done.status == 0
    assert "petra has no role that works on this kind of hub." in done.output


@pytest.mark.parametrize(
    ("arguments", "status", "error"),
    [
        (
            ["offers", "nobody"],
            1,
            "user 'nobody' is not on the roster; 'e2xhub check' shows how many people are",
        ),
        (["offers", "alice", "--at", "gestern"], 2, "'gestern' is no moment; expected one such as"),
        (["offers", "alice", "--hub", "x"], 2, "'x' is not one of"),
        (
            ["manifest", "oscar", "databases/WS26/observer", "--size", "small"],
            1,
            "oscar, 'databases/WS26/observer': This size is not offered. Choose one from the list.",
        ),
    ],
)
def test_what_does_not_exist_is_named(
    sources: Sources, arguments: list[str], status: int, error: str
) -> None:
    done = run_e2xhub(*arguments, **sources)
    assert (done.status, done.output) == (status, "")
    assert error in done.error_text
    assert "Traceback" not in done.errors


def test_manifest_of_an_exam_is_yaml_with_the_policy_first(sources: Sources) -> None:
    arguments = ["--hub", "exam", "--at", "2027-02-15T09:00"]
    done = run_e2xhub("manifest", "alice", "exams/ml-pz1/student", *arguments, **sources)
    assert (done.status, done.errors) == (0, "")
    documents = list(yaml.safe_load_all(done.output))
    assert [document["kind"] for document in documents] == ["NetworkPolicy", "Pod"]


def test_manifest_adds_to_what_the_hubs_configuration_says(
    sources: Sources, tmp_path: Path
) -> None:
    config = tmp_path / "jupyterhub_config.py"
    config.write_text("c.KubeSpawner.extra_annotations = {'team': 'x'}\n")
    arguments = ["databases/WS26/observer", "--config", config, "--json"]
    *_, pod = run_e2xhub("manifest", "oscar", *arguments, **sources).json
    assert pod["metadata"]["annotations"]["team"] == "x"
    (container,) = pod["spec"]["containers"]
    assert all(mount["readOnly"] for mount in container["volumeMounts"])
