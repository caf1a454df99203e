"""Nobody grades what they sat, and what examinees have written stays as it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.catalog.references import check_references
from e2xhub.domain.exam_records import ExamChanges
from e2xhub.domain.grading import exams_sat_by
from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.domain.offers import Offer, Registry
from e2xhub.domain.refusals import NotOfferedError, Reason
from e2xhub.domain.registry_warnings import find_warnings
from e2xhub.domain.roles import HubKind, Role
from e2xhub.domain.roster import ExamMembership, Roster
from e2xhub.domain.roster_rows import parse_membership
from e2xhub.domain.shared_directories import directory_key
from e2xhub.domain.standing import Started, judge
from tests.domain.universities import USERNAMES, catalogs, moments, rosters

BEFORE = datetime(2027, 2, 1, tzinfo=timezone.utc)
END = datetime(2027, 2, 15, 10, tzinfo=timezone.utc)
AFTER = END + timedelta(days=1)
PZ1, SLUG = ExamId.parse("pz1"), "exams/pz1/grader"
STAFF = ("grader", "instructor", "observer")
SEES_ALL = {"read_write": ["grader", "instructor"], "read_only": ["observer"]}


def catalog_with(**changes: dict[str, Any]) -> Catalog:
    """A course with an exam from 9 to 11 in Berlin; `course` and `exam` are further keys."""
    written = {
        "university": "Test",
        "volumes": {"files": {"nfs": {"server": "nfs.example.org", "path": "/export"}}},
        "images": {"one": {"name": "one:1"}},
        "sizes": {"one": {"title": "One", "memory": "1G", "cpu": 1}},
        "rooms": {"lab": ["10.0.0.0/8"]},
        "defaults": {
            "image": "one",
            "sizes": ["one"],
            "mounts": {
                "home": mount("homes/{role}/{username}", "/home/jovyan", SEES_ALL),
                "exam-home": {
                    **mount("exams/{exam}/{username}", "/home/jovyan", {"read_write": ["student"]}),
                    "hubs": ["exam"],
                },
            },
        },
        "courses": {
            "ml": {
                "title": "ML",
                "terms": {"WS26": {"start": "2026-10-01", "end": "2027-03-31"}},
                **changes.get("course", {}),
            }
        },
        "exams": {
            "pz1": {
                "title": "First exam",
                "course": "ml",
                "term": "WS26",
                "start": "2027-02-15T09:00:00+01:00",
                "duration_minutes": 120,
                "rooms": ["lab"],
                "nbgrader": {
                    "volume": "files",
                    "exchange": "exchanges/{exam}",
                    "course_directory": "grading/{exam}",
                    "hubs": ["exam"],
                },
                **changes.get("exam", {}),
            }
        },
    }
    catalog = Catalog.model_validate(written)
    assert check_references(catalog) == []
    return catalog


def mount(path: str, at: str, access: dict[str, Any]) -> dict[str, Any]:
    return {"volume": "files", "path": path, "mount_at": at, "access": access}


def registry_with(
    *rows: str, hub: HubKind = HubKind.GRADING, catalog: Catalog | None = None, **changes: Any
) -> Registry:
    """A hub with these on the roster: `gina pz1 grader`, or `gina ml grader`."""
    declared = catalog or catalog_with()
    memberships = []
    for row in rows:
        username, of, role = row.split()
        where = {"exam": of} if of == "pz1" else {"course": of, "term": "WS26"}
        memberships.append(
            parse_membership({"username": username, "role": role, **where}, declared)
        )
    registry = Registry(catalog=declared, roster=Roster(memberships), hub=hub)
    return registry.with_changes(ExamChanges(**changes))


def reasons_of(registry: Registry, username: str = "gina") -> dict[str, Reason]:
    listed = registry.offers_for(username, AFTER)
    return {refusal.slug: refusal.reason for refusal in listed.refusals}


def offer_of(registry: Registry, slug: str = SLUG, now: datetime = AFTER) -> Offer:
    return registry.authorize("gina", slug, now)


def access_in(offer: Offer) -> dict[str, str]:
    """`rw` or `ro` by the directory of the volume."""
    mounts = offer.server.volume_mounts
    return {item.sub_path: "ro" if item.read_only else "rw" for item in mounts}


# --- nobody grades a cohort that they sat in


@pytest.mark.parametrize("role", STAFF)
def test_examinee_gets_no_server_of_the_exam_in_any_role(role: str) -> None:
    registry = registry_with("gina pz1 student", f"gina pz1 {role}")
    assert reasons_of(registry) == {f"exams/pz1/{role}": Reason.SAT_EXAM}
    with pytest.raises(NotOfferedError) as refused:
        registry.authorize("gina", f"exams/pz1/{role}", AFTER)
    assert str(refused.value) == "You sit this exam, or sat it, and so you cannot grade it."


def test_who_ever_had_a_code_has_sat_the_exam_also_off_the_roster() -> None:
    registry = registry_with("gina pz1 grader", sat={"gina": frozenset({PZ1})})
    assert reasons_of(registry) == {SLUG: Reason.SAT_EXAM}


@pytest.mark.parametrize(
    ("recorded", "grader"),
    [
        ("gina.", "gina"),
        ("gina", "gina."),
        ("Gina", "gina"),
        ("gina", "gina..."),
        ("straße", "strasse"),
        ("strasse", "straße"),
        ("STRASSE", "straße"),
        ("m\u00fcller", "mu\u0308ller"),
        ("mu\u0308ller", "m\u00fcller"),
        ("ﬁnn", "finn"),
        ("σοφος", "σοφος."),
        ("σοφος", "σοφοσ"),
    ],
)
def test_who_sat_under_another_spelling_of_the_name_is_found(recorded: str, grader: str) -> None:
    changes = ExamChanges(sat={directory_key(recorded): frozenset({PZ1})})
    assert exams_sat_by(grader, Roster([]), changes) == {PZ1}
    membership = ExamMembership(username=Username(grader), exam=PZ1, role=Role.GRADER)
    registry = replace(registry_with(), roster=Roster([membership])).with_changes(changes)
    assert reasons_of(registry, grader) == {SLUG: Reason.SAT_EXAM}


@pytest.mark.parametrize("other", ["gina2", "ginä", "gin", "agina"])
def test_names_that_only_look_alike_are_other_people(other: str) -> None:
    changes = ExamChanges(sat={directory_key(other): frozenset({PZ1})})
    assert exams_sat_by("gina", Roster([]), changes) == frozenset()


def test_other_exam_and_other_person_refuse_nothing() -> None:
    sat = {"gina": frozenset({ExamId.parse("pz2")}), "ben": frozenset({PZ1})}
    assert reasons_of(registry_with("gina pz1 grader", "ben pz1 student", sat=sat)) == {}


def test_who_studies_and_grades_in_one_course_is_not_refused() -> None:
    registry = registry_with("gina ml student", "gina ml grader", "gina pz1 grader")
    assert reasons_of(registry) == {}
    assert len(registry.offers_for("gina", AFTER).offers) == 2


def test_records_that_cannot_be_read_let_nobody_grade_an_exam() -> None:
    registry = registry_with("gina pz1 grader", "gina ml grader", is_readable=False)
    assert reasons_of(registry) == {SLUG: Reason.NOT_CHECKED}
    assert [offer.slug for offer in registry.offers_for("gina", AFTER).offers] == ["ml/WS26/grader"]


def test_who_is_known_to_have_sat_is_told_so_also_while_records_cannot_be_read() -> None:
    registry = registry_with("gina pz1 student", "gina pz1 grader", is_readable=False)
    assert reasons_of(registry) == {SLUG: Reason.SAT_EXAM}


# --- nor by the server of the course

COURSES_MOUNTS = [
    ("exams/pz1", True),
    ("exams", True),
    ("exchanges/pz1", True),
    ("exchanges/pz1/personalized-inbound", True),
    ("exchanges/pz1/outbound", True),
    ("grading", True),
    ("grading/pz1/submitted", True),
    ("exams/pz2", False),
    ("exchange", False),
    ("courses/{course}", False),
]


@pytest.mark.parametrize("hub", [HubKind.ASSIGNMENT, HubKind.GRADING])
@pytest.mark.parametrize(("path", "has_files"), COURSES_MOUNTS)
def test_course_whose_mounts_hold_the_exam_is_refused_to_who_sat_it(
    path: str, has_files: bool, hub: HubKind
) -> None:
    mounts = {"all": mount(path, "/srv/all", {"read_only": list(STAFF)})}
    catalog = catalog_with(course={"mounts": mounts})
    rows = ("gina ml grader", "gina pz1 student")
    registry = registry_with(*rows, hub=hub, catalog=catalog)
    expected = {"ml/WS26/grader": Reason.HOLDS_SAT_EXAM} if has_files else {}
    assert reasons_of(registry) == expected
    assert reasons_of(registry_with("gina ml grader", hub=hub, catalog=catalog)) == {}


def test_export_of_another_directory_of_the_same_server_is_the_same_disk() -> None:
    written = catalog_with().model_dump(exclude_unset=True)
    written["volumes"]["exams"] = {"nfs": {"server": "nfs.example.org", "path": "/export/exams"}}
    written["courses"]["ml"]["mounts"] = {
        "all": {**mount("pz1", "/srv/all", {"read_only": ["grader"]}), "volume": "exams"}
    }
    registry = registry_with(
        "gina ml grader", "gina pz1 student", catalog=Catalog.model_validate(written)
    )
    assert reasons_of(registry) == {"ml/WS26/grader": Reason.HOLDS_SAT_EXAM}


def test_companion_and_seed_bring_no_file_of_the_exam_either() -> None:
    everything = mount("exams", "/srv/all", {"read_only": ["grader"]})
    for further in (
        {"seeds": {"all": {"volume": "files", "path": "grading/pz1", "to": "/home/jovyan/all"}}},
        {
            "extra_containers": {
                "helper": {"image": "one", "memory": "1G", "cpu": 1, "mounts": {"all": everything}}
            }
        },
    ):
        written = catalog_with().model_dump(exclude_unset=True)
        written["courses"]["ml"] |= further
        registry = registry_with(
            "gina ml grader", "gina pz1 student", catalog=Catalog.model_validate(written)
        )
        assert reasons_of(registry) == {"ml/WS26/grader": Reason.HOLDS_SAT_EXAM}, further


def test_course_that_holds_an_exam_is_refused_while_records_cannot_be_read() -> None:
    mounts = {"all": mount("grading", "/srv/all", {"read_only": ["grader"]})}
    catalog = catalog_with(course={"mounts": mounts})
    registry = registry_with("gina ml grader", catalog=catalog, is_readable=False)
    assert reasons_of(registry) == {"ml/WS26/grader": Reason.NOT_CHECKED}


# --- a server that runs


def started(**changes: Any) -> Started:
    return Started(**{"slug": SLUG, "is_read_only": False, "stop_after_minutes": None, **changes})


def test_grader_who_becomes_an_examinee_loses_the_running_server() -> None:
    standing = judge(registry_with("gina pz1 grader", "gina pz1 student"), "gina", started(), AFTER)
    assert standing.lapse is not None
    assert standing.lapse.reason is Reason.SAT_EXAM
    assert started().ends_at(AFTER, standing.lapse) == AFTER + timedelta(minutes=1)


def test_database_that_does_not_answer_ends_no_server() -> None:
    registry = registry_with("gina pz1 grader", is_readable=False)
    standing = judge(registry, "gina", started(), AFTER)
    assert standing.lapse is not None
    assert standing.lapse.reason is Reason.NOT_CHECKED
    assert started(stop_after_minutes=0).ends_at(AFTER, standing.lapse) is None


# --- what examinees have written


@pytest.mark.parametrize("role", ["grader", "instructor"])
def test_exam_is_graded_beside_what_was_handed_in(role: str) -> None:
    offer = offer_of(registry_with(f"gina pz1 {role}"), f"exams/pz1/{role}")
    assert access_in(offer) == {
        f"homes/{role}/gina": "rw",
        "exchanges/pz1/outbound": "rw",
        "exchanges/pz1/personalized-inbound": "ro",
        "exchanges/pz1/personalized-feedback": "rw",
        "grading/pz1": "rw",
    }


def test_course_of_an_exam_can_show_everybody_the_feedback_of_their_own() -> None:
    """As docs/how-to/grade.md has it."""
    feedback = {
        **mount("exchanges/pz1/personalized-feedback/{username}", "/home/jovyan/pz1", {}),
        "access": {"read_only": ["student"]},
        "owner": "grader",
        "mode": "0755",
        "hubs": ["assignment"],
    }
    catalog = catalog_with(course={"mounts": {"feedback-pz1": feedback}})
    rows = ("gina ml student", "gina pz1 student")
    registry = registry_with(*rows, hub=HubKind.ASSIGNMENT, catalog=catalog)
    offer = offer_of(registry, "ml/WS26/student")
    assert access_in(offer) == {"exchanges/pz1/personalized-feedback/gina": "ro"}


def test_observer_of_an_exam_writes_nothing() -> None:
    offer = offer_of(registry_with("gina pz1 observer"), "exams/pz1/observer")
    assert set(access_in(offer).values()) == {"ro"}
    assert "exchanges/pz1/personalized-inbound" in access_in(offer)


@pytest.mark.parametrize(
    ("now", "has_it"),
    [(BEFORE, False), (END - timedelta(seconds=1), False), (END, True)],
)
def test_what_is_handed_in_reaches_graders_when_the_exam_is_over(
    now: datetime, has_it: bool
) -> None:
    registry = registry_with("gina pz1 grader", "ben pz1 student")
    mounted = access_in(offer_of(registry, now=now))
    assert ("exchanges/pz1/personalized-inbound" in mounted) is has_it
    assert mounted["grading/pz1"] == mounted["exchanges/pz1/outbound"] == "rw"


@pytest.mark.parametrize(
    ("in_catalog", "granted", "minutes"), [(30, 0, 30), (0, 20, 20), (30, 20, 50), (30, -10, 20)]
)
def test_exam_is_over_when_the_last_one_has_no_time_left(
    in_catalog: int, granted: int, minutes: int
) -> None:
    catalog = catalog_with(exam={"extra_minutes": {"ben": in_catalog}} if in_catalog else {})
    extra = {(PZ1, Username.parse("ben")): granted}
    registry = registry_with("gina pz1 grader", catalog=catalog, extra_minutes=extra)
    for seconds, has_it in ((-1, False), (0, True)):
        offer = offer_of(registry, now=END + timedelta(minutes=minutes, seconds=seconds))
        assert offer.handed_in_at == END + timedelta(minutes=minutes)
        mounted = access_in(offer)
        assert ("exchanges/pz1/personalized-inbound" in mounted) is has_it


class Grants(dict[tuple[ExamId, Username], int]):
    """Extra time that counts how often somebody goes through all of it."""

    gone_through = 0

    def __iter__(self) -> Iterator[tuple[ExamId, Username]]:
        self.gone_through += 1
        return super().__iter__()


@pytest.mark.parametrize(("role", "expected"), [("instructor", 1), ("student", 0)])
def test_extra_time_is_gone_through_once_however_much_somebody_teaches(
    role: str, expected: int
) -> None:
    mounts = {"work": mount("exams", "/srv/work", SEES_ALL)}
    written = catalog_with(course={"mounts": mounts}).model_dump(exclude_unset=True)
    written["courses"] |= {f"ml{number}": written["courses"]["ml"] for number in range(20)}
    written["exams"] |= {f"pz{number}": written["exams"]["pz1"] for number in range(2, 20)}
    catalog = Catalog.model_validate(written)
    rows = (f"gina {course} {role}" for course in catalog.courses)
    grants = Grants({(exam, Username("ben")): 10 for exam in catalog.exams})
    hub = HubKind.ASSIGNMENT
    registry = registry_with(*rows, hub=hub, catalog=catalog, extra_minutes=grants)
    now = END - timedelta(hours=1)
    assert len(registry.offers_for("gina", now).offers) == 21
    assert len(registry.offers_for("gina", now).offers) == 21
    assert grants.gone_through == expected


@pytest.mark.parametrize("path", ["exams", "exams/{exam}", "exchanges/{exam}"])
def test_mount_that_may_be_written_is_read_only_where_examinees_wrote(path: str) -> None:
    catalog = catalog_with(exam={"mounts": {"work": mount(path, "/srv/work", SEES_ALL)}})
    registry = registry_with("gina pz1 grader", catalog=catalog)
    filled = path.format(exam="pz1")
    assert access_in(offer_of(registry))[filled] == "ro"
    assert filled not in access_in(offer_of(registry, now=BEFORE))


def test_course_writes_no_examinees_files_either() -> None:
    catalog = catalog_with(course={"mounts": {"work": mount("exams", "/srv/work", SEES_ALL)}})
    for hub in (HubKind.ASSIGNMENT, HubKind.GRADING):
        registry = registry_with("gina ml grader", hub=hub, catalog=catalog)
        assert access_in(offer_of(registry, "ml/WS26/grader"))["exams"] == "ro"
        assert "exams" not in access_in(offer_of(registry, "ml/WS26/grader", BEFORE))


HELPER = {"image": "one", "memory": "1G", "cpu": 1}
WRITES_ALL = {"all": mount("exams", "/srv/all", SEES_ALL)}
READS_ALL = {"all": mount("exams", "/srv/all", {"read_only": ["grader"]})}


def companions_in(course: dict[str, Any], now: datetime) -> dict[str, dict[str, str]]:
    """What the companions of the course's grader mount, by name."""
    registry = registry_with("gina ml grader", catalog=catalog_with(course=course))
    offer = offer_of(registry, "ml/WS26/grader", now)
    return {
        it.name: {m.sub_path: "ro" if m.read_only else "rw" for m in it.volume_mounts}
        for it in offer.server.companions
    }


