"""The command `e2xhub demo`: how it starts and ends, and that nothing of it is left running."""

from __future__ import annotations

import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path

import pytest

from e2xhub.demo.sample_university import write_university
from tests.hub.demo_process import (
    DemoProcess,
    find_free_ports,
    find_processes,
    run_command,
    wait_until_gone,
)
from tests.hub.http_session import HubSession

pytestmark = pytest.mark.hub


NOTES = "/user/quentin/api/contents/notes.txt"
FOUND = "what quentin found out"


class DemoOfOwnFiles(DemoProcess):
    """A demo that is started with further options."""

    def __init__(self, directory: Path, words: Sequence[str]) -> None:
        super().__init__(directory)
        self._words = words

    def launch(self) -> None:
        """Starts the command without waiting for it."""
        words = ["demo", "--port", str(self.port), "--directory", str(self.directory)]
        with self.output.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "e2xhub", *words, *self._words],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )


@pytest.fixture(scope="module")
def own_demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoProcess]:
    """A demo that the tests of this module start and end; each leaves it open or ended."""
    demo = DemoProcess(tmp_path_factory.mktemp("own") / "campus")
    try:
        yield demo
    finally:
        demo.end_by_force()


@pytest.fixture
def open_demo(own_demo: DemoProcess) -> DemoProcess:
    """That demo, open, with quentin's file."""
    if not own_demo.is_running:
        own_demo.start()
        written = {"type": "file", "format": "text", "content": FOUND}
        assert _start_server(own_demo).call_api("PUT", NOTES, written).status in (200, 201)
    return own_demo


def test_taken_port_is_told_in_a_sentence(tmp_path: Path) -> None:
    port = find_free_ports()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port + 10))
        taken.listen()
        result = run_command({}, "demo", "--port", str(port), "--directory", str(tmp_path / "d"))
    assert result.returncode == 1
    assert result.stderr == (
        f"port {port + 10} is taken; end what uses it, or choose other ports with: "
        f"e2xhub demo --port {port + 1000}\n"
    )


@pytest.mark.parametrize("words", [["--catalog", "."], ["--catalog", ".", "--roster", ""]])
def test_catalog_without_a_roster_is_wrong_usage(words: list[str]) -> None:
    result = run_command({}, "demo", *words)
    assert result.returncode == 2
    assert "a catalog and its roster belong together; give both" in result.stderr


def test_demo_of_a_faulty_university_tells_every_fault_and_does_not_start(tmp_path: Path) -> None:
    written = write_university(tmp_path / "own", datetime.now(timezone.utc))
    (written.roster / "more.csv").write_text(
        "username,course,term,role\nnot a name,databases,WS00,student\nben,none,WS00,student\n"
    )
    words = ["--catalog", str(written.catalog), "--roster", str(written.roster)]
    words += ["--port", str(find_free_ports()), "--directory", str(tmp_path / "campus")]
    result = run_command({}, "demo", *words)
    assert result.returncode == 1
    second, third = result.stderr.splitlines()
    assert second.startswith(f"{written.roster}/more.csv:2: username 'not a name' cannot be used")
    assert "term 'WS00' is not in the catalog" in second
    assert third.startswith(f"{written.roster}/more.csv:3: course 'none' is not in the catalog")
    assert find_processes(tmp_path / "campus") == []


def test_roster_of_the_demo_may_be_in_a_database(tmp_path: Path) -> None:
    written = write_university(tmp_path / "own", datetime.now(timezone.utc))
    # SQLite takes no notice of a password; it stands for that of another database.
    url = f"sqlite:///file:{tmp_path}/roster.sqlite?uri=true&password=sesame"
    words = ["--catalog", str(written.catalog), "--roster", url]
    imported = run_command({}, "roster", "import", "e2xhub", str(written.roster), *words)
    assert imported.returncode == 0, imported.stderr
    demo = DemoOfOwnFiles(tmp_path / "campus", words)
    try:
        demo.start()
        assert demo.sign_in("quentin").get("/hub/spawn").status == 200
    finally:
        demo.end_by_force()
    assert "password=hidden" in demo.printed
    assert re.search(r"Databases, (Winter|Summer) [0-9/]+ \(student\)", demo.printed)
    assert "sesame" not in demo.printed
    assert f"export E2XHUB_ROSTER={shlex.quote(url)}\n" in demo.files.environment.read_text()
    assert demo.files.environment.stat().st_mode & 0o777 == 0o600


def test_interrupted_while_it_starts_it_ends_and_leaves_nothing(own_demo: DemoProcess) -> None:
    own_demo.launch()
    while not own_demo.files.environment.exists():
        assert own_demo.process.poll() is None, own_demo.printed
        time.sleep(0.02)
    assert own_demo.end(signal.SIGINT) == 0
    assert wait_until_gone(own_demo.directory) == []


def test_second_demo_in_the_same_directory_is_refused(open_demo: DemoProcess) -> None:
    result = run_command(
        {}, "demo", "--port", str(find_free_ports()), "--directory", str(open_demo.directory)
    )
    assert result.returncode == 1
    assert result.stderr == (
        f"a demo runs in {open_demo.directory} already; "
        "end it, or use another directory with: e2xhub demo --directory DIR --port PORT\n"
    )
    assert open_demo.is_running


def test_two_demos_on_one_machine_do_not_mix_up_their_servers(
    demo: DemoProcess, open_demo: DemoProcess
) -> None:
    rosa = demo.sign_in("rosa")
    assert rosa.call_api("POST", "/hub/api/users/rosa/server").status in (201, 202)
    here = {pod["status"]["podIP"] for pod in demo.cluster.pods()}
    there = {pod["status"]["podIP"] for pod in open_demo.cluster.pods()}
    assert here
    assert there
    assert not here & there


def test_keyboard_interrupt_ends_everything_and_files_are_there_again(
    open_demo: DemoProcess,
) -> None:
    assert find_processes(open_demo.directory)
    assert open_demo.end(signal.SIGINT) == 0
    assert wait_until_gone(open_demo.directory) == []
    open_demo.start()
    assert _start_server(open_demo).get(NOTES).json()["content"] == FOUND


def test_killed_demo_leaves_nothing_and_starts_again(open_demo: DemoProcess) -> None:
    assert open_demo.end(signal.SIGKILL) == -signal.SIGKILL
    assert wait_until_gone(open_demo.directory) == []
    open_demo.start()
    assert _start_server(open_demo).get(NOTES).json()["content"] == FOUND
    assert open_demo.end(signal.SIGTERM) == 0
    assert wait_until_gone(open_demo.directory) == []


def _start_server(demo: DemoProcess) -> HubSession:
    """quentin's browser at his JupyterLab."""
    quentin = demo.sign_in("quentin")
    answer = quentin.call_api("POST", "/hub/api/users/quentin/server")
    assert answer.status in (201, 202), answer
    while not quentin.call_api("GET", "/hub/api/users/quentin").json()["servers"][""]["ready"]:
        time.sleep(0.2)
    page = quentin.get("/user/quentin/lab")
    assert page.status == 200, page
    return quentin
