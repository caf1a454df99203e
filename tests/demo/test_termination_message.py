"""What the demo's node keeps of a container's last words."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2xhub.demo.node.termination import make_message_file, read_message

CONTAINER = {"name": "try"}


@pytest.fixture
def log(tmp_path: Path) -> Path:
    file = tmp_path / "0.log"
    file.write_text("".join(f"line {number}\n" for number in range(1000)), encoding="utf-8")
    return file


def test_container_sees_an_empty_file_where_kubernetes_has_it(tmp_path: Path) -> None:
    mount = make_message_file(tmp_path, CONTAINER)
    assert (mount.target, mount.read_only) == ("/dev/termination-log", False)
    assert Path(mount.source).read_bytes() == b""


def test_container_may_choose_the_place(tmp_path: Path) -> None:
    mount = make_message_file(tmp_path, {**CONTAINER, "terminationMessagePath": "/tmp/last"})
    assert mount.target == "/tmp/last"


def test_earlier_run_of_the_container_is_forgotten(tmp_path: Path, log: Path) -> None:
    Path(make_message_file(tmp_path, CONTAINER).source).write_text("first", encoding="utf-8")
    make_message_file(tmp_path, CONTAINER)
    assert read_message(tmp_path, CONTAINER, exit_code=0, log=log) == ""


def test_end_of_a_long_message_is_kept(tmp_path: Path, log: Path) -> None:
    file = Path(make_message_file(tmp_path, CONTAINER).source)
    file.write_text("x" * 5000 + "end", encoding="utf-8")
    message = read_message(tmp_path, CONTAINER, exit_code=0, log=log)
    assert len(message) == 4096
    assert message.endswith("xend")


@pytest.mark.parametrize(
    ("policy", "exit_code", "says"),
    [
        ("File", 1, ""),
        ("FallbackToLogsOnError", 0, ""),
        ("FallbackToLogsOnError", 1, "line 999\n"),
    ],
)
def test_log_speaks_for_a_container_that_failed_and_asked_for_it(
    tmp_path: Path, log: Path, policy: str, exit_code: int, says: str
) -> None:
    container = {**CONTAINER, "terminationMessagePolicy": policy}
    make_message_file(tmp_path, container)
    message = read_message(tmp_path, container, exit_code=exit_code, log=log)
    assert message.endswith(says)
    assert len(message) <= 2048
    assert len(message.splitlines()) <= 80
    assert bool(message) is bool(says)


def test_container_that_never_ran_says_nothing(tmp_path: Path) -> None:
    missing = tmp_path / "missing.log"
    container = {**CONTAINER, "terminationMessagePolicy": "FallbackToLogsOnError"}
    assert read_message(tmp_path, container, exit_code=1, log=missing) == ""
