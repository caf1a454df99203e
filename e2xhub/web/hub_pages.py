"""What JupyterHub's own pages need to be in our words: `templates/hub` overrides them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from e2xhub.web.translations import Translator, translator_for

PageVariable = Callable[[Any], Any]


def make_page_variables(find_contact: Callable[[], str | None]) -> dict[str, PageVariable]:
    """Variables of every page, for `JupyterHub.template_vars`, which calls them with the user.

    `find_contact` says whom people ask, where nothing more specific is known.
    """
    return {
        "translator_behind": lambda _user: translator_behind,
        "contact": lambda _user: find_contact(),
    }


def translator_behind(static_url: Any) -> Translator:
    """The translator for the request that a page answers.

    JupyterHub gives a template no handler, but its method `static_url`.
    """
    return translator_for(getattr(static_url, "__self__", None))
