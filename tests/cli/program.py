"""Runs the real program `e2xhub` in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any


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


def run_e2xhub(*arguments: object, **environment: object) -> Outcome:
    """The outcome of `e2xhub ARGUMENTS`; of E2XHUB_* the program finds `environment` only."""
    inherited = {key: text for key, text in os.environ.items() if not key.startswith("E2XHUB_")}
    given = {name: str(value) for name, value in environment.items()}
    done = subprocess.run(
        [sys.executable, "-m", "e2xhub", *map(str, arguments)],
        env={**inherited, "COLUMNS": "200", "NO_COLOR": "1", **given},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Outcome(status=done.returncode, output=done.stdout, errors=done.stderr)