def test_companion_has_what_examinees_wrote_when_the_exam_is_over_and_read_only() -> None:
    own = {"own": mount("helpers/{username}", "/var/lib/helper", SEES_ALL)}
    course = {"extra_containers": {"helper": {**HELPER, "mounts": WRITES_ALL | own}}}
    assert companions_in(course, BEFORE) == {"helper": {"helpers/gina": "rw"}}
    assert companions_in(course, AFTER) == {"helper": {"helpers/gina": "rw", "exams": "ro"}}


@pytest.mark.parametrize(("mounts", "runs"), [(WRITES_ALL, False), (READS_ALL, True)])
def test_companion_that_would_write_examinees_files_alone_is_left_out(
    mounts: dict[str, Any], runs: bool
) -> None:
    course = {"extra_containers": {"helper": {**HELPER, "mounts": mounts}}}
    for now in (BEFORE, AFTER):
        assert bool(companions_in(course, now)) is runs


def test_examinee_writes_to_what_is_theirs() -> None:
    registry = registry_with("gina pz1 student", hub=HubKind.EXAM)
    mounted = access_in(registry.authorize("gina", "exams/pz1/student", END - timedelta(hours=1)))
    assert mounted["exams/pz1/gina"] == "rw"
    assert mounted["exchanges/pz1/personalized-inbound/gina"] == "rw"


