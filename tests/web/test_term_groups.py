"""Offers stand on the page by term: those of today first."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import pytest

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.identifiers import TermId
from e2xhub.domain.offers import Offer, Registry
from e2xhub.web.term_groups import Phase, group_by_term

WINTER, SUMMER = "Winter 2026/27", "SS27"


@pytest.fixture
def offers(assignment_hub: Registry, in_winter_term: datetime) -> tuple[Offer, ...]:
    """Machine Learning in two terms, and between them Databases in the first of them."""
    learning, databases = assignment_hub.offers_for("alice", in_winter_term).offers
    return (replace(learning, term=TermId("SS27")), databases, learning)


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (date(2026, 9, 30), [(SUMMER, Phase.COMING), (WINTER, Phase.COMING)]),
        (date(2026, 10, 1), [(WINTER, Phase.RUNNING), (SUMMER, Phase.COMING)]),
        (date(2027, 3, 31), [(WINTER, Phase.RUNNING), (SUMMER, Phase.COMING)]),
        (date(2027, 4, 1), [(SUMMER, Phase.RUNNING), (WINTER, Phase.OVER)]),
        (date(2027, 10, 1), [(SUMMER, Phase.OVER), (WINTER, Phase.OVER)]),
    ],
)
def test_running_terms_come_first_and_then_the_newest(
    offers: tuple[Offer, ...],
    small_catalog: Catalog,
    today: date,
    expected: list[tuple[str, Phase]],
) -> None:
    groups = group_by_term(offers, small_catalog, today)
    assert [(group.title, group.phase) for group in groups] == expected


def test_offers_of_a_term_keep_their_order(
    offers: tuple[Offer, ...], small_catalog: Catalog
) -> None:
    winter, summer = group_by_term(offers, small_catalog, date(2026, 11, 2))
    assert [offer.title for offer in winter.offers] == ["Databases", "Machine Learning"]
    assert [offer.title for offer in summer.offers] == ["Machine Learning"]


def test_term_is_called_as_one_of_its_courses_calls_it(
    offers: tuple[Offer, ...], small_catalog: Catalog
) -> None:
    databases = offers[1]
    assert small_catalog.courses[databases.course].terms[databases.term].title is None
    (winter, _) = group_by_term(offers, small_catalog, date(2026, 11, 2))
    assert winter.title == WINTER
    (alone,) = group_by_term([databases], small_catalog, date(2026, 11, 2))
    assert alone.title == "WS26"


def test_nothing_offered_is_no_group(small_catalog: Catalog) -> None:
    assert group_by_term([], small_catalog, date(2026, 11, 2)) == ()
