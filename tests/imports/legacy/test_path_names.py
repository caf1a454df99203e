"""What names say, and what they do not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.imports.legacy.path_names import (
    Presentation,
    TermChoices,
    exam_course,
    hub_list_kind,
    split_course_id,
)

NOTHING = TermChoices()


def split(course_id: str, choices: TermChoices = NOTHING, course: str | None = None) -> str:
    """Course and term as `course | term`, with `?` for a guess."""
    found = split_course_id(course_id, choices, course)
    if found is None:
        return "unknown"
    return f"{found.course} | {found.term}{' ?' if found.is_guess else ''}"


@pytest.mark.parametrize(
    ("course_id", "directory", "expected"),
    [
        ("IT_Recht-Klausur-SS23", "IT_Recht-Klausur", "IT_Recht-Klausur | SS23"),
        ("IT_Recht-Klausur-SS23", "IT_Recht", "IT_Recht | Klausur-SS23"),
        ("MRC-SS23-Retake", "MRC", "MRC | SS23-Retake"),
        ("WS22", "Demo", "Demo | WS22 ?"),
        ("MRC-SS23", "MR", "unknown"),
        ("Other-SS23", "MRC", "unknown"),
    ],
)
def test_directory_says_where_the_course_ends(
    course_id: str, directory: str, expected: str
) -> None:
    assert split(course_id, course=directory) == expected


@pytest.mark.parametrize(
    ("course_id", "expected"),
    [
        ("IT_Recht-Klausur-SS23", "IT_Recht-Klausur | SS23 ?"),
        ("WuS-WS1920", "WuS | WS1920 ?"),
        ("A-WiSe2023", "A | WiSe2023 ?"),
        ("A_SoSe24", "A | SoSe24 ?"),
        ("MRC-WS22-23", "MRC | WS22-23 ?"),
        ("MRC-SS23-Retake", "unknown"),
        ("WuS-Klausur", "unknown"),
        ("SS23", "unknown"),
    ],
)
def test_semester_at_the_end_is_a_guess_where_nothing_is_known(
    course_id: str, expected: str
) -> None:
    assert split(course_id) == expected


def test_admin_names_the_term_of_one_id() -> None:
    choices = TermChoices(by_id={"WuS-Klausur": "SS20", "MRC-SS23-Retake": "SS23-Retake"})
    assert split("WuS-Klausur", choices) == "WuS-Klausur | SS20"
    assert split("MRC-SS23-Retake", choices) == "MRC | SS23-Retake"
    assert split("Other", choices) == "unknown"


def test_term_for_all_is_for_ids_that_name_none() -> None:
    choices = TermChoices(default="SS20")
    assert split("WuS-Klausur", choices) == "WuS-Klausur | SS20"
    assert split("MRC-SS23", choices) == "MRC | SS23 ?"
    assert split("Exam", choices, "MRC") == "MRC | SS20"


@given(st.text("abMR-_.", min_size=1, max_size=12), st.sampled_from(["SS23", "WS2324", "SoSe24"]))
def test_no_part_of_an_id_is_lost(course: str, term: str) -> None:
    found = split_course_id(f"{course}-{term}", NOTHING)
    assert found == Presentation(course=course, term=term, is_guess=True)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("users/e2x_admin_users.csv", "admin"),
        ("users/allowed_users.csv", "allowed"),
        ("users/Blocked_Users_2023.csv", "blocked"),
        ("users/allowlist/admin.csv", "admin"),
        ("users/whitelist/staff.csv", "allowed"),
        ("users/blocklist/K8s-SS20.csv", "blocked"),
        ("nbgrader/teaching/admin-course-SS20.csv", None),
        ("Blocked/student/Blocked-SS23.csv", None),
    ],
)
def test_lists_of_the_hub_are_told_by_their_places(path: str, kind: str | None) -> None:
    assert hub_list_kind(tuple(path.split("/"))) == kind


@pytest.mark.parametrize(
    ("path", "course"),
    [
        ("exams/IT_Recht/IT_Recht.SS23.PZ1.csv", "IT_Recht"),
        ("exams/IT_Recht/SS23/IT_Recht.SS23.PZ1.csv", "IT_Recht"),
        ("exams/IT/IT_Recht.SS23.PZ1.csv", None),
        ("MRC-SS23/MRC-SS23.csv", None),
        ("MRC.A/student/MRC.A.SS23.csv", None),
        ("IT.SS23.PZ1.csv", None),
    ],
)
def test_course_of_an_exam_is_a_whole_directory(path: str, course: str | None) -> None:
    assert exam_course(tuple(path.split("/"))) == course
