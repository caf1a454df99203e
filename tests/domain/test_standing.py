"""Whether a running server is still what its owner may have: by roster, term, exam and rights."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from weakref import ref
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.domain.offers import Offer, Registry
from e2xhub.domain.refusals import Reason
from e2xhub.domain.roles import HubKind
from e2xhub.domain.roster import Roster
from e2xhub.domain.standing import Lapse, Standing, StandingMemory, Started, judge
from tests.domain.universities import USERNAMES, catalogs, moments, rosters
from tests.examples import load_example, registry_of

BERLIN = ZoneInfo("Europe/Berlin")
DATABASES = "databases/WS26/student"
EXAM = "exams/ml-pz1/student"
AFTER_THE_TERM = datetime(2027, 4, 1, 0, 0, tzinfo=BERLIN)
LEFT = "neither roster nor groups offer it any more, or the catalog has none such"


def find_lapse(
    registry: Registry, username: str, started: Started, now: datetime, groups: Sequence[str] = ()
) -> Lapse | None:
    """What is wrong with the server, if something is."""
    standing = judge(registry, username, started, now, groups)
    assert (standing.lapse is None) is (standing.offered_until is not None)
    return standing.lapse


def start(registry: Registry, username: str, slug: str, now: datetime) -> Started:
    """What the server is started as."""
    return Started.of(registry.authorize(username, slug, now))


def without(registry: Registry, username: str) -> Registry:
    """The same registry after `username` has left."""
    staying = [item for item in registry.roster if item.username != username]
    return replace(registry, roster=Roster(staying))


@pytest.fixture
def databases(assignment_hub: Registry, in_winter_term: datetime) -> Started:
    """Alice's server of a course."""
    return start(assignment_hub, "alice", DATABASES, in_winter_term)


def test_server_of_a_member_is_offered(
    assignment_hub: Registry, databases: Started, in_winter_term: datetime
) -> None:
    assert find_lapse(assignment_hub, "alice", databases, in_winter_term) is None


def test_server_of_somebody_who_left_has_lapsed(
    assignment_hub: Registry, databases: Started, in_winter_term: datetime
) -> None:
    lapse = find_lapse(without(assignment_hub, "alice"), "alice", databases, in_winter_term)
    assert lapse == Lapse(reason=Reason.NOT_OFFERED, detail=LEFT)
    assert str(lapse) == LEFT


def test_server_of_a_course_that_is_gone_has_lapsed(
    assignment_hub: Registry, in_winter_term: datetime
) -> None:
    gone = Started(slug="physics/WS26/student", is_read_only=False, stop_after_minutes=None)
    lapse = find_lapse(assignment_hub, "alice", gone, in_winter_term)
    assert lapse == Lapse(reason=Reason.NOT_OFFERED, detail=LEFT)


def test_another_server_of_the_same_person_covers_nothing(
    assignment_hub: Registry, in_winter_term: datetime
) -> None:
    staff = Started(slug="databases/WS26/grader", is_read_only=False, stop_after_minutes=None)
    assert find_lapse(assignment_hub, "alice", staff, in_winter_term) is not None


def test_server_is_offered_until_the_last_moment_of_the_term(
    assignment_hub: Registry, databases: Started
) -> None:
    a_moment_before = AFTER_THE_TERM - timedelta(microseconds=1)
    assert find_lapse(assignment_hub, "alice", databases, a_moment_before) is None
    lapse = find_lapse(assignment_hub, "alice", databases, AFTER_THE_TERM)
    assert str(lapse) == "Ended on 2027-03-31"


@pytest.fixture
def archiving_hub(assignment_hub: Registry) -> Registry:
    """A hub on which students read their courses for thirty days after the term."""
    catalog = assignment_hub.catalog
    defaults = catalog.defaults.model_copy(update={"archive_days": 30})
    return replace(assignment_hub, catalog=catalog.model_copy(update={"defaults": defaults}))


