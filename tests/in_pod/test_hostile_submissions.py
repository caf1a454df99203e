"""Whatever one student writes, graders list and collect what the others submitted."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from traitlets.config.loader import Config

from tests.in_pod.exchange import ASSIGNMENT, MOMENT, Exchange
from tests.in_pod.graders import GRADER_UID, Graders

Said = Callable[[], list[str]]
NO_TIME = "no submission of a possible time; expected one such as '2026-11-20 10:00:00.000000 UTC'"


def names(listed: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Students and assignments of what was listed."""
    return [(group["student_id"], group["assignment_id"]) for group in listed]


@pytest.mark.parametrize("mode", [0o700, 0o744, 0o300, 0o000], ids=oct)
@pytest.mark.parametrize("depth", ["inbound", "submission"])
def test_directory_closed_to_graders_keeps_no_other_student_back(
    exchange_of_users: Callable[[], Exchange], graders: Graders, mode: int, depth: str
) -> None:
    exchange = exchange_of_users()
    (exchange.submission("alice") / "own.ipynb").write_text("{}")
    closed = exchange.submission("ben")
    (closed / "exercise.txt").write_text("text")
    exchange_of_users()
    (closed.parent if depth == "inbound" else closed).chmod(mode)

    done = graders.do(exchange, "list", "collect")
    assert done.collected == ["own.ipynb"]
    assert ("alice", ASSIGNMENT) in done.listed
    assert any("ben" in message and "Permission denied" in message for message in done.said)


def test_closed_inbound_is_named_with_what_was_expected(
    exchange_of_users: Callable[[], Exchange], graders: Graders
) -> None:
    exchange = exchange_of_users()
    (exchange.at / "personalized-inbound" / "ben").chmod(0o700)

    assert graders.do(exchange, "list").said == [
        "Left out all submissions of 'ben': Permission denied; "
        "expected a directory that graders can read"
    ]


def _pipe(at: Path) -> None:
    os.mkfifo(at / "a.ipynb")


def _secret_of_no_text(at: Path) -> None:
    (at / "exercise.ipynb").write_text("{}")
    (at / "submission_secret.txt").write_bytes(b"\xff\xfe")


def _closed_secret(at: Path) -> None:
    (at / "exercise.ipynb").write_text("{}")
    (at / "submission_secret.txt").write_text("secret")
    (at / "submission_secret.txt").chmod(0o600)


def _closed_notebook(at: Path) -> None:
    (at / "exercise.ipynb").write_text("{}")
    (at / "exercise.ipynb").chmod(0o600)


def _endless_notebook(at: Path) -> None:
    (at / "a.ipynb").symlink_to("/dev/zero")


@pytest.mark.parametrize(
    "write", [_pipe, _secret_of_no_text, _closed_secret, _closed_notebook, _endless_notebook]
)
def test_list_opens_nothing_of_a_submission(
    exchange_of_users: Callable[[], Exchange], graders: Graders, write: Callable[[Path], None]
) -> None:
    exchange = exchange_of_users()
    exchange.submission("alice")
    write(exchange.submission("ben"))
    exchange_of_users()
    listed = graders.do(exchange, "list").listed
    assert listed == [("alice", ASSIGNMENT), ("ben", ASSIGNMENT)]


def test_list_groups_submissions_as_nbgrader_does(
    exchange: Exchange, caplog: pytest.LogCaptureFixture
) -> None:
    later = "2025-11-21 10:00:00.000000 UTC"
    for moment in (later, MOMENT):
        exchange.submission("ben", moment=moment)
    caplog.set_level("INFO")
    [group] = exchange.listed(assignment="")
    assert {key: group[key] for key in ("course_id", "student_id", "assignment_id", "status")} == {
        "course_id": "ml-WS26",
        "student_id": "ben",
        "assignment_id": ASSIGNMENT,
        "status": "submitted",
    }
    assert [info["timestamp"] for info in group["submissions"]] == [MOMENT, later]
    assert [r.getMessage() for r in caplog.records if r.name == "traitlets"][-3:] == [
        "Submitted assignments:",
        f"ml-WS26 ben ps1 {MOMENT}",
        f"ml-WS26 ben ps1 {later}",
    ]


def test_submission_that_cannot_be_removed_keeps_no_other_from_it(
    exchange_of_users: Callable[[], Exchange], graders: Graders
) -> None:
    exchange = exchange_of_users()
    students = [exchange.submission(student) for student in ("ben", "alice")]
    exchange_of_users()
    own = students[0].parent
    os.chown(own, GRADER_UID, GRADER_UID)

    messages = graders.do(exchange, "remove").said
    assert [path.exists() for path in students] == [False, True]
    assert messages == [f"Not removed: {str(students[1])!r}: Permission denied"]


@pytest.mark.parametrize(
    "name",
    [
        "nbgrader_config.py",
        "nbgrader_config.json",
        "NBGrader_Config.py",
        "jupyter_config.py",
        "jupyter_nbconvert_config.json",
        "jupyter_server_config.d",
        "jupyterhub_config.py",
        "ipython_config.py",
        "ipython_kernel_config.py",
    ],
)
def test_configuration_of_the_graders_programs_is_left_out(
    exchange: Exchange, said: Said, name: str
) -> None:
    submission = exchange.submission()
    for at in (submission, submission / "data"):
        at.mkdir(exist_ok=True)
        (at / name).write_text("raise SystemExit")
    exchange.collect()
    copied = exchange.course / "submitted" / "ben" / ASSIGNMENT
    assert sorted(path.name for path in copied.rglob("*")) == ["data", "timestamp.txt"]
    assert said() == [
        f"Left out {path!r} of {str(submission)!r}: it is a configuration file"
        for path in sorted((name, f"data/{name}"))
    ]


