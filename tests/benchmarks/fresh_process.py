"""Measures in a process of its own, so that its memory is that of the measurement alone.

The measuring modules (`loading`, `serving`, `rereading`) are such processes; `roster` starts them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[2]
_STATUS = Path("/proc/self/status")
_KIB_PER_MIB = 1024


def measure_freshly(module: str, **arguments: object) -> dict[str, Any]:
    """What the measuring `module` finds; raises CalledProcessError where it fails.

    `arguments` and the answer are anything that JSON can say.
    """
    done = subprocess.run(
        [sys.executable, "-m", f"{__package__}.{module}", json.dumps(arguments)],
        cwd=_ROOT,
        stdout=subprocess.PIPE,
        check=True,
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def answer(measure: Callable[..., dict[str, Any]]) -> None:
    """The whole of a measuring process: calls `measure` with the arguments, prints its answer."""
    print(json.dumps(measure(**json.loads(sys.argv[1]))))


def memory_mib() -> float:
    """The memory that this process has now (resident set), in MiB."""
    return _read_mib("VmRSS")


def peak_memory_mib() -> float:
    """The most memory that this process ever had, in MiB.

    Not getrusage's: on Linux that includes what the parent had before the program was started.
    """
    return _read_mib("VmHWM")


def _read_mib(name: str) -> float:
    for line in _STATUS.read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / _KIB_PER_MIB
    raise LookupError(f"{_STATUS} has no {name}")
