"""Says on what a benchmark ran, without naming the machine."""

from __future__ import annotations

import os
import platform
import sqlite3
from importlib.metadata import version
from pathlib import Path

_LIBRARIES = ("pydantic", "PyYAML", "SQLAlchemy", "psycopg", "pandas", "jupyterhub")


def describe_machine() -> dict[str, str]:
    """What the numbers depend on, by name: processor, memory, Python, libraries, other load."""
    return {
        "processor": f"{_first('/proc/cpuinfo', 'model name')}, {len(os.sched_getaffinity(0))} "
        "cores for the benchmark",
        "memory": f"{int(_first('/proc/meminfo', 'MemTotal').split()[0]) / 2**20:.0f} GiB",
        "system": f"{platform.system()} {platform.release().split('-')[0]}, {platform.machine()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "libraries": ", ".join(f"{name} {version(name)}" for name in _LIBRARIES),
        "databases": f"SQLite {sqlite3.sqlite_version}",
        "load before the run": f"{os.getloadavg()[0]:.1f} processes in the last minute",
    }


def _first(file: str, key: str) -> str:
    """The value of the first line `key: value` of a file."""
    for line in Path(file).read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return "unknown"