# --- where a server opens


@pytest.mark.parametrize(
    ("role", "hub", "opens_at"),
    [
        *((role, HubKind.GRADING, "/formgrader") for role in STAFF),
        *((role, HubKind.ASSIGNMENT, "/lab") for role in (*STAFF, "student")),
    ],
)
def test_formgrader_opens_where_people_grade(role: str, hub: HubKind, opens_at: str) -> None:
    nbgrader = {"volume": "files", "exchange": "x/{course}", "grading_url": "/formgrader"}
    catalog = catalog_with(course={"default_url": "/lab", "nbgrader": nbgrader})
    registry = registry_with(f"gina ml {role}", hub=hub, catalog=catalog)
    assert offer_of(registry, f"ml/WS26/{role}").server.default_url == opens_at


# --- what an admin is told


def warnings_of(*rows: str, catalog: Catalog | None = None) -> list[tuple[str, str]]:
    found = find_warnings(registry_with(*rows, catalog=catalog))
    return [(".".join(item.place), item.message) for item in found]


def test_admin_is_told_of_graders_among_the_students() -> None:
    rows = ("gina ml grader", "gina ml student", "ina ml instructor", "ina ml student")
    assert warnings_of(*rows) == [
        (
            "courses.ml.terms.WS26",
            "students of this term also grade it, their own work included: gina; expected graders "
            "who do not study in it",
        )
    ]


