"""The spawn page: what a person may start, as cards, and why not the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from e2xhub.domain.offers import OfferList
from e2xhub.web.translations import Translator

# One environment for all requests: its templates are compiled once.
_TEMPLATES = Environment(
    loader=PackageLoader("e2xhub.web"), autoescape=True, undefined=StrictUndefined
)


@dataclass(frozen=True, kw_only=True)
class SpawnPage:
    """The form inside JupyterHub's spawn page; `chosen` are the options of the last start."""

    listed: OfferList
    university: str
    chosen: Mapping[str, Any]
    translator: Translator

    def render(self) -> str:
        """The form's HTML, without the `form` element."""
        return _TEMPLATES.get_template("spawn_form.html").render(
            offers=self.listed.offers,
            refusals=self.listed.refusals,
            is_known=self.listed.is_known,
            university=self.university,
            selected=self._selected_slug(),
            selected_size=self.chosen.get("size"),
            translate=self.translator,
        )

    def _selected_slug(self) -> str | None:
        slugs = [offer.slug for offer in self.listed.offers]
        last = self.chosen.get("profile")
        return last if last in slugs else next(iter(slugs), None)
