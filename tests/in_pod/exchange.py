"""An exchange on this machine's disk, and nbgrader's steps with our configuration file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from traitlets.config.loader import Config, PyFileConfigLoader

import e2xhub.in_pod

ASSIGNMENT = "ps1"
MOMENT = "2025-11-20 10:00:00.000000 UTC"


class Exchange:
    """An exchange of one course, and who works with it."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.directory = directory
        self.root = directory / "exchange"
        self.at = self.root / "ml-WS26"
        self.course = directory / "course"
        self._monkeypatch = monkeypatch

    def make(self) -> None:
        """Makes the directories."""
        self.course.mkdir()
        (self.at / "outbound").mkdir(parents=True)
        for username in ("alice", "ben"):
            for tail in ("personalized-inbound", "personalized-feedback"):
                (self.at / tail / username).mkdir(parents=True)

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
