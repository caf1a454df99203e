"""The configuration file as nbgrader loads it, and an exchange on this machine's disk."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from traitlets.config.loader import Config, PyFileConfigLoader

import e2xhub.in_pod

ASSIGNMENT = "ps1"
MOMENT = "2025-11-20 10:00:00.000000 UTC"


STUDENT_UID = 1000
GRADER_UID = 2000


class Exchange:
    """An exchange of one course, and who works with it."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = directory / "exchange"
        self.at = self.root / "ml-WS26"
        self.course = directory / "course"
        self.course.mkdir()
        (self.at / "outbound").mkdir(parents=True)
        for username in ("alice", "ben"):
            for tail in ("personalized-inbound", "personalized-feedback"):
                (self.at / tail / username).mkdir(parents=True)
        self._monkeypatch = monkeypatch

    def load(self, role: str = "grader", **variables: str) -> Config:
        """What the file configures in the server of somebody with `role`."""
        for name, text in {
            "E2XHUB_ROLE": role,
            "E2XHUB_USERNAME": "alice",
            "NBGRADER_COURSE_ID": "ml-WS26",
            "NBGRADER_EXCHANGE_ROOT": str(self.root),
            "NBGRADER_COURSE_DIRECTORY": str(self.course) if role != "student" else "",
            **variables,
        }.items():
            self._monkeypatch.setenv(name, text)
        file = Path(e2xhub.in_pod.__file__).with_name("nbgrader_config.py")
        return PyFileConfigLoader(file.name, path=str(file.parent)).load_config()

    def step(self, name: str, config: Config) -> Any:
        """A step such as `collect`, as nbgrader's programs make it."""
        from nbgrader.auth import Authenticator
        from nbgrader.coursedir import CourseDirectory
        from nbgrader.exchange import ExchangeFactory

        course = CourseDirectory(config=config)
        course.assignment_id = ASSIGNMENT
        factory = ExchangeFactory(config=config)
        step = getattr(factory, name)(
            coursedir=course, authenticator=Authenticator(config=config), config=config
        )
        step.log.propagate = True
        return step

    def collect(self, **options: Any) -> Path:
        """Collects; returns the directory of what was collected."""
        config = self.load()
        config.CourseDirectory.update(options)
        step = self.step("collect", config)
        step.start()
        return self.course / "submitted"

    def listed(self, *, assignment: str = ASSIGNMENT, role: str = "grader", **options: Any) -> Any:
        """What `nbgrader list --inbound` returns."""
        config = self.load(role)
        config.ExchangeList.inbound = True
        config.ExchangeList.update(options)
        step = self.step("list", config)
        step.coursedir.assignment_id = assignment
        return step.start()

    def submission(
        self, student: str = "ben", *, name: str | None = None, moment: str = MOMENT
    ) -> Path:
        """A new directory in the student's inbound, as `nbgrader submit` names it."""
        path = self.at / "personalized-inbound" / student
        path /= f"{name or student}+{ASSIGNMENT}+{moment}+random"
        path.mkdir()
        return path


@pytest.fixture(scope="session")
def programs() -> Iterator[None]:
    """nbgrader calls `alembic` by name: that of this Python, as in an image."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
        yield


@pytest.fixture(scope="session")
def empty_gradebook(tmp_path_factory: pytest.TempPathFactory, programs: None) -> Path:
    """nbgrader takes seconds to make one."""
    from nbgrader.api import Gradebook

    file = tmp_path_factory.mktemp("course") / "gradebook.db"
    with Gradebook(f"sqlite:///{file}", "ml-WS26"):
        return file


@pytest.fixture
def exchange(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_gradebook: Path) -> Exchange:
    made = Exchange(tmp_path, monkeypatch)
    shutil.copy(empty_gradebook, made.course)
    return made


@pytest.fixture
def exchange_of_users(
    monkeypatch: pytest.MonkeyPatch, empty_gradebook: Path
) -> Iterator[Callable[[], Exchange]]:
    """An exchange whose directories belong to students and graders, in a place that both reach.

    Each call gives what was made meanwhile to its owner.
    """
    if os.geteuid() != 0:
        pytest.skip("only root can work as a student and as a grader")
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        made = Exchange(Path(directory), monkeypatch)
        shutil.copy(empty_gradebook, made.course)

        def owned() -> Exchange:
            give(made.root, GRADER_UID)
            give(made.course, GRADER_UID)
            for inbound in (made.at / "personalized-inbound").iterdir():
                give(inbound, STUDENT_UID)
            return made

        yield owned


def give(directory: Path, uid: int) -> None:
    """Makes `uid` the owner of all that is there, itself included."""
    for path in (directory, *directory.rglob("*")):
        os.chown(path, uid, uid, follow_symlinks=False)


def as_user(uid: int, work: Callable[[], Any]) -> Any:
    """What `work` returns, as JSON, in a process of user `uid` without any other group.

    What it imports has to be imported before: the user may not reach the interpreter's files.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)
            os.write(writing, json.dumps(work()).encode())
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    assert os.waitpid(child, 0)[1] == 0
    return json.loads(text)


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """What nbgrader has warned of."""
    return lambda: [r.getMessage() for r in caplog.records if r.levelname in ("WARNING", "ERROR")]
