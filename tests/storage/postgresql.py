"""A PostgreSQL server of its own, in a temporary directory, reachable through a socket only."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from tests.programs import find_program

_START_SECONDS = 60


@contextmanager
def running_postgresql() -> Iterator[str]:
    """Yields the SQLAlchemy URL of an empty database; the server ends with the block."""
    initdb, postgres = find_program("initdb"), find_program("postgres")
    # Not below pytest's directory: another user must reach it, and a socket's path is short.
    directory = Path(tempfile.mkdtemp(prefix="e2xhub-pg-"))
    try:
        become = _become_somebody_else(directory)
        files = ["-D", str(directory / "data")]
        _run([*become, initdb, *files, "-U", "e2xhub", "-A", "trust", "--no-sync"])
        only_a_socket = ["-k", str(directory), "-c", "listen_addresses=", "-c", "fsync=off"]
        with (directory / "log").open("wb") as log:
            server = subprocess.Popen([*become, postgres, *files, *only_a_socket], stderr=log)
        url = f"postgresql+psycopg://e2xhub@/postgres?host={directory}"
        try:
            _wait_until_it_answers(url, server, directory / "log")
            yield url
        finally:
            server.send_signal(signal.SIGINT)
            server.wait()
    finally:
        shutil.rmtree(directory)


def _become_somebody_else(directory: Path) -> list[str]:
    """What makes a command end with the tests, and, as root, run as nobody: PostgreSQL insists."""
    become = [find_program("setpriv"), "--pdeathsig=INT"]
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(directory, nobody.pw_uid, nobody.pw_gid)
        become += [f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
    return become


def _run(command: list[str]) -> None:
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd="/",  # nobody may not be able to enter the directory of the tests
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}: {done.stdout}"


def _wait_until_it_answers(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            engine.connect().close()
        except sa.exc.OperationalError:
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        else:
            return
