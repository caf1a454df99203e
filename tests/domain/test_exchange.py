"""Who gets which part of nbgrader's exchange, whose it is, and what programs are told."""

from __future__ import annotations

from typing import Any

import pytest

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.catalog.nbgrader import NbGrader
from e2xhub.domain.catalog.servers import UserIds
from e2xhub.domain.exchange import FORMGRADER_FILES, Exchange, plan_exchange
from e2xhub.domain.roles import HubKind, Role
from e2xhub.domain.server_owner import ServerOwner
from e2xhub.domain.volumes import NewDirectory

STUDENTS, STAFF = UserIds(user=1000, group=1000), UserIds(user=2000, group=2000)
RUN_AS = {role: STUDENTS if role is Role.STUDENT else STAFF for role in Role}
AT = "/srv/nbgrader/exchange/ml-WS26"
ROOT = "exchanges/ml/WS26"


def plan(
    catalog: Catalog,
    role: Role = Role.STUDENT,
    *,
    hub: HubKind = HubKind.ASSIGNMENT,
    exam: str | None = None,
    username: str = "alice",
    is_read_only: bool = False,
    config_path: str = "",
    home: str | None = None,
    **changes: Any,
) -> Exchange:
    written = {"volume": "files", "exchange": "exchanges/{course}/{term}", **changes}
    owner = ServerOwner(
        username=username,
        role=role,
        hub=hub,
        course="ml",
        term="WS26",
        exam=exam,
        is_read_only=is_read_only,
    )
    nbgrader = NbGrader.model_validate(written)
    return plan_exchange(catalog, nbgrader, owner, RUN_AS, home=home, config_path=config_path)


def mounted(exchange: Exchange) -> dict[str, tuple[str, str]]:
    """Directory of the volume and access, by the place in the server below the exchange."""
    return {
        mount.mount_path.removeprefix(AT): (mount.sub_path, "ro" if mount.read_only else "rw")
        for mount in exchange.mounts
    }


OWN = {
    "/inbound": (f"{ROOT}/personalized-inbound/alice", "rw"),
    "/personalized-inbound/alice": (f"{ROOT}/personalized-inbound/alice", "rw"),
    "/feedback": (f"{ROOT}/personalized-feedback/alice", "ro"),
    "/personalized-feedback/alice": (f"{ROOT}/personalized-feedback/alice", "ro"),
}


def test_student_gets_outbound_and_their_own_directories_only(small_catalog: Catalog) -> None:
    assert mounted(plan(small_catalog)) == {"/outbound": (f"{ROOT}/outbound", "ro"), **OWN}


def test_personalized_outbound_is_the_students_own(small_catalog: Catalog) -> None:
    own = (f"{ROOT}/personalized-outbound/alice", "ro")
    outbound = {"/outbound": own, "/personalized-outbound/alice": own}
    assert mounted(plan(small_catalog, personalized_outbound=True)) == {**outbound, **OWN}


def test_student_of_an_ended_term_hands_in_nothing(small_catalog: Catalog) -> None:
    exchange = plan(small_catalog, is_read_only=True)
    assert {access for _, access in mounted(exchange).values()} == {"ro"}
    assert exchange.prepared == ()


@pytest.mark.parametrize(
    ("role", "access"), [(Role.GRADER, "rw"), (Role.INSTRUCTOR, "rw"), (Role.OBSERVER, "ro")]
)
def test_staff_have_what_is_in_the_exchange_and_the_course(
    small_catalog: Catalog, role: Role, access: str
) -> None:
    exchange = plan(small_catalog, role, course_directory="courses/{course}")
    assert mounted(exchange) == {
        "/outbound": (f"{ROOT}/outbound", access),
        "/personalized-inbound": (f"{ROOT}/personalized-inbound", "ro"),
        "/personalized-feedback": (f"{ROOT}/personalized-feedback", access),
        "/home/jovyan/courses/ml": ("courses/ml", access),
    }
    assert exchange.environment["NBGRADER_COURSE_DIRECTORY"] == "/home/jovyan/courses/ml"


@pytest.mark.parametrize(
    ("home", "course_at", "found_at"),
    [
        (None, None, "/home/jovyan/courses/ml"),
        ("/home/{username}", None, "/home/alice/courses/ml"),
        ("/home/desk/", None, "/home/desk/courses/ml"),
        ("/home/{username}", "/home/{username}/{term}", "/home/alice/WS26"),
    ],
)
def test_course_is_in_the_home_of_those_who_grade(
    small_catalog: Catalog, home: str | None, course_at: str | None, found_at: str
) -> None:
    exchange = plan(
        small_catalog, Role.GRADER, home=home, course_at=course_at, course_directory="c/{course}"
    )
    assert exchange.mounts[-1].mount_path == found_at
    assert exchange.environment["NBGRADER_COURSE_DIRECTORY"] == found_at


def test_course_directory_is_not_a_students(small_catalog: Catalog) -> None:
    exchange = plan(small_catalog, course_directory="courses/{course}")
    assert not any("courses" in mount.sub_path for mount in exchange.mounts)
    assert "NBGRADER_COURSE_DIRECTORY" not in exchange.environment


def test_proctor_has_no_exchange(small_catalog: Catalog) -> None:
    assert plan(small_catalog, Role.PROCTOR) == Exchange()


def test_new_directories_belong_to_who_writes_to_them(small_catalog: Catalog) -> None:
    owners = {
        mount.sub_path.removeprefix(f"{ROOT}/"): mount.if_new and mount.if_new.owner
        for mount in plan(small_catalog).mounts
    }
    assert owners == {
        "outbound": None,
        "personalized-inbound/alice": STUDENTS,
        "personalized-feedback/alice": STAFF,
    }


