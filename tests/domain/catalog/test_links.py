"""Nobody who may write to a directory decides, with a link in it, what others get mounted."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.catalog.overlaps import check_overlaps, warn_of_links

HOME = "homes/{hub}/{role}/{username}"
WRITTEN: dict[str, Any] = {
    "university": "U",
    "volumes": {
        "files": {"nfs": {"server": "nfs.example.org", "path": "/export"}},
        "homes": {"nfs": {"server": "nfs.example.org", "path": "/export/homes"}},
        "other": {"nfs": {"server": "other.example.org", "path": "/export"}},
    },
    "images": {"one": {"name": "one:1"}},
    "sizes": {"small": {"title": "Small", "memory": "1G", "cpu": 1}},
    "defaults": {"image": "one", "sizes": ["small"]},
    "courses": {
        "ml": {"title": "ML", "terms": {"WS26": {"start": "2026-10-01", "end": "2027-03-31"}}},
        "db": {"title": "DB", "terms": {"WS26": {"start": "2026-10-01", "end": "2027-03-31"}}},
    },
}
STUDENTS = {"read_write": ["student"]}
GRADERS = {"read_write": ["grader", "instructor"], "read_only": ["observer"]}
BOTH = {"read_write": ["student", "grader"]}


def mount(path: str, access: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"volume": "files", "path": path, "mount_at": "/srv/x", "access": access, **more}


def catalog_with(**levels: dict[str, Any]) -> Catalog:
    """The catalog with further keys in `defaults` and in the courses `ml` and `db`."""
    written = deepcopy(WRITTEN)
    for name, keys in levels.items():
        level = written["defaults"] if name == "defaults" else written["courses"][name]
        level |= keys
    return Catalog.model_validate(written)


def places(**levels: dict[str, Any]) -> list[str]:
    return [".".join(fault.place) for fault in check_overlaps(catalog_with(**levels))]


def messages(**levels: dict[str, Any]) -> list[str]:
    return [fault.message for fault in check_overlaps(catalog_with(**levels))]


def nbgrader(**changes: Any) -> dict[str, Any]:
    return {"volume": "files", "exchange": "exchanges/{course}/{term}", **changes}


def test_directory_inside_a_home_is_a_fault_that_says_what_to_do() -> None:
    mounts = {"home": mount(HOME, STUDENTS), "work": mount(HOME + "/{course}", STUDENTS)}
    (fault,) = check_overlaps(catalog_with(defaults={"mounts": mounts}))
    assert fault.place == ("defaults", "mounts", "work", "path")
    assert fault.message == (
        "'homes/{hub}/{role}/{username}/{course}' lies in 'homes/{hub}/{role}/{username}' "
        "(defaults.mounts.home.path), to which students may write: a link that they make there "
        "would decide what is mounted; mount a directory beside it, such as "
        "'work/{username}/{course}'"
    )


def test_directory_inside_a_share_that_students_write_is_a_fault() -> None:
    inside = mount("groups/{course}/notes", {"read_only": ["student"], "read_write": ["grader"]})
    mounts = {"group": mount("groups/{course}", BOTH), "notes": inside}
    assert places(ml={"mounts": mounts}) == ["courses.ml.mounts.notes.path"]


@pytest.mark.parametrize("path", ["groups/{course}", "notes/{course}", "groups/ml-notes"])
def test_directory_beside_or_the_same_is_no_fault(path: str) -> None:
    mounts = {"group": mount("groups/ml", BOTH), "notes": mount(path, BOTH)}
    assert places(ml={"mounts": mounts}) == []


COMPONENTS = st.sampled_from(
    ["a", "b.c", "{username}", "{course}", "x-{term}", "{role}-y", "{hub}"]
)
VALUES = {"username": "amy", "course": "ml", "term": "WS26", "role": "student", "hub": "grading"}


@given(
    around=st.lists(COMPONENTS, min_size=1, max_size=4),
    inside=st.lists(COMPONENTS, min_size=1, max_size=3),
    is_filled=st.lists(st.booleans(), min_size=4, max_size=4),
)
def test_whatever_a_filling_puts_inside_is_a_fault(
    around: list[str], inside: list[str], is_filled: list[bool]
) -> None:
    begin = [
        item.format_map(VALUES) if filled else item
        for item, filled in zip(around, is_filled, strict=False)
    ]
    mounts = {
        "around": mount("/".join(around), BOTH),
        "inside": mount("/".join([*begin, *inside]), {"read_only": ["grader"]}),
    }
    assert places(ml={"mounts": mounts}) != []


def test_directory_above_one_that_students_write_is_no_fault() -> None:
    mounts = {"all": mount("groups", GRADERS), "group": mount("groups/{course}", BOTH)}
    assert places(ml={"mounts": mounts}) == []


@pytest.mark.parametrize("access", [GRADERS, {"read_only": ["student", "grader"]}])
def test_directory_in_one_that_students_do_not_write_is_no_fault(access: Any) -> None:
    mounts = {"share": mount("shares", access), "notes": mount("shares/notes", STUDENTS)}
    assert places(ml={"mounts": mounts}) == []


def test_link_of_one_course_acts_in_the_other() -> None:
    group = {"group": mount("groups/{course}", BOTH)}
    notes = {"notes": mount("groups/ml/notes", {"read_only": ["grader"]})}
    assert places(ml={"mounts": group}, db={"mounts": notes}) == ["courses.db.mounts.notes.path"]


def test_link_acts_on_the_disk_whatever_the_volume_is_called() -> None:
    home = {"home": mount(HOME, STUDENTS)}
    for volume, path, found in (
        ("homes", "assignment/student/{username}/work", ["courses.ml.mounts.work.path"]),
        ("other", HOME + "/work", []),
    ):
        work = {"work": mount(path, STUDENTS, volume=volume)}
        assert places(defaults={"mounts": home}, ml={"mounts": work}) == found


def companion(path: str, access: dict[str, Any]) -> dict[str, Any]:
    return {
        "postgresql": {
            "image": "one",
            "memory": "1G",
            "cpu": 1,
            "mounts": {"data": mount(path, access)},
        }
    }


def test_companion_has_no_directory_in_a_home() -> None:
    found = places(
        defaults={"mounts": {"home": mount(HOME, STUDENTS)}},
        ml={"extra_containers": companion(HOME + "/data", STUDENTS)},
    )
    assert found == ["courses.ml.extra_containers.postgresql.mounts.data.path"]


def test_what_a_companion_of_students_writes_counts_as_written_by_them() -> None:
    found = places(
        defaults={"mounts": {"work": mount("databases/{username}/work", STUDENTS)}},
        ml={"extra_containers": companion("databases/{username}", STUDENTS)},
    )
    assert found == ["defaults.mounts.work.path"]


@pytest.mark.parametrize("key", ["data_sets", "seeds"])
def test_files_that_everybody_gets_do_not_come_from_where_students_write(key: str) -> None:
    to = {"to": "/srv/x/y"} if key == "seeds" else {}
    found = places(
        defaults={"mounts": {"group": mount("groups/{course}", BOTH)}},
        ml={key: {"start": {"volume": "files", "path": "groups/ml/start", **to}}},
    )
    assert found == [f"courses.ml.{key}.start.path"]


def test_exchange_is_not_in_what_students_write() -> None:
    mounts = {"group": mount("exchanges/{course}", BOTH)}
    found = set(places(defaults={"mounts": mounts}, ml={"nbgrader": nbgrader()}))
    assert "courses.ml.nbgrader.exchange" in found


def test_course_directory_is_not_in_what_students_write() -> None:
    written = nbgrader(course_directory="groups/{course}/grading")
    mounts = {"home": mount("groups/{username}", STUDENTS)}
    found = places(defaults={"mounts": mounts}, ml={"nbgrader": written})
    assert "defaults.mounts.home.path" in found


def test_nothing_is_mounted_from_what_students_hand_in() -> None:
    path = "exchanges/{course}/{term}/personalized-inbound/{username}/start"
    found = places(
        defaults={"nbgrader": nbgrader()},
        ml={"mounts": {"mine": mount(path, {"read_only": ["grader"]})}},
    )
    assert found == ["courses.ml.mounts.mine.path"]


def test_exchange_by_itself_is_no_fault_and_not_warned_of() -> None:
    exam = nbgrader(exchange="exchanges/{course}/{exam}", hubs=["exam"])
    catalog = catalog_with(defaults={"nbgrader": nbgrader()}, ml={"nbgrader": exam})
    assert (check_overlaps(catalog), warn_of_links(catalog)) == ([], [])


def test_root_makes_no_directories_where_students_write() -> None:
    mounts = {"group": mount("groups/{course}", BOTH, inner_directories=["slides"])}
    (fault,) = check_overlaps(catalog_with(ml={"mounts": mounts}))
    assert fault.place == ("courses", "ml", "mounts", "group", "inner_directories")
    assert fault.message == (
        "'groups/{course}/slides' lies in 'groups/{course}' (courses.ml.mounts.group.path), to "
        "which students may write: a link that they make there would decide which directory is "
        "made; leave out 'inner_directories' where students write"
    )


def test_root_makes_directories_where_graders_write_unless_students_do_elsewhere() -> None:
    share = mount("groups/{course}", GRADERS, inner_directories=["slides"])
    catalog = catalog_with(ml={"mounts": {"share": share}})
    assert (check_overlaps(catalog), warn_of_links(catalog)) == ([], [])
    assert places(ml={"mounts": {"share": share}}, db={"mounts": {"all": mount("groups/ml", BOTH)}})


def warnings(**levels: dict[str, Any]) -> list[tuple[str, str]]:
    catalog = catalog_with(**levels)
    assert check_overlaps(catalog) == []
    return [(".".join(fault.place), fault.message) for fault in warn_of_links(catalog)]


def test_directory_in_one_that_graders_write_is_warned_of() -> None:
    mounts = {
        "course": mount("courses/{course}", GRADERS),
        "term": mount("courses/{course}/{term}", GRADERS),
    }
    assert warnings(defaults={"mounts": mounts}) == [
        (
            "defaults.mounts.course.path",
            "graders and instructors may write to 'courses/{course}', in which "
            "'courses/{course}/{term}' (defaults.mounts.term.path) lies: a link that they make "
            "there would decide what others get mounted; expected a directory beside it, or a "
            "volume of its own for what they write",
        )
    ]


def test_warning_is_told_once_for_all_that_lies_inside() -> None:
    course = {"course": mount("courses/{course}", GRADERS)}
    levels = {
        name: {"mounts": course, "nbgrader": nbgrader(course_directory=f"courses/{name}/{{term}}")}
        for name in ("ml", "db")
    }
    ((place, message),) = warnings(**levels)
    assert place == "courses.ml.mounts.course.path"
    assert "'courses/ml/{term}' (courses.ml.nbgrader.course_directory) and 1 more lie:" in message


def test_directory_inside_the_exchange_that_is_none_of_its_own_is_warned_of() -> None:
    notes = mount("exchanges/{course}/{term}/notes", {"read_only": ["grader"]})
    found = warnings(defaults={"nbgrader": nbgrader(), "mounts": {"notes": notes}})
    assert [place for place, _ in found] == ["defaults.nbgrader.exchange"]


def test_nobody_is_warned_of_what_students_only_read_beside() -> None:
    mounts = {
        "share": mount("shares/{course}", {"read_only": ["student"], "read_write": ["grader"]}),
        "term": mount("courses/{course}/{term}", GRADERS),
    }
    assert warnings(defaults={"mounts": mounts}) == []
