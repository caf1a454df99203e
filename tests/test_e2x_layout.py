"""The example catalog keeps every directory of an e2x deployment: the old layout, line by line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from traitlets.config import Config

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.identifiers import Username
from e2xhub.domain.registry_warnings import find_warnings
from e2xhub.domain.roles import HubKind
from e2xhub.domain.roster_rows import parse_membership
from e2xhub.kubernetes.manifests import make_manifests
from e2xhub.kubernetes.parts.overrides import check_pods
from e2xhub.storage.catalog_files import load_catalog
from tests.examples import registry_of

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

LAYOUT = Path(__file__).parents[1] / "docs" / "examples" / "e2x-layout.yaml"
LAW = "IT_Recht-Klausur"
PZ1, PZ2 = f"exams/{LAW}.SS23.PZ1", f"exams/{LAW}.SS23.PZ2"
DURING = {
    PZ1: datetime(2023, 7, 10, 8, tzinfo=timezone.utc),
    PZ2: datetime(2023, 9, 18, 8, tzinfo=timezone.utc),
}
IN_TERM = datetime(2023, 5, 2, tzinfo=timezone.utc)
# Only then have those who grade what was handed in.
AFTER_THE_EXAMS = datetime(2023, 10, 2, tzinfo=timezone.utc)
EXCHANGE = "/srv/nbgrader/exchange"


class Server(NamedTuple):
    """Somebody's server on a hub."""

    hub: HubKind
    username: str
    slug: str


class Row(NamedTuple):
    """One directory in a server: what it is in the old table, and whether it was there before."""

    what: str
    server: Server
    mount_path: str
    volume: str
    sub_path: str
    mode: str


MRC_STUDENT = Server(HubKind.ASSIGNMENT, "amy", "MRC/SS23/student")
LAW_STUDENT = Server(HubKind.ASSIGNMENT, "amy", f"{LAW}/SS23/student")
MRC_GRADER = Server(HubKind.GRADING, "greta", "MRC/SS23/grader")
LAW_TEACHER = Server(HubKind.ASSIGNMENT, "ina", f"{LAW}/SS23/instructor")
MRC_OBSERVER = Server(HubKind.GRADING, "olga", "MRC/SS23/observer")
EXAMINEE = Server(HubKind.EXAM, "amy", f"{PZ1}/student")
LATER_EXAMINEE = Server(HubKind.EXAM, "amy", f"{PZ2}/student")
EXAM_GRADER = Server(HubKind.GRADING, "greta", f"{PZ1}/grader")

HOME, GRADERS_HOME, COURSE = "student home", "grader home", "grader's course"
GRADERS_EXCHANGE, STUDENTS_EXCHANGE = "grader's exchange", "student's exchange"
SHARES, EXAM_HOME = "shares", "exam home"
BESIDE = "new: "
"""Begins what was not there before."""
BOTH_NAMES = f"{BESIDE}nbgrader's name of a directory that is there as e2xgrader's"
WORKPLACE = f"{BESIDE}where nbgrader works, inside the grader's course"
IN_EXAM = f"{BESIDE}what the exam's graders have"

MRC_AT, MRC_ON = f"{EXCHANGE}/MRC-SS23", "nbgrader/exchanges/MRC/MRC-SS23"
LAW_AT, LAW_ON = f"{EXCHANGE}/{LAW}-SS23", f"nbgrader/exchanges/{LAW}/{LAW}-SS23"
PZ1_AT, PZ1_ON = f"{EXCHANGE}/{LAW}.SS23.PZ1", f"nbgrader/exchanges/{LAW}/{LAW}.SS23.PZ1"
PZ2_AT, PZ2_ON = f"{EXCHANGE}/{LAW}.SS23.PZ2", f"nbgrader/exchanges/{LAW}/{LAW}.SS23.PZ2"
OUT, IN, BACK = (f"personalized-{step}/amy" for step in ("outbound", "inbound", "feedback"))
ON_SHARES = "shares/teaching"


