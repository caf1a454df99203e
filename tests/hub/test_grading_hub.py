"""The grading hub: who grades an exam there, what reaches them of it, and what they make of it."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2xhub.domain.roles import HubKind
from tests.hub.configured_hub import replace_file, wait_until
from tests.hub.demo_process import DemoProcess
from tests.hub.http_session import HubSession
from tests.hub.pod_shell import ExamineeShell, PodShell

pytestmark = pytest.mark.hub

EXAM, SLUG = "ml-graded", "exams/ml-graded/grader"
COURSE = "/home/jovyan/courses/machine-learning"
AT = f"/srv/nbgrader/exchange/{EXAM}"
EXERCISE = """
import pathlib
import nbformat
from nbformat import v4

def make_cell(make, name, source, **flags):
    cell = make(source, id=name)
    cell.metadata["nbgrader"] = dict(
        dict(grade=False, solution=False, locked=False, task=False),
        grade_id=name, schema_version=3, **flags
    )
    return cell

at = pathlib.Path("{course}/source/ps1/exercise.ipynb")
at.parent.mkdir(parents=True)
solution = "def f(x):\\n    ### BEGIN SOLUTION\\n    return x + 1\\n    ### END SOLUTION"
cells = [
    make_cell(v4.new_code_cell, "f", solution),
    make_cell(v4.new_code_cell, "t", "assert f(1) == 2"),
    make_cell(v4.new_markdown_cell, "why", ""),
]
cells[0].metadata["nbgrader"]["solution"] = True
cells[1].metadata["nbgrader"].update(grade=True, locked=True, points=2)
cells[2].metadata["nbgrader"].update(grade=True, solution=True, points=3)
kernel = dict(name="python3", display_name="Python 3", language="python")
nbformat.write(v4.new_notebook(cells=cells, metadata=dict(kernelspec=kernel)), at)
"""
SOLVE = """
import pathlib
at = pathlib.Path("/home/jovyan/ps1/exercise.ipynb")
text = at.read_text()
assert "raise NotImplementedError()" in text
text = text.replace("raise NotImplementedError()", "return x + 1")
at.write_text(text.replace("YOUR ANSWER HERE", "Because one is added."))
"""


class ExamOnTheSide:
    """An exam that a test adds to the demo's university, holds, and takes away again."""

    def __init__(self, demo: DemoProcess) -> None:
        self._catalog = demo.university.catalog / "catalog.yaml"
        self._before = self._catalog.read_text(encoding="utf-8")
        assert isinstance(demo.university.roster, Path)
        self._roster = demo.university.roster / "graded.csv"

    def hold(self, *, minutes_ago: int, examinees: str = "paul olga gustav") -> None:
        """Declares an exam of an hour that began so many minutes ago, and who is in it."""
        declared = yaml.safe_load(self._before)
        start = datetime.now(timezone.utc) - timedelta(minutes=minutes_ago)
        like = declared["exams"]["ml-mock"]
        declared["exams"][EXAM] = {
            **{key: copy.deepcopy(like[key]) for key in ("course", "term", "nbgrader")},
            **{"title": "Graded exam", "image": "exam", "sizes": ["exam"], "rooms": ["main-hall"]},
            "start": start.isoformat(timespec="seconds"),
            "duration_minutes": 60,
        }
        replace_file(self._catalog, yaml.safe_dump(declared))
        staff = f"gina,{EXAM},grader\ngustav,{EXAM},grader\noscar,{EXAM},observer\n"
        rows = "".join(f"{name},{EXAM},student\n" for name in examinees.split())
        replace_file(self._roster, f"username,exam,role\n{staff}{rows}")

    def remove(self) -> None:
        """The university as it was."""
        self._roster.unlink(missing_ok=True)
        replace_file(self._catalog, self._before)


@dataclass(frozen=True, kw_only=True)
class Sitting:
    """An exam in which Paul and Olga have handed in."""

    demo: DemoProcess
    exam: ExamOnTheSide
    gina: HubSession
    oscar: HubSession
    gustav: HubSession
    export: Path

    @property
    def times_taken(self) -> int:
        """How often the grading hub has taken another catalog or roster."""
        return self.demo.hub_log(HubKind.GRADING).count("e2xhub took catalog and roster")

    @property
    def inbound(self) -> Path:
        """What was handed in, as the file server has it."""
        return self.export / "nbgrader/exams" / EXAM / "personalized-inbound"


@pytest.fixture(scope="module")
def sitting(demo: DemoProcess) -> Iterator[Sitting]:
    """While the exam is held, a grader prepares it and its examinees hand in; then it is over."""
    exam = ExamOnTheSide(demo)
    exam.hold(minutes_ago=10)
    found = Sitting(
        demo=demo,
        exam=exam,
        **{name: demo.sign_in(name, HubKind.GRADING) for name in ("gina", "oscar", "gustav")},
        export=demo.directory / "cluster/node/nfs/nfs.demo/exams",
    )
    try:
        wait_until(lambda: offers(found.gina, SLUG), "the exam can be graded")
        _prepare(found.gina)
        for username in ("paul", "olga"):
            _sit(demo, username)
        _leave_after_a_code(found)
        before = found.times_taken
        exam.hold(minutes_ago=70, examinees="paul olga")
        wait_until(lambda: found.times_taken > before, "the exam is over")
        yield found
    finally:
        exam.remove()


