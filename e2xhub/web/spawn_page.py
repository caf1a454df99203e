"""The spawn page: what a person may start, as cards, and why not the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.offers import Offer, OfferList
from e2xhub.web.term_groups import TermGroup, group_by_term
from e2xhub.web.translations import Translator

# So many cards are read without a search.
_CARDS_WITHOUT_SEARCH = 7

# One environment for all requests: its templates are compiled once.
_TEMPLATES = Environment(
    loader=PackageLoader("e2xhub.web"), autoescape=True, undefined=StrictUndefined
)


@dataclass(frozen=True, kw_only=True)
class SpawnPage:
    """The form inside JupyterHub's spawn page; `chosen` are the options of the last start."""

    listed: OfferList
    catalog: Catalog
    now: datetime
    chosen: Mapping[str, Any]
    translator: Translator
    running: Mapping[str, str] = field(default_factory=dict)
    """Where the person's servers are that run already: the path of each by the slug of its offer.
    Such an offer is shown, and cannot be started a second time."""
    auto_start_seconds: int = 0
    """After how many seconds the only offer starts by itself; 0: it waits for the person."""

    def render(self) -> str:
        """The form's HTML, without the `form` element."""
        return _TEMPLATES.get_template("spawn_form.html").render(
            groups=self._groups,
            refusals=self.listed.refusals,
            is_known=self.listed.is_known,
            university=self.catalog.university,
            contact=self.catalog.defaults.contact,
            running=self.running,
            now=self.now,
            selected=self._selected_slug(),
            selected_size=self.chosen.get("size"),
            has_search=len(self.listed.offers) > _CARDS_WITHOUT_SEARCH,
            auto_start_seconds=self._seconds_until_start(),
            translate=self.translator,
        )

    @cached_property
    def _groups(self) -> tuple[TermGroup, ...]:
        today = self.now.astimezone(ZoneInfo(self.catalog.time_zone)).date()
        return group_by_term(self.listed.offers, self.catalog, today)

    @property
    def _ordered(self) -> list[Offer]:
        return [offer for group in self._groups for offer in group.offers]

    def _selected_slug(self) -> str | None:
        slugs = [offer.slug for offer in self._ordered if offer.slug not in self.running]
        last = self.chosen.get("profile")
        return last if last in slugs else next(iter(slugs), None)

    def _seconds_until_start(self) -> int:
        """0 where there is something to choose, or to read first: that the term is over, or that
        the server runs."""
        if len(self._ordered) != 1:
            return 0
        (offer,) = self._ordered
        must_be_read = offer.readable_until is not None or offer.slug in self.running
        return 0 if must_be_read else self.auto_start_seconds
