"""Examinees' servers get the exam's bar, and nobody else's; each of its files is there."""

from __future__ import annotations

import json
import re
from datetime import datetime

import pytest

from e2xhub.domain.exam_bar import EXTENSION, SCRIPTS
from e2xhub.domain.offers import Registry
from e2xhub.in_pod import read_module

MANIFEST = json.loads(read_module("exam_bar/package.json"))
IMPORTED = re.compile(r'(?:from|import\(?|URL\() ?"(?:\./)?([\w.]+)"')
# https://kubernetes.io/docs/concepts/overview/working-with-objects/annotations/
MOST_BYTES_OF_ANNOTATIONS = 256 * 1024


def files_of(registry: Registry, username: str, slug: str, now: datetime) -> set[str]:
    return set(registry.authorize(username, slug, now).server.files)


def test_examinee_gets_every_file_of_the_bar(
    exam_hub: Registry, exam_open_at_nine: datetime
) -> None:
    files = files_of(exam_hub, "alice", "exams/ml-pz1/student", exam_open_at_nine)
    assert files == {
        f"{EXTENSION}/package.json",
        *(f"{EXTENSION}/static/{name}" for name in SCRIPTS),
    }


@pytest.mark.parametrize(
    ("username", "slug"),
    [("gina", "exams/ml-pz1/grader"), ("gina", "machine-learning/WS26/grader")],
)
def test_grader_gets_none(
    grading_hub: Registry, exam_open_at_nine: datetime, username: str, slug: str
) -> None:
    assert files_of(grading_hub, username, slug, exam_open_at_nine) == set()


def test_server_of_a_course_gets_none(assignment_hub: Registry, in_winter_term: datetime) -> None:
    slug = "machine-learning/WS26/student"
    assert files_of(assignment_hub, "alice", slug, in_winter_term) == set()


def test_what_a_script_loads_travels_with_it() -> None:
    loaded = {name for script in SCRIPTS for name in IMPORTED.findall(read_bar(script))}
    assert loaded == set(SCRIPTS) - {"remoteEntry.js"}
    assert MANIFEST["jupyterlab"]["_build"]["load"] == "static/remoteEntry.js"


def read_bar(name: str) -> str:
    return read_module(f"exam_bar/{name}")


def test_container_has_the_name_that_jupyterlab_looks_for() -> None:
    assert f"window._JUPYTERLAB.{MANIFEST['name']} = " in read_bar("remoteEntry.js")
    assert EXTENSION.endswith(f"/labextensions/{MANIFEST['name']}")


def test_files_leave_room_for_other_annotations() -> None:
    texts = [read_module("nbgrader_config.py"), *map(read_bar, SCRIPTS)]
    assert sum(len(text.encode()) for text in texts) < MOST_BYTES_OF_ANNOTATIONS / 4
