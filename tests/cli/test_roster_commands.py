"""`e2xhub roster` shows and changes the roster."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

CATALOG = """\
university: Small University
images: {notebook: {name: "registry.example.org/notebook:1"}}
sizes: {small: {title: Small, memory: 1G, cpu: 1}}
defaults: {image: notebook, sizes: [small]}
courses:
  maths: {title: Maths, terms: {WS26: {start: 2026-10-01, end: 2027-03-31}}}
staff: {observer: [dean]}
"""
MATHS = ("--course", "maths", "--term", "WS26")


class Roster:
    """A roster with one student, and the program."""

    def __init__(self, directory: Path) -> None:
        self.catalog, self.file = directory / "catalog.yaml", directory / "roster.csv"
        self.catalog.write_text(CATALOG)
        self.file.write_text("username,course,term,role\nalice,maths,WS26,student\n")

    def run(self, *words: str) -> tuple[int, str, str]:
        sources = ["--catalog", str(self.catalog), "--roster", str(self.file)]
        command = [sys.executable, "-m", "e2xhub", "roster", *words, *sources]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        return result.returncode, result.stdout, result.stderr


@pytest.fixture
def roster(tmp_path: Path) -> Roster:
    return Roster(tmp_path)


def test_somebody_is_added_shown_and_removed(roster: Roster) -> None:
    place = ("--course", "maths", "--term", "WS26", "--role", "grader")
    said = "gina is grader of maths in WS26"
    assert roster.run("add", "Gina", *place) == (0, f"Added: {said}.\n", "")
    assert roster.run("add", "gina", *place) == (0, f"Nothing to do: {said} already.\n", "")
    code, shown, _ = roster.run("show", "--json", "--user", "gina")
    row = {"username": "gina", "course": "maths", "term": "WS26", "exam": "", "role": "grader"}
    assert (code, json.loads(shown)) == (0, [{**row, "from": "roster"}])
    assert roster.run("remove", "gina", *place) == (0, f"Removed: {said}.\n", "")
    nobody = "not on the roster of maths in WS26: gina\n"
    assert roster.run("remove", "gina", *place) == (1, "", nobody)
    assert roster.file.read_text() == "username,course,term,role\nalice,maths,WS26,student\n"


def test_first_person_begins_a_roster(roster: Roster) -> None:
    roster.file.unlink()
    place = ("--course", "maths", "--term", "WS26")
    missing = f"{roster.file}: cannot be read: No such file or directory\n"
    assert roster.run("show") == (1, "", missing)
    assert roster.run("remove", "ben", *place)[0] == 1
    assert list(roster.file.parent.glob(".*")) == []
    assert roster.run("add", "ben", *place) == (0, "Added: ben is student of maths in WS26.\n", "")
    assert roster.file.read_text() == "username,role,course,term\nben,student,maths,WS26\n"


def test_unknown_term_is_one_sentence(roster: Roster) -> None:
    assert roster.run("add", "ben", "--course", "maths", "--term", "WS99") == (
        1,
        "",
        "term 'WS99' is not in the catalog; expected one of: WS26\n",
    )


@pytest.mark.parametrize(
    "place",
    [(), ("--course", "maths"), ("--course", "maths", "--term", "WS26", "--exam", "final")],
)
def test_place_that_is_none_is_wrong_usage(roster: Roster, place: tuple[str, ...]) -> None:
    code, _, error = roster.run("add", "ben", *place)
    assert code == 2
    assert "expected --course and --term, or --exam" in error


def test_role_need_not_be_said_where_it_is_the_only_one(roster: Roster) -> None:
    roster.file.write_text("username,course,term,role\ntutor1,maths,WS26,grader\n")
    assert roster.run("remove", "tutor1", *MATHS, "--role", "student") == (
        1,
        "",
        "tutor1 is no student of maths in WS26, but grader\n",
    )
    removed = (0, "Removed: tutor1 is grader of maths in WS26.\n", "")
    assert roster.run("remove", "Tutor1", *MATHS) == removed
    assert roster.file.read_text() == "username,course,term,role\n"


def test_role_is_asked_for_where_somebody_has_two(roster: Roster) -> None:
    lines = "tutor1,maths,WS26,grader\ntutor1,maths,WS26,observer\n"
    roster.file.write_text(f"username,course,term,role\n{lines}")
    said = "tutor1 is grader and observer of maths in WS26; say which with --role\n"
    assert roster.run("remove", "tutor1", *MATHS) == (1, "", said)


@pytest.mark.parametrize("words", [(), ("--role", "observer")])
def test_staff_of_the_catalog_is_not_removed_from_the_roster(
    roster: Roster, words: tuple[str, ...]
) -> None:
    said = (
        "dean is observer of maths in WS26 by the catalog's staff, not on the roster; expected a "
        "change of the catalog\n"
    )
    assert roster.run("remove", "dean", *MATHS, *words) == (1, "", said)


def test_other_role_by_the_catalog_is_told(roster: Roster) -> None:
    said = "dean is no student of maths in WS26, but observer by the catalog's staff\n"
    assert roster.run("remove", "dean", *MATHS, "--role", "student") == (1, "", said)


def test_staff_of_the_catalog_is_shown_with_where_it_comes_from(roster: Roster) -> None:
    code, shown, _ = roster.run("show")
    cells = [line.replace("│", " ").split() for line in shown.splitlines() if "│" in line]
    assert (code, cells) == (
        0,
        [
            ["alice", "maths", "WS26", "student", "roster"],
            ["dean", "maths", "WS26", "observer", "catalog"],
        ],
    )


def test_nobody_who_fits_is_a_sentence(roster: Roster) -> None:
    assert roster.run("show", "--user", "nobody") == (0, "No membership fits.\n", "")
    assert roster.run("show", "--user", "nobody", "--json") == (0, "[]\n", "")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--course", "math"), "course 'math' is not in the catalog; expected one of: maths"),
        (("--term", "WS99"), "term 'WS99' is not in the catalog; expected one of: WS26"),
        (
            ("--course", "maths", "--term", "WS99"),
            "term 'WS99' is not in the catalog; expected one of: WS26",
        ),
        (("--exam", "final"), "exam 'final' is not in the catalog; expected one of: none"),
        (
            ("--user", "../x"),
            "username '../x' cannot be used; expected a hub username such as 'amueller': letters, "
            "digits and . _ @ + -, beginning with a letter or digit",
        ),
    ],
)
def test_unknown_name_to_show_is_one_sentence(
    roster: Roster, words: tuple[str, ...], message: str
) -> None:
    assert roster.run("show", *words) == (1, "", f"{message}\n")
