"""What observers see of a gradebook: all of it, as it is now; and that they write nothing."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from tests.in_pod.exchange import Exchange


@pytest.fixture(autouse=True)
def temporary_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The pod's own."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    return tmp_path / "tmp"


def observed_url(exchange: Exchange) -> str:
    """The database that nbgrader uses in the server of an observer."""
    return str(exchange.load("observer").CourseDirectory.db_url)


def add_student(url: str, name: str) -> None:
    from nbgrader.api import Gradebook

    with Gradebook(url, "ml-WS26") as gradebook:
        gradebook.add_student(name)


def students_in(url: str) -> list[str]:
    from nbgrader.api import Gradebook

    with Gradebook(url, "ml-WS26") as gradebook:
        return [student.id for student in gradebook.students]


def own_url(exchange: Exchange) -> str:
    return f"sqlite:///{exchange.course}/gradebook.db"


def test_observer_reads_what_graders_have_written(exchange: Exchange) -> None:
    add_student(own_url(exchange), "ben")
    assert students_in(observed_url(exchange)) == ["ben"]


def test_observer_sees_later_changes_without_a_restart(exchange: Exchange) -> None:
    from nbgrader.api import Gradebook

    with Gradebook(observed_url(exchange), "ml-WS26") as kept_open:
        assert kept_open.students == []
        add_student(own_url(exchange), "ben")
        exchange.load("observer")  # as the formgrader does with nearly every page
        assert [student.id for student in kept_open.students] == ["ben"]


def test_what_was_read_before_does_not_hide_what_is_new(exchange: Exchange) -> None:
    from nbgrader.api import Gradebook

    add_student(own_url(exchange), "ben")
    with Gradebook(observed_url(exchange), "ml-WS26") as kept_open:
        read_before = kept_open.find_student("ben")  # in use, as by a page that is being made
        assert read_before.first_name is None
        with Gradebook(own_url(exchange), "ml-WS26") as grading:
            grading.update_or_create_student("ben", first_name="Ben")
        exchange.load("observer")
        assert kept_open.find_student("ben").first_name == "Ben"
        assert read_before.first_name == "Ben"


def test_what_an_observer_saves_is_refused_and_changes_nothing(exchange: Exchange) -> None:
    from nbgrader.api import Gradebook

    with Gradebook(observed_url(exchange), "ml-WS26") as kept_open:
        for _ in range(2):
            with pytest.raises(PermissionError, match="observers change nothing"):
                kept_open.add_student("forged")
            assert kept_open.students == []  # it goes on working
    assert students_in(own_url(exchange)) == []


def test_database_refuses_it_as_well(exchange: Exchange) -> None:
    url = observed_url(exchange)
    with create_engine(url).connect() as connection, pytest.raises(OperationalError, match="read"):
        connection.execute(text("DELETE FROM student"))


def test_observer_needs_no_right_to_write_where_the_gradebook_is(exchange: Exchange) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in exchange.course.iterdir()}
    add_nothing = exchange.load("observer")
    assert str(exchange.course) not in add_nothing.CourseDirectory.db_url
    assert {path.name: path.stat().st_mtime_ns for path in exchange.course.iterdir()} == before


def test_course_in_which_nobody_has_graded_has_an_empty_gradebook(exchange: Exchange) -> None:
    (exchange.course / "gradebook.db").unlink()
    assert students_in(observed_url(exchange)) == []
    assert not (exchange.course / "gradebook.db").exists()


def test_gradebook_that_a_grader_is_writing_leaves_the_last_copy(
    exchange: Exchange, caplog: pytest.LogCaptureFixture
) -> None:
    add_student(own_url(exchange), "ben")
    url = observed_url(exchange)
    file = exchange.course / "gradebook.db"
    os.utime(file, ns=(1, 1))  # it seems to be changed
    with closing(sqlite3.connect(file, isolation_level=None)) as writing:
        writing.execute("BEGIN EXCLUSIVE")
        assert observed_url(exchange) == url
    assert "The gradebook could not be read again: database is locked" in caplog.messages
    assert students_in(url) == ["ben"]


def test_file_that_is_no_gradebook_does_not_keep_the_formgrader_from_opening(
    exchange: Exchange,
) -> None:
    (exchange.course / "gradebook.db").write_bytes(b"no database" * 1000)
    assert students_in(observed_url(exchange)) == []


def test_copy_is_nobody_elses_to_read_or_to_prepare(
    exchange: Exchange, temporary_directory: Path
) -> None:
    prepared = temporary_directory / f"e2xhub-alice-{os.getuid()}"
    prepared.symlink_to(exchange.course)
    url = observed_url(exchange)
    assert prepared.name not in url
    (made,) = (path for path in temporary_directory.iterdir() if path != prepared)
    assert stat.S_IMODE(made.stat().st_mode) == 0o700


@pytest.mark.parametrize("role", ["grader", "instructor"])
def test_those_who_grade_have_the_gradebook_itself(exchange: Exchange, role: str) -> None:
    shutil.rmtree(exchange.course)
    exchange.course.mkdir()
    assert "db_url" not in exchange.load(role).CourseDirectory
