"""Runs the real program `e2xhub`, in a process of its own or, much faster, in this one."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from typing import Any

from e2xhub.cli import main
from tests.log_search import SEARCH

_STYLES = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a run of the program left behind."""

    status: int
    output: str
    errors: str

    @property
    def json(self) -> Any:
        return json.loads(self.output)

    @property
    def error_text(self) -> str:
        """Standard error as one line of words, without the frames of usage errors."""
        words = self.errors.translate(str.maketrans("", "", "│╭╮╰╯─")).split()
        return " ".join(words)


def run_on_terminal(*arguments: object, **environment: object) -> str:
    """What `e2xhub ARGUMENTS` prints on a terminal as plain text, in the same environment."""
    terminal, end = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "e2xhub", *map(str, arguments)],
        env=_environment_with(environment),
        stdin=subprocess.DEVNULL,
        stdout=end,
    ) as process:
        os.close(end)
        parts = []
        with suppress(OSError):  # how Linux tells that nobody has the other end any more
            while part := os.read(terminal, 4096):
                parts.append(part)
        os.close(terminal)
    assert process.returncode == 0
    return _STYLES.sub("", b"".join(parts).decode())


def _environment_with(given: Mapping[str, object]) -> dict[str, str]:
    inherited = {key: text for key, text in os.environ.items() if not key.startswith("E2XHUB_")}
    texts = {name: str(value) for name, value in given.items()}
    return {**inherited, "COLUMNS": "200", "NO_COLOR": "1", **texts}


def run_e2xhub(*arguments: object, **environment: object) -> Outcome:
    """The outcome of `e2xhub ARGUMENTS`; of E2XHUB_* the program finds `environment` only."""
    done = subprocess.run(
        [sys.executable, "-m", "e2xhub", *map(str, arguments)],
        env=_environment_with(environment),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return _noted(arguments, done.returncode, done.stdout, done.stderr)


def call_e2xhub(*arguments: object, **environment: object) -> Outcome:
    """The same in this process, without the seconds that a start takes; for commands that neither
    read standard input nor ask for signals."""
    output, errors = io.StringIO(), io.StringIO()
    status = 0
    with (
        _as_program(list(map(str, arguments)), _environment_with(environment)),
        redirect_stdout(output),
        redirect_stderr(errors),
    ):
        try:
            main()
        except SystemExit as end:
            status = int(end.code or 0)
    return _noted(arguments, status, output.getvalue(), errors.getvalue())


def _noted(arguments: Iterable[object], status: int, output: str, errors: str) -> Outcome:
    """The outcome, once the search of everything that was logged knows what it may not find."""
    words = list(map(str, arguments))
    if "password" in words:
        SEARCH.keep_codes_in(output)
    SEARCH.note_written(" ".join(words), errors)
    return Outcome(status=status, output=output, errors=errors)


@contextmanager
def _as_program(arguments: list[str], environment: dict[str, str]) -> Iterator[None]:
    """Has arguments and environment as a program that is started with them."""
    kept = sys.argv, dict(os.environ)
    sys.argv = ["e2xhub", *arguments]
    _replace_environment(environment)
    try:
        yield
    finally:
        sys.argv = kept[0]
        _replace_environment(kept[1])


def _replace_environment(variables: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(variables)
