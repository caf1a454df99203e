"""nbgrader's whole round in real servers: two students and a grader, and nobody reaches others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.hub.demo_process import DemoProcess
from tests.hub.pod_shell import PodShell

pytestmark = pytest.mark.hub

COURSE = "/home/jovyan/courses/machine-learning"
EXERCISE = """
import pathlib
import nbformat
from nbformat import v4

def make_cell(name, source, **flags):
    cell = v4.new_code_cell(source, id=name)
    cell.metadata["nbgrader"] = dict(
        dict(grade=False, solution=False, locked=False, task=False),
        grade_id=name, schema_version=3, **flags
    )
    return cell

at = pathlib.Path("{course}/source/ps1/exercise.ipynb")
at.parent.mkdir(parents=True)
cells = [
    make_cell("f", "def f(x):\\n    ### BEGIN SOLUTION\\n    return x + 1\\n    ### END SOLUTION"),
    make_cell("t", "assert f(1) == 2"),
]
cells[0].metadata["nbgrader"]["solution"] = True
cells[1].metadata["nbgrader"].update(grade=True, locked=True, points=2)
kernel = dict(name="python3", display_name="Python 3", language="python")
nbformat.write(v4.new_notebook(cells=cells, metadata=dict(kernelspec=kernel)), at)
"""
SOLVE = """
import pathlib
at = pathlib.Path("/home/jovyan/ps1/exercise.ipynb")
text = at.read_text()
assert "return x + 1" not in text
at.write_text(text.replace("raise NotImplementedError()", "return x + 1"))
"""
SCORES = """
from nbgrader.api import Gradebook
with Gradebook("sqlite:///{course}/gradebook.db") as gradebook:
    print(sorted((s.student.id, s.score) for s in gradebook.assignment_submissions("ps1")))
"""


@dataclass(frozen=True, kw_only=True)
class Room:
    """The servers of two students and of who grades them, and the exchange on the volume."""

    alice: PodShell
    ben: PodShell
    gina: PodShell
    exchange: Path
    """The exchange, as the file server has it."""
    at: str
    """The exchange of the course, as every server has it."""

    def nbgrader(self, shell: PodShell, *words: str) -> str:
        """What `nbgrader …` says in a server; it has to succeed."""
        ended = shell.run("nbgrader", *words)
        assert ended.status == 0, ended.output
        return ended.output


@pytest.fixture(scope="module")
def room(demo: DemoProcess) -> Iterator[Room]:
    """A student starts first: before any grader, and before there is an exchange, unless an earlier
    test had one made."""
    term = demo.only_term_id("databases")
    course = f"machine-learning/{term}"
    alice = PodShell(demo.sign_in("alice"), f"{course}/student")
    gina = PodShell(demo.sign_in("gina"), f"{course}/grader")
    ben = PodShell(demo.sign_in("ben"), f"{course}/student")
    export = demo.directory / "cluster" / "node" / "nfs" / "nfs.demo" / "export"
    yield Room(
        alice=alice,
        ben=ben,
        gina=gina,
        exchange=export / "nbgrader" / "exchanges" / "machine-learning" / term,
        at=f"/srv/nbgrader/exchange/machine-learning-{term}",
    )
    for shell in (alice, ben, gina):
        shell.stop()


@pytest.fixture(scope="module")
def submitted(room: Room) -> Room:
    """Both students have submitted; only Alice has solved the exercise."""
    room.gina.execute(EXERCISE.format(course=COURSE))
    room.nbgrader(room.gina, "generate_assignment", "ps1")
    room.nbgrader(room.gina, "release_assignment", "ps1")
    for student in (room.alice, room.ben):
        room.nbgrader(student, "fetch_assignment", "ps1")
    assert " ps1 (already downloaded)" in room.nbgrader(room.alice, "list")
    room.alice.execute(SOLVE)
    for student in (room.alice, room.ben):
        room.nbgrader(student, "submit", "ps1")
    return room


def test_pages_of_nbgrader_find_the_exchange_too(submitted: Room) -> None:
    course = {"course_id": submitted.at.rpartition("/")[2]}
    listed = submitted.alice.session.get("/user/alice/assignments", course).json()
    found = sorted((item["assignment_id"], item["status"]) for item in listed["value"])
    assert found == [("ps1", "fetched"), ("ps1", "submitted")]
    graded = submitted.gina.session.get("/user/gina/formgrader/api/assignments").json()
    assert [(item["name"], item["status"]) for item in graded] == [("ps1", "released")]


def test_student_has_nothing_of_the_exchange_but_outbound_and_their_own(submitted: Room) -> None:
    seen = submitted.ben.run("find", submitted.at, "-maxdepth", "2").output.splitlines()
    below = sorted(path.removeprefix(submitted.at) for path in seen)
    own = [path for path in below if not path.startswith("/inbound/")]
    assert own == [
        "",
        "/feedback",
        "/inbound",
        "/outbound",
        "/outbound/ps1",
        "/personalized-feedback",
        "/personalized-feedback/ben",
        "/personalized-inbound",
        "/personalized-inbound/ben",
    ]
    assert [path.split("+")[0] for path in below if path.startswith("/inbound/")] == [
        "/inbound/ben"
    ]


@pytest.mark.parametrize(
    "path",
    [
        "personalized-inbound/alice",
        "personalized-feedback/alice",
        "inbound/../../alice",
        "inbound/../../personalized-inbound/alice",
        "outbound/../personalized-inbound/alice",
        "outbound/../../WS26/personalized-inbound/alice",
        "personalized-inbound/ben/../alice",
        "feedback/../alice",
    ],
)
def test_student_cannot_list_read_or_write_what_is_anothers(submitted: Room, path: str) -> None:
    there = f"{submitted.at}/{path}"
    assert submitted.ben.run("ls", there).status != 0
    assert submitted.ben.run("sh", "-c", f"cat '{there}'/*/*").status != 0
    submitted.ben.run("mkdir", "-p", there)
    submitted.ben.run("sh", "-c", f"echo forged > '{there}/forged'")
    assert not list(submitted.exchange.rglob("forged"))


def test_link_leads_a_student_to_nothing_of_anothers(submitted: Room) -> None:
    inbound = f"{submitted.at}/inbound"
    for name, to in (("up", ".."), ("alice", "../alice"), ("wide", str(submitted.exchange))):
        submitted.ben.run("ln", "-sfn", to, f"{inbound}/{name}")
        listed = submitted.ben.run("ls", "-R", f"{inbound}/{name}/")
        assert "alice+ps1" not in listed.output
        submitted.ben.run("rm", f"{inbound}/{name}")


@pytest.mark.parametrize("name", ["outbound", "feedback", "personalized-feedback/ben"])
def test_student_writes_to_inbound_only(submitted: Room, name: str) -> None:
    assert submitted.ben.run("touch", f"{submitted.at}/{name}/mine").status != 0
    assert not list(submitted.exchange.rglob("mine"))
    assert submitted.ben.run("touch", f"{submitted.at}/inbound/note").status == 0


def test_student_has_no_course_directory(submitted: Room) -> None:
    assert submitted.gina.run("ls", f"{COURSE}/source/ps1").status == 0
    assert submitted.ben.run("ls", COURSE).status != 0


def test_grader_puts_nothing_in_the_place_of_what_was_handed_in(submitted: Room) -> None:
    """A link there would decide what the student's next server writes to."""
    before = sorted(submitted.exchange.rglob("*"))
    inbound = f"{submitted.at}/personalized-inbound"
    for command in (
        f"mv {inbound}/ben {inbound}/gone",
        f"rm -r {inbound}/ben",
        f"ln -s ../../../../courses {inbound}/zoe",
        f"touch {inbound}/ben/note-of-gina",
        f"mv {inbound} {submitted.at}/gone",
        f"rmdir {submitted.at}/outbound",
    ):
        assert submitted.gina.run("sh", "-c", command).status != 0, command
    assert sorted(submitted.exchange.rglob("*")) == before


