"""`e2xhub check`, `offers` and `manifest`: exit status, texts and JSON."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pytest
import yaml

from e2xhub.domain.catalog import Catalog
from tests.cli.program import call_e2xhub, run_on_terminal

Sources = dict[str, Path]
WINTER = "2026-11-02T10:00"


def test_check_counts_what_it_found(sources: Sources) -> None:
    done = call_e2xhub("check", **sources)
    assert done.status == 0
    assert all(line.startswith("Warning: ") for line in done.errors.splitlines())
    assert done.output == (
        "No faults. Courses: 2, terms: 3, exams: 2, people: 6, memberships: 13 "
        "(student 7, grader 2, instructor 1, observer 2, proctor 1).\n"
    )


def test_check_takes_its_sources_from_options_first(sources: Sources, tmp_path: Path) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_text("username,exam,role\nalice,ml-pz1,student\n")
    done = call_e2xhub("check", "--roster", roster, **sources)
    assert done.output.endswith("people: 1, memberships: 1 (student 1).\n")


def test_check_tells_every_fault_of_a_catalog_and_fails(sources: Sources, tmp_path: Path) -> None:
    catalog = tmp_path / "catalog.yaml"
    catalog.write_text("university: U\nimages: {}\nsizes: {}\ncolour: red\nexams: {x y: {}}\n")
    done = call_e2xhub("check", "--catalog", catalog, **sources)
    assert (done.status, done.output) == (1, "")
    lines = done.errors.splitlines()
    assert lines[0] == (
        f"{catalog}:4: colour: unknown key 'colour'; "
        f"expected one of: {', '.join(sorted(Catalog.model_fields))}"
    )
    assert all(line.startswith(f"{catalog}:5: exams.x y") for line in lines[1:])


def test_check_tells_every_fault_of_a_roster_and_fails(sources: Sources, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("username,exam,role\nalice,none,\n")
    (tmp_path / "b.csv").write_text("username,exam,role\na b,ml-pz1,\n")
    done = call_e2xhub("check", "--roster", tmp_path, **sources)
    assert (done.status, done.output) == (1, "")
    assert done.errors.splitlines() == [
        f"{tmp_path}/a.csv:2: exam 'none' is not in the catalog; expected one of: ml-pz1, ml-pz2",
        f"{tmp_path}/b.csv:2: username 'a b' cannot be used; expected a hub username such as "
        "'amueller': letters, digits and . _ @ + -, beginning with a letter or digit",
    ]


def test_check_without_a_catalog_is_wrong_usage(roster_directory: Path) -> None:
    done = call_e2xhub("check", "--roster", roster_directory)
    assert done.status == 2
    assert "Missing option '--catalog' (env var: 'E2XHUB_CATALOG')." in done.error_text


def test_unknown_option_is_wrong_usage(sources: Sources) -> None:
    done = call_e2xhub("check", "--colour", **sources)
    assert (done.status, done.output) == (2, "")
    assert done.error_text.startswith("Usage:")


def test_help_is_status_zero() -> None:
    done = call_e2xhub("-h")
    assert done.status == 0
    for command in ("check", "offers", "manifest", "password", "demo"):
        assert command in done.output


def test_offers_shows_a_table_in_words(sources: Sources) -> None:
    done = call_e2xhub("offers", "Alice", "--at", WINTER, **sources)
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
    shown = run_on_terminal("offers", "alice", "--at", WINTER, COLUMNS=70, **sources)
    assert "machine-learning/WS26/student" in shown
    assert all(len(line) <= 70 for line in shown.splitlines())


def test_digest_is_shortened_on_a_terminal_and_whole_in_a_file(
    sources: Sources, tmp_path: Path
) -> None:
    digest = "0123456789ab" + "c" * 52
    text = sources["E2XHUB_CATALOG"].read_text(encoding="utf-8")
    pinned = tmp_path / "catalog.yaml"
    pinned.write_text(text.replace("notebook:1", f"notebook:1@sha256:{digest}"), encoding="utf-8")
    asked = ("offers", "alice", "--at", WINTER, "--catalog", pinned)
    assert f"notebook:1@sha256:{digest} (large)" in call_e2xhub(*asked, **sources).output
    shown = run_on_terminal(*asked, COLUMNS=200, **sources)
    assert "notebook:1@sha256:0123456789ab… (large)" in shown


def test_row_is_one_line_in_a_file_whatever_the_terminal_is(sources: Sources) -> None:
    done = call_e2xhub("offers", "alice", "--at", WINTER, COLUMNS=30, **sources)
    assert any(
        "machine-learning/WS26/student" in line and "registry.example.org/gpu:1 (small" in line
        for line in done.output.splitlines()
    )


def test_version_is_that_of_the_package() -> None:
    done = call_e2xhub("--version")
    assert (done.status, done.output) == (0, f"e2xhub {metadata.version('e2xhub')}\n")


def test_offers_tell_an_examinees_own_window(sources: Sources, tmp_path: Path) -> None:
    text = sources["E2XHUB_CATALOG"].read_text(encoding="utf-8")
    changed = tmp_path / "catalog.yaml"
    more = "  ml-pz1:\n    extra_minutes: {ben: 30}\n"
    changed.write_text(text.replace("  ml-pz1:\n", more), encoding="utf-8")
    asked = ("offers", "ben", "--hub", "exam", "--catalog", changed)
    done = call_e2xhub(*asked, "--at", "2027-02-15T09:00", **sources)
    assert (
        "registry.example.org/exam:1 (small); "
        "open from 2027-02-15 08:45 to 2027-02-15 11:00, 30 minutes of it extra" in done.output
    )
    before = call_e2xhub(*asked, "--at", "2027-02-14T09:00", "--json", **sources).json
    assert before["refusals"][0]["window"] == {
        "opens_at": "2027-02-15T08:45:00+01:00",
        "ends_at": "2027-02-15T11:00:00+01:00",
        "extra_minutes": 30,
    }


def test_group_that_no_rule_spells_is_said(sources: Sources) -> None:
    done = call_e2xhub("offers", "alice", "--at", WINTER, "--group", "wrong", **sources)
    assert done.status == 0
    assert done.errors == "group 'wrong' is spelled by no rule of the catalog\n"


def test_offers_as_json_are_offers_and_refusals(sources: Sources) -> None:
    found = call_e2xhub("offers", "alice", "--at", WINTER, "--json", **sources).json
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
        "readable_until": None,
        "window": None,
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
            "detail": "",
            "window": None,
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
    found = call_e2xhub("offers", "ben", "--hub", "exam", "--at", at, "--json", **sources).json
    assert bool(found["offers"]) is is_open


def test_person_without_a_role_on_this_hub_is_told_so(sources: Sources) -> None:
    done = call_e2xhub("offers", "petra", **sources)
    assert done.status == 0
    assert done.output == "petra has no role that works on the assignment hub.\n"


@pytest.mark.parametrize(
    ("arguments", "status", "error"),
    [
        (
            ["offers", "nobody"],
            1,
            "user 'nobody' is not on the roster; 'e2xhub roster add' puts people on it",
        ),
        (["offers", "alice", "--at", "gestern"], 2, "'gestern' is no moment; expected one such as"),
        (["offers", "alice", "--hub", "x"], 2, "'x' is not one of"),
        (
            ["manifest", "oscar", "databases/WS26/observer", "--size", "small"],
            1,
            "databases/WS26/observer has no size 'small'; expected one of: large",
        ),
        (
            ["manifest", "alice", "nope", "--at", WINTER],
            1,
            "alice has no offer 'nope'; expected one of: machine-learning/WS26/student, "
            "databases/WS26/student",
        ),
        (
            ["manifest", "alice", "machine-learning/SS27/student", "--at", WINTER],
            1,
            "alice may not start machine-learning/SS27/student then: Opens on 2027-04-01.",
        ),
    ],
)
def test_what_does_not_exist_is_named(
    sources: Sources, arguments: list[str], status: int, error: str
) -> None:
    done = call_e2xhub(*arguments, **sources)
    assert (done.status, done.output) == (status, "")
    assert error in done.error_text
    assert "Traceback" not in done.errors


def test_manifest_of_an_exam_is_yaml_with_the_policy_first(sources: Sources) -> None:
    arguments = ["--hub", "exam", "--at", "2027-02-15T09:00"]
    done = call_e2xhub("manifest", "alice", "exams/ml-pz1/student", *arguments, **sources)
    assert (done.status, done.errors) == (0, "")
    documents = list(yaml.safe_load_all(done.output))
    assert [document["kind"] for document in documents] == ["NetworkPolicy", "Pod"]


def test_manifest_adds_to_what_the_hubs_configuration_says(
    sources: Sources, tmp_path: Path
) -> None:
    config = tmp_path / "jupyterhub_config.py"
    config.write_text("c.KubeSpawner.extra_annotations = {'team': 'x'}\n")
    arguments = ["databases/WS26/observer", "--config", config, "--json"]
    *_, pod = call_e2xhub("manifest", "oscar", *arguments, **sources).json
    assert pod["metadata"]["annotations"]["team"] == "x"
    (container,) = pod["spec"]["containers"]
    assert all(mount["readOnly"] for mount in container["volumeMounts"])


def test_manifest_shows_what_the_admins_hook_makes_of_the_pod(
    sources: Sources, tmp_path: Path
) -> None:
    config = tmp_path / "jupyterhub_config.py"
    config.write_text(
        "def hook(spawner, pod):\n"
        "    pod.spec.hostname = 'room-7'\n"
        "    pod.metadata.labels = {'team': 'x'}\n"
        "    return pod\n"
        "c.KubeSpawner.modify_pod_hook = hook\n"
    )
    arguments = ["databases/WS26/observer", "--config", config, "--json"]
    *_, pod = call_e2xhub("manifest", "oscar", *arguments, **sources).json
    assert pod["spec"]["hostname"] == "room-7"
    assert pod["metadata"]["labels"] == {
        "team": "x",
        "e2xhub.org/course": "databases",
        "e2xhub.org/term": "WS26",
        "e2xhub.org/role": "observer",
        "e2xhub.org/network": "no-internet",
    }


def test_manifest_of_two_mounts_at_one_place_is_one_sentence(
    sources: Sources, tmp_path: Path
) -> None:
    config = tmp_path / "jupyterhub_config.py"
    config.write_text(
        "c.KubeSpawner.volume_mounts = [{'name': 'home', 'mountPath': '/home/jovyan/'}]\n"
    )
    done = call_e2xhub(
        "manifest", "oscar", "databases/WS26/observer", "--config", config, **sources
    )
    assert (done.status, done.output) == (1, "")
    assert done.errors == (
        "the catalog's mount 'home' and KubeSpawner.volume_mounts both want /home/jovyan; "
        "with zero-to-jupyterhub set singleuser.storage.type: none\n"
    )


@pytest.mark.parametrize(
    ("program", "what"),
    [
        ("raise RuntimeError('no chart')", "RuntimeError: no chart"),
        ("from no_such_module import x", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("c.JupyterHub.port =", "SyntaxError: invalid syntax"),
    ],
)
def test_configuration_that_does_not_run_is_one_sentence(
    sources: Sources, tmp_path: Path, program: str, what: str
) -> None:
    config = tmp_path / "jupyterhub_config.py"
    config.write_text(program + "\n")
    done = call_e2xhub(
        "manifest", "oscar", "databases/WS26/observer", "--config", config, **sources
    )
    assert (done.status, done.output) == (1, "")
    assert done.errors.startswith(f"{config} cannot be used: {what}")
    assert done.errors.endswith(
        "; expected a jupyterhub_config.py that runs by itself "
        "(files of jupyterhub_config.d need the chart)\n"
    )
    assert len(done.errors.splitlines()) == 1