def test_admin_is_told_of_those_who_cannot_grade_an_exam() -> None:
    rows = [f"{name} pz1 {role}" for name in "abcde" for role in ("student", "observer")]
    assert warnings_of(*rows) == [
        (
            "exams.pz1",
            "who grades or observes this exam is among its examinees, and gets no server to grade "
            "it: a, b, c and 2 more; expected others",
        )
    ]


def test_admin_is_told_of_a_mount_that_will_be_read_only() -> None:
    catalog = catalog_with(course={"mounts": {"work": mount("exams", "/srv/work", SEES_ALL)}})
    assert [item for item in warnings_of(catalog=catalog) if "read_only" in item[1]] == [
        (
            "courses.ml.mounts.work",
            "'exams' has what examinees of pz1 write: whoever grades gets it when the exam is over "
            "for everybody, and read-only; expected 'read_only' for them, and a directory of its "
            "own for what they write",
        )
    ]


EXCHANGE = {"volume": "files", "exchange": "courses/{course}", "personalized_outbound": True}
BESIDE = (
    "whoever grades writes to 'courses/{course}', from inside which students' servers mount "
    "directories, and the same volume has files of exams (pz1): a link that a grader makes there "
    "would show them to a student; expected another volume for exams, an NFS export that is not "
    "below this one, or a claim"
)


