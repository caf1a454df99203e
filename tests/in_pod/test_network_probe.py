"""The probe as it runs in a pod: a text for `python3 -I -c`, on real sockets of this machine."""

from __future__ import annotations

import ast
import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from e2xhub.in_pod import network_probe, read_module

TEXT = read_module("network_probe.py")
HOME = "127.0.0.1"


def start(
    task: dict[str, Any], *, message: Path | None = None, **environment: str
) -> subprocess.Popen[str]:
    """The probe with a task, as a container starts it; `message` is the file of the node."""
    text = TEXT.replace("/dev/termination-log", str(message or os.devnull))
    return subprocess.Popen(
        [sys.executable, "-I", "-c", text, json.dumps(task)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )


def run_trial(
    targets: list[list[Any]], *, patience: float = 0, **environment: str
) -> dict[str, Any]:
    task = {"do": "try", "seconds": 0.5, "patience": patience, "targets": targets}
    process = start(task, **environment)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    found: dict[str, Any] = json.loads(output)
    return found


@pytest.fixture
def listener() -> Iterator[int]:
    """A port at which somebody listens."""
    with socket.create_server((HOME, 0)) as opened:
        yield opened.getsockname()[1]


@pytest.fixture
def nobody() -> int:
    """A port at which nobody listens."""
    with socket.create_server((HOME, 0)) as opened:
        port: int = opened.getsockname()[1]
    return port


@contextmanager
def datagrams(*, answers: bool) -> Iterator[int]:
    """A UDP port that answers every question with its first bytes, or never."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.bind((HOME, 0))
        opened.settimeout(20)

        def answer() -> None:
            question, address = opened.recvfrom(512)
            opened.sendto(question[:2], address)

        thread = threading.Thread(target=answer, daemon=True)
        if answers:
            thread.start()
        yield opened.getsockname()[1]
        if answers:
            thread.join()


@pytest.fixture
def full_house() -> Iterator[int]:
    """A port whose queue is full, so that nobody gets an answer any more."""
    with socket.socket() as opened, socket.socket() as first, socket.socket() as second:
        opened.bind((HOME, 0))
        opened.listen(0)
        for guest in (first, second):
            guest.setblocking(False)
            guest.connect_ex(opened.getsockname())
        yield opened.getsockname()[1]


def test_text_is_python_3_8_and_needs_the_standard_library_alone() -> None:
    tree = ast.parse(TEXT, feature_version=(3, 8))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported <= set(sys.stdlib_module_names)


def test_connection_is_reached_and_a_port_without_listener_refused(
    listener: int, nobody: int
) -> None:
    targets = [["tcp", HOME, listener, "open"], ["tcp", HOME, nobody, "closed"]]
    assert run_trial(targets)["outcomes"] == "or"


def test_silence_is_waited_for_and_told(full_house: int) -> None:
    began = time.monotonic()
    assert run_trial([["tcp", HOME, full_house, "open"]])["outcomes"] == "s"
    assert time.monotonic() - began >= 0.5


def test_question_counts_as_reached_with_an_answer_only() -> None:
    with datagrams(answers=True) as one, datagrams(answers=False) as other:
        targets = [["dns", HOME, one, "open"], ["dns", HOME, other, "open"]]
        assert run_trial(targets)["outcomes"] == "os"


def test_question_to_a_port_without_listener_is_refused(nobody: int) -> None:
    assert run_trial([["dns", HOME, nobody, "closed"]])["outcomes"] == "r"


def test_address_without_route_is_no_way_and_no_fault_of_the_probe() -> None:
    # Nothing can be sent to a group of hosts by a connection.
    assert run_trial([["tcp", "255.255.255.255", 80, "closed"]])["outcomes"] == "u"


def test_name_is_looked_up_by_the_pods_own_resolver() -> None:
    assert run_trial([["name", "localhost", 0, "open"]])["outcomes"] == "o"


def test_name_of_nobody_is_not_silence() -> None:
    async def find() -> str:
        return await network_probe.try_target(["name", "no name at all", 0], 5)

    assert asyncio.run(find()) == network_probe.NO_NAME


def test_host_that_the_environment_names_is_tried(listener: int) -> None:
    targets = [["tcp", "@NODE", listener, "open"], ["tcp", "@MISSING", listener, "open"]]
    assert run_trial(targets, NODE=f"{HOME},::1")["outcomes"] == "o-"


def test_hub_that_comes_late_is_waited_for(nobody: int) -> None:
    task = {
        "do": "try",
        "seconds": 0.5,
        "patience": 20,
        "targets": [["tcp", HOME, nobody, "first"]],
    }
    process = start(task)
    time.sleep(1.0)
    with socket.create_server((HOME, nobody)):
        answer = json.loads(process.communicate(timeout=60)[0])
    assert answer["outcomes"] == "o"
    assert answer["up"] >= 0.2


def test_hub_that_never_comes_is_told(nobody: int) -> None:
    answer = run_trial([["tcp", HOME, nobody, "first"]], patience=0.5)
    assert (answer["outcomes"], answer["up"]) == ("r", None)


def test_what_is_closed_after_a_while_is_told_with_its_time() -> None:
    server = socket.create_server((HOME, 0))
    port = server.getsockname()[1]
    task = {
        "do": "try",
        "seconds": 0.5,
        "patience": 20,
        "targets": [["tcp", HOME, port, "closed"]],
    }
    process = start(task)
    server.accept()[0].close()  # it has been seen open
    server.close()
    answer = json.loads(process.communicate(timeout=60)[0])
    assert answer["outcomes"] == "r"
    assert answer["late"]["0"] >= 0


def test_many_that_are_closed_late_still_fit_into_the_message() -> None:
    async def run() -> dict[str, Any]:
        trial = network_probe.Trial({"targets": [], "seconds": 1, "patience": 1})
        trial.closed_after = {index: index / 10 for index in range(1000)}
        return await trial.run()

    answer = asyncio.run(run())
    assert len(json.dumps(answer)) < 3000
    assert max(answer["late"].values()) == 99.9, "the last one counts"


def test_what_stays_open_is_told_as_open(listener: int) -> None:
    answer = run_trial([["tcp", HOME, listener, "closed"]], patience=0.5)
    assert (answer["outcomes"], answer["late"]) == ("o", {})


def test_what_opens_again_was_never_closed(nobody: int) -> None:
    """It is tried once more a second after everything was closed."""
    task = {
        "do": "try",
        "seconds": 0.5,
        "patience": 5,
        "targets": [["tcp", HOME, nobody, "closed"]],
    }
    process = start(task)
    time.sleep(network_probe.AGAIN_SECONDS / 2)
    with socket.create_server((HOME, nobody)):
        answer = json.loads(process.communicate(timeout=60)[0])
    assert (answer["outcomes"], answer["late"]) == ("o", {})


def test_answer_is_in_the_termination_message_and_in_the_log(tmp_path: Path, nobody: int) -> None:
    message = tmp_path / "message"
    targets = [["tcp", HOME, nobody, "closed"]] * 1000
    task = {"do": "try", "seconds": 5, "patience": 0, "targets": targets}
    process = start(task, message=message)
    output, _ = process.communicate(timeout=120)
    text = message.read_text(encoding="ascii")
    assert json.loads(text) == json.loads(output)
    assert json.loads(text)["outcomes"] == "r" * 1000
    assert len(text) <= 4096, "what a kubelet keeps"


def test_look_tells_name_servers_the_api_server_and_addresses() -> None:
    task = {"do": "look", "names": ["10.1.2.3", "localhost"]}
    process = start(task, KUBERNETES_SERVICE_HOST="10.96.0.1", KUBERNETES_SERVICE_PORT="6443")
    answer = json.loads(process.communicate(timeout=60)[0])
    assert answer["api_server"] == ["10.96.0.1", 6443]
    assert answer["addresses"]["10.1.2.3"] == "10.1.2.3"
    assert answer["addresses"]["localhost"] in ("127.0.0.1", "::1")
    assert all(isinstance(address, str) for address in answer["name_servers"])


def test_look_outside_of_a_cluster_knows_no_api_server() -> None:
    process = start({"do": "look", "names": []})
    answer = json.loads(process.communicate(timeout=60)[0])
    assert (answer["api_server"], answer["addresses"]) == (None, {})


def test_listener_accepts_at_each_of_the_pods_addresses_until_it_is_ended(nobody: int) -> None:
    task = {"do": "listen", "port": nobody}
    process = start(task, E2XHUB_POD_ADDRESSES="127.0.0.1,127.0.0.2")
    try:
        for address in ("127.0.0.1", "127.0.0.2"):
            gate = ["tcp", address, nobody, "first"]
            assert run_trial([gate], patience=20)["outcomes"] == "o"
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.communicate()
