"""A database that knows nobody who sat an exam is doubted, once."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from e2xhub.domain.offers import ServedPart
from e2xhub.domain.roles import HubKind
from e2xhub.storage.attendance_doubts import AttendanceDoubts
from e2xhub.storage.exam_records import ExamRecords
from e2xhub.storage.live_attendance import LiveAttendance, open_attendance
from e2xhub.storage.live_registry import LiveRegistry
from e2xhub.storage.roster.csv_store import RosterFiles
from tests.storage.exams import BEN, PZ1, issue

END = datetime(2027, 2, 15, 9, 30, tzinfo=timezone.utc)  # of ml-pz1
LATE = END + timedelta(days=365)
ASKS = "is this the exam hub's database? Who sat them is known from the roster alone"


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """One of the two kinds is enough here."""
    return f"sqlite:///{tmp_path}/e2xhub.sqlite"


@pytest.fixture
def roster(tmp_path: Path) -> Path:
    """Two examinees of ml-pz1, and none of ml-pz2."""
    directory = tmp_path / "roster"
    directory.mkdir()
    write(directory, "alice,ml-pz1,student", "ben,ml-pz1,student", "gina,ml-pz2,grader")
    return directory


def write(directory: Path, *rows: str) -> None:
    (directory / "exams.csv").write_text("\n".join(["username,exam,role", *rows, ""]))


@pytest.fixture
def registry(catalog_file: Path, roster: Path) -> LiveRegistry:
    return registry_of(catalog_file, roster)


def registry_of(catalog: Path, roster: Path, *terms: str) -> LiveRegistry:
    return LiveRegistry(
        catalog=catalog,
        roster=RosterFiles(roster),
        hub=HubKind.GRADING,
        most_loss=1.0,
        served=ServedPart(terms=frozenset(terms)),
        checks=(),
    )


@pytest.fixture
def attendance(records: ExamRecords) -> LiveAttendance:
    return LiveAttendance(records.engine)


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [it.getMessage() for it in caplog.records if it.levelname == "WARNING"]


def test_ended_exam_with_examinees_and_without_codes_is_told_once(
    registry: LiveRegistry, attendance: LiveAttendance, caplog: pytest.LogCaptureFixture
) -> None:
    doubts = AttendanceDoubts(registry, attendance)
    doubts.look(END - timedelta(seconds=1))
    assert said(caplog) == []
    for _ in range(2):
        doubts.look(END)
    assert said(caplog) == [
        "Exams that are over have examinees on the roster, and no code was ever issued for them "
        f"in {attendance.place}: ml-pz1; {ASKS}"
    ]


def test_exam_for_which_one_code_was_issued_is_not_told(
    registry: LiveRegistry,
    records: ExamRecords,
    attendance: LiveAttendance,
    caplog: pytest.LogCaptureFixture,
) -> None:
    issue(records, PZ1, BEN)
    attendance.look()
    AttendanceDoubts(registry, attendance).look(LATE)
    assert said(caplog) == []


def test_exam_gets_its_examinees_late(
    registry: LiveRegistry,
    roster: Path,
    attendance: LiveAttendance,
    caplog: pytest.LogCaptureFixture,
) -> None:
    doubts = AttendanceDoubts(registry, attendance)
    doubts.look(LATE)
    write(roster, "alice,ml-pz1,student", "zoe,ml-pz2,student")
    for _ in range(2):
        registry.look()
    doubts.look(LATE)
    first, second = said(caplog)
    assert first.endswith(f": ml-pz1; {ASKS}")
    assert second.endswith(f": ml-pz2; {ASKS}")


def test_exams_of_other_hubs_are_theirs_to_tell(
    catalog_file: Path, roster: Path, attendance: LiveAttendance, caplog: pytest.LogCaptureFixture
) -> None:
    AttendanceDoubts(registry_of(catalog_file, roster, "SS27"), attendance).look(LATE)
    assert said(caplog) == []


def test_database_that_cannot_be_read_is_not_doubted(
    registry: LiveRegistry, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    attendance = open_attendance(f"sqlite:///{tmp_path}/nothing.sqlite")
    AttendanceDoubts(registry, attendance).look(LATE)
    assert said(caplog) == []
