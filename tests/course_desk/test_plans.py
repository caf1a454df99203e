"""Whatever a list says, it changes nobody whom its uploader may not change."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from e2xhub.course_desk.access import open_access
from e2xhub.course_desk.plans import PeopleChange, plan_list, plan_people
from e2xhub.course_desk.previews import digest_of
from e2xhub.course_desk.refusals import CourseDeskError
from e2xhub.course_desk.uploads import read_upload
from e2xhub.domain.course_staff import CHANGEABLE_ROLES
from e2xhub.domain.identifiers import CourseId, TermId, Username
from e2xhub.domain.roles import Role
from e2xhub.domain.roster import CourseMembership
from e2xhub.domain.roster_changes import RosterChange
from e2xhub.domain.roster_imports import Target
from tests.course_desk.school import CATALOG, HEADER, MATHS, MEMBERS, School

NAMES = ["alice", "ben", "gina", "oscar", "ivo", "ida", "carl", "Ivo ", "emma", "fritz", "a b"]
WORDS = ["", "student", "grader", "observer", "instructor", "proctor", "Tutor", "nonsense"]
ROWS = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(WORDS)), max_size=8)
ANY_TIMES = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@pytest.fixture(scope="module")
def maths(tmp_path_factory: pytest.TempPathFactory) -> School:
    directory: Path = tmp_path_factory.mktemp("school")
    (directory / "catalog.yaml").write_text(CATALOG)
    roster = directory / "roster.csv"
    roster.write_text(HEADER + "\n".join(MEMBERS) + "\n")
    return School(directory, str(roster), "sqlite://")


def check_allowed(change: RosterChange, actor: str) -> None:
    for item in (*change.added, *change.removed):
        assert isinstance(item, CourseMembership)
        assert (item.course, item.term) == MATHS
        assert item.role in CHANGEABLE_ROLES
        assert item.username != actor


def test_digest_is_another_one_for_another_course_term_or_change() -> None:
    people = [
        CourseMembership(
            username=Username(name), course=CourseId("maths"), term=TermId("NOW"), role=role
        )
        for name, role in (("emma", Role.STUDENT), ("emma", Role.GRADER), ("fritz", Role.STUDENT))
    ]
    changes = [
        *(RosterChange(added=(person,)) for person in people),
        *(RosterChange(removed=(person,)) for person in people),
        RosterChange(added=tuple(people)),
        RosterChange(),
    ]
    places = [("maths", "NOW"), ("maths", "OLD"), ("physics", "NOW")]
    digests = {digest_of(*place, change) for place in places for change in changes}
    assert len(digests) == len(places) * len(changes)
    reordered = RosterChange(added=tuple(reversed(people)))
    assert digest_of("maths", "NOW", reordered) in digests


@ANY_TIMES
@given(
    rows=ROWS,
    remove_missing=st.booleans(),
    role=st.sampled_from([None, *Role]),
    actor=st.sampled_from(["ivo", "ida"]),
)
def test_list_changes_only_whom_its_uploader_may_change(
    maths: School, rows: list[tuple[str, str]], remove_missing: bool, role: Role | None, actor: str
) -> None:
    access = open_access(maths.live, None, actor, (), *MATHS)
    target = Target(course="maths", term="NOW")
    read = read_upload(rows, access.registry.catalog, target, role)
    plan = plan_list(access, read, remove_missing=remove_missing)
    check_allowed(plan.change, actor)
    shown = plan.preview
    assert shown.changes_anything == bool(plan.change)
    assert not (shown.fault_count and plan.change)
    count = len(shown.added) + len(shown.removed) + 2 * len(shown.changed)
    assert count == len(plan.change.added) + len(plan.change.removed)
    if not remove_missing:
        assert not plan.change.removed


@ANY_TIMES
@given(add=ROWS, remove=ROWS, actor=st.sampled_from(["ivo", "ida"]))
def test_single_people_are_changed_by_the_same_rules(
    maths: School, add: list[tuple[str, str]], remove: list[tuple[str, str]], actor: str
) -> None:
    access = open_access(maths.live, None, actor, (), *MATHS)
    try:
        change = plan_people(access, PeopleChange(add=add, remove=remove))
    except CourseDeskError:
        return
    check_allowed(change, actor)


@ANY_TIMES
@given(rows=ROWS, remove_missing=st.booleans())
def test_list_that_was_applied_changes_nothing_more(
    maths: School, rows: list[tuple[str, str]], remove_missing: bool
) -> None:
    access = open_access(maths.live, None, "ivo", (), *MATHS)
    target = Target(course="maths", term="NOW")
    read = read_upload(rows, access.registry.catalog, target, None)
    change = plan_list(access, read, remove_missing=remove_missing).change
    stored = [item for item in maths.stored() if item not in change.removed]
    after = access.in_roster(type(access.roster)([*stored, *change.added]))
    assert not plan_list(after, read, remove_missing=remove_missing).change
