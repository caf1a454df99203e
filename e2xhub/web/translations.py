"""The words of our pages in the language of the person's browser.

English texts are their own keys; `locales/de.csv` translates them. tornado does the look-up.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from tornado import locale

from e2xhub.domain.refusals import Reason, describe

LOCALES = Path(__file__).parent / "locales"
_DATE_FORMATS = {"de": "%d.%m.%Y"}
_ENGLISH_DATE = "%-d %B %Y"


class Translator:
    """Texts and dates in one language."""

    def __init__(self, chosen: locale.Locale) -> None:
        self._locale = chosen
        self.language = chosen.code.split("_")[0]

    def __call__(self, text: str) -> str:
        """`text` in this language, or as it is where nobody has translated it."""
        return self._locale.translate(text)

    def date(self, moment: datetime) -> str:
        """A day as people of this language write it."""
        return moment.strftime(self._date_format)

    def refusal(self, reason: Reason, at: datetime | None = None) -> str:
        """The sentence of a refusal."""
        return describe(reason, at, template=self(reason.value), date_format=self._date_format)

    @property
    def _date_format(self) -> str:
        return _DATE_FORMATS.get(self.language, _ENGLISH_DATE)


@cache
def _load_translations() -> None:
    locale.load_translations(str(LOCALES), encoding="utf-8")


def translator_in(language: str) -> Translator:
    """The translator of a language such as `de`; English where there are no texts in it."""
    _load_translations()
    return Translator(locale.get(language))


def translator_for(handler: Any | None) -> Translator:
    """The translator for the browser that `handler` answers; English where there is none."""
    _load_translations()
    if handler is None:
        return Translator(locale.get("en_US"))
    return Translator(handler.get_browser_locale("en_US"))
