"""Who may start what: the table of the roles, the days of a term, the window of an exam."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.exam_records import ExamChanges
from e2xhub.domain.identifiers import CourseId, ExamId, Username
from e2xhub.domain.network_class import NetworkClass
from e2xhub.domain.offers import Offer, Registry
from e2xhub.domain.refusals import NotOfferedError, Reason
from e2xhub.domain.roles import HubKind, Role
from e2xhub.domain.roster import Roster
from tests.domain.universities import USERNAMES, catalogs, moments, rosters, written_catalogs

BERLIN = ZoneInfo("Europe/Berlin")
A_MINUTE = timedelta(minutes=1)
WINTER = datetime(2026, 11, 2, tzinfo=timezone.utc)
IN_EXAM = datetime(2027, 2, 15, 8, 0, tzinfo=timezone.utc)

registries = st.builds(
    Registry, catalog=catalogs, roster=rosters, hub=st.sampled_from(list(HubKind))
)


def slugs_of(registry: Registry, username: str, now: datetime) -> list[str]:
    return [offer.slug for offer in registry.offers_for(username, now).offers]


@pytest.mark.parametrize(
    ("username", "slugs"),
    [
        ("alice", ["machine-learning/WS26/student", "databases/WS26/student"]),
        ("gina", ["machine-learning/WS26/grader", "databases/WS26/student"]),
        ("prof-ito", ["machine-learning/WS26/instructor"]),
        ("oscar", ["databases/WS26/observer"]),
        ("ben", []),
        ("petra", []),
        ("mallory", []),
        ("Alice", []),
    ],
)
def test_assignment_hub_offers_courses(
    assignment_hub: Registry, username: str, slugs: list[str]
) -> None:
    assert slugs_of(assignment_hub, username, WINTER) == slugs


@pytest.mark.parametrize(
    ("username", "slugs"),
    [
        ("alice", []),
        ("gina", ["machine-learning/WS26/grader", "exams/ml-pz1/grader"]),
        ("prof-ito", ["machine-learning/WS26/instructor"]),
        ("oscar", ["databases/WS26/observer", "exams/ml-pz1/observer"]),
        ("petra", []),
    ],
)
def test_grading_hub_offers_to_those_who_grade_teach_and_observe(
    grading_hub: Registry, username: str, slugs: list[str]
) -> None:
    assert slugs_of(grading_hub, username, WINTER) == slugs


@pytest.mark.parametrize(
    ("username", "slugs"),
    [
        ("alice", ["exams/ml-pz1/student"]),
        ("ben", ["exams/ml-pz1/student"]),
        ("gina", []),
        ("oscar", []),
        ("petra", []),
        ("prof-ito", []),
    ],
)
def test_exam_hub_offers_the_open_exam_to_its_examinees(
    exam_hub: Registry, username: str, slugs: list[str]
) -> None:
    assert slugs_of(exam_hub, username, IN_EXAM) == slugs


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        (datetime(2026, 9, 30, 23, 59, tzinfo=BERLIN), "Opens on 2026-10-01."),
        (datetime(2026, 10, 1, 0, 0, tzinfo=BERLIN), None),
        (datetime(2026, 9, 30, 22, 0, tzinfo=timezone.utc), None),
        (datetime(2027, 3, 31, 23, 59, tzinfo=BERLIN), None),
        (datetime(2027, 4, 1, 0, 0, tzinfo=BERLIN), "Ended on 2027-03-31."),
    ],
)
def test_term_is_open_from_its_first_to_its_last_day(
    assignment_hub: Registry, now: datetime, reason: str | None
) -> None:
    listed = assignment_hub.offers_for("alice", now)
    refused = {refusal.slug: str(refusal) for refusal in listed.refusals}
    assert refused.get("databases/WS26/student") == reason


def test_refusal_names_course_term_and_day(assignment_hub: Registry) -> None:
    (refusal,) = assignment_hub.offers_for("alice", WINTER).refusals
    assert (refusal.title, str(refusal)) == ("Machine Learning, SS27", "Opens on 2027-04-01.")


@pytest.mark.parametrize(
    ("username", "is_known"),
    [("alice", True), ("petra", True), ("mallory", False), ("Alice", False)],
)
def test_who_is_on_the_roster_is_known_on_every_hub(
    assignment_hub: Registry, exam_hub: Registry, username: str, is_known: bool
) -> None:
    for hub in (assignment_hub, exam_hub):
        assert hub.offers_for(username, WINTER).is_known is is_known


@pytest.mark.parametrize("username", ["gina", "prof-ito"])
def test_staff_gets_a_term_at_any_time(assignment_hub: Registry, username: str) -> None:
    long_after = datetime(2030, 1, 1, tzinfo=timezone.utc)
    assert slugs_of(assignment_hub, username, long_after)[0].startswith("machine-learning/WS26/")


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        (datetime(2027, 2, 15, 8, 44, tzinfo=BERLIN), "The exam opens on 2027-02-15 at 08:45."),
        (datetime(2027, 2, 15, 8, 45, tzinfo=BERLIN), None),
        (datetime(2027, 2, 15, 10, 29, tzinfo=BERLIN), None),
        (datetime(2027, 2, 15, 10, 30, tzinfo=BERLIN), "The exam ended on 2027-02-15 at 10:30."),
    ],
)
def test_exam_is_open_from_early_entry_until_its_end(
    exam_hub: Registry, now: datetime, reason: str | None
) -> None:
    listed = exam_hub.offers_for("ben", now)
    assert [str(refusal) for refusal in listed.refusals] == ([reason] if reason else [])
    assert bool(listed.offers) is (reason is None)


def test_offer_is_what_the_innermost_level_says(assignment_hub: Registry) -> None:
    learning, databases = assignment_hub.offers_for("alice", WINTER).offers
    assert (learning.server.image.name, list(learning.server.sizes)) == (
        "registry.example.org/gpu:1",
        ["small", "large"],
    )
    assert (learning.title, learning.subtitle) == ("Machine Learning", "Winter 2026/27")
    assert (learning.server.network, learning.server.default_url) == (NetworkClass.OPEN, None)
    assert (databases.server.image.name, list(databases.server.sizes)) == (
        "registry.example.org/notebook:1",
        ["large"],
    )
    assert (databases.title, databases.subtitle) == ("Databases", "WS26")
    assert (databases.server.network, databases.server.default_url) == (
        NetworkClass.NO_INTERNET,
        "/lab",
    )


def test_server_is_told_where_it_is_and_the_catalog_cannot_change_that(
    small_catalog: Catalog, small_roster: Roster
) -> None:
    claims = {"E2XHUB_USERNAME": "mallory", "LANG": "C"}
    defaults = small_catalog.defaults.model_copy(update={"environment": claims})
    catalog = small_catalog.model_copy(update={"defaults": defaults})
    hub = Registry(catalog=catalog, roster=small_roster, hub=HubKind.EXAM)
    (offer,) = hub.offers_for("alice", IN_EXAM).offers
    assert offer.server.environment == {
        "LANG": "C",
        "USER": "alice",
        "LOGNAME": "alice",
        "NB_UID": "1000",
        "NB_GID": "1000",
        "E2XHUB_USERNAME": "alice",
        "E2XHUB_COURSE": "machine-learning",
        "E2XHUB_TERM": "WS26",
        "E2XHUB_EXAM": "ml-pz1",
        "E2XHUB_ROLE": "student",
        "E2XHUB_HUB": "exam",
    }


def test_examinee_is_locked_and_grader_of_the_exam_is_not(
    exam_hub: Registry, grading_hub: Registry
) -> None:
    sitting = exam_hub.authorize("alice", "exams/ml-pz1/student", IN_EXAM)
    grading = grading_hub.authorize("gina", "exams/ml-pz1/grader", IN_EXAM)
    assert (sitting.server.network, sitting.is_exam) == (NetworkClass.EXAM, True)
    assert (grading.server.network, grading.is_exam) == (NetworkClass.OPEN, False)


@pytest.mark.parametrize(
    ("username", "slug", "sentence"),
    [
        ("alice", "machine-learning/WS26/grader", "NOT_OFFERED"),
        ("alice", "unknown/WS26/student", "NOT_OFFERED"),
        ("alice", "exams/ml-pz1/student", "NOT_OFFERED"),
        ("alice", "databases/WS26/student/", "NOT_OFFERED"),
        ("alice", "DATABASES/WS26/student", "NOT_OFFERED"),
        ("mallory", "databases/WS26/student", "NOT_OFFERED"),
        ("mallory", None, "NOTHING_OFFERED"),
        ("alice", None, "NO_CHOICE"),
        ("alice", "", "NO_CHOICE"),
        ("alice", "machine-learning/SS27/student", "TERM_NOT_OPEN"),
    ],
)
def test_what_is_not_offered_is_refused(
    assignment_hub: Registry, username: str, slug: str | None, sentence: str
) -> None:
    with pytest.raises(NotOfferedError) as caught:
        assignment_hub.authorize(username, slug, WINTER)
    assert caught.value.reason.name == sentence


def test_refusal_is_the_same_whether_a_server_exists_or_not(assignment_hub: Registry) -> None:
    sentences = set()
    for slug in ("machine-learning/WS26/grader", "no-such-course/WS26/student"):
        with pytest.raises(NotOfferedError) as caught:
            assignment_hub.authorize("alice", slug, WINTER)
        sentences.add(str(caught.value))
    assert sentences == {"You cannot start this server. Choose one from the list."}


def test_only_offer_is_the_one_where_none_is_named(assignment_hub: Registry) -> None:
    assert assignment_hub.authorize("oscar", None, WINTER).slug == "databases/WS26/observer"


@pytest.mark.parametrize(("name", "chosen"), [(None, "small"), ("large", "large")])
def test_size_is_the_named_or_the_first_one(
    assignment_hub: Registry, name: str | None, chosen: str
) -> None:
    offer = assignment_hub.authorize("alice", "machine-learning/WS26/student", WINTER)
    assert offer.choose_size(name) == chosen


@pytest.mark.parametrize("name", ["", "small", "Large", "large "])
def test_size_of_another_offer_is_refused(assignment_hub: Registry, name: str) -> None:
    offer = assignment_hub.authorize("alice", "databases/WS26/student", WINTER)
    with pytest.raises(NotOfferedError, match=r"^This size is not offered\. Choose one from"):
        offer.choose_size(name)


def authorized(registry: Registry, username: str, slug: str, now: datetime) -> Offer | None:
    try:
        return registry.authorize(username, slug, now)
    except NotOfferedError:
        return None


def all_slugs(registry: Registry) -> list[str]:
    """The slug of every server that this university could have."""
    catalog = registry.catalog
    places = [f"{course}/{term}" for course in catalog.courses for term in ("WS26", "SS27")]
    places += [f"exams/{exam}" for exam in catalog.exams]
    return [f"{place}/{role.value}" for place in places for role in Role]


@settings(max_examples=60)
@given(registries, st.sampled_from([*USERNAMES, "mallory"]), moments)
def test_exactly_what_is_listed_is_authorized(
    registry: Registry, username: str, now: datetime
) -> None:
    listed = registry.offers_for(username, now).offers
    granted = [authorized(registry, username, slug, now) for slug in all_slugs(registry)]
    by_slug = {offer.slug: offer for offer in granted if offer is not None}
    assert by_slug == {offer.slug: offer for offer in listed}


@settings(max_examples=60)
@given(registries, st.sampled_from(USERNAMES), moments)
def test_slugs_of_a_person_are_unique(registry: Registry, username: str, now: datetime) -> None:
    listed = registry.offers_for(username, now)
    slugs = [offer.slug for offer in listed.offers]
    slugs += [refusal.slug for refusal in listed.refusals]
    assert len(slugs) == len(set(slugs))


@settings(max_examples=60)
@given(registries, st.text(max_size=40), moments)
def test_hostile_slug_grants_nothing(registry: Registry, slug: str, now: datetime) -> None:
    offer = authorized(registry, "alice", slug, now)
    listed = registry.offers_for("alice", now).offers
    assert offer is None or offer in listed


@settings(max_examples=100)
@given(written_catalogs(), rosters, st.sampled_from(list(HubKind)), moments)
def test_observer_never_gets_a_writable_mount_whatever_the_catalog_says(
    written: dict[str, Any], roster: Roster, hub: HubKind, now: datetime
) -> None:
    try:
        catalog = Catalog.model_validate(written)
    except ValidationError as error:
        assert "observer writes nothing" in str(error)  # noqa: PT017 - the other case follows
        return
    assert_observers_only_read(Registry(catalog=catalog, roster=roster, hub=hub), now)


@settings(max_examples=60)
@given(registries, moments)
def test_observer_only_reads_what_others_may_write(registry: Registry, now: datetime) -> None:
    assert_observers_only_read(registry, now)


def assert_observers_only_read(registry: Registry, now: datetime) -> None:
    for username in registry.roster.usernames:
        for offer in registry.offers_for(username, now).offers:
            writable = [mount for mount in offer.server.volume_mounts if not mount.read_only]
            assert not (offer.role is Role.OBSERVER and writable)


@settings(max_examples=60)
@given(catalogs, rosters, moments)
def test_exam_hub_mounts_only_what_names_it(
    catalog: Catalog, roster: Roster, now: datetime
) -> None:
    registry = Registry(catalog=catalog, roster=roster, hub=HubKind.EXAM)
    for username in roster.usernames:
        for offer in registry.offers_for(username, now).offers:
            assert offer.exam is not None
            assert offer.server.network is NetworkClass.EXAM
            levels = (
                catalog.defaults,
                catalog.courses[offer.course],
                catalog.courses[offer.course].terms[offer.term],
                catalog.exams[offer.exam],
            )
            declared = {key: mount for level in levels for key, mount in level.mounts.items()}
            for mount in offer.server.volume_mounts:
                assert HubKind.EXAM in declared[mount.name].hubs


def test_server_that_cannot_be_built_takes_no_other_one_away(
    assignment_hub: Registry, in_winter_term: datetime
) -> None:
    """Somebody called like a directory of the catalog: two of their mounts want one place."""
    (mount, *_) = assignment_hub.catalog.defaults.mounts.values()
    own = mount.model_copy(update={"mount_at": "/home/{username}"})
    fixed = mount.model_copy(update={"mount_at": "/home/alice"})
    course = assignment_hub.catalog.courses[CourseId.parse("databases")]
    databases = course.model_copy(update={"mounts": {"own": own, "fixed": fixed}})
    courses = {**assignment_hub.catalog.courses, CourseId.parse("databases"): databases}
    catalog = assignment_hub.catalog.model_copy(update={"courses": courses})
    hub = replace(assignment_hub, catalog=catalog)

    before = assignment_hub.offers_for("alice", in_winter_term)
    listed = hub.offers_for("alice", in_winter_term)

    assert {offer.slug for offer in before.offers} - {offer.slug for offer in listed.offers} == {
        "databases/WS26/student"
    }
    (refusal,) = [item for item in listed.refusals if item.slug == "databases/WS26/student"]
    assert refusal.reason is Reason.NOT_POSSIBLE
    assert refusal.detail == (
        "mounts 'own' and 'fixed' both want /home/alice; expected different places"
    )


PZ1 = ExamId.parse("ml-pz1")


def offers_after(registry: Registry, changes: ExamChanges, now: datetime) -> list[str]:
    """What alice may start, or why not."""
    found = registry.with_changes(changes).offers_for("alice", now)
    refused = [item.reason.value for item in found.refusals if item.slug.startswith("exams/ml-pz1")]
    return [*(offer.slug for offer in found.offers), *refused]


def test_exam_is_offered_to_whoever_has_signed_in_to_it(
    exam_hub: Registry, alice_student: Username, exam_open_at_nine: datetime
) -> None:
    nobody = ExamChanges(signed_in=frozenset())
    assert offers_after(exam_hub, nobody, exam_open_at_nine) == [Reason.NOT_SIGNED_IN.value]
    elsewhere = ExamChanges(signed_in=frozenset({(ExamId.parse("ml-pz2"), alice_student)}))
    assert offers_after(exam_hub, elsewhere, exam_open_at_nine) == [Reason.NOT_SIGNED_IN.value]
    here = ExamChanges(signed_in=frozenset({(PZ1, alice_student)}))
    assert offers_after(exam_hub, here, exam_open_at_nine) == ["exams/ml-pz1/student"]


def test_exam_is_not_offered_to_whoever_has_finished_it(
    exam_hub: Registry, alice_student: Username, exam_open_at_nine: datetime
) -> None:
    mine = frozenset({(PZ1, alice_student)})
    finished = ExamChanges(signed_in=mine, finished=mine)
    assert offers_after(exam_hub, finished, exam_open_at_nine) == [Reason.EXAM_FINISHED.value]


@pytest.mark.parametrize(
    ("in_session", "may_start"),
    [
        (None, True),
        (frozenset({(PZ1, "alice")}), True),
        (frozenset(), False),
        (frozenset({(PZ1, "ben")}), False),
        (frozenset({(ExamId.parse("ml-pz2"), "alice")}), False),
    ],
)
def test_server_of_an_exam_is_started_in_a_session_of_that_exam(
    exam_hub: Registry,
    exam_open_at_nine: datetime,
    in_session: frozenset[tuple[ExamId, Username]] | None,
    may_start: bool,
) -> None:
    changed = exam_hub.with_changes(ExamChanges(in_session=in_session))
    (offer,) = changed.offers_for("alice", exam_open_at_nine).offers
    with contextlib.ExitStack() as refusal:
        if not may_start:
            refusal.enter_context(pytest.raises(NotOfferedError, match=Reason.NOT_SIGNED_IN.value))
        changed.check_session(offer, "alice")


def test_extra_time_of_a_proctor_adds_to_the_catalogs(
    exam_hub: Registry, alice_student: Username, exam_open_at_nine: datetime
) -> None:
    before = exam_hub.ends_for(PZ1, alice_student)
    changed = exam_hub.with_changes(ExamChanges(extra_minutes={(PZ1, alice_student): 10}))
    assert changed.ends_for(PZ1, alice_student) == before + timedelta(minutes=10)
    assert exam_hub.ends_for(PZ1, alice_student) == before