@pytest.mark.parametrize(
    ("exchange_on", "is_told"),
    [
        ("/export", True),
        ("/", True),
        ("/export/exams", True),
        ("/export/nbgrader", False),
        ("/other", False),
    ],
)
def test_admin_is_told_of_an_exchange_on_a_volume_with_files_of_exams(
    exchange_on: str, is_told: bool
) -> None:
    """Another export of the same server is the same disk."""
    written = catalog_with().model_dump(exclude_unset=True)
    written["volumes"]["exchange"] = {"nfs": {"server": "nfs.example.org", "path": exchange_on}}
    written["courses"]["ml"]["nbgrader"] = {**EXCHANGE, "volume": "exchange"}
    expected = [("courses.ml.nbgrader.exchange", BESIDE)] if is_told else []
    assert warnings_of(catalog=Catalog.model_validate(written)) == expected


def test_exchange_of_the_exam_alone_is_on_the_exams_volume() -> None:
    assert warnings_of() == []
    declared = {**EXCHANGE, "hubs": ["exam"]}
    assert warnings_of(catalog=catalog_with(course={"nbgrader": declared})) == []


def test_admin_is_told_once_of_an_exchange_for_all_courses() -> None:
    written = catalog_with().model_dump(exclude_unset=True)
    written["defaults"]["nbgrader"] = {**EXCHANGE, "exchange": "courses/{course}/{term}"}
    written["courses"]["db"] = written["courses"]["ml"]
    places = [place for place, _ in warnings_of(catalog=Catalog.model_validate(written))]
    assert places == ["defaults.nbgrader.exchange"]


# --- whatever the university is like

registries = st.builds(
    Registry, catalog=catalogs, roster=rosters, hub=st.sampled_from(list(HubKind))
)


@settings(deadline=None)
@given(registry=registries, now=moments)
def test_no_catalog_and_roster_let_somebody_grade_what_they_sit(
    registry: Registry, now: datetime
) -> None:
    for username in USERNAMES:
        sat = {it.exam for it in registry.roster.exam_memberships_of(username, Role.STUDENT)}
        for offer in registry.offers_for(username, now).offers:
            assert offer.role is Role.STUDENT or offer.exam not in sat


@settings(deadline=None)
@given(registry=registries, now=moments)
def test_nothing_is_graded_in_any_university_while_records_cannot_be_read(
    registry: Registry, now: datetime
) -> None:
    blind = registry.with_changes(replace(registry.changes, is_readable=False))
    for username in USERNAMES:
        offers = blind.offers_for(username, now).offers
        assert all(offer.role is Role.STUDENT for offer in offers if offer.exam)