def _prepare(gina: HubSession) -> None:
    shell = PodShell(gina, SLUG)
    try:
        assert shell.run("ls", f"{AT}/personalized-inbound").status != 0
        shell.execute(EXERCISE.format(course=COURSE))
        for step in ("generate_assignment", "release_assignment"):
            assert shell.run("nbgrader", step, "ps1").status == 0
        assert "No submissions" in shell.run("nbgrader", "collect", "ps1").output
    finally:
        shell.stop()


def _sit(demo: DemoProcess, username: str) -> None:
    session = HubSession(demo.url(HubKind.EXAM))
    session.sign_in(username, demo.make_code(username, EXAM))
    shell = ExamineeShell(session)
    try:
        assert shell.run("nbgrader", "fetch_assignment", "ps1").status == 0
        if username == "paul":
            shell.execute(SOLVE)
        assert shell.run("nbgrader", "submit", "ps1").status == 0
    finally:
        shell.stop()


def _leave_after_a_code(found: Sitting) -> None:
    """Gustav is given a code, and never comes."""
    found.demo.make_code("gustav", EXAM)


def offers(session: HubSession, slug: str) -> bool:
    return f'value="{slug}"' in session.get("/hub/spawn").text


@pytest.fixture(scope="module")
def grader(sitting: Sitting) -> Iterator[PodShell]:
    """The grader's server after the exam."""
    shell = PodShell(sitting.gina, SLUG)
    yield shell
    shell.stop()


@pytest.fixture(scope="module")
def graded(grader: PodShell) -> PodShell:
    """The same, in which the grader has collected and autograded."""
    for step in ("collect", "autograde"):
        ended = grader.run("nbgrader", step, "ps1")
        assert ended.status == 0, ended.output
    return grader


@pytest.fixture(scope="module")
def observer(sitting: Sitting, graded: PodShell) -> Iterator[PodShell]:
    """The server of somebody who observes, begun when there was something to see."""
    shell = PodShell(sitting.oscar, f"exams/{EXAM}/observer")
    yield shell
    shell.stop()


def formgrader(shell: PodShell, path: str) -> Any:
    """What the formgrader's pages ask their server."""
    answer = shell.session.get(f"/user/{shell.username}/formgrader/api/{path}")
    assert answer.status == 200, answer
    return answer.json()


def submissions(shell: PodShell) -> dict[str, dict[str, Any]]:
    """What the formgrader lists of the assignment, by username."""
    return {item["student"]: item for item in formgrader(shell, "submissions/ps1")}


def manual_grade(shell: PodShell, username: str) -> dict[str, Any]:
    """The grade of the question that only a person can grade."""
    listed = formgrader(shell, "submitted_notebooks/ps1/exercise")
    (submission,) = (item for item in listed if item["student"] == username)
    grades = formgrader(shell, f"grades?submission_id={submission['id']}")
    (found,) = (grade for grade in grades if grade["max_score"] == 3)
    return dict(found)


REFUSAL = "You sit this exam, or sat it, and so you cannot grade it."


def test_grader_who_was_given_a_code_reads_why_they_may_not_grade(sitting: Sitting) -> None:
    page = sitting.gustav.get("/hub/spawn")
    assert REFUSAL in page.text
    assert not offers(sitting.gustav, SLUG)
    assert offers(sitting.gina, SLUG)


def test_grader_who_sat_the_exam_is_refused_on_every_way(sitting: Sitting) -> None:
    link = sitting.gustav.get("/hub/spawn", {"profile": SLUG})
    assert link.refusal == REFUSAL
    for options in ({"profile": SLUG}, {"profile": SLUG, "role": "instructor", "image": "exam"}):
        answer = sitting.gustav.call_api("POST", "/hub/api/users/gustav/server", options)
        assert (answer.status, answer.refusal) == (403, REFUSAL)
    form = sitting.gustav.post_form(
        f"/hub/spawn?_xsrf={sitting.gustav.xsrf_token('/hub/')}", {"profile": SLUG}
    )
    assert form.refusal == REFUSAL
    assert sitting.demo.cluster.pod("jupyter-grading-gustav") is None


def test_server_of_the_course_opens_for_who_sat_its_exam(sitting: Sitting) -> None:
    term = sitting.demo.only_term_id("databases")
    assert offers(sitting.gustav, f"machine-learning/{term}/grader")


def test_what_was_handed_in_is_read_only_for_graders(sitting: Sitting, grader: PodShell) -> None:
    inbound = f"{AT}/personalized-inbound"
    assert len(grader.run("ls", f"{inbound}/paul").output.splitlines()) == 1
    for attempt in (
        f"touch {inbound}/paul/forged",
        f"mv {inbound}/paul {inbound}/zoe",
        f"mv {inbound} {AT}/other",
        f"rm -r {inbound}/paul",
        f"echo x >> {inbound}/paul/*/exercise.ipynb",
        f"mount -o remount,rw {inbound}",
    ):
        assert grader.run("sh", "-c", attempt).status != 0, attempt
    assert sorted(path.name for path in sitting.inbound.iterdir()) == ["olga", "paul"]
    assert not list(sitting.inbound.rglob("forged"))
    assert grader.run("touch", f"{AT}/outbound/note").status == 0


