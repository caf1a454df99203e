"""What is allowed and hardly meant is told to the admin, and stops nothing."""

from __future__ import annotations

from typing import Any

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.registry_warnings import find_warnings
from e2xhub.domain.roster_rows import parse_membership
from tests.examples import EXAM, ML, load_example, registry_of


def warnings_with(rows: tuple[dict[str, str], ...] = (), **exam: Any) -> list[tuple[str, str]]:
    """The warnings for the example with amueller in its exam, these rows and exam's keys."""
    written = load_example().model_dump(exclude_unset=True)
    written["exams"][EXAM] |= exam
    catalog = Catalog.model_validate(written)
    cells = [{"username": "amueller", "exam": EXAM, "role": "student"}, *rows]
    registry = registry_of(catalog, *(parse_membership(row, catalog) for row in cells))
    return [(".".join(found.place), found.message) for found in find_warnings(registry)]


def test_nothing_is_said_of_what_fits() -> None:
    assert warnings_with() == []


def test_extra_time_of_somebody_who_sits_no_exam() -> None:
    assert warnings_with(extra_minutes={"amuller": 30}) == [
        (
            f"exams.{EXAM}.extra_minutes.amuller",
            "'amuller' gets extra time and is no examinee of this exam on the roster",
        )
    ]


def test_exam_in_another_year_than_its_term() -> None:
    assert warnings_with(start="2028-02-15T09:00:00+01:00") == [
        (
            f"exams.{EXAM}.start",
            "the exam is on 2028-02-15, and its term 'WS26' lasts from 2026-10-01 to 2027-03-31",
        )
    ]


def test_room_on_the_roster_that_the_exam_does_not_have_is_told_once() -> None:
    rows = tuple(
        {"username": name, "exam": EXAM, "role": "student", "room": room}
        for name, room in (("a", "hal"), ("b", "hal"), ("c", "main-hall"))
    )
    assert warnings_with(rows) == [
        (
            f"exams.{EXAM}.rooms",
            "the roster has the room 'hal' (of a), and the exam is in: main-hall, lab-3",
        )
    ]


def test_size_whose_limits_examinees_do_not_get() -> None:
    ((place, message),) = warnings_with(sizes=["small"])
    assert place == f"exams.{EXAM}.sizes"
    assert message.startswith("examinees get what size 'small' guarantees ('memory', 'cpu')")


def wide_destination_warnings(*addresses: str, is_reached: bool = True) -> list[tuple[str, str]]:
    """The warnings where the exam reaches a destination at these addresses."""
    written = load_example().model_dump(exclude_unset=True)
    written["destinations"]["net"] = {"addresses": addresses, "ports": [443]}
    written["defaults"]["reach"]["net"] = True
    written["exams"][EXAM]["reach"] = {"net": is_reached}
    catalog = Catalog.model_validate(written)
    cells = {"username": "amueller", "exam": EXAM, "role": "student"}
    found = find_warnings(registry_of(catalog, parse_membership(cells, catalog)))
    return [(".".join(warning.place), warning.message) for warning in found]


def test_destination_of_an_exam_that_is_a_network_is_told() -> None:
    place = f"exams.{EXAM}.reach.net"
    assert wide_destination_warnings("10.3.0.0/16", "10.3.4.5", "2001:db8::/64") == [
        (
            place,
            f"exam '{EXAM}' reaches 65,536 IPv4 addresses by the destination 'net'; expected at "
            "most 256, better single machines",
        ),
        (
            place,
            f"exam '{EXAM}' reaches 18,446,744,073,709,551,616 IPv6 addresses by the destination "
            "'net'; expected at most 256, better single machines",
        ),
    ]


def test_many_small_networks_are_told_like_a_large_one() -> None:
    ((_, message),) = wide_destination_warnings("10.3.4.0/24", "10.9.9.9")
    assert message.startswith(f"exam '{EXAM}' reaches 257 IPv4 addresses")


def test_few_addresses_are_not_told_and_nor_is_what_no_exam_reaches() -> None:
    assert wide_destination_warnings("10.3.4.0/24", "2001:db8::/120") == []
    assert wide_destination_warnings("0.0.0.0/0", is_reached=False) == []


