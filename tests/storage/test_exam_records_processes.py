"""Two hubs with one database: what one of them has decided holds for the other one."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from typing import Any

from e2xhub.domain.exam_records import RecordsView
from e2xhub.domain.passwords import OneTimePassword
from e2xhub.domain.throttle import FREE_ATTEMPTS
from e2xhub.storage.exam_records import ExamRecords
from tests.storage.exams import PZ1, issue

PROCESSES, THREADS = 2, 25
_TRY = """
import json, sys
from e2xhub.domain.passwords import OneTimePassword, Peppers
from e2xhub.storage.exam_records import open_exam_records
from tests.storage.exams import at_once, make_attempt, try_quickly

order = json.loads(sys.stdin.readline())
records = open_exam_records(order["url"], Peppers.parse(order["pepper"]))
password = OneTimePassword.parse(order["code"])
calls = [
    lambda address=address: try_quickly(records, make_attempt(password, address=address))
    for address in order["addresses"]
]
print("ready", flush=True)
sys.stdin.read()
print(json.dumps(at_once(calls)))
"""


def try_in_processes(
    records: ExamRecords, url: str, password: OneTimePassword, addresses: list[list[str]]
) -> Counter[str]:
    """What became of the attempts of processes that began at the same moment."""
    common = {"url": url, "pepper": records.peppers.current.text, "code": password.reveal()}
    processes = [_start({**common, "addresses": of_one}) for of_one in addresses]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", process.communicate()[1]
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None
    results: Counter[str] = Counter()
    for process in processes:
        output, errors = process.communicate()
        assert (process.returncode, errors) == (0, "")
        results.update(json.loads(output))
    return results


def _start(order: dict[str, Any]) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", _TRY],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(order) + "\n")
    process.stdin.flush()
    return process


def test_code_opens_once_for_fifty_in_two_processes(
    records: ExamRecords, database_url: str
) -> None:
    password = issue(records)
    addresses = [[f"10.1.{one}.{it}" for it in range(THREADS)] for one in range(PROCESSES)]
    results = try_in_processes(records, database_url, password, addresses)
    assert (results[PZ1], results.total()) == (1, PROCESSES * THREADS)
    view = records.load_view(RecordsView())
    assert len(view.sessions) == 1
    assert [entry.event.action.value for entry in records.entries()] == ["code issued", "signed in"]
    assert records.find_audit_fault() is None


def test_guesses_in_two_processes_are_no_more_than_the_free_ones(
    records: ExamRecords, database_url: str
) -> None:
    issue(records)
    addresses = [["10.1.0.5"] * THREADS] * PROCESSES
    results = try_in_processes(records, database_url, OneTimePassword("0" * 10), addresses)
    assert results == {
        "typed a wrong code": FREE_ATTEMPTS,
        "tried too often and has to wait": PROCESSES * THREADS - FREE_ATTEMPTS,
    }
