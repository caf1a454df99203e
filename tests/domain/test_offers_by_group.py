"""Groups of the sign-in service add offers, and nothing that an exam depends on."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from e2xhub.domain.offers import Registry
from e2xhub.domain.refusals import NotOfferedError
from e2xhub.domain.roster_rows import parse_membership
from tests.examples import load_example, registry_of

NOW = datetime(2026, 11, 2, tzinfo=timezone.utc)
STUDENTS = "lms.course.machine-learning.term.WS26.student"


@pytest.fixture(scope="module")
def hub() -> Registry:
    return registry_of(load_example())


def slugs(hub: Registry, username: str, *groups: str) -> list[str]:
    return [offer.slug for offer in hub.offers_for(username, NOW, groups).offers]


def test_group_offers_what_its_rule_says(hub: Registry) -> None:
    assert slugs(hub, "alice", STUDENTS) == ["machine-learning/WS26/student"]
    assert slugs(hub, "alice", "formgrade-databases") == ["databases/WS26/grader"]


def test_group_that_no_rule_names_offers_nothing(hub: Registry) -> None:
    assert slugs(hub, "alice", STUDENTS.upper(), f"{STUDENTS}2", "", "student") == []


def test_somebody_who_is_in_a_group_is_known(hub: Registry) -> None:
    assert hub.offers_for("alice", NOW, [STUDENTS]).is_known
    assert not hub.offers_for("alice", NOW).is_known


def test_offer_of_a_group_is_authorized_with_the_group_alone(hub: Registry) -> None:
    slug = "machine-learning/WS26/student"
    assert hub.authorize("alice", slug, NOW, [STUDENTS]).slug == slug
    with pytest.raises(NotOfferedError):
        hub.authorize("alice", slug, NOW)


@pytest.mark.parametrize(
    "username", ["../alice", "Alice", "a b", "", "ﬁ" * 300, "alice.", "straße", "ﬁ"]
)
def test_name_that_cannot_be_a_directory_gets_nothing_through_groups(
    hub: Registry, username: str
) -> None:
    assert slugs(hub, username, STUDENTS) == []


def test_group_gives_no_directory_of_somebody_on_the_roster(hub: Registry) -> None:
    cells = {"username": "Straße", "course": "databases", "term": "WS26", "role": "student"}
    listed = registry_of(hub.catalog, parse_membership(cells, hub.catalog))
    assert slugs(listed, "strasse", STUDENTS) == []
    assert slugs(listed, "straße", STUDENTS) == [
        "databases/WS26/student",
        "machine-learning/WS26/student",
    ]
    assert slugs(listed, "müller", STUDENTS) == ["machine-learning/WS26/student"]