def test_server_that_writes_has_lapsed_when_it_may_only_read(
    archiving_hub: Registry, databases: Started
) -> None:
    lapse = find_lapse(archiving_hub, "alice", databases, AFTER_THE_TERM)
    assert lapse is not None
    assert (lapse.reason, lapse.at) == (
        Reason.TERM_ENDED,
        datetime(2027, 3, 31, 0, 0, tzinfo=BERLIN),
    )
    assert str(lapse) == "Ended on 2027-03-31; it may only read now, and was started to write"


def test_server_that_was_started_to_read_is_offered_until_the_archive_closes(
    archiving_hub: Registry,
) -> None:
    reading = start(archiving_hub, "alice", DATABASES, AFTER_THE_TERM)
    assert reading.is_read_only
    last_moment = datetime(2027, 4, 30, 23, 59, tzinfo=BERLIN)
    assert find_lapse(archiving_hub, "alice", reading, last_moment) is None
    lapse = find_lapse(archiving_hub, "alice", reading, last_moment + timedelta(minutes=1))
    assert str(lapse) == "Ended on 2027-03-31"


def test_server_that_only_reads_stays_when_the_term_is_extended(
    archiving_hub: Registry, in_winter_term: datetime
) -> None:
    reading = start(archiving_hub, "alice", DATABASES, AFTER_THE_TERM)
    assert find_lapse(archiving_hub, "alice", reading, in_winter_term) is None


def test_server_of_an_exam_lapses_with_the_exam(
    exam_hub: Registry, exam_open_at_nine: datetime
) -> None:
    sitting = start(exam_hub, "alice", EXAM, exam_open_at_nine)
    assert find_lapse(exam_hub, "alice", sitting, exam_open_at_nine) is None
    end = exam_hub.catalog.exams[ExamId.parse("ml-pz1")].ends_for(Username.parse("alice"))
    assert find_lapse(exam_hub, "alice", sitting, end - timedelta(seconds=1)) is None
    lapse = find_lapse(exam_hub, "alice", sitting, end)
    assert lapse is not None
    assert lapse.reason is Reason.EXAM_ENDED


def test_server_of_an_examinee_who_is_taken_off_has_lapsed(
    exam_hub: Registry, exam_open_at_nine: datetime
) -> None:
    sitting = start(exam_hub, "alice", EXAM, exam_open_at_nine)
    lapse = find_lapse(without(exam_hub, "alice"), "alice", sitting, exam_open_at_nine)
    assert lapse == Lapse(reason=Reason.NOT_OFFERED, detail=LEFT)


@pytest.mark.parametrize(("minutes", "ends_after"), [(None, None), (0, 0), (90, 90)])
def test_server_ends_as_many_minutes_after_as_it_was_started_with(
    databases: Started, in_winter_term: datetime, minutes: int | None, ends_after: int | None
) -> None:
    started = replace(databases, stop_after_minutes=minutes)
    expected = None if ends_after is None else in_winter_term + timedelta(minutes=ends_after)
    assert started.ends_at(in_winter_term, Lapse(reason=Reason.NOT_OFFERED)) == expected


@pytest.mark.parametrize(
    ("reason", "minutes", "ends_after"),
    [
        (Reason.EXAM_ENDED, None, 1),
        (Reason.EXAM_FINISHED, None, 1),
        (Reason.EXAM_ENDED, 0, 0),
        (Reason.EXAM_ENDED, 30, 30),
        (Reason.EXAM_NOT_OPEN, None, None),
        (Reason.NOT_OFFERED, None, None),
        (Reason.TERM_ENDED, None, None),
    ],
)
def test_exam_that_is_over_ends_its_servers_where_the_catalog_says_nothing(
    databases: Started,
    in_winter_term: datetime,
    reason: Reason,
    minutes: int | None,
    ends_after: int | None,
) -> None:
    started = replace(databases, stop_after_minutes=minutes)
    expected = None if ends_after is None else in_winter_term + timedelta(minutes=ends_after)
    assert started.ends_at(in_winter_term, Lapse(reason=reason)) == expected


registries = st.builds(
    Registry, catalog=catalogs, roster=rosters, hub=st.sampled_from(list(HubKind))
)