def test_first_student_finds_an_exchange_that_belongs_to_the_graders(
    small_catalog: Catalog,
) -> None:
    (whole,) = plan(small_catalog).prepared
    assert whole.sub_path == ROOT
    inner = ("outbound", "personalized-inbound", "personalized-feedback")
    assert whole.if_new == NewDirectory(owner=STAFF, mode="0755", inner_directories=inner)
    assert plan(small_catalog, Role.GRADER).prepared == (whole,)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.PROCTOR])
@pytest.mark.parametrize("exam", [None, "pz1"])
def test_nobody_puts_a_link_where_the_server_of_somebody_else_writes(
    small_catalog: Catalog, role: Role, exam: str | None
) -> None:
    """Kubernetes follows links on the way to what it mounts."""
    changes: dict[str, Any] = {"exam": exam, "hubs": list(HubKind), "personalized_outbound": True}
    written = [mount for mount in plan(small_catalog, **changes).mounts if not mount.read_only]
    mine = plan(small_catalog, role, username="gina", hub=HubKind.GRADING, **changes)
    assert written
    assert not [
        (around.sub_path, mount.sub_path)
        for around in mine.mounts
        for mount in written
        if not around.read_only and mount.sub_path.startswith(around.sub_path)
    ]


@pytest.mark.parametrize(
    ("hubs", "hub", "exam", "has_it"),
    [
        (["assignment", "grading"], HubKind.ASSIGNMENT, None, True),
        (["assignment"], HubKind.GRADING, None, False),
        (["assignment", "grading"], HubKind.GRADING, "pz1", False),
        (["exam"], HubKind.EXAM, "pz1", True),
        (["exam"], HubKind.GRADING, "pz1", True),
        (["exam"], HubKind.GRADING, None, False),
    ],
)
def test_exam_never_has_what_is_declared_for_courses(
    small_catalog: Catalog, hubs: list[str], hub: HubKind, exam: str | None, has_it: bool
) -> None:
    role = Role.GRADER if hub is HubKind.GRADING else Role.STUDENT
    assert bool(plan(small_catalog, role, hub=hub, exam=exam, hubs=hubs).mounts) is has_it


@pytest.mark.parametrize(
    ("template", "exam", "course_id"),
    [(None, None, "ml-WS26"), (None, "pz1", "pz1"), ("{course}_{term}.x", None, "ml_WS26.x")],
)
def test_course_id_is_told_to_nbgrader_and_names_the_place(
    small_catalog: Catalog, template: str | None, exam: str | None, course_id: str
) -> None:
    hub = HubKind.EXAM if exam else HubKind.ASSIGNMENT
    exchange = plan(
        small_catalog, exam=exam, hub=hub, course_id=template, hubs=["exam", "assignment"]
    )
    assert exchange.environment["NBGRADER_COURSE_ID"] == course_id
    assert exchange.mounts[0].mount_path == f"/srv/nbgrader/exchange/{course_id}/outbound"


def test_configuration_file_hides_no_other(small_catalog: Catalog) -> None:
    exchange = plan(small_catalog, config_path="/opt/etc/jupyter:/opt/more")
    assert exchange.files == {"/etc/e2xhub/nbgrader/nbgrader_config.py": "nbgrader_config.py"}
    assert exchange.environment["JUPYTER_CONFIG_PATH"] == (
        "/etc/e2xhub/nbgrader:/opt/etc/jupyter:/opt/more"
    )


@pytest.mark.parametrize("role", [Role.GRADER, Role.INSTRUCTOR, Role.OBSERVER])
def test_those_who_open_the_formgrader_get_what_it_lacks_and_students_do_not(
    small_catalog: Catalog, role: Role
) -> None:
    files = plan(small_catalog, role).files
    assert files == {**plan(small_catalog).files, **FORMGRADER_FILES}
    assert not FORMGRADER_FILES.keys() & plan(small_catalog).files.keys()


@pytest.mark.parametrize("username", ["..", "a/b", ""])
def test_name_that_is_no_directory_gets_no_plan(small_catalog: Catalog, username: str) -> None:
    with pytest.raises(ValueError, match="expected a path component"):
        plan(small_catalog, username=username)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"exchange": "exchanges/{course}/{username}"},
            "'exchanges/{course}/{username}' has the field {username}, but all members of a "
            "course share it; expected the fields {course}, {term} or {exam}",
        ),
        (
            {"course_id": "{course}/{term}"},
            "'{course}/{term}' is no course id of nbgrader; expected A-Z a-z 0-9 _ . - and the "
            "fields {course}, {term} or {exam}, such as '{course}-{term}'",
        ),
        (
            {"course_directory": "exchanges/{course}"},
            "course_directory 'exchanges/{course}' and exchange 'exchanges/{course}/{term}' lie "
            "in each other; expected two directories beside each other",
        ),
    ],
)
def test_faulty_value_says_what_was_expected(changes: dict[str, str], message: str) -> None:
    written = {"volume": "files", "exchange": "exchanges/{course}/{term}", **changes}
    with pytest.raises(ValueError, match="error") as raised:
        NbGrader.model_validate(written)
    assert message in str(raised.value)


@pytest.mark.parametrize("course_id", ["{course}+{term}", "-{course}", ".", "a b", "{role}"])
def test_course_id_is_one_safe_name(course_id: str) -> None:
    with pytest.raises(ValueError, match="course_id"):
        NbGrader.model_validate({"volume": "v", "exchange": "x", "course_id": course_id})
