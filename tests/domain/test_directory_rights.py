"""Rights that users and modes take back are told, once for each key, with the way out."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.directory_rights import find_useless_rights
from tests.domain.catalog.small_catalog import WRITTEN

ALL = ["student", "grader", "instructor"]
HOME: dict[str, Any] = {
    "volume": "files",
    "path": "homes/{role}/{username}",
    "mount_at": "/home/jovyan",
    "access": {"read_write": ALL},
}
SHARE: dict[str, Any] = {
    "volume": "files",
    "path": "shares/{course}",
    "mount_at": "/srv/share",
    "access": {"read_only": ["student", "observer"], "read_write": ["grader", "instructor"]},
}
NBGRADER: dict[str, Any] = {
    "volume": "files",
    "exchange": "exchanges/{course}/{term}",
    "course_directory": "sources/{course}/{term}",
}
OTHER_GRADERS = {"grader": {"user": 3000, "group": 3000}}
ONE_GROUP = {role: {"user": 1000 + i, "group": 100} for i, role in enumerate(ALL)}
ONE_USER = {role: {"user": 1000, "group": 100} for role in ALL}
OR_ELSE = "expected one 'run_as' for these roles"


def written_with(*, home: Any = HOME, share: Any = SHARE, **defaults: Any) -> dict[str, Any]:
    """A university whose courses all have this home and share, and these keys in `defaults`."""
    written = deepcopy(WRITTEN)
    written["defaults"]["mounts"] |= {"home": home, "share": share}
    written["defaults"] |= defaults
    return written


def rights_of(written: dict[str, Any]) -> list[tuple[str, str]]:
    """Place and message of each warning."""
    found = find_useless_rights(Catalog.model_validate(written))
    return [(".".join(warning.place), warning.message) for warning in found]


def places_of(written: dict[str, Any]) -> list[str]:
    return [place for place, _ in rights_of(written)]


def test_users_as_they_are_by_default_serve_everybody() -> None:
    assert rights_of(written_with(nbgrader=NBGRADER)) == []


def test_graders_of_another_user_cannot_write_where_instructors_do() -> None:
    assert rights_of(written_with(run_as=OTHER_GRADERS)) == [
        (
            "defaults.mounts.share",
            "'shares/{course}' in courses.ml.terms.WS26 and 1 more belongs to instructor, "
            "observer (user 2000, group 2000) with mode 0755 when it is new, so grader "
            "(user 3000, group 3000) cannot write to it; expected one 'run_as' for these roles, "
            "or one 'group' there and 'mode: \"2775\"', or {role} in the path",
        )
    ]


def test_exchange_and_course_directory_of_graders_of_another_user() -> None:
    share = {**SHARE, "access": {"read_only": ["student"]}}
    written = written_with(share=share, run_as=OTHER_GRADERS, nbgrader=NBGRADER)
    belongs = "in courses.ml.terms.WS26 belongs to grader (user 3000, group 3000) with mode"
    assert rights_of(written) == [
        (
            "defaults.nbgrader.exchange",
            f"'exchanges/{{course}}/{{term}}' {belongs} 0755 when it is new, so instructor "
            f"(user 2000, group 2000) cannot write to it; {OR_ELSE}",
        ),
        (
            "defaults.nbgrader.course_directory",
            f"'sources/{{course}}/{{term}}' {belongs} 0750 when it is new, so instructor "
            "(user 2000, group 2000) cannot write to it and observer (user 2000, group 2000) "
            f"cannot read it; {OR_ELSE}",
        ),
    ]


def test_exchange_of_an_exam_is_told_where_it_is_declared() -> None:
    exam = {"volume": "files", "exchange": "exams/{exam}", "hubs": ["exam"]}
    written = written_with(share={**SHARE, "access": {}}, run_as=OTHER_GRADERS)
    written["exams"]["pz"]["nbgrader"] = exam
    assert places_of(written) == ["exams.pz.nbgrader.exchange"]


def test_share_in_which_students_may_write_is_not_theirs_by_default() -> None:
    ((place, message),) = rights_of(written_with(share={**SHARE, "access": {"read_write": ALL}}))
    assert place == "defaults.mounts.share"
    assert "belongs to grader, instructor (user 2000, group 2000) with mode 0755" in message
    assert "so student (user 1000, group 1000) cannot write to it" in message


@pytest.mark.parametrize(
    ("mode", "users", "is_told"),
    [
        ("2775", ONE_GROUP, False),
        ("0775", ONE_GROUP, False),
        ("0755", ONE_GROUP, True),
        ("2775", {}, True),  # students have another group
        ("0755", ONE_USER, False),
        ("0700", ONE_USER, False),
    ],
)
def test_common_group_counts_as_far_as_the_mode_lets_it(
    mode: str, users: dict[str, Any], is_told: bool
) -> None:
    share = {**SHARE, "access": {"read_write": ALL}, "mode": mode}
    assert bool(rights_of(written_with(share=share, run_as=users))) is is_told


def test_mode_that_keeps_readers_out() -> None:
    ((_, message),) = rights_of(written_with(share={**SHARE, "mode": "0750"}))
    assert message.endswith(
        "with mode 0750 when it is new, so student (user 1000, group 1000) cannot read it; "
        f"{OR_ELSE}, or 'mode: \"0755\"'"
    )


def test_directory_for_each_role_is_shared_by_none() -> None:
    share = {**SHARE, "path": "shares/{course}/{role}", "access": {"read_write": ALL}}
    assert rights_of(written_with(share=share)) == []


def test_home_that_is_given_to_somebody_else() -> None:
    assert rights_of(written_with(home={**HOME, "owner": "grader"})) == [
        (
            "defaults.mounts.home",
            "'homes/{role}/{username}' in courses.ml.terms.WS26 belongs to grader, instructor "
            "(user 2000, group 2000) with mode 0700 when it is new, so student (user 1000, "
            "group 1000) cannot write to it; expected no 'owner' here, so that it belongs to "
            "whoever it is named after",
        )
    ]


def test_home_of_somebody_who_is_a_student_elsewhere() -> None:
    assert rights_of(written_with(home={**HOME, "path": "homes/{username}"})) == [
        (
            "defaults.mounts.home",
            "'homes/{username}' is one directory for somebody who is student or instructor or "
            "grader in different courses or terms, and these are different users: student "
            "(user 1000, group 1000), grader, instructor (user 2000, group 2000); expected "
            "{role} in the path, or one 'run_as' for these roles",
        )
    ]


@pytest.mark.parametrize(
    ("path", "is_told"),
    [
        ("homes/{course}/{username}", True),  # next term's grader has been its student
        ("homes/{term}/{username}", True),
        ("homes/{hub}/{username}", True),
        ("homes/{course}/{term}/{username}", False),
        ("homes/{role}/{username}", False),
    ],
)
def test_home_in_which_somebody_may_become_another_user(path: str, is_told: bool) -> None:
    assert bool(rights_of(written_with(home={**HOME, "path": path}))) is is_told


@pytest.mark.parametrize(
    ("level", "path", "is_told"),
    [
        ("course", "ml/{username}", True),
        ("course", "ml/{term}/{username}", False),
        ("term", "ml-WS26/{username}", False),
    ],
)
def test_level_of_a_home_stands_for_fields_in_its_path(
    level: str, path: str, is_told: bool
) -> None:
    written = written_with(home={**HOME, "access": {}})
    course = written["courses"]["ml"]
    at = course if level == "course" else course["terms"]["WS26"]
    at["mounts"] = {"home": {**HOME, "path": path}}
    assert bool(rights_of(written)) is is_told


@pytest.mark.parametrize("home", [{"access": {"read_write": ["student"]}}, {"mode": "2770"}])
def test_home_of_one_role_or_of_one_group_is_nobody_elses(home: dict[str, Any]) -> None:
    written = written_with(home={**HOME, "path": "homes/{username}", **home}, run_as=ONE_GROUP)
    assert "defaults.mounts.home" not in places_of(written)


def test_directory_of_two_courses_with_different_users_is_told_for_both() -> None:
    """It belongs to whoever comes first."""
    written = written_with(share={**SHARE, "path": "shares/all"})
    other = {"grader": {"user": 3000, "group": 3000}, "instructor": {"user": 3000, "group": 3000}}
    written["courses"]["db"] = {**deepcopy(written["courses"]["ml"]), "run_as": other}
    ((place, message),) = rights_of(written)
    assert place == "defaults.mounts.share"
    assert "grader, instructor (user 3000, group 3000) cannot write to it" in message


def test_directory_that_ends_with_the_pod_is_of_one_user() -> None:
    written = written_with(home={**HOME, "path": "homes/{username}", "volume": "scratch"})
    written["volumes"]["scratch"] = {"kubernetes": {"emptyDir": {}}}
    assert rights_of(written) == []


def test_directories_that_nobody_prepares_are_the_file_servers_matter() -> None:
    written = written_with(run_as=OTHER_GRADERS, nbgrader=NBGRADER)
    written["volumes"]["files"]["prepare_directories"] = False
    assert rights_of(written) == []