@given(registries, st.sampled_from(USERNAMES), moments, moments)
def test_what_runs_and_has_not_lapsed_would_be_granted_with_no_less(
    registry: Registry, username: str, started_at: datetime, now: datetime
) -> None:
    for offer in registry.offers_for(username, started_at).offers:
        started = Started.of(offer)
        granted = [
            item for item in registry.offers_for(username, now).offers if may_stay(started, item)
        ]
        assert bool(granted) is (find_lapse(registry, username, started, now) is None)


def may_stay(started: Started, offer: Offer) -> bool:
    return offer.slug == started.slug and (started.is_read_only or offer.readable_until is None)


@given(registries, st.sampled_from(USERNAMES), moments)
def test_nothing_lapses_at_the_moment_of_its_start(
    registry: Registry, username: str, now: datetime
) -> None:
    for offer in registry.offers_for(username, now).offers:
        assert find_lapse(registry, username, Started.of(offer), now) is None


def test_group_covers_a_server_as_long_as_the_person_is_in_it(in_winter_term: datetime) -> None:
    hub = registry_of(load_example())
    group = "lms.course.machine-learning.term.WS26.student"
    (offer,) = hub.offers_for("alice", in_winter_term, [group]).offers
    started = Started.of(offer)
    assert find_lapse(hub, "alice", started, in_winter_term, [group]) is None
    assert find_lapse(hub, "alice", started, in_winter_term) is not None


# --- not asking again and again


def test_verdict_on_a_course_holds_until_midnight(
    assignment_hub: Registry, databases: Started, in_winter_term: datetime
) -> None:
    midnight = datetime(2026, 11, 3, 0, 0, tzinfo=BERLIN)
    assert judge(assignment_hub, "alice", databases, in_winter_term) == Standing(
        offered_until=midnight
    )


def test_verdict_on_an_exam_holds_until_its_end(
    exam_hub: Registry, exam_open_at_nine: datetime
) -> None:
    sitting = start(exam_hub, "alice", EXAM, exam_open_at_nine)
    end = datetime(2027, 2, 15, 10, 30, tzinfo=BERLIN)
    assert judge(exam_hub, "alice", sitting, exam_open_at_nine) == Standing(offered_until=end)


@given(registries, st.sampled_from(USERNAMES), moments, st.lists(moments, min_size=2, max_size=5))
def test_memory_says_what_the_registry_would_say(
    registry: Registry, username: str, started_at: datetime, looks: list[datetime]
) -> None:
    for offer in registry.offers_for(username, started_at).offers:
        started, memory = Started.of(offer), StandingMemory()
        for now in sorted(looks):
            expected = judge(registry, username, started, now).lapse
            assert memory.find_lapse(registry, username, started, now) == expected


def test_memory_sees_a_changed_roster_at_once(
    assignment_hub: Registry, databases: Started, in_winter_term: datetime
) -> None:
    memory = StandingMemory()
    assert memory.find_lapse(assignment_hub, "alice", databases, in_winter_term) is None
    changed = without(assignment_hub, "alice")
    assert memory.find_lapse(changed, "alice", databases, in_winter_term) is not None
    assert memory.find_lapse(assignment_hub, "alice", databases, in_winter_term) is None


def test_memory_sees_changed_groups_at_once(in_winter_term: datetime) -> None:
    hub, memory = registry_of(load_example()), StandingMemory()
    group = "lms.course.machine-learning.term.WS26.student"
    (offer,) = hub.offers_for("alice", in_winter_term, [group]).offers
    started = Started.of(offer)
    assert memory.find_lapse(hub, "alice", started, in_winter_term, [group]) is None
    assert memory.find_lapse(hub, "alice", started, in_winter_term) is not None


def test_memory_keeps_no_registry_alive(
    assignment_hub: Registry, databases: Started, in_winter_term: datetime
) -> None:
    registry, memory = replace(assignment_hub), StandingMemory()
    memory.find_lapse(registry, "alice", databases, in_winter_term)
    watched = ref(registry)
    del registry
    gc.collect()
    assert watched() is None