def test_grader_collects_autogrades_and_sees_it_in_the_formgrader(graded: PodShell) -> None:
    found = {name: item["score"] for name, item in submissions(graded).items()}
    assert found == {"olga": 0.0, "paul": 2.0}
    opened = graded.session.get(f"/user/gina/formgrader/submissions/{manual_id(graded)}")
    assert opened.status == 200
    assert "Because one is added." in opened.text


def manual_id(shell: PodShell) -> str:
    listed = formgrader(shell, "submitted_notebooks/ps1/exercise")
    return next(str(item["id"]) for item in listed if item["student"] == "paul")


def test_what_a_grader_enters_comes_back_as_feedback(sitting: Sitting, graded: PodShell) -> None:
    give_points(graded, 3)
    assert submissions(graded)["paul"]["score"] == 5.0
    for step in ("generate_feedback", "release_feedback"):
        ended = graded.run("nbgrader", step, "ps1")
        assert ended.status == 0, ended.output
    released = sitting.inbound.with_name("personalized-feedback")
    assert {path.parent.name for path in released.rglob("*.html")} == {"olga", "paul"}


def give_points(shell: PodShell, points: float) -> int:
    """Saves points for Paul's answer as the formgrader's page does; the status of the answer."""
    grade = manual_grade(shell, "paul")
    path = f"/user/{shell.username}/formgrader/api/grade/{grade['id']}"
    return shell.session.call_api("PUT", path, {**grade, "manual_score": points}).status


def test_observer_sees_what_graders_see(graded: PodShell, observer: PodShell) -> None:
    def seen(shell: PodShell) -> dict[str, Any]:
        return {
            "submissions": submissions(shell),
            "assignments": formgrader(shell, "assignments"),
            "grade": manual_grade(shell, "paul"),
        }

    assert seen(observer) == seen(graded)
    page = observer.session.get(f"/user/oscar/formgrader/submissions/{manual_id(observer)}")
    assert page.status == 200
    assert "Because one is added." in page.text


def test_observer_sees_what_is_graded_meanwhile(graded: PodShell, observer: PodShell) -> None:
    for points in (1, 2):
        assert give_points(graded, points) == 200
        assert manual_grade(observer, "paul")["manual_score"] == points


def test_observer_changes_nothing(sitting: Sitting, graded: PodShell, observer: PodShell) -> None:
    before = manual_grade(graded, "paul")
    assert give_points(observer, 0) == 500
    assert manual_grade(graded, "paul") == manual_grade(observer, "paul") == before
    files = list_files(sitting.export / "nbgrader")
    for action in ("assign", "release", "collect", "autograde", "generate_feedback"):
        path = f"/user/oscar/formgrader/api/assignment/ps1/{action}"
        observer.session.call_api("POST", path)
    for step in ("generate_assignment", "release_assignment", "autograde", "generate_feedback"):
        assert observer.run("nbgrader", step, "ps1", "--force", directory="/").status != 0, step
    for directory in (COURSE, f"{COURSE}/submitted", AT, f"{AT}/outbound", f"{AT}/feedback"):
        assert observer.run("touch", f"{directory}/forged", directory="/").status != 0
    assert list_files(sitting.export / "nbgrader") == files


def list_files(directory: Path) -> dict[str, float]:
    """When each file below was last changed."""
    return {str(path): path.stat().st_mtime for path in directory.rglob("*") if path.is_file()}


def test_formgrader_is_where_the_server_opens(graded: PodShell) -> None:
    opened = graded.session.get("/user/gina/")
    assert opened.url.endswith("/user/gina/formgrader/manage_assignments")
    assert re.search(r"<title>.*[Ff]ormgrader", opened.text) or "Manage Assignments" in opened.text


@pytest.mark.parametrize("hub", [HubKind.ASSIGNMENT, HubKind.GRADING])
def test_hub_without_examinees_knows_who_sat_the_mock_exam(demo: DemoProcess, hub: HubKind) -> None:
    log = demo.hub_log(hub)
    assert "e2xhub reads who sat which exam from sqlite:///" in log
    assert "Who sat which exam cannot be read" not in log
    assert "is this the exam hub's database?" not in log


def test_mock_exam_of_the_sample_can_be_graded(demo: DemoProcess) -> None:
    shell = PodShell(demo.sign_in("gina", HubKind.GRADING), "exams/ml-mock/grader")
    try:
        for step in ("generate_assignment", "collect", "autograde"):
            ended = shell.run("nbgrader", step, "mock")
            assert ended.status == 0, ended.output
        listed = formgrader(shell, "submissions/mock")
        assert {item["student"]: item["score"] for item in listed} == {"karl": 2.0, "lena": 0.0}
        assert all(item["needs_manual_grade"] for item in listed)
    finally:
        shell.stop()
