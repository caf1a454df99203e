"""The report of an import, for people (Markdown) and for scripts (plain values)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from e2xhub.imports.legacy.notes import Note, NoteKind

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
    "Students run as user 1000 and graders as 2000, as before, where the hub loads "
    "`jupyterhub_config.d/20-e2x-identity.py` (a role has no environment of its own in the "
    "catalog). Disks are called as e2x called them: `disk2` has homes and courses, `disk3` "
    "exchanges and shares; where yours differ, change `volume` in the mounts."
)


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
