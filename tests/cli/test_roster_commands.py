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
"""


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
    assert (code, json.loads(shown)) == (0, [row])
    assert roster.run("remove", "gina", *place) == (0, f"Removed: {said}.\n", "")
    assert roster.run("remove", "gina", *place) == (1, "", f"not on the roster: {said}\n")
    assert roster.file.read_text() == "username,course,term,role\nalice,maths,WS26,student\n"


def test_first_person_begins_a_roster(roster: Roster) -> None:
    roster.file.unlink()
    place = ("--course", "maths", "--term", "WS26")
    missing = f"{roster.file}:1: cannot be read: No such file or directory\n"
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
