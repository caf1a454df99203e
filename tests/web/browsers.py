"""Browsers that ask for a page in a language."""

from __future__ import annotations

from dataclasses import dataclass

from tornado import locale

from e2xhub.web.translations import Translator, translator_for


@dataclass(frozen=True)
class Browser:
    """What a handler knows of the browser that it answers."""

    language: str

    def get_browser_locale(self, default: str) -> locale.Locale:
        """The closest language that there is, as tornado's handlers choose it."""
        return locale.get(self.language, default)


def translator_of(language: str) -> Translator:
    """The translator for a browser that asks for `language`, such as `de_AT`."""
    return translator_for(Browser(language))
