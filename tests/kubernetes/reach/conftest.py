"""The independent analyser, in an environment of its own.

It asks for old versions of PyYAML, lxml, beautifulsoup4 and networkx exactly, and the hub's
environment shall not be tested with those. So it is installed once per Python version into
pytest's cache, and runs as a process that answers many clusters.
"""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ANALYSER = "network-config-analyzer==2.1.0"
SCRIPT = Path(__file__).with_name("analyser_process.py")


class Analyser:
    """A running `analyser_process`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, cluster: dict[str, Any]) -> Any:
        """Its answer about `cluster`, see `analyser_process.analyse`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(cluster) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the analyser ended"
        return json.loads(answer)


@pytest.fixture(scope="session")
def analyser(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Analyser]:
    """One process for all tests; skipped with the reason where it cannot be installed."""
    name = f"analyser-python{sys.version_info.major}.{sys.version_info.minor}"
    cache = getattr(pytestconfig, "cache", None)  # missing with `-p no:cacheprovider`
    python = _ensure_installed(cache.mkdir(name) if cache else tmp_path_factory.mktemp(name))
    with subprocess.Popen(
        [python, SCRIPT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        yield Analyser(process)
        assert process.stdin is not None
        process.stdin.close()


def _ensure_installed(directory: Path) -> Path:
    """The Python that has the analyser; the mark is written when it is complete."""
    python, mark = directory / "bin" / "python", directory / "installed"
    if not mark.is_file() or mark.read_text() != ANALYSER:
        venv.create(directory, clear=True, with_pip=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", ANALYSER]
        done = subprocess.run(pip, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"{ANALYSER} cannot be installed: {done.stderr.strip()[-300:]}")
        mark.write_text(ANALYSER)
    return python
