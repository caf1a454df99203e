"""What the demo's students have handed in in an exam that is over, for those who want to grade.

It lies where the demo's file server has the exam's exchange, as `nbgrader submit` would have put
it there, and the notebook with its solution in the directory of those who grade. The exam records
say that each of them was given a code.
"""

from __future__ import annotations

import json
import secrets
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.storage.exam_records import ExamRecords, PasswordExistsError

EXAM = "ml-mock"
"""The exam of the demo's catalog that was held yesterday."""
ASSIGNMENT = "mock"
_EXCHANGE, _COURSE = f"nbgrader/exams/{EXAM}", f"nbgrader/grading/{EXAM}"
_SOLUTION = """def mean(values):
    ### BEGIN SOLUTION
    return sum(values) / len(values)
    ### END SOLUTION"""
_TASK = """def mean(values):
    # YOUR CODE HERE
    raise NotImplementedError()"""
_ANSWERS = {
    "karl": (
        "def mean(values):\n    return sum(values) / len(values)",
        "It is the value that makes the sum of the squared distances smallest.",
    ),
    "lena": (
        "def mean(values):\n    return sum(values) / 2",
        "It is the value in the middle.",
    ),
}
_ALSO_SAT = "gustav"
"""Handed in nothing."""
_TIME = "%Y-%m-%d %H:%M:%S.%f UTC"  # nbgrader's


def write_sample_work(export: Path, now: datetime) -> None:
    """Writes it below `export`, the demo's file server, unless an earlier start has."""
    if (export / _EXCHANGE).exists():
        return
    _write(export / _COURSE / "source" / ASSIGNMENT, _SOLUTION, "")
    _write(export / _EXCHANGE / "outbound" / ASSIGNMENT, _TASK, "YOUR ANSWER HERE")
    yesterday = (now - timedelta(days=1)).astimezone(timezone.utc)
    for username, (code, text) in _ANSWERS.items():
        moment = yesterday.strftime(_TIME)
        name = f"{username}+{ASSIGNMENT}+{moment}"
        directory = export / _EXCHANGE / "personalized-inbound" / username / name
        _write(directory, code, text)
        (directory / "timestamp.txt").write_text(moment, encoding="ascii")
        # Without it nbgrader releases no feedback.
        (directory / "submission_secret.txt").write_text(secrets.token_hex(32), encoding="ascii")
        (export / _EXCHANGE / "personalized-feedback" / username).mkdir(parents=True)


def issue_sample_codes(records: ExamRecords, now: datetime) -> None:
    """Notes who sat the exam, as its hub did yesterday, unless an earlier start has."""
    yesterday = now - timedelta(days=1)
    for username in (*_ANSWERS, _ALSO_SAT):
        with suppress(PasswordExistsError):
            records.issue(
                ExamId.parse(EXAM),
                Username.parse(username),
                by="demo",
                now=yesterday,
                replace=False,
            )


def _write(directory: Path, code: str, text: str) -> None:
    """The exam's notebook, with what stands in the cells that examinees fill in."""
    directory.mkdir(parents=True)
    cells = [
        _cell("code", "mean", code, solution=True),
        _cell(
            "code",
            "mean-of-three",
            "assert mean([1, 2, 6]) == 3",
            grade=True,
            locked=True,
            points=2,
        ),
        _cell("markdown", "what-is-a-mean", text, grade=True, solution=True, points=3),
    ]
    notebook = {
        "cells": cells,
        "metadata": {
            "kernelspec": {
                "name": "python3",
                "display_name": "Python 3",
                "language": "python",
            }
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    (directory / "mean.ipynb").write_text(json.dumps(notebook, indent=1), encoding="utf-8")


def _cell(kind: str, name: str, source: str, **declared: Any) -> dict[str, Any]:
    """A cell with nbgrader's metadata, version 3 of its schema."""
    flags = {"grade": False, "solution": False, "locked": False, "task": False, **declared}
    of_code: dict[str, Any] = {"execution_count": None, "outputs": []} if kind == "code" else {}
    return {
        "cell_type": kind,
        "id": name,
        "metadata": {
            "nbgrader": {"grade_id": name, "schema_version": 3, "cell_type": kind, **flags}
        },
        "source": source,
        **of_code,
    }
