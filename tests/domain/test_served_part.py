"""A hub may serve a part of the university: one hub per term, per course, or one for all."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from e2xhub.domain.exam_entry import decide_entry
from e2xhub.domain.identifiers import Username
from e2xhub.domain.offers import Registry, ServedPart
from e2xhub.domain.rooms import parse_address


def slugs(registry: Registry, username: str, now: datetime) -> set[str]:
    listed = registry.offers_for(username, now)
    return {item.slug for item in (*listed.offers, *listed.refusals)}


@pytest.mark.parametrize(
    ("courses", "terms", "served"),
    [
        ((), (), True),
        (("databases",), (), True),
        (("databases", "statistics"), ("WS26",), True),
        ((), ("WS26",), True),
        (("machine-learning",), (), False),
        ((), ("SS27",), False),
        (("databases",), ("SS27",), False),
    ],
)
def test_part_includes_what_its_courses_and_terms_both_name(
    courses: tuple[str, ...], terms: tuple[str, ...], served: bool
) -> None:
    part = ServedPart(courses=frozenset(courses), terms=frozenset(terms))
    assert part.includes("databases", "WS26") is served


def test_hub_of_one_course_offers_and_refuses_nothing_of_another(
    assignment_hub: Registry, in_winter_term: datetime
) -> None:
    everything = slugs(assignment_hub, "alice", in_winter_term)
    hub = replace(assignment_hub, served=ServedPart(courses=frozenset({"databases"})))
    assert slugs(hub, "alice", in_winter_term) == {
        slug for slug in everything if slug.startswith("databases/")
    }
    assert slugs(hub, "alice", in_winter_term) < everything


def test_exam_hub_of_another_term_admits_nobody(
    exam_hub: Registry, exam_open_at_nine: datetime
) -> None:
    hub = replace(exam_hub, served=ServedPart(terms=frozenset({"another"})))
    alice, address = Username.parse("alice"), parse_address("10.1.2.3")
    entry = decide_entry(hub, alice, address, exam_open_at_nine)
    assert (entry.exams, entry.reason) == ((), "is no examinee of any exam")
    assert slugs(hub, "alice", exam_open_at_nine) == set()
