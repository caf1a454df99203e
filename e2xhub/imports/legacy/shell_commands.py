"""What can be told of shell commands that a hub ran in its servers, without running them.

Their text may hold secrets, so nothing of it is passed on but names of variables and the language.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

_MOST_TEXTS = 10_000
_ASSIGNMENT = re.compile(r"""(?:^|(?<=[\s;&|"']))([A-Z][A-Z0-9_]{0,60})=["']?([^\s;&|"'>]*)""")
_LANGUAGE = re.compile(r"([a-z]{2,3}(?:_[A-Z]{2})?)(?:[.:@].*)?")


def variables_in(commands: object) -> dict[str, str]:
    """The variables that `commands` (texts in lists and mappings) set; the last value counts."""
    texts = islice(_texts_in(commands), _MOST_TEXTS)
    return {name: value for text in texts for name, value in _ASSIGNMENT.findall(text)}


def parse_language(text: str) -> str | None:
    """The language in a value of `LANGUAGE` or `LANG`, such as `de_DE` in `de_DE.UTF-8:en`."""
    match = _LANGUAGE.fullmatch(text)
    return match[1] if match else None


def _texts_in(commands: object) -> Iterator[str]:
    if isinstance(commands, str):
        yield commands
    elif isinstance(commands, (list, dict)):
        for item in commands.values() if isinstance(commands, dict) else commands:
            yield from _texts_in(item)
