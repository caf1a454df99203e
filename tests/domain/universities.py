"""Hypothesis strategies for universities: catalogs with arbitrary mounts, rosters, moments."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st
from pydantic import ValidationError

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.catalog.references import check_references
from e2xhub.domain.identifiers import CourseId, ExamId, TermId, Username
from e2xhub.domain.roles import COURSE_ROLES, EXAM_ROLES, HubKind, Role
from e2xhub.domain.roster import CourseMembership, ExamMembership, Membership, Roster

COURSES = ("ml", "db")
TERMS = ("WS26", "SS27")
EXAMS = ("ml-1", "db-1")
USERNAMES = ("alice", "bob")
MOUNTS = ("home", "course", "share")

ROLES = [role.value for role in Role]
_PATHS = ["homes/{username}", "courses/{course}/{role}", "all"]
_HUBS = [kind.value for kind in HubKind]
_FIRST = datetime(2026, 9, 1, tzinfo=timezone.utc)
moments = st.integers(0, 420 * 24).map(lambda hours: _FIRST + timedelta(hours=hours))


def _decode_mount(name: str, number: int, writers: Sequence[str]) -> dict[str, Any]:
    """The mount with this number: hypothesis draws one small number instead of ten choices."""
    number, path = divmod(number, len(_PATHS))
    number, hubs = divmod(number, 9)
    access: dict[str, list[str]] = {"read_only": [], "read_write": []}
    for role in ROLES:
        number, kind = divmod(number, 3)
        if kind:
            access["read_write" if kind == 2 and role in writers else "read_only"].append(role)
    some_hubs = [hub for index, hub in enumerate(_HUBS) if hubs >> index & 1]
    return {
        "volume": "files",
        "path": _PATHS[path],
        "mount_at": f"/srv/{name}",
        "access": access,
        **({} if hubs == 8 else {"hubs": some_hubs}),
    }


def mounts(writers: Sequence[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Mounts of a level; any role may read, `writers` may write."""
    numbers = st.integers(0, len(_PATHS) * 9 * 3 ** len(ROLES) - 1)
    return st.fixed_dictionaries({}, optional=dict.fromkeys(MOUNTS, numbers)).map(
        lambda drawn: {name: _decode_mount(name, number, writers) for name, number in drawn.items()}
    )


@st.composite
def written_catalogs(draw: st.DrawFn, writers: Sequence[str] = ROLES) -> dict[str, Any]:
    """What a catalog file may hold; an observer may be among the writers, which is a fault."""
    level = mounts(writers)
    terms = {
        "WS26": {"start": "2026-10-01", "end": "2027-03-31"},
        "SS27": {"start": "2027-04-01", "end": "2027-09-30"},
    }
    return {
        "university": "Test",
        "volumes": {"files": {"hostPath": {"path": "/srv"}}},
        "images": {"one": {"name": "one:1"}},
        "sizes": {"one": {"title": "One", "memory": "1G", "cpu": 1}},
        "rooms": {"lab": ["10.0.0.0/8"]},
        "defaults": {"image": "one", "sizes": ["one"], "mounts": draw(level)},
        "courses": {
            course: {
                "title": course,
                "mounts": draw(level),
                "terms": {name: {**term, "mounts": draw(level)} for name, term in terms.items()},
            }
            for course in COURSES
        },
        "exams": {
            exam: {
                "title": exam,
                "course": exam[:2],
                "term": "WS26",
                "start": "2027-02-15T09:00:00+01:00",
                "duration_minutes": 90,
                "rooms": ["lab"],
                "mounts": draw(level),
            }
            for exam in EXAMS
        },
    }


def parse_or_refuse(written: dict[str, Any]) -> Catalog | None:
    """The catalog, or None where `e2xhub check` would find faults."""
    try:
        catalog = Catalog.model_validate(written)
    except ValidationError:
        return None
    return None if check_references(catalog) else catalog


catalogs = written_catalogs([role for role in ROLES if role != "observer"]).map(
    Catalog.model_validate
)

_usernames = st.sampled_from(USERNAMES).map(Username.parse)
_course_memberships = st.builds(
    CourseMembership,
    username=_usernames,
    course=st.sampled_from(COURSES).map(CourseId.parse),
    term=st.sampled_from(TERMS).map(TermId.parse),
    role=st.sampled_from(sorted(COURSE_ROLES)),
)
_exam_memberships = st.builds(
    ExamMembership,
    username=_usernames,
    exam=st.sampled_from(EXAMS).map(ExamId.parse),
    role=st.sampled_from(sorted(EXAM_ROLES)),
    attributes=st.dictionaries(st.just("seat"), st.sampled_from("12"), max_size=1),
)
memberships: st.SearchStrategy[Membership] = st.one_of(_course_memberships, _exam_memberships)
rosters = st.lists(memberships, max_size=12).map(Roster)