def personal(server: Server, at: str, on: str) -> list[Row]:
    """What a student has of an exchange in which outbound is personalized."""
    return [
        Row(STUDENTS_EXCHANGE, server, f"{at}/{OUT}", "disk3", f"{on}/{OUT}", "ro"),
        Row(STUDENTS_EXCHANGE, server, f"{at}/{IN}", "disk3", f"{on}/{IN}", "rw"),
        Row(STUDENTS_EXCHANGE, server, f"{at}/{BACK}", "disk3", f"{on}/{BACK}", "ro"),
        Row(BOTH_NAMES, server, f"{at}/outbound", "disk3", f"{on}/{OUT}", "ro"),
        Row(BOTH_NAMES, server, f"{at}/inbound", "disk3", f"{on}/{IN}", "rw"),
        Row(BOTH_NAMES, server, f"{at}/feedback", "disk3", f"{on}/{BACK}", "ro"),
    ]


COMMON_OUT, OWN_OUT = ("outbound",), ("outbound", "personalized-outbound")


def graders(
    server: Server, at: str, on: str, out: Sequence[str], mode: str = "rw", what: str = ""
) -> list[Row]:
    """What those who grade have of an exchange: each directory, and what was handed in to read."""
    modes = {
        **dict.fromkeys(out, mode),
        "personalized-feedback": mode,
        "personalized-inbound": "ro",
    }
    return [
        Row(what or GRADERS_EXCHANGE, server, f"{at}/{name}", "disk3", f"{on}/{name}", each)
        for name, each in modes.items()
    ]


def shares(server: Server, course: str, mode: str, what: str = SHARES) -> list[Row]:
    return [
        Row(what, server, "/srv/shares/public", "disk3", f"{ON_SHARES}/public", mode),
        Row(what, server, f"/srv/shares/{course}", "disk3", f"{ON_SHARES}/courses/{course}", mode),
    ]


HOMES = "homes/teaching/students"
GRADERS = "homes/teaching/graders"

