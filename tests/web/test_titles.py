"""What pages call a server."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from e2xhub.domain.offers import OfferList, Registry
from e2xhub.web.titles import find_title, title_of


@pytest.fixture
def listed(assignment_hub: Registry, in_winter_term: datetime) -> OfferList:
    """What Alice may start, and one course that is not open."""
    return assignment_hub.offers_for("alice", in_winter_term)


@pytest.mark.parametrize(
    ("slug", "title"),
    [
        ("databases/WS26/student", "Databases, WS26"),
        ("machine-learning/SS27/student", "Machine Learning, SS27"),
        ("databases/WS26/instructor", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_title_is_that_of_what_the_person_has_to_do_with(
    listed: OfferList, slug: str | None, title: str
) -> None:
    assert find_title(listed, slug) == title


def test_offer_without_a_subtitle_has_its_title_alone(listed: OfferList) -> None:
    assert title_of(replace(listed.offers[0], subtitle="")) == listed.offers[0].title
