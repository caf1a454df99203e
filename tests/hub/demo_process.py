"""The command `e2xhub demo` as a process of its own, as a person starts and ends it."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from e2xhub.demo.campus import CampusFiles
from e2xhub.demo.hubs import PORTS_PER_HUB, HubError, check_ports
from e2xhub.demo.sample_university import University
from e2xhub.domain.catalog import Term
from e2xhub.domain.identifiers import CourseId
from e2xhub.domain.offers import Registry
from e2xhub.domain.roles import HubKind
from e2xhub.storage.registry import load_registry
from e2xhub.storage.roster.opening import open_roster
from tests.hub.cluster_client import ClusterClient
from tests.hub.http_session import HubSession
from tests.log_search import SEARCH

READY = "Ctrl-C ends the demo."
READY_SECONDS = 180.0
END_SECONDS = 90.0
_BELOW_EPHEMERAL_PORTS = range(12000, 31000, 30)


_RESERVED: list[socket.socket] = []
"""Held until this process ends: those who test beside it take no row before its hubs listen."""


def find_free_ports() -> int:
    """The first of a row of ports that a demo may use, and that no other test will use."""
    for base in random.sample(_BELOW_EPHEMERAL_PORTS, len(_BELOW_EPHEMERAL_PORTS)):
        try:
            _reserve(base)
            check_ports(base)
        except (OSError, HubError):
            continue
        return base
    raise AssertionError("this machine has no free ports")


def _reserve(base: int) -> None:
    """Raises OSError where a test of any process of this machine has this row."""
    name = socket.socket(socket.AF_UNIX)
    try:
        name.bind(f"\0e2xhub-tests-ports-{base}")  # no file, and gone with the process
    except OSError:
        name.close()
        raise
    _RESERVED.append(name)


def find_processes(directory: Path) -> list[str]:
    """Every process that has to do with `directory`: by command, environment or place."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        if int(process.name) == os.getpid():
            continue
        if str(directory) in _describe(process):
            found.append(f"{process.name}: {_read(process / 'cmdline')}")
    return found


def wait_until_gone(directory: Path) -> list[str]:
    """What is still running after a while; empty where nothing is."""
    deadline = time.monotonic() + END_SECONDS
    while (left := find_processes(directory)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return left


def _describe(process: Path) -> str:
    try:
        place = str((process / "cwd").readlink())
    except OSError:
        place = ""
    return " ".join([_read(process / "cmdline"), _read(process / "environ"), place])


def _read(file: Path) -> str:
    try:
        return file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


class DemoProcess:
    """A demo in `directory`; `start` returns when it says that it is open."""

    def __init__(self, directory: Path, port: int | None = None) -> None:
        self.directory = directory
        self.port = port or find_free_ports()
        self.files = CampusFiles(directory=directory)
        self.output = directory.with_name(f"{directory.name}.output")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> DemoProcess:
        """Starts the command and waits until the three hubs answer."""
        self.launch()
        deadline = time.monotonic() + READY_SECONDS
        while READY not in self.printed:
            assert self.process.poll() is None, f"the demo has ended:\n{self.printed}"
            assert time.monotonic() < deadline, f"the demo does not open:\n{self.printed}"
            time.sleep(0.1)
        return self

    def launch(self) -> None:
        """Starts the command without waiting for it."""
        words = ["demo", "--port", str(self.port), "--directory", str(self.directory)]
        with self.output.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "e2xhub", *words],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The running command."""
        assert self._process is not None
        return self._process

    @property
    def is_running(self) -> bool:
        """Whether the command was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def printed(self) -> str:
        """What the command has said so far."""
        return self.output.read_text(encoding="utf-8", errors="replace")

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """Sends the signal (Ctrl-C) and returns the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(END_SECONDS)

    def end_by_force(self) -> None:
        """Ends what is left, so that a failing test leaves nothing behind."""
        if not self.is_running:
            return
        self.process.terminate()
        try:
            self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    # --- what a person finds there

    def url(self, hub: HubKind) -> str:
        """Where the pages of a hub are."""
        return f"http://127.0.0.1:{self.port + list(HubKind).index(hub) * PORTS_PER_HUB}"

    @property
    def password(self) -> str:
        """The password of every account on the assignment and grading hubs."""
        return self.files.ensure_password()

    @property
    def cluster(self) -> ClusterClient:
        """The demo cluster's API, with the kubeconfig that the demo wrote."""
        return ClusterClient(self.directory / "cluster" / "kubeconfig")

    @property
    def university(self) -> University:
        """Where the demo's catalog and roster are."""
        written = self.directory / "university"
        return University(catalog=written / "catalog", roster=written / "roster")

    def registry(self, hub: HubKind) -> Registry:
        """What a hub of this demo offers."""
        written = self.university
        return load_registry(
            catalog=written.catalog, roster=open_roster(written.roster), hub=hub, checks=()
        )

    def only_term(self, course: str) -> Term:
        """The term of a course that has one."""
        terms = self.registry(HubKind.ASSIGNMENT).catalog.courses[CourseId.parse(course)].terms
        (term,) = terms.values()
        return term

    def only_term_id(self, course: str) -> str:
        """The id of that term."""
        terms = self.registry(HubKind.ASSIGNMENT).catalog.courses[CourseId.parse(course)].terms
        (term_id,) = terms
        return str(term_id)

    def hub_log(self, hub: HubKind) -> str:
        """The log of a hub."""
        log = self.directory / "hubs" / hub.value / "hub.log"
        return log.read_text(encoding="utf-8", errors="replace")

    def sign_in(self, username: str, hub: HubKind = HubKind.ASSIGNMENT) -> HubSession:
        """A browser in which `username` is signed in with the accounts' password."""
        session = HubSession(self.url(hub))
        answer = session.sign_in(username, self.password)
        assert answer.status == 200, answer
        return session

    def make_code(self, username: str, exam: str = "ml-open") -> str:
        """A fresh one-time password; one that was issued before ends."""
        words = ("reissue", exam, "--user", username, "--reason", "test")
        return run_password_command(self.environment, *words).strip()

    def has_unused_code(self, username: str, exam: str = "ml-open") -> bool:
        """Whether the newest password of `username` can still be used."""
        return has_unused_code(self.environment, username, exam)

    @property
    def environment(self) -> dict[str, str]:
        """What `source environment` gives to a shell."""
        return read_environment(self.files)


def read_environment(files: CampusFiles) -> dict[str, str]:
    """The variables that `source environment` gives to a shell."""
    lines = files.environment.read_text(encoding="utf-8").splitlines()
    return dict(line.removeprefix("export ").split("=", 1) for line in lines)


def run_password_command(environment: dict[str, str], *words: str) -> str:
    """What `e2xhub password …` prints; fails where the command fails."""
    result = run_command(environment, "password", *words)
    assert result.returncode == 0, result.stderr
    SEARCH.keep_codes_in(result.stdout)
    return result.stdout


def has_unused_code(environment: dict[str, str], username: str, exam: str = "ml-open") -> bool:
    """Whether the newest password of `username` is active, as the command tells."""
    listed: list[dict[str, Any]] = json.loads(
        run_password_command(environment, "status", exam, "--json")
    )
    return any(item["username"] == username and item["state"] == "active" for item in listed)


def run_command(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """Runs `e2xhub` to its end."""
    command: Sequence[str] = [sys.executable, "-m", "e2xhub", *words]
    done = subprocess.run(
        command,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=END_SECONDS,
        check=False,
    )
    SEARCH.note_written(" ".join(words), done.stderr)
    return done