TABLE = [
    Row(HOME, MRC_STUDENT, "/home/amy", "disk2", f"{HOMES}/MRC-SS23/amy", "rw"),
    Row(HOME, LAW_STUDENT, "/home/amy", "disk2", f"{HOMES}/{LAW}-SS23/amy", "rw"),
    Row(GRADERS_HOME, MRC_GRADER, "/home/greta", "disk2", f"{GRADERS}/greta", "rw"),
    Row(GRADERS_HOME, LAW_TEACHER, "/home/ina", "disk2", f"{GRADERS}/ina", "rw"),
    Row(GRADERS_HOME, MRC_OBSERVER, "/home/olga", "disk2", f"{GRADERS}/olga", "ro"),
    Row(COURSE, MRC_GRADER, "/home/greta/courses/MRC", "disk2", "courses/MRC", "rw"),
    Row(COURSE, LAW_TEACHER, f"/home/ina/courses/{LAW}", "disk2", f"courses/{LAW}", "rw"),
    Row(COURSE, MRC_OBSERVER, "/home/olga/courses/MRC", "disk2", "courses/MRC", "ro"),
    *graders(MRC_GRADER, MRC_AT, MRC_ON, COMMON_OUT),
    *graders(LAW_TEACHER, LAW_AT, LAW_ON, OWN_OUT),
    *graders(MRC_OBSERVER, MRC_AT, MRC_ON, COMMON_OUT, "ro"),
    Row(STUDENTS_EXCHANGE, MRC_STUDENT, f"{MRC_AT}/outbound", "disk3", f"{MRC_ON}/outbound", "ro"),
    Row(STUDENTS_EXCHANGE, MRC_STUDENT, f"{MRC_AT}/{IN}", "disk3", f"{MRC_ON}/{IN}", "rw"),
    Row(STUDENTS_EXCHANGE, MRC_STUDENT, f"{MRC_AT}/{BACK}", "disk3", f"{MRC_ON}/{BACK}", "ro"),
    Row(BOTH_NAMES, MRC_STUDENT, f"{MRC_AT}/inbound", "disk3", f"{MRC_ON}/{IN}", "rw"),
    Row(BOTH_NAMES, MRC_STUDENT, f"{MRC_AT}/feedback", "disk3", f"{MRC_ON}/{BACK}", "ro"),
    *personal(LAW_STUDENT, LAW_AT, LAW_ON),
    *shares(MRC_STUDENT, "MRC", "ro"),
    *shares(LAW_STUDENT, LAW, "ro"),
    *shares(MRC_GRADER, "MRC", "rw"),
    *shares(LAW_TEACHER, LAW, "rw"),
    *shares(MRC_OBSERVER, "MRC", "ro"),
    Row(EXAM_HOME, EXAMINEE, "/home/jovyan", "disk2", f"homes/exam/SS23-PZ1/{LAW}-amy/home", "rw"),
    Row(
        *(EXAM_HOME, LATER_EXAMINEE, "/home/jovyan", "disk2"),
        *(f"homes/exam/SS23-PZ2/{LAW}-amy/home", "rw"),
    ),
    *personal(EXAMINEE, PZ1_AT, PZ1_ON),
    *personal(LATER_EXAMINEE, PZ2_AT, PZ2_ON),
    # What e2xhub adds for nbgrader's working directory, and for those who grade exams.
    Row(
        *(WORKPLACE, MRC_GRADER, "/home/greta/courses/MRC/MRC-SS23"),
        *("disk2", "courses/MRC/MRC-SS23", "rw"),
    ),
    Row(
        *(WORKPLACE, LAW_TEACHER, f"/home/ina/courses/{LAW}/{LAW}-SS23"),
        *("disk2", f"courses/{LAW}/{LAW}-SS23", "rw"),
    ),
    Row(
        *(WORKPLACE, MRC_OBSERVER, "/home/olga/courses/MRC/MRC-SS23"),
        *("disk2", "courses/MRC/MRC-SS23", "ro"),
    ),
    Row(IN_EXAM, EXAM_GRADER, "/home/jovyan", "disk2", f"{GRADERS}/greta", "rw"),
    Row(IN_EXAM, EXAM_GRADER, f"/home/jovyan/courses/{LAW}", "disk2", f"courses/{LAW}", "rw"),
    Row(
        *(IN_EXAM, EXAM_GRADER, f"/home/jovyan/courses/{LAW}/{LAW}.SS23.PZ1"),
        *("disk2", f"courses/{LAW}/{LAW}.SS23.PZ1", "rw"),
    ),
    *graders(EXAM_GRADER, PZ1_AT, PZ1_ON, OWN_OUT, what=IN_EXAM),
    *shares(EXAM_GRADER, LAW, "rw", IN_EXAM),
]
OLD = [row for row in TABLE if not row.what.startswith(BESIDE)]
SERVERS = list(dict.fromkeys(row.server for row in TABLE))
ROSTER = [
    *(
        {"username": name, "role": role, "course": course, "term": "SS23"}
        for name, role in (
            *(("amy", "student"), ("greta", "grader"), ("ina", "instructor")),
            ("olga", "observer"),
        )
        for course in ("MRC", LAW)
    ),
    *(
        {"username": name, "role": role, "exam": exam.removeprefix("exams/")}
        for name, role in (("amy", "student"), ("greta", "grader"))
        for exam in (PZ1, PZ2)
    ),
]


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog(LAYOUT, checks=[check_pods])


