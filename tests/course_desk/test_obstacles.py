"""What keeps a hub from changing members is found before somebody tries, and told on the pages."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from traitlets.log import get_logger

from e2xhub.course_desk.obstacles import Obstacles
from e2xhub.course_desk.refusals import DeskUnavailableError, NotAllowedError
from e2xhub.domain.course_staff import ReadOnlyReason
from e2xhub.domain.passwords import Pepper, Peppers
from e2xhub.storage.members_log import MembersLog
from e2xhub.storage.roster.database_store import RosterDatabase
from tests.course_desk.school import MATHS, PEPPERS, School, run

ADDED = [("emma", "student")]


@pytest.fixture
def warnings(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.WARNING, logger=get_logger().name)
    get_logger().propagate = True
    return caplog


def obstacles_of(school: School, peppers: Peppers = PEPPERS) -> Obstacles:
    return Obstacles(school.live, MembersLog(school.database_url, peppers))


def lock_of(school: School) -> Path:
    return Path(school.location).with_name(".roster.csv.lock")


def reason_of(school: School) -> ReadOnlyReason | None:
    return run(school.desk.management("ivo", (), *MATHS)).read_only_reason


def test_nothing_is_in_the_way_of_a_roster_that_can_be_written(
    any_school: School, warnings: pytest.LogCaptureFixture
) -> None:
    before = any_school.live.roster_store.fingerprint()
    found = obstacles_of(any_school)
    found.look()
    assert found.reason is None
    assert any_school.live.roster_store.fingerprint() == before
    assert warnings.text == ""


def test_roster_that_cannot_be_written_is_told_once_until_it_can(
    school: School, warnings: pytest.LogCaptureFixture
) -> None:
    found = obstacles_of(school)
    lock_of(school).mkdir()
    found.look()
    found.look()
    assert found.reason is ReadOnlyReason.ROSTER_UNWRITABLE
    (told,) = [record.getMessage() for record in warnings.records]
    assert f"the roster at {school.location} cannot be changed: Is a directory" in told
    assert "mount the roster without readOnly" in told
    lock_of(school).rmdir()
    found.look()
    assert found.reason is None


def test_log_under_the_pepper_of_another_hub_is_told(
    school: School, warnings: pytest.LogCaptureFixture
) -> None:
    school.change("ivo", add=ADDED)
    found = obstacles_of(school, Peppers(Pepper(b"o" * 32)))
    found.look()
    assert found.reason is ReadOnlyReason.OTHER_PEPPER
    (told,) = [record.getMessage() for record in warnings.records]
    assert told.startswith("The hub's pages of courses are read-only: the last entry of the audit")


def test_log_that_does_not_answer_is_no_obstacle_that_lasts(
    school: School, warnings: pytest.LogCaptureFixture
) -> None:
    school.database_url = "sqlite:////no/such/directory/x"
    found = obstacles_of(school)
    found.look()
    assert found.reason is None
    assert warnings.text == ""


def test_roster_that_is_busy_is_no_obstacle_that_lasts(
    school: School, warnings: pytest.LogCaptureFixture
) -> None:
    """A database that is away, or a long import: each change finds out by itself."""
    found = obstacles_of(school)
    found._live = SimpleNamespace(  # a registry of it would not have been opened
        roster_store=RosterDatabase("postgresql+psycopg://hub@127.0.0.1:1/e2x")
    )
    found.look()
    assert found.reason is None
    assert warnings.text == ""


def wait_until_closed(school: School) -> ReadOnlyReason | None:
    deadline = time.monotonic() + 30
    while reason_of(school) is None and time.monotonic() < deadline:
        time.sleep(0.02)
    return reason_of(school)


def test_hub_that_cannot_write_its_roster_is_read_only_from_its_start(school: School) -> None:
    """An instructor reads why, instead of finding out; and nothing is noted of a vain attempt."""
    lock_of(school).mkdir()
    school.desk.watch()
    assert wait_until_closed(school) is ReadOnlyReason.ROSTER_UNWRITABLE
    with pytest.raises(NotAllowedError):
        school.change("ivo", add=ADDED)
    assert not (school.directory / "log.sqlite").exists()


def test_hub_whose_changes_are_off_tries_nothing(
    school: School, warnings: pytest.LogCaptureFixture
) -> None:
    lock_of(school).mkdir()
    school.closed = ReadOnlyReason.CHANGES_OFF
    school.open_desk(school.store)
    school.desk.watch()
    time.sleep(0.2)
    assert reason_of(school) is ReadOnlyReason.CHANGES_OFF
    assert warnings.text == ""


def test_roster_that_becomes_read_only_closes_the_pages_after_the_first_attempt(
    school: School,
) -> None:
    lock_of(school).mkdir()
    with pytest.raises(DeskUnavailableError):
        school.change("ivo", add=ADDED)
    with pytest.raises(NotAllowedError) as refused:
        school.change("ivo", add=ADDED)
    assert refused.value.reason is ReadOnlyReason.ROSTER_UNWRITABLE
    assert [action for _, action, _ in school.log()] == ["members change", "members not changed"]


def test_pepper_that_another_hub_begins_to_use_closes_the_pages(school: School) -> None:
    """The exam hub's, which was changed and this hub's was not."""
    school.change("ivo", add=ADDED)
    other = Peppers(Pepper(b"o" * 32), (PEPPERS.current,))
    elsewhere = MembersLog(school.database_url, other)
    with school.records() as records:
        (entry,) = records.entries()
    elsewhere.note([entry.event], entry.at)
    with pytest.raises(DeskUnavailableError):
        school.change("ivo", remove=ADDED)
    assert reason_of(school) is ReadOnlyReason.OTHER_PEPPER
    assert ("emma", "student") in school.people()
