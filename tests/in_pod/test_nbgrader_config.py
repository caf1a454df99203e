"""What a grader collects and releases, whatever students write into their directories."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.in_pod.exchange import MOMENT, Exchange

Said = Callable[[], list[str]]


def collected(submitted: Path) -> dict[str, list[str]]:
    """Names of the files by student."""
    return {
        student.name: sorted(
            str(path.relative_to(student / "ps1"))
            for path in (student / "ps1").rglob("*")
            if path.is_file()
        )
        for student in submitted.iterdir()
    }


def test_directory_says_who_submitted_and_not_the_name(exchange: Exchange) -> None:
    (exchange.submission("ben", name="alice") / "forged.ipynb").write_text("{}")
    (exchange.submission("alice") / "own.ipynb").write_text("{}")
    assert collected(exchange.collect()) == {
        "alice": ["own.ipynb", "timestamp.txt"],
        "ben": ["forged.ipynb", "timestamp.txt"],
    }


def test_last_submission_is_collected(exchange: Exchange) -> None:
    for day in ("19", "18"):
        submission = exchange.submission(moment=f"2025-11-{day} 10:00:00.000000 UTC")
        (submission / f"{day}.ipynb").write_text("{}")
    assert collected(exchange.collect()) == {"ben": ["19.ipynb", "timestamp.txt"]}


def test_link_is_left_out_and_the_rest_collected(
    exchange: Exchange, said: Said, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "gradebook.db").write_text("grades")
    submission = exchange.submission()
    (submission / "file").symlink_to(secret / "gradebook.db")
    (submission / "directory").symlink_to(secret)
    (submission / "exercise.ipynb").write_text("{}")
    assert collected(exchange.collect()) == {"ben": ["exercise.ipynb", "timestamp.txt"]}
    assert said() == [
        f"Left out 'directory' of {str(submission)!r}: it is a link",
        f"Left out 'file' of {str(submission)!r}: it is a link",
    ]


def test_submission_that_is_a_link_is_left_out(exchange: Exchange, said: Said) -> None:
    own = exchange.submission("alice")
    inbound = exchange.at / "personalized-inbound" / "ben"
    (inbound / f"ben+ps1+{MOMENT}").symlink_to(own)
    assert collected(exchange.collect()) == {"alice": ["timestamp.txt"]}
    assert said() == [f"Left out 'ben+ps1+{MOMENT}' of 'ben': no submission"]


def test_only_regular_files_are_collected(exchange: Exchange, said: Said) -> None:
    submission = exchange.submission()
    os.mkfifo(submission / "pipe")
    (submission / "one").write_text("one file with two names")
    os.link(submission / "one", submission / "two")
    assert collected(exchange.collect()) == {"ben": ["timestamp.txt"]}
    reason = "it is no regular file of its own"
    assert said() == [
        f"Left out {name!r} of {str(submission)!r}: {reason}" for name in ("one", "pipe", "two")
    ]


def test_what_is_too_large_or_too_deep_is_left_out(exchange: Exchange, said: Said) -> None:
    submission = exchange.submission()
    (submission / "large").write_bytes(b"x" * 6000)
    deep = submission.joinpath(*["d"] * 40)
    deep.mkdir(parents=True)
    (deep / "file").write_text("text")
    assert collected(exchange.collect(max_file_size=5)) == {"ben": ["timestamp.txt"]}
    at = repr(str(submission))
    assert said() == [
        f"Left out {'/'.join(['d'] * 31)!r} of {at}: it is too large or too deep",
        f"Left out 'large' of {at}: it is too large or too deep",
    ]


def test_many_files_do_not_exceed_the_limit_of_a_submission(exchange: Exchange, said: Said) -> None:
    submission = exchange.submission()
    for number in range(10):
        (submission / str(number)).write_text("")
    found = collected(exchange.collect(max_dir_size=20))
    assert found == {"ben": ["0", "1", "2", "timestamp.txt"]}
    assert said()[0] == f"Left out '3' of {str(submission)!r}: the submission is too large"


def test_time_is_the_one_of_the_name_whatever_the_file_says(exchange: Exchange) -> None:
    submission = exchange.submission()
    (submission / "timestamp.txt").mkdir()
    written = exchange.collect() / "ben" / "ps1" / "timestamp.txt"
    assert written.read_text() == MOMENT


def test_submission_that_cannot_be_copied_does_not_keep_others_back(
    exchange: Exchange, said: Said
) -> None:
    exchange.submission("ben")
    exchange.submission("alice")
    exchange.course.joinpath("submitted").mkdir()
    exchange.course.joinpath("submitted", "alice").symlink_to("/proc")
    found = exchange.collect()
    assert (found / "ben" / "ps1" / "timestamp.txt").exists()
    assert any(message.startswith("Not collected: ") for message in said())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), max_size=60).filter(
        lambda text: len(text.encode()) < 200
    )
)
def test_no_name_of_a_submission_keeps_others_back(exchange: Exchange, text: str) -> None:
    inbound = exchange.at / "personalized-inbound"
    (inbound / "ben" / f"ben+ps1+{MOMENT}").mkdir(exist_ok=True)
    hostile = inbound / "ben" / f"ben+ps1+{text}+x"
    hostile.mkdir()
    collect = exchange.step("collect", exchange.load())
    records = collect.records_of("ben")
    assert {record["username"] for record in records} == {"ben"}
    assert f"ben/ben+ps1+{MOMENT}" in [record["filename"] for record in records]
    assert collect.best(records) in records
    hostile.rmdir()


# nbgrader itself leaves a file open.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_feedback_goes_to_the_student_alone_and_who_gets_none_is_named_at_the_end(
    exchange: Exchange,
) -> None:
    from nbgrader.exchange import ExchangeError

    for student in ("alice", "ben"):
        directory = exchange.course / "feedback" / student / "ps1"
        directory.mkdir(parents=True)
        (directory / "exercise.html").write_text(f"feedback of {student}")
        (directory / "timestamp.txt").write_text(MOMENT)
    (exchange.course / "feedback" / "ben" / "ps1" / "submission_secret.txt").write_text("secret")
    with pytest.raises(ExchangeError) as raised:
        exchange.step("release_feedback", exchange.load()).start()
    feedback = exchange.at / "personalized-feedback"
    assert [file.read_text() for file in (feedback / "ben").iterdir()] == ["feedback of ben"]
    assert list((feedback / "alice").iterdir()) == []
    secret = exchange.course / "feedback" / "alice" / "ps1" / "submission_secret.txt"
    assert str(raised.value) == (
        f"There is no feedback for 'alice': {secret}: No such file or directory. "
        "That of all others is released. "
        "Whoever deletes submission_secret.txt from a submission gets none"
    )


@pytest.mark.parametrize("step", ["collect", "release_assignment", "release_feedback"])
def test_observer_is_told_that_nothing_is_collected_or_released(
    exchange: Exchange, step: str
) -> None:
    from nbgrader.exchange import ExchangeError

    with pytest.raises(ExchangeError) as raised:
        exchange.step(step, exchange.load("observer")).start()
    assert str(raised.value) == "You observe: you collect nothing and release nothing"


def test_assignment_of_one_student_is_released_to_that_student(exchange: Exchange) -> None:
    for student in ("alice", "ben"):
        version = exchange.course / "release" / "ps1" / student
        version.mkdir(parents=True)
        (version / "exercise.ipynb").write_text(student)
    config = exchange.load(NBGRADER_PERSONALIZED_OUTBOUND="1")
    exchange.step("release_assignment", config).start()
    for student in ("alice", "ben"):
        own = exchange.at / "personalized-outbound" / student / "ps1" / "exercise.ipynb"
        assert own.read_text() == student
    assert list((exchange.at / "outbound").iterdir()) == []


def test_server_without_exchange_says_so(exchange: Exchange) -> None:
    from nbgrader.exchange import ExchangeError

    config = exchange.load("student", NBGRADER_COURSE_ID="other")
    with pytest.raises(ExchangeError) as raised:
        exchange.step("list", config).start()
    assert str(raised.value) == (
        f"There is no exchange at {exchange.root}/other: this server has not been given one"
    )


def test_student_submits_under_a_name_that_nbgrader_can_split(exchange: Exchange) -> None:
    config = exchange.load("student", E2XHUB_USERNAME="ben+exam")
    assert config.CourseDirectory.student_id == "ben_exam"
