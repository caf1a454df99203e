"""Messages about lists and rosters in the language of the page."""

from __future__ import annotations

from typing import Any

from e2xhub.course_desk.uploads import RoleWordList
from e2xhub.domain.role_words import fold
from e2xhub.errors import Sentence, printable
from e2xhub.web.courses.role_names import role_names
from e2xhub.web.translations import Translator

_LONGEST = 300


def say(message: str, translate: Translator) -> str:
    """`message` as one printable line; in English where it is no Sentence."""
    if not isinstance(message, Sentence):
        return printable(message)
    values = {name: _show(value, translate) for name, value in message.values.items()}
    text = printable(translate(message.template).format(**values))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _show(value: Any, translate: Translator) -> Any:
    """Roles by what the page calls them, each with the word for it in a list."""
    if not isinstance(value, RoleWordList):
        return value
    names = role_names(translate)
    shown = [(names[role], word) for role, word in value]
    return ", ".join(
        name if fold(name) == fold(word) else f"{name} ({word})" for name, word in shown
    )
