"""What an import has to say: each thing that is not as it was, for people and for scripts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from e2xhub.errors import printable

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


_TITLES = {
    NoteKind.FAULT: "Faults: not imported, because it would not be safe",
    NoteKind.LEFT_OUT: "Not carried over",
    NoteKind.TO_FILL_IN: "To be filled in",
    NoteKind.GUESSED: "Guessed",
    NoteKind.DERIVED: "Derived",
    NoteKind.CHANGED: "Different from before",
    NoteKind.HUB_SETTING: "Settings of the hub",
}
_IDENTITY = (
    "Students run as user 1000 and all others as 2000, as before (`run_as`), from the start and "
    "not by way of root. Disks are called as e2x called them: `disk2` has homes and courses, "
    "`disk3` exchanges and shares; where yours differ, change `volume` in the mounts and in "
    "`nbgrader`."
)


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


def listed(names: Iterable[object]) -> str:
    """Names in the order given, for a sentence."""
    return ", ".join(map(str, names))


def make_report(notes: Iterable[Note], counts: dict[str, int]) -> str:
    """The report as Markdown, the most urgent part first."""
    found = list(notes)
    summary = ", ".join(f"{count} {what}" for what, count in counts.items())
    lines = ["# Import of an e2x deployment", "", f"Written: {summary}.", "", _IDENTITY, ""]
    for kind, title in _TITLES.items():
        rows = [note for note in found if note.kind is kind]
        if rows:
            lines += [f"## {title}", "", "| where | what | | what to do |", "|---|---|---|---|"]
            lines += [_row(note) for note in rows]
            lines.append("")
    return "\n".join(lines)


def notes_as_json(notes: Iterable[Note]) -> list[dict[str, Any]]:
    """The notes as plain values: kind, file, line, subject, message, advice."""
    return [
        {
            "kind": note.kind.value,
            "file": note.where.file,
            "line": note.where.line,
            "subject": note.subject,
            "message": note.message,
            "advice": note.advice,
        }
        for note in notes
    ]


def _row(note: Note) -> str:
    cells = (str(note.where), note.subject, note.message, note.advice)
    return "| " + " | ".join(map(_escape, cells)) + " |"


def _escape(text: str) -> str:
    """Names are anybody's text: nothing in them is a table's border, a link or HTML."""
    for character in "\\|<>[]*_`":
        text = text.replace(character, f"\\{character}")
    return text
