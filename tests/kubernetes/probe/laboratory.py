"""Starts the laboratory (`lab`) in namespaces of its own, where the kernel allows it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.log_search import SEARCH
from tests.programs import find_program, skip_or_fail

_SECONDS = 240
_ROOM = ("--user", "--map-root-user", "--net", "--mount", "--pid", "--fork", "--kill-child")


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What the command said in the laboratory."""

    status: int
    output: str
    errors: str

    @property
    def probe(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.output)["probe"]
        return found

    def states(self, kind: str) -> list[str]:
        """What was found out about the targets of a kind, those first that were tried first."""
        return [row["state"] for row in self.probe["targets"] if row["kind"] == kind]


def check_that_there_can_be_one() -> None:
    """Skips the test, or fails it, where there are no programs or no namespaces for it."""
    find_program("ip")
    trial = [find_program("unshare"), *_ROOM, "--mount-proc", "ip", "link", "set", "lo", "up"]
    done = subprocess.run(trial, capture_output=True, text=True, check=False)
    if done.returncode:
        skip_or_fail(f"this kernel grants no network namespace: {done.stderr.strip()}")


def observe(scenario: str, directory: Path) -> Observation:
    """Runs a scenario of `lab` with files in `directory`."""
    directory.mkdir()
    environment = {key: text for key, text in os.environ.items() if not key.startswith("E2XHUB_")}
    done = subprocess.run(
        [
            *(find_program("unshare"), *_ROOM, "--mount-proc"),
            *(sys.executable, "-m", "tests.kubernetes.probe.lab", scenario, str(directory)),
        ],
        env={**environment, "KUBECONFIG": str(directory / "kubeconfig")},
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    SEARCH.note_written(f"laboratory {scenario}", done.stderr)
    return Observation(status=done.returncode, output=done.stdout, errors=done.stderr)