@pytest.mark.parametrize(
    "name", ["config.py", "my_config.py", "jupyter_config.ipynb", "jupyter.py", "nbgrader.json"]
)
def test_files_with_similar_names_are_collected(exchange: Exchange, name: str) -> None:
    (exchange.submission() / name).write_text("")
    exchange.collect()
    assert (exchange.course / "submitted" / "ben" / ASSIGNMENT / name).exists()


def _written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f UTC")


@pytest.mark.parametrize(
    "moment",
    [
        "9999-12-31 23:59:59.999999 UTC",
        "0001-01-01 00:00:00.000000 UTC",
        "1999-12-31 23:59:59.999999 UTC",
        pytest.param(
            _written(datetime.now(timezone.utc) + timedelta(days=1, hours=1)), id="in 25 hours"
        ),
        "2025-11-20 10:00:00.000000 CET",
        "2025-11-20 10:00:00.000000 99999999999999",
        "2025-11-20 10:00:00.000000",
        "2025-11-20T10:00:00.000000 UTC",
        "2025-11-20  10:00:00.000000 UTC",
        "2025-11-20 10:00:00.0 UTC",
        "\uff12\uff10\uff12\uff15-11-20 10:00:00.000000 UTC",
        "2025-11-20 10:00:60.000000 UTC",
        "tomorrow",
    ],
)
def test_submission_of_a_time_that_nbgrader_cannot_have_written_is_left_out(
    exchange: Exchange, said: Said, moment: str
) -> None:
    (exchange.submission("ben") / "own.ipynb").write_text("{}")
    name = exchange.submission("ben", moment=moment).name
    exchange.collect()
    assert (exchange.course / "submitted" / "ben" / ASSIGNMENT / "own.ipynb").exists()
    assert said() == [f"Left out {name!r} of 'ben': {NO_TIME}"]


@pytest.mark.parametrize(
    "moment",
    [
        "2000-01-01 00:00:00.000000 UTC",
        pytest.param(_written(datetime.now(timezone.utc) + timedelta(hours=23)), id="in 23 hours"),
    ],
)
def test_clock_of_a_student_may_differ_by_a_day(exchange: Exchange, moment: str) -> None:
    exchange.submission("ben", moment=moment)
    written = exchange.collect() / "ben" / ASSIGNMENT / "timestamp.txt"
    assert written.read_text() == moment


def test_students_submit_in_the_time_that_graders_accept_whatever_an_image_sets(
    exchange: Exchange,
) -> None:
    home = exchange.root.parent / "home"
    (home / ASSIGNMENT).mkdir(parents=True)
    (home / ASSIGNMENT / "exercise.ipynb").write_text("{}")
    (exchange.at / "outbound" / ASSIGNMENT).mkdir()
    (exchange.at / "inbound").symlink_to("personalized-inbound/ben")
    config = Config(Exchange=Config(timezone="Europe/Berlin", timestamp_format="%Y-%m-%d %H:%M %Z"))
    config.merge(exchange.load("student", E2XHUB_USERNAME="ben"))
    config.Exchange.update(assignment_dir=str(home), cache=str(home / "cache"))
    exchange.step("submit", config).start()
    exchange.collect()
    assert (exchange.course / "submitted" / "ben" / ASSIGNMENT / "exercise.ipynb").exists()


@pytest.mark.parametrize("text", ["\nalice", "\x1b[2K\ralice", "\u202ealice", "\udc80"])
def test_name_that_forges_lines_is_no_submission(exchange: Exchange, text: str) -> None:
    exchange.submission("alice")
    exchange.submission("ben", name=f"ben{text}")
    assert names(exchange.listed()) == [("alice", ASSIGNMENT)]
    exchange.collect()
    assert not (exchange.course / "submitted" / "ben").exists()


def test_list_leaves_out_what_collect_does(exchange: Exchange, said: Said) -> None:
    own = exchange.submission("alice")
    inbound = exchange.at / "personalized-inbound" / "ben"
    (inbound / f"ben+{ASSIGNMENT}+{MOMENT}").symlink_to(own)
    (inbound / f"ben+{ASSIGNMENT}+{MOMENT}+file").write_text("")
    exchange.submission("ben", moment="9999-12-31 23:59:59.999999 UTC")
    assert names(exchange.listed()) == [("alice", ASSIGNMENT)]
    assert len(said()) == 3


# nbgrader itself leaves a file open.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_student_lists_their_own_submissions_as_nbgrader_does(exchange: Exchange) -> None:
    submission = exchange.submission("alice")
    (submission / "exercise.ipynb").write_text("{}")
    (exchange.at / "inbound").symlink_to("personalized-inbound/alice")
    [group] = exchange.listed(role="student")
    [info] = group["submissions"]
    assert [notebook["notebook_id"] for notebook in info["notebooks"]] == ["exercise"]
