"""What an import of an existing deployment has to say: each thing that is not as it was.

This module collects; `report` puts it on paper.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

NOWHERE = 1
"""The line of something that concerns a file as a whole."""


class NoteKind(str, Enum):
    """What somebody has to do about a note."""

    FAULT = "fault"
    LEFT_OUT = "left-out"
    TO_FILL_IN = "to-fill-in"
    GUESSED = "guessed"
    DERIVED = "derived"
    CHANGED = "changed"
    HUB_SETTING = "hub-setting"


@dataclass(frozen=True, kw_only=True, order=True)
class Where:
    """A line of a file of the deployment; `file` is relative to its directory."""

    file: str
    line: int = NOWHERE

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, kw_only=True)
class Note:
    """One thing that is not as it was, and what to do about it."""

    kind: NoteKind
    where: Where
    subject: str
    """The key, the person or the id that it is about."""
    message: str
    advice: str = ""


class Notes:
    """The notes of one import, each of them once."""

    def __init__(self) -> None:
        self._found: dict[Note, None] = {}

    def add(
        self, kind: NoteKind, where: Where, subject: str, message: str, advice: str = ""
    ) -> None:
        """Notes one thing."""
        note = Note(
            kind=kind,
            where=Where(file=printable(where.file), line=where.line),
            subject=printable(subject),
            message=printable(message),
            advice=printable(advice),
        )
        self._found.setdefault(note)

    def sorted(self) -> tuple[Note, ...]:
        """All notes: by kind, the most urgent first, then by file and line."""
        order = list(NoteKind)
        return tuple(
            sorted(self._found, key=lambda note: (order.index(note.kind), note.where, note.subject))
        )

    def count(self) -> dict[NoteKind, int]:
        """How many notes there are of each kind of which there are any."""
        found = Counter(note.kind for note in self._found)
        return {kind: found[kind] for kind in NoteKind if found[kind]}


def printable(text: str) -> str:
    """`text` in one line: names in a deployment are anybody's text."""
    return "".join(
        character if character.isprintable() else repr(character)[1:-1] for character in text
    )


def listed(names: Iterable[object]) -> str:
    """Names in the order given, for a sentence."""
    return ", ".join(map(str, names))
