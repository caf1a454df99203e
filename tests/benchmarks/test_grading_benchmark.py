"""The benchmark of offers to staff measures something."""

from __future__ import annotations

from tests.benchmarks.grading import measure


def test_first_and_later_answers_are_measured_for_both_roles() -> None:
    found = measure(exams=10, grants=20, courses=5)
    assert found.keys() == {
        "instructor_first_ms",
        "instructor_later_ms",
        "student_first_ms",
        "student_later_ms",
    }
    assert all(value > 0 for value in found.values())
