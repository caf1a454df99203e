"""The formgrader shows what is below the home directory; a course elsewhere is told of."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.hidden_courses import find_hidden_courses
from tests.domain.catalog.small_catalog import WRITTEN

NBGRADER = {
    "volume": "files",
    "exchange": "exchanges/{course}/{term}",
    "course_directory": "courses/{course}/{term}",
}


def warnings_with(**nbgrader: Any) -> list[tuple[str, str]]:
    return of_university(deepcopy(WRITTEN), **nbgrader)


def of_university(
    written: dict[str, Any], *, home: str | None = None, **nbgrader: Any
) -> list[tuple[str, str]]:
    """Place and message of each warning where the defaults have this home and nbgrader."""
    written["defaults"] |= {"home": home, "nbgrader": {**NBGRADER, **nbgrader}}
    found = find_hidden_courses(Catalog.model_validate(written))
    return [(".".join(warning.place), warning.message) for warning in found]


def test_course_outside_the_home_is_told_once_with_the_way_out() -> None:
    assert warnings_with(home="/home/{username}", course_at="/home/jovyan/{course}") == [
        (
            "defaults.nbgrader.course_at",
            "'/home/jovyan/{course}' is not below the home directory '/home/{username}', and the "
            "formgrader shows only what is there; expected no 'course_at', or one such as "
            "'/home/{username}/courses/{course}'",
        )
    ]


@pytest.mark.parametrize(
    ("home", "course_at", "is_told"),
    [
        (None, None, False),
        (None, "/home/jovyan/ml", False),
        (None, "/srv/courses", True),
        ("/home/{username}", None, False),
        ("/home/{username}/", "/home/{username}/x", False),
        ("/home/desk", "/home/desk2", True),
    ],
)
def test_course_below_the_home_is_shown(
    home: str | None, course_at: str | None, is_told: bool
) -> None:
    assert bool(warnings_with(home=home, course_at=course_at)) is is_told


def test_who_keeps_no_course_has_none_to_show() -> None:
    assert warnings_with(course_directory=None, course_at="/srv/courses") == []


def test_exam_with_a_home_of_its_own_takes_the_courses_place_along() -> None:
    written = deepcopy(WRITTEN)
    written["exams"]["pz"]["home"] = "/home/exam"
    told = of_university(
        written, home="/home/desk", course_at="/home/desk/c", hubs=["assignment", "exam"]
    )
    assert [place for place, _ in told] == ["defaults.nbgrader.course_at"]


def test_directory_that_servers_are_told_to_show_is_the_admins_matter() -> None:
    written = deepcopy(WRITTEN)
    written["defaults"]["kubespawner_override"] = {"notebook_dir": "/srv"}
    assert of_university(written, course_at="/srv/courses") == []
