"""In which order the spawn page shows offers: by term, those of today first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import IntEnum

from e2xhub.domain.catalog import Catalog, Term
from e2xhub.domain.identifiers import TermId
from e2xhub.domain.offers import Offer


class Phase(IntEnum):
    """Where a term stands; in the order of the page."""

    RUNNING = 0
    COMING = 1
    OVER = 2


@dataclass(frozen=True, kw_only=True)
class TermGroup:
    """The offers of one term, in the order of the roster."""

    title: str
    phase: Phase
    start: date
    offers: tuple[Offer, ...]


def group_by_term(offers: Iterable[Offer], catalog: Catalog, today: date) -> tuple[TermGroup, ...]:
    """Running terms first, then coming ones, then those that are over; newest first among each.

    A term of which some courses are over and others are not stands in both places.
    """
    found: dict[tuple[TermId, Phase], list[Offer]] = {}
    for offer in offers:
        phase = _phase_of(_term_of(offer, catalog), today)
        found.setdefault((offer.term, phase), []).append(offer)
    groups = _make_groups(found, catalog)
    return tuple(sorted(groups, key=lambda group: (group.phase, -group.start.toordinal())))


def _make_groups(
    found: dict[tuple[TermId, Phase], list[Offer]], catalog: Catalog
) -> Iterator[TermGroup]:
    for (term_id, phase), offers in found.items():
        terms = [_term_of(offer, catalog) for offer in offers]
        yield TermGroup(
            title=next((term.title for term in terms if term.title), term_id),
            phase=phase,
            start=max(term.start for term in terms),
            offers=tuple(offers),
        )


def _term_of(offer: Offer, catalog: Catalog) -> Term:
    return catalog.courses[offer.course].terms[offer.term]


def _phase_of(term: Term, today: date) -> Phase:
    if today < term.start:
        return Phase.COMING
    return Phase.RUNNING if today <= term.end else Phase.OVER
