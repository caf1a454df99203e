"""The search finds what is logged, so that a run without a finding says something."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2xhub.domain.passwords import OneTimePassword
from tests.log_search import LogSearch

CODE = OneTimePassword.make()
PEPPER = "0123456789abcdef" * 4


@pytest.fixture
def directory() -> Iterator[Path]:
    """Not below pytest's own directory, where this run's search would find it."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@pytest.fixture
def search() -> LogSearch:
    found = LogSearch()
    found.keep_code(CODE)
    found.keep_secret("a-session-id-of-a-browser")
    return found


def leaks(search: LogSearch, directory: Path) -> list[str]:
    return [str(leak).removeprefix(f"{directory}/") for leak in search.find_leaks(directory)]


@pytest.mark.parametrize(
    "text",
    [
        CODE.reveal(),
        CODE.code,
        CODE.reveal().lower(),
        CODE.code.lower(),
        f"https://hub/login?password={CODE.code}&next=",
        "a-session-id-of-a-browser",
        PEPPER,
    ],
    ids=range(7),
)
@pytest.mark.parametrize("name", ["hub.log", "campus.output", "pods/x/0.log"])
def test_known_secret_in_a_log_is_found_with_its_line(
    search: LogSearch, directory: Path, name: str, text: str
) -> None:
    (directory / "pepper").write_text(f"{PEPPER}\n")
    file = directory / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"fine\nhello {text} there\n")
    found = leaks(search, directory)
    assert f"{name}:2: a secret that a test knows" in found


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("typed 7ZKQ2-0M4XV, refused", "what has the form of a code"),
        ("typed 7ZKQ20M4XV, refused", "what has the form of a code without its hyphen"),
        (f"secret {'JBSWY3DP' * 4}", "what has the form of a second factor's secret"),
    ],
)
def test_secret_that_nobody_knows_is_found_by_its_form(
    directory: Path, text: str, what: str
) -> None:
    (directory / "hub.log").write_text(text)
    assert leaks(LogSearch(), directory) == [f"hub.log:1: {what}"]


@pytest.mark.parametrize(
    "text",
    [
        "expected a code such as ABCDE-FGHJK",
        "2027-02-15 08:00:00 200 GET /hub/login (alice@10.1.0.5) 12.34ms",
        "pod jupyter-alice---3f2504e0-4f89-11d3-9a0c-0305e82c3301 12345-67890",
        "sha256:9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08",
        "anchor 812-9F86D081884C7D65",
    ],
)
def test_what_logs_are_full_of_is_no_secret(directory: Path, text: str) -> None:
    (directory / "hub.log").write_text(text)
    assert leaks(LogSearch(), directory) == []


def test_code_in_the_log_of_a_pod_is_found(search: LogSearch, directory: Path) -> None:
    file = directory / "campus/cluster/logs/default_jupyter-alice/notebook/0.log"
    file.parent.mkdir(parents=True)
    file.write_text("cookie for a-session-id-of-a-browser\ntyped " + CODE.code.lower())
    (found,) = leaks(search, directory)
    assert found.endswith("0.log:2: a secret that a test knows")


def test_code_in_a_database_is_found(search: LogSearch, directory: Path) -> None:
    database = sqlite3.connect(directory / "e2xhub.sqlite")
    with database:
        database.execute("CREATE TABLE t (text TEXT)")
        database.execute("INSERT INTO t VALUES (?)", [f"typed {CODE.code}"])
    database.close()
    (found,) = leaks(search, directory)
    assert found.endswith("a secret that a test knows")
    assert found.startswith("e2xhub.sqlite:")


def test_what_programs_write_is_searched(search: LogSearch, directory: Path) -> None:
    search.note_written("e2xhub password", f"error: {CODE.reveal()}")
    assert "e2xhub password:1: a secret that a test knows" in leaks(search, directory)


def test_codes_that_a_command_prints_are_known(directory: Path) -> None:
    search = LogSearch()
    search.keep_codes_in(f"│ alice │ {CODE.reveal()} │\n")
    (directory / "hub.log").write_text(CODE.code.lower())
    assert leaks(search, directory) == ["hub.log:1: a secret that a test knows"]


_LEAKING_TESTS = """
import logging
from tests.conftest import no_secret_is_logged

def test_logs_a_code():
    try:
        raise ValueError("typed 7ZKQ2-0M4XV")
    except ValueError:
        logging.getLogger("hub").exception("it failed")

def test_logs_nothing():
    pass
"""


@pytest.mark.parametrize(("chosen", "status"), [("logs_a_code", 1), ("logs_nothing", 0)])
def test_run_of_tests_that_log_a_code_fails(directory: Path, chosen: str, status: int) -> None:
    (directory / "test_it.py").write_text(_LEAKING_TESTS)
    root = Path(__file__).parents[1]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", chosen]
    done = subprocess.run(
        [*command, "--basetemp", directory / "base", "-c", os.devnull, directory / "test_it.py"],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stdout
    assert ("in-process.log:5: what has the form of a code" in done.stdout) is bool(status)
