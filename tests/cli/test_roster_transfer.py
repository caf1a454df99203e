"""`e2xhub roster import|diff|export` show what they change, and change it wholly or not at all."""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from e2xhub.cli import main
from tests.imports.lti.local_platform import make_tool, member, running_platform, write_settings

MOODLE = "username,course1,role1,password\ndora,ML,student,geheim\nemil,ML,teacher,geheim\n"
LTI_CONTEXT = "http://purl.imsglobal.org/vocab/lis/v2/membership"
ML = ("--course", "machine-learning", "--term", "WS26")
DATABASES = ("--course", "databases", "--term", "WS26")
PZ1 = ("--exam", "ml-pz1")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a run of the program left behind."""

    status: int
    output: str
    errors: str

    @property
    def words(self) -> str:
        """Standard error as one line of words, without the frames of usage errors."""
        plain = self.errors.translate(str.maketrans("", "", "│╭╮╰╯─"))
        return " ".join(plain.split())


class Program:
    """`e2xhub roster` in this process, on a copy of the small university."""

    def __init__(
        self, directory: Path, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.directory, self._patch, self._capsys = directory, patch, capsys

    def run(self, *words: object) -> Outcome:
        self._patch.setattr(sys, "argv", ["e2xhub", "roster", *map(str, words)])
        status: int = 0
        try:
            main()
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 0
        found = self._capsys.readouterr()
        assert "geheim" not in found.out + found.err
        return Outcome(status=status, output=found.out, errors=found.err)

    def json(self, *words: object) -> Any:
        done = self.run(*words, "--json")
        assert done.status == 0, done.errors
        return json.loads(done.output)

    def write(self, text: str, name: str = "list.csv") -> Path:
        file = self.directory / name
        file.write_text(text, encoding="utf-8")
        return file

    @property
    def members(self) -> list[str]:
        """Everybody on the roster, in short."""
        return [
            f"{row['username']} {row['course'] or row['exam']} {row['role']}"
            for row in self.json("show")
        ]


@pytest.fixture(params=["CSV", "SQLite"])
def program(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    catalog_file: Path,
    roster_directory: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Program:
    """The program with the small university in either store."""
    shutil.copytree(roster_directory, tmp_path / "roster")
    monkeypatch.setenv("E2XHUB_CATALOG", str(catalog_file))
    monkeypatch.setenv("E2XHUB_ROSTER", str(tmp_path / "roster"))
    monkeypatch.setenv("COLUMNS", "200")
    made = Program(tmp_path, monkeypatch, capsys)
    if request.param == "SQLite":
        url = f"sqlite:///{tmp_path}/hub.sqlite"
        assert made.run("import", "e2xhub", tmp_path / "roster", "--roster", url).status == 0
        monkeypatch.setenv("E2XHUB_ROSTER", url)
    return made


def test_moodle_list_is_imported(program: Program) -> None:
    made = program.json("import", "moodle", program.write(MOODLE), *ML)
    place = {"course": "machine-learning", "term": "WS26", "exam": ""}
    assert made == {
        "made": True,
        "added": [
            {"username": "dora", **place, "role": "student"},
            {"username": "emil", **place, "role": "grader"},
        ],
        "updated": [],
        "removed": [],
        "missing": [
            {"username": "alice", **place, "role": "student"},
            {"username": "gina", **place, "role": "grader"},
        ],
        "left_out": {},
        "needs_force": False,
    }
    assert {"dora machine-learning student", "emil machine-learning grader"} <= set(program.members)


def test_same_list_changes_nothing_the_second_time(program: Program) -> None:
    file = program.write(MOODLE)
    program.run("import", "moodle", file, *ML)
    assert program.run("import", "moodle", file, *ML) == Outcome(
        status=0,
        output="0 added, 0 updated, 0 removed. On the roster and not in the list: 2 (alice, "
        "gina); they stay (--remove-missing removes them).\n",
        errors="",
    )


@pytest.mark.parametrize("words", [("diff",), ("import", "--dry-run")])
def test_difference_is_shown_and_not_made(program: Program, words: tuple[str, ...]) -> None:
    before = program.members
    file = program.write("username,deleted\ndora,0\nemil,1\n")
    done = program.run(*words, "moodle", file, *ML, "--remove-missing")
    assert done.status == 0
    assert [line for line in done.output.splitlines() if line[:1].isascii()] == [
        "Changes that would be made".ljust(len(done.output.splitlines()[0])),
        "Would be made: 1 added, 0 updated, 1 removed. That many are only removed with --force.",
        "Left out of the list: 1 (deleted).",
    ]
    shown = [line.replace("│", " ").split() for line in done.output.splitlines() if "│" in line]
    place = ["machine-learning", "WS26", "student"]
    assert shown == [["added", "dora", *place], ["removed", "alice", *place]]
    assert program.members == before


def test_many_lines_are_cut_and_counted(program: Program) -> None:
    names = "".join(f"s{number:02},\n" for number in range(25))
    done = program.run("diff", "moodle", program.write("username,x\n" + names), *DATABASES)
    assert ("s19" in done.output, "s20" in done.output) == (True, False)
    assert "… and 5 more" in done.output


def test_cells_cannot_steer_a_terminal(program: Program) -> None:
    file = program.write('username,room\ndora,"\033[31mlab [bold]x[/bold]"\n')
    shown = program.run("diff", "generic", file, *PZ1).output
    assert "room \\x1b[31mlab [bold]x[/bold]" in shown


def test_many_people_are_removed_only_with_force(program: Program) -> None:
    before, file = program.members, program.write("username\ndora\n")
    words = ("import", "generic", file, *DATABASES, "--remove-missing")
    done = program.run(*words)
    assert (done.status, done.errors) == (
        1,
        "2 of 3 memberships would be removed, more than 30%; nothing was changed. "
        "If that is meant, say --force\n",
    )
    assert "Changes that would be made" in done.output
    assert program.members == before
    assert program.run(*words, "--force").status == 0
    # Oscar observes, and the list speaks of students only.
    assert [one for one in program.members if "databases" in one] == [
        "dora databases student",
        "oscar databases observer",
    ]


def test_every_fault_is_told_and_nothing_is_changed(program: Program) -> None:
    before = program.members
    file = program.write("Login;Rolle\ndora;Kursmitglied\n../x;Tutor\nemil;Gast;x\nfay;Gast\n")
    done = program.run("import", "ilias", file, *ML)
    lines = [line.removeprefix(f"{file}:") for line in done.errors.splitlines()]
    assert (done.status, done.output) == (1, "")
    assert [line.split(";")[0] for line in lines] == [
        "3: username '../x' cannot be used",
        "4: the row has 3 cells",
        "5: role 'Gast' is not known",
    ]
    assert program.members == before


def test_word_for_a_role_may_be_told(program: Program) -> None:
    file = program.write("Login;Rolle\ndora;Gast\n")
    program.run("import", "ilias", file, *ML, "--role-word", "GAST=observer")
    assert "dora machine-learning observer" in program.members


def test_one_role_for_all_may_be_told(program: Program) -> None:
    file = program.write("Matrikelnr,Rolle\n0123,Gast\n")
    program.run(
        "import", "generic", file, *PZ1, "--role", "proctor", "--column", "username=Matrikelnr"
    )
    assert "0123 ml-pz1 proctor" in program.members


def test_mapping_file_may_tell_columns_words_and_delimiter(program: Program) -> None:
    mapping = program.write(
        "columns: {username: Nr, room: Saal}\nroles: {Gast: observer}\ndelimiter: '|'\n", "m.yaml"
    )
    file = program.write("Nr|Rolle|Saal|Note\n0123|Gast|hall, left|1,0\n")
    (added,) = program.json("import", "generic", file, *PZ1, "--mapping", mapping)["added"]
    assert (added["role"], added["attributes"]) == ("observer", {"room": "hall, left"})


def test_exam_sheet_changes_seats_and_keeps_the_rest(program: Program) -> None:
    header = "first_name,last_name,room,seat,username,password\n"
    file = program.write(header + "A,A,lab,9,alice,geheim\nD,D,hall,1,dora,geheim\n")
    made = program.json("import", "exam-sheet", file, *PZ1)
    dora = {"first_name": "D", "last_name": "D", "room": "hall", "seat": "1"}
    alice = {"first_name": "A", "last_name": "A", "room": "lab", "seat": "9"}
    assert [row["attributes"] for row in made["added"]] == [dora]
    assert [row["attributes"] for row in made["updated"]] == [alice]
    assert [row["attributes_before"] for row in made["updated"]] == [{"room": "lab", "seat": "7"}]
    program.run("import", "moodle", program.write("username\nalice\n"), *PZ1)
    exported = program.run("export", "generic", *PZ1).output
    assert "alice,,,ml-pz1,student,A,A,lab,9\n" in exported


def test_username_that_would_share_a_directory_is_a_fault(program: Program) -> None:
    file = program.write("username\ndora\nalice.\n")
    done = program.run("import", "generic", file, *DATABASES)
    assert done.status == 1
    assert done.errors.startswith(
        f"{file}:3: username 'alice.' would share a directory with 'alice'"
    )


@pytest.mark.parametrize("kind", ["moodle", "ilias", "canvas", "generic"])
def test_export_is_imported_without_a_difference(program: Program, kind: str) -> None:
    file = program.directory / "exported.csv"
    told = program.json("export", kind, *ML, "--to", file)
    assert told == {"file": str(file), "exported": 3, "left_out": {}}
    made = program.json("diff", kind, file, *ML, "--remove-missing")
    assert not any(made[key] for key in ("added", "updated", "removed", "missing", "left_out"))


def test_export_goes_to_standard_output(program: Program) -> None:
    assert program.run("export", "ilias", *PZ1) == Outcome(
        status=0,
        output="Login;Role / Status\nalice;Member\ngina;Tutor\nben;Member\n",
        errors="left out: 1 (observer: ilias has no role for it)\n"
        "left out: 1 (proctor: ilias has no role for it)\n",
    )


def test_whole_roster_moves_to_another_place(program: Program) -> None:
    url = f"sqlite:///{program.directory}/other.sqlite"
    there = ("--roster", url)
    source = program.directory / "roster"
    made = program.json("import", "e2xhub", source, *there)
    assert len(made["added"]) == len(program.members)
    assert program.json("diff", "e2xhub", source, *there, "--remove-missing")["removed"] == []
    program.run("remove", "oscar", *DATABASES, "--role", "observer", *there)
    back = program.json("diff", "e2xhub", url, "--remove-missing")
    assert [row["username"] for row in back["removed"]] == ["oscar"]
    part = program.json("diff", "e2xhub", url, *ML, "--remove-missing")
    assert part["removed"] == []


def test_difference_shows_what_was_there_before(program: Program) -> None:
    file = program.write("username,room,seat,desk\nalice,lab,9,a\nben,,8,\n")
    shown = program.run("diff", "generic", file, *PZ1).output
    cells = [line.split("│")[-2].strip() for line in shown.splitlines() if "│" in line]
    assert cells == ["desk - → a, seat 7 → 9", "room lab → -"]


def test_many_who_are_missing_are_cut_and_counted(program: Program) -> None:
    names = "".join(f"s{number:02},\n" for number in range(25))
    program.run("import", "moodle", program.write("username,x\n" + names), *DATABASES)
    shown = program.run("diff", "moodle", program.write("username\nalice\ngina\n"), *DATABASES)
    listed = ", ".join(f"s{number:02}" for number in range(20))
    assert f"not in the list: 25 ({listed}, … and 5 more); they stay" in shown.output


def test_seats_of_an_exam_are_shown(program: Program) -> None:
    shown = program.run("show", *PZ1).output
    header, *rows = [line for line in shown.splitlines() if line[:1] in "┃│"]
    assert header.replace("┃", " ").split()[-3:] == ["room", "seat", "from"]
    assert rows[0].replace("│", " ").split() == ["alice", "ml-pz1", "student", "lab", "7", "roster"]
    (row, *_) = program.json("show", *PZ1)
    assert row["attributes"] == {"room": "lab", "seat": "7"}


def test_each_row_of_a_pipe_is_one_line(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    shown = program.run("show", *ML).output
    assert sum("machine-learning" in line for line in shown.splitlines()) == 3


@pytest.mark.parametrize("name", ["new", "new.csv", "new.sqlite"])
@pytest.mark.parametrize("words", [("diff",), ("import", "--dry-run")])
def test_what_would_be_made_in_a_new_place_is_shown(
    program: Program, name: str, words: tuple[str, ...]
) -> None:
    (program.directory / "new").mkdir()
    place = program.directory / name
    there = f"sqlite:///{place}" if name == "new.sqlite" else place
    made = program.json(*words, "e2xhub", program.directory / "roster", "--roster", there)
    assert len(made["added"]) == len(program.members)
    assert not place.is_file()
    done = program.run(*words, "e2xhub", there)
    assert (done.status, done.output) == (1, "")


@pytest.mark.parametrize("program", ["SQLite"], indirect=True)
def test_rows_of_a_replaced_table_move_to_a_new_database(program: Program) -> None:
    with sqlite3.connect(program.directory / "hub.sqlite") as connection:
        connection.executescript(
            "CREATE TABLE n AS SELECT * FROM roster; DROP TABLE roster;"
            "ALTER TABLE n RENAME TO roster"
        )
    connection.close()
    assert "changes of the table roster are not counted" in program.run("show").errors
    old, new = (f"sqlite:///{program.directory}/{name}.sqlite" for name in ("hub", "new"))
    made = program.json("import", "e2xhub", old, "--roster", new)
    assert len(made["added"]) == len(program.json("show", "--roster", new)) == 13


@pytest.mark.parametrize("name", ["new", "new.csv"])
def test_whole_roster_moves_to_a_new_place(program: Program, name: str) -> None:
    (program.directory / "new").mkdir()
    there = ("--roster", program.directory / name)
    made = program.json("import", "e2xhub", program.directory / "roster", *there)
    assert len(made["added"]) == len(program.members)
    back = program.json("diff", "e2xhub", program.directory / "roster", *there, "--remove-missing")
    assert (back["added"], back["updated"], back["removed"]) == ([], [], [])
    assert not list(program.directory.rglob("*.lock"))


@pytest.mark.parametrize("program", ["CSV"], indirect=True)
def test_members_of_an_lti_course_are_imported(program: Program, tmp_path: Path) -> None:
    tool = make_tool(tmp_path)
    with running_platform(tool) as platform:
        platform.members = [member(1), member(2, f"{LTI_CONTEXT}#Instructor")]
        settings = write_settings(tmp_path, platform)
        made = program.json("import", "--lti", settings, *ML)
    assert [f"{row['username']} {row['role']}" for row in made["added"]] == [
        "student1 student",
        "student2 instructor",
    ]
    assert len(made["missing"]) == 2


@pytest.mark.parametrize("program", ["CSV"], indirect=True)
def test_faults_of_lti_settings_are_told(program: Program) -> None:
    settings = program.write("issuer: https://lms.example.org\n", "platform.yaml")
    done = program.run("import", "--lti", settings, *ML)
    assert (done.status, done.output) == (1, "")
    assert f"{settings}:1: the key 'client_id' is missing\n" in done.errors


def test_unknown_target_is_one_sentence(program: Program) -> None:
    file = program.write(MOODLE)
    done = program.run("import", "moodle", file, "--course", "machine-learning", "--term", "WS99")
    assert (done.status, done.errors) == (
        1,
        "term 'WS99' is not in the catalog; expected one of: SS27, WS26\n",
    )


PLACE = "expected --course and --term, or --exam"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("import",), "expected a format and a list, or --lti"),
        (("import", "moodle"), "expected a format and a list, or --lti"),
        (("import", "moodle", "x", "--lti", "y"), "expected a format and a list, or --lti"),
        (("import", "moodle", "x"), PLACE),
        (("import", "moodle", "x", "--course", "databases"), PLACE),
        (("import", "moodle", "x", *ML, *PZ1), PLACE),
        (("import", "--lti", "y"), PLACE),
        (("import", "xml", "x"), "Invalid value for"),
        (
            ("import", "moodle", "x", *ML, "--role", "proctor"),
            "the role proctor exists in exams only; expected --exam",
        ),
        (
            ("import", "moodle", "x", *ML, "--role-word", "Gast"),
            "'Gast' is no word and its role; expected one such as 'Gast=observer'",
        ),
        (
            ("import", "moodle", "x", *ML, "--role-word", "Gast=guest"),
            "with one of: student, grader, instructor, observer, proctor",
        ),
        (
            ("diff", "generic", "x", *ML, "--column", "room"),
            "'room' names no two columns; expected ours and theirs, such as 'room=Raum'",
        ),
        (
            ("diff", "generic", "x", *ML, "--column", "room=Passwort"),
            "the column 'Passwort' is never read, because passwords stand there",
        ),
        (("diff", "generic", "x", *ML, "--delimiter", ";;"), "';;' cannot stand between cells"),
        (
            ("import", "e2xhub", "x", "--role", "student"),
            "say how files of other systems are read, and so do --role and --role-word but for "
            "--lti; expected none of them here",
        ),
        (("export", "e2xhub"), "e2xhub roster import e2xhub FROM --roster TO"),
        (("export", "exam-sheet", *PZ1), "exam sheets are only read; expected another format"),
        (("export", "moodle"), PLACE),
        (("export", "generic", "--term", "WS26"), PLACE),
        (("export", "generic", "--json"), "expected --to with --json"),
    ],
)
@pytest.mark.parametrize("program", ["CSV"], indirect=True)
def test_wrong_usage_is_told(program: Program, words: tuple[str, ...], message: str) -> None:
    done = program.run(*words)
    assert (done.status, done.output) == (2, "")
    assert message in done.words


def test_add_and_remove_say_in_json_what_they_did(program: Program) -> None:
    row = {"username": "dora", "course": "", "term": "", "exam": "ml-pz1", "role": "student"}
    said = {"membership": {**row, "attributes": {}}}
    assert program.json("add", "Dora", *PZ1) == {"changed": True, **said}
    assert program.json("add", "dora", *PZ1) == {"changed": False, **said}
    assert program.json("remove", "dora", *PZ1) == {"changed": True, **said}


def test_adding_an_examinee_twice_keeps_the_seat(program: Program) -> None:
    assert program.json("add", "alice", *PZ1)["changed"] is False
    assert "alice,,,ml-pz1,student,lab,7\n" in program.run("export", "generic", *PZ1).output