async def container_of(catalog: Catalog, server: Server) -> dict[str, Any]:
    """The container in which the person works, as it would be sent to the cluster."""
    people = (parse_membership(row, catalog) for row in ROSTER)
    registry = registry_of(catalog, *people, hub=server.hub)
    username = Username.parse(server.username)
    exam = server.slug.rpartition("/")[0]
    now = AFTER_THE_EXAMS if server.hub is HubKind.GRADING else DURING.get(exam, IN_TERM)
    offer = registry.authorize(username, server.slug, now)
    made = await make_manifests(offer, username, size=None, config=Config())
    (pod,) = (item for item in made if item["kind"] == "Pod")
    return pod["spec"]["containers"][0]  # type: ignore[no-any-return]


def mounts_of(container: dict[str, Any]) -> dict[str, tuple[str, str, str]]:
    """By the place in the server: volume, directory and mode, of the catalog's volumes."""
    return {
        mount["mountPath"]: (
            mount["name"].removeprefix("e2x-"),
            mount["subPath"],
            "ro" if mount["readOnly"] else "rw",
        )
        for mount in container["volumeMounts"]
        if mount["name"].startswith("e2x-disk")
    }


@pytest.mark.parametrize(
    "row", OLD, ids=lambda row: f"{row.what} of {row.server.slug} at {row.mount_path}"
)
async def test_directory_stays_where_it_was(catalog: Catalog, row: Row) -> None:
    mounts = mounts_of(await container_of(catalog, row.server))
    assert mounts[row.mount_path] == (row.volume, row.sub_path, row.mode)


@pytest.mark.parametrize("server", SERVERS, ids=lambda server: server.slug)
async def test_server_has_exactly_these_directories(catalog: Catalog, server: Server) -> None:
    assert mounts_of(await container_of(catalog, server)) == {
        row.mount_path: (row.volume, row.sub_path, row.mode)
        for row in TABLE
        if row.server == server
    }


def test_every_line_of_the_old_table_is_there() -> None:
    assert {row.what for row in OLD} == {
        *(HOME, GRADERS_HOME, COURSE, GRADERS_EXCHANGE, STUDENTS_EXCHANGE, SHARES, EXAM_HOME)
    }


@pytest.mark.parametrize(
    ("server", "user", "home", "course_id", "course_directory"),
    [
        (MRC_STUDENT, 1000, "/home/amy", "MRC-SS23", None),
        (MRC_GRADER, 2000, "/home/greta", "MRC-SS23", "/home/greta/courses/MRC/MRC-SS23"),
        (EXAMINEE, 1000, "/home/jovyan", f"{LAW}.SS23.PZ1", None),
    ],
    ids=lambda value: str(getattr(value, "slug", value)),
)
async def test_images_find_what_they_read(
    catalog: Catalog,
    server: Server,
    user: int,
    home: str,
    course_id: str,
    course_directory: str | None,
) -> None:
    container = await container_of(catalog, server)
    environment = {entry["name"]: entry.get("value") for entry in container["env"]}
    assert container["securityContext"]["runAsUser"] == user
    assert environment["NB_UID"] == environment["NB_GID"] == str(user)
    assert (environment["HOME"], environment["LANGUAGE"]) == (home, "de")
    assert environment["NBGRADER_COURSE_ID"] == course_id
    assert environment.get("NBGRADER_COURSE_DIRECTORY") == course_directory


def test_nothing_is_warned_of_but_links_in_what_graders_write_to(catalog: Catalog) -> None:
    people = (parse_membership(row, catalog) for row in ROSTER)
    *beside_exams, courses = find_warnings(registry_of(catalog, *people))
    assert [warning.place[1] for warning in beside_exams] == ["MRC", LAW]
    assert all("the same volume has files of exams" in it.message for it in beside_exams)
    assert courses.place == ("defaults", "mounts", "course", "path")
    assert courses.message == (
        "graders and instructors may write to 'courses/{course}', in which 'courses/MRC/MRC-SS23' "
        "(courses.MRC.terms.SS23.nbgrader.course_directory) and 2 more lie: a link that they make "
        "there would decide what others get mounted; expected a directory beside it, or a volume "
        "of its own for what they write"
    )
