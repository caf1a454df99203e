"""The file of subjects: who is who, read again when it changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2xhub.errors import FaultsFoundError
from e2xhub.storage.subjects import LiveSubjects, load_subjects
from tests.hub.configured_hub import replace_file


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Two people."""
    file = tmp_path / "subjects.csv"
    file.write_text("subject,username\ns-1,alice\n\nS-1, Ben\n", encoding="utf-8")
    return file


def test_subjects_are_taken_as_they_are_and_usernames_in_lower_case(file: Path) -> None:
    assert load_subjects(file) == {"s-1": "alice", "S-1": "ben"}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("s-1,alice\ns-1,ben\n", "3: the subject 's-1' stands there twice; expected it once"),
        (
            "s-1,alice\ns-2,ALICE\n",
            "3: the username 'alice' is that of the subject 's-1', or would share its directory; "
            "expected one subject for each user",
        ),
        (
            "s-1,alice\ns-2,alice.\n",
            "3: the username 'alice.' is that of the subject 's-1', or would share its directory; "
            "expected one subject for each user",
        ),
        ("s-1\n", "2: this row has 1 cells; expected two: subject,username"),
        ("ü,alice\n", "2: 'ü' is no subject; expected 1 to 255 characters of ASCII"),
        (",alice\n", "2: '' is no subject; expected 1 to 255 characters of ASCII"),
        (
            "s-1,a/b\n",
            "2: username 'a/b' cannot be used; expected a hub username such as 'amueller': "
            "letters, digits and . _ @ + -, beginning with a letter or digit",
        ),
    ],
)
def test_two_people_are_never_one(tmp_path: Path, rows: str, expected: str) -> None:
    file = tmp_path / "subjects.csv"
    file.write_text("subject,username\n" + rows, encoding="utf-8")
    with pytest.raises(FaultsFoundError) as caught:
        load_subjects(file)
    assert str(caught.value) == f"{file}:{expected}"


def test_another_header_is_a_fault(tmp_path: Path) -> None:
    file = tmp_path / "subjects.csv"
    file.write_text("username,subject\n", encoding="utf-8")
    with pytest.raises(FaultsFoundError) as caught:
        load_subjects(file)
    assert str(caught.value) == (
        f"{file}:1: the header is 'username,subject'; expected 'subject,username'"
    )


def test_change_counts_when_it_has_stood_still(file: Path) -> None:
    live = LiveSubjects(file)
    replace_file(file, "subject,username\ns-1,carla\n")
    live.look()
    assert live.current["s-1"] == "alice"
    live.look()
    assert live.current == {"s-1": "carla"}


def test_faulty_change_keeps_the_last_good_file(file: Path) -> None:
    live = LiveSubjects(file)
    replace_file(file, "subject,username\ns-1,al/ice\n")
    live.look()
    live.look()
    assert live.current["s-1"] == "alice"
    file.unlink()
    live.look()
    live.look()
    assert live.current["s-1"] == "alice"
    replace_file(file, "subject,username\ns-1,dora\n")
    live.look()
    live.look()
    assert live.current == {"s-1": "dora"}
