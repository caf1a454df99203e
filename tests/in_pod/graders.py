"""nbgrader as a grader of the system, who may not reach the files of this Python.

A process of its own, which has no threads and has imported everything, is asked on its standard
input and forks: where a process with threads forks, its child waits for ever for a lock that
another thread had.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.in_pod.exchange import Exchange

GRADER_UID = 2000


class Done(NamedTuple):
    """What came of the steps."""

    listed: list[tuple[str, str]]
    """Students and assignments."""
    collected: list[str]
    """Names of notebooks."""
    said: list[str]
    """Warnings and errors."""


class Graders:
    """Asks the process of this module."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def do(self, exchange: Exchange, *steps: str) -> Done:
        """Takes steps, which are 'list', 'remove' (and list) or 'collect', as a grader."""
        assert self._process.stdin
        assert self._process.stdout
        request = {"directory": str(exchange.directory), "steps": steps}
        print(json.dumps(request), file=self._process.stdin, flush=True)
        answer = json.loads(self._process.stdout.readline())
        assert "failed" not in answer, answer["failed"]
        return Done([(one, other) for one, other in answer.pop("listed")], **answer)


@contextmanager
def run_graders(gradebook: Path) -> Iterator[Graders]:
    """Starts the process; `gradebook` is an empty one, with which it begins."""
    command = [sys.executable, "-m", __name__, str(gradebook)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        yield Graders(process)
        assert process.stdin
        process.stdin.close()


def answer_requests(gradebook: Path) -> None:
    """What the process does."""
    _import_everything(gradebook)
    for line in sys.stdin:
        reading, writing = os.pipe()
        if (child := os.fork()) == 0:
            with os.fdopen(writing, "w") as pipe:
                json.dump(_answer(json.loads(line)), pipe)
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            print(pipe.read(), flush=True)
        os.waitpid(child, 0)


def _import_everything(gradebook: Path) -> None:
    """Takes each step once; nbgrader imports some modules only then."""
    with tempfile.TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        exchange = Exchange(Path(directory), patch)
        exchange.make()
        shutil.copy(gradebook, exchange.course)
        _take_steps(exchange, ["list", "remove", "collect"])


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    try:
        os.setgroups([])
        os.setgid(GRADER_UID)
        os.setuid(GRADER_UID)
        exchange = Exchange(Path(request["directory"]), pytest.MonkeyPatch())
        return _take_steps(exchange, request["steps"])._asdict()
    except BaseException:
        return {"failed": traceback.format_exc()}


def _take_steps(exchange: Exchange, steps: list[str]) -> Done:
    done = Done([], [], [])
    logging.getLogger().addHandler(_Keeping(done.said))
    for step in steps:
        if step == "collect":
            done.collected.extend(path.name for path in exchange.collect().rglob("*.ipynb"))
            continue
        listed = exchange.listed(remove=step == "remove")
        done.listed.extend((group["student_id"], group["assignment_id"]) for group in listed)
    return done


class _Keeping(logging.Handler):
    def __init__(self, said: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._said = said

    def emit(self, record: logging.LogRecord) -> None:
        self._said.append(record.getMessage())


if __name__ == "__main__":
    answer_requests(Path(sys.argv[1]))
