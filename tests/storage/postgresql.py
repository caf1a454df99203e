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


class PostgreSQL:
    """A server that can be killed and started again."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._become = _become_somebody_else(directory)
        self._files = ["-D", str(directory / "data")]
        self._process: subprocess.Popen[bytes] | None = None
        initdb = find_program("initdb")
        _run([*self._become, initdb, *self._files, "-U", "e2xhub", "-A", "trust", "--no-sync"])

    @property
    def url(self) -> str:
        """The SQLAlchemy URL of a database, empty at first."""
        return f"postgresql+psycopg://e2xhub@/postgres?host={self._directory}"

    def start(self) -> None:
        """Returns when it answers."""
        only_a_socket = ["-k", str(self._directory), "-c", "listen_addresses=", "-c", "fsync=off"]
        command = [*self._become, find_program("postgres"), *self._files, *only_a_socket]
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stderr=log)
        _wait_until_it_answers(self.url, self._process, self._directory / "log")

    def end(self, number: signal.Signals = signal.SIGINT) -> None:
        """Ends it, with SIGQUIT at once and without a word to anybody."""
        if self._process:
            self._process.send_signal(number)
            self._process.wait()
            self._process = None


@contextmanager
def postgresql() -> Iterator[PostgreSQL]:
    """A server that answers; it ends with the block."""
    # Not below pytest's directory: another user must reach it, and a socket's path is short.
    directory = Path(tempfile.mkdtemp(prefix="e2xhub-pg-"))
    try:
        server = PostgreSQL(directory)
        try:
            server.start()
            yield server
        finally:
            server.end()
    finally:
        shutil.rmtree(directory)


@contextmanager
def running_postgresql() -> Iterator[str]:
    """Yields the SQLAlchemy URL of an empty database; the server ends with the block."""
    with postgresql() as server:
        yield server.url


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
