"""An exchange, what nbgrader says of it, and graders who work with it."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.in_pod.exchange import Exchange
from tests.in_pod.graders import GRADER_UID, Graders, run_graders

STUDENT_UID = 1000


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
    made.make()
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
        made.make()
        shutil.copy(empty_gradebook, made.course)

        def owned() -> Exchange:
            give(made.root, GRADER_UID)
            give(made.course, GRADER_UID)
            for inbound in (made.at / "personalized-inbound").iterdir():
                give(inbound, STUDENT_UID)
            return made

        yield owned


@pytest.fixture(scope="session")
def graders(empty_gradebook: Path) -> Iterator[Graders]:
    """Who may not reach the files of this Python."""
    with run_graders(empty_gradebook) as running:
        yield running


def give(directory: Path, uid: int) -> None:
    """Makes `uid` the owner of all that is there, itself included."""
    for path in (directory, *directory.rglob("*")):
        os.chown(path, uid, uid, follow_symlinks=False)


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """What nbgrader has warned of."""
    return lambda: [r.getMessage() for r in caplog.records if r.levelname in ("WARNING", "ERROR")]