def test_round_brings_everybody_their_own_grade_whatever_a_submission_claims(
    submitted: Room,
) -> None:
    _forge_submissions(submitted)
    room = submitted
    listed = room.nbgrader(room.gina, "list", "--inbound")
    assert listed.count(" alice ps1 ") == 1
    said = room.nbgrader(room.gina, "collect", "ps1")
    assert "Left out 'passwords.txt'" in said
    assert "Left out 'nbgrader_config.py'" in said
    assert "Left out 'ben+ps1+no time' of 'ben': no submission" in said
    room.nbgrader(room.gina, "autograde", "ps1")
    scores = room.gina.execute(SCORES.format(course=COURSE)).strip()
    assert scores == "[('alice', 2.0), ('ben', 0.0)]"

    room.nbgrader(room.gina, "generate_feedback", "ps1")
    room.nbgrader(room.gina, "release_feedback", "ps1")
    for student in (room.alice, room.ben):
        feedback = list((room.exchange / "personalized-feedback" / student.username).iterdir())
        assert [file.suffix for file in feedback] == [".html"]
    room.nbgrader(room.alice, "fetch_feedback", "ps1")
    fetched = room.alice.run("find", "/home/jovyan/ps1/feedback", "-name", "exercise.html")
    assert len(fetched.output.splitlines()) == 1


def _forge_submissions(room: Room) -> None:
    """Ben submits in Alice's name, later than she did; with a link, and with a name of no time."""
    inbound = f"{room.at}/inbound"
    later = datetime.now(timezone.utc) + timedelta(hours=1)
    forged = f"{inbound}/alice+ps1+{later:%Y-%m-%d %H:%M:%S.%f} UTC+forged"
    room.ben.run("sh", "-c", f"cp -r {inbound}/ben+ps1+* '{forged}'")
    room.ben.run("ln", "-s", "/etc/passwd", f"{forged}/passwords.txt")
    room.ben.run("touch", f"{forged}/nbgrader_config.py")
    room.ben.run("mkdir", f"{inbound}/ben+ps1+no time")