def test_home_that_all_students_write_to() -> None:
    written = load_example().model_dump(exclude_unset=True)
    written["defaults"]["mounts"]["home"]["path"] = "shared/{course}"
    catalog = Catalog.model_validate(written)
    messages = [found.message for found in find_warnings(registry_of(catalog))]
    assert (
        "all students write to one directory at /home/jovyan; is {username} missing in "
        "'shared/{course}'?"
    ) in messages


def home_warnings_with(
    *, home: str, mounts: dict[str, Any], volumes: dict[str, Any] | None = None
) -> list[tuple[str, str]]:
    """The warnings where the machine learning course says this of its home."""
    written = load_example().model_dump(exclude_unset=True)
    written["courses"][ML] |= {"home": home, "mounts": mounts}
    written["volumes"] |= volumes or {}
    found = find_warnings(registry_of(Catalog.model_validate(written)))
    warnings = [(".".join(item.place), item.message) for item in found]
    return [warning for warning in warnings if warning[0].endswith(".home")]


HOMES = f"courses.{ML}.home"
LOST = "so what they write there ends with their server; expected a mount there that lasts"


def test_home_that_no_mount_holds_is_told_once_for_all_terms_and_exams() -> None:
    assert home_warnings_with(home="/home/{username}", mounts={}) == [
        (
            HOMES,
            "'/home/{username}' lies in no mount of grader, instructor, student in "
            f"courses.{ML}.terms.WS26 and 1 more, {LOST}",
        )
    ]


def test_home_that_one_role_has_not() -> None:
    access = {"read_write": ["student"], "read_only": ["observer"]}
    mount = {"volume": "files", "path": "h/{term}/{username}", "mount_at": "/home/jovyan"}
    assert home_warnings_with(
        home="/home/jovyan/work", mounts={"home": {**mount, "access": access}}
    ) == [
        (
            HOMES,
            "'/home/jovyan/work' lies in no mount of grader, instructor in "
            f"courses.{ML}.terms.WS26 and 1 more, {LOST}",
        )
    ]


def test_home_on_a_volume_that_ends_with_the_pod() -> None:
    mount = {
        "volume": "scratch",
        "path": "{username}",
        "mount_at": "/home/jovyan",
        "access": {"read_write": ["student", "grader", "instructor"]},
    }
    warnings = home_warnings_with(
        home="/home/jovyan",
        mounts={"home": mount},
        volumes={"scratch": {"kubernetes": {"emptyDir": {}}}},
    )
    assert [place for place, _ in warnings] == [HOMES]


def test_who_writes_nothing_loses_nothing() -> None:
    access = {"read_write": ["student", "grader", "instructor"]}
    mount = {"volume": "files", "path": "h/{term}/{username}", "mount_at": "/home/jovyan"}
    assert (
        home_warnings_with(home="/home/jovyan", mounts={"home": {**mount, "access": access}}) == []
    )


def test_inner_home_is_the_one_that_is_told_of() -> None:
    written = load_example().model_dump(exclude_unset=True)
    written["defaults"]["home"] = "/home/jovyan"
    written["exams"][EXAM]["home"] = "/home/nobody"
    found = find_warnings(registry_of(Catalog.model_validate(written)))
    assert [".".join(item.place) for item in found if item.place[-1] == "home"] == [
        f"exams.{EXAM}.home"
    ]


def test_course_in_a_directory_to_which_graders_write() -> None:
    written = load_example().model_dump(exclude_unset=True)
    written["courses"][ML]["mounts"] = {
        "courses": {
            "volume": "files",
            "path": "courses",
            "mount_at": "/srv/courses",
            "access": {"read_write": ["grader"]},
        }
    }
    found = find_warnings(registry_of(Catalog.model_validate(written)))
    links = [item for item in found if "a link that they make there" in item.message]
    assert [".".join(item.place) for item in links] == [f"courses.{ML}.mounts.courses.path"]
    assert "(courses.machine-learning.nbgrader.course_directory) lies:" in links[0].message
