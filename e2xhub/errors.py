"""The exceptions of e2xhub, as a tree.

`UserFacingError` and what is below it carry a short sentence that a student may read. Everything
else is for administrators: it goes to the log or to the command line, never to a page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class E2xHubError(Exception):
    """Any error that e2xhub raises on purpose."""


class ConfigurationError(E2xHubError):
    """The hub's configuration contradicts itself or misses something; the hub must not start."""


class UnknownNameError(E2xHubError):
    """A command names a user, an offer or an exam that does not exist."""


class UserFacingError(E2xHubError):
    """A refusal whose text may be shown to the person who asked."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that is wrong in a file.

    `message` says what was found, what was expected and what to do.
    """

    file: str
    line: int
    """Counted from 1; 0 where the fault is in no line."""
    message: str
    may_pass: bool = False
    """Whether it may be gone at the next try, though the file stays as it is."""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{printable(place)}: {self.message}"


class Sentence(str):
    """A message for an admin that a page can say in the language of whoever reads it.

    As a `str` it is in English: the template with its values, and the hint.
    """

    template: str
    """With fields such as `{count}`; pages have it in other languages."""
    values: Mapping[str, Any]
    _hint: str

    def __new__(cls, template: str, hint: str = "", **values: Any) -> Sentence:
        """`hint` is added for who has a command line, and told on no page."""
        made = super().__new__(cls, template.format(**values) + hint)
        made.template, made.values, made._hint = template, values, hint
        return made

    def __getnewargs_ex__(self) -> tuple[tuple[str, str], dict[str, Any]]:
        """For copies: the text itself, with whatever names are in it, is no template."""
        return (self.template, self._hint), dict(self.values)


def message_of(error: ValueError) -> str:
    """What `error` says; the Sentence itself where it was raised with one."""
    said = error.args[0] if len(error.args) == 1 else None
    return said if isinstance(said, Sentence) else str(error)


def printable(text: str) -> str:
    """`text` as one line, without what would steer a terminal: anybody may write it, or a name."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


class FaultsFoundError(ConfigurationError):
    """The files of a catalog or a roster have faults; carries every one of them."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(sorted(faults, key=lambda fault: (fault.file, fault.line)))
        super().__init__("\n".join(map(str, self.faults)))
