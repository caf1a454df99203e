"""A PostgreSQL server of its own, in a temporary directory, reachable through a socket only."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.programs import find_program

_START_SECONDS = 60


@contextmanager
def running_postgresql() -> Iterator[str]:
    """Yields the SQLAlchemy URL of an empty database; the server ends with the block."""
    initdb, pg_ctl = find_program("initdb"), find_program("pg_ctl")
    # Not below pytest's directory: another user must reach it, and a socket's path is short.
    directory = Path(tempfile.mkdtemp(prefix="e2xhub-pg-"))
    try:
        become = _become_somebody_else(directory)
        files = directory / "data"
        _run([*become, initdb, "-D", str(files), "-U", "e2xhub", "-A", "trust", "--no-sync"])
        options = f"-k {directory} -c listen_addresses= -c fsync=off"
        log = str(directory / "log")
        start = [pg_ctl, "-D", str(files), "-o", options, "-l", log, "-t", str(_START_SECONDS)]
        _run([*become, *start, "-w", "start"])
        try:
            yield f"postgresql+psycopg://e2xhub@/postgres?host={directory}"
        finally:
            _run([*become, pg_ctl, "-D", str(files), "-m", "immediate", "stop"])
    finally:
        shutil.rmtree(directory)


def _become_somebody_else(directory: Path) -> list[str]:
    """PostgreSQL refuses to run as root; this is what makes a command run as nobody."""
    if os.geteuid() != 0:
        return []
    nobody = pwd.getpwnam("nobody")
    os.chown(directory, nobody.pw_uid, nobody.pw_gid)
    setpriv = find_program("setpriv")
    return [setpriv, f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]


def _run(command: list[str]) -> None:
    # Files, not pipes: the server would keep a pipe open for as long as it runs.
    with tempfile.TemporaryFile("w+") as output:
        done = subprocess.run(
            command, stdout=output, stderr=subprocess.STDOUT, cwd="/", check=False
        )
        output.seek(0)
        assert done.returncode == 0, f"{command}: {output.read()}"
