"""Reads the YAML files of a deployment as sections that know their lines, and says what each is."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from e2xhub.errors import FaultsFoundError
from e2xhub.imports.legacy.notes import NoteKind, Notes, Where
from e2xhub.storage.text_files import read_text
from e2xhub.storage.yaml_lines import YamlDocument, YamlFaultError, parse_yaml

_CORRECT = "correct the file and import again"


@dataclass(frozen=True, kw_only=True)
class Section:
    """A mapping in a YAML file; an empty one stands for what is not there."""

    file: str
    document: YamlDocument
    path: tuple[str, ...] = ()
    value: Mapping[str, Any] = field(default_factory=dict)

    def where(self, *keys: str) -> Where:
        """The line of a key below this section, or the nearest line around it."""
        path = (*self.path, *keys)
        while path and path not in self.document.lines:
            path = path[:-1]
        return Where(file=self.file, line=self.document.lines.get(path, 1))

    def section(self, key: str) -> Section:
        """The mapping below `key`; empty where there is none."""
        value = self.value.get(key)
        return Section(
            file=self.file,
            document=self.document,
            path=(*self.path, key),
            value=value if isinstance(value, dict) else {},
        )

    def sections(self) -> Iterator[tuple[str, Section]]:
        """The keys below this section that hold mappings."""
        for key, value in self.value.items():
            if isinstance(value, dict):
                yield key, self.section(key)

    def text(self, *keys: str) -> str:
        """The text, number or day at the first of `keys` that has one, as a text; or empty."""
        for key in keys:
            value = self.value.get(key)
            if isinstance(value, (str, int, float, date)) and not isinstance(value, bool):
                return str(value).strip()
        return ""

    def note(self, notes: Notes, kind: NoteKind, key: str, message: str, advice: str = "") -> None:
        """Notes something about `key` of this section."""
        notes.add(kind, self.where(key), ".".join((*self.path, key)), message, advice)

    def note_unknown(
        self, notes: Notes, known: Collection[str], *, mappings: Collection[str] = ()
    ) -> None:
        """Notes every key that nobody reads, and every one of `mappings` that is none."""
        for key, value in self.value.items():
            if key in mappings and value is not None and not isinstance(value, dict):
                self.note(notes, NoteKind.LEFT_OUT, key, "expected a mapping of keys")
            elif key not in known:
                message = "this key is not known, and is not carried over"
                self.note(notes, NoteKind.LEFT_OUT, key, message, "see what it did, if anything")


NOTHING = Section(file="", document=YamlDocument())
"""What stands where there is no file."""


def read_section(file: Path, name: str, notes: Notes) -> Section | None:
    """The mapping in `file`, which notes call `name`; None, with a note, where it is not usable."""
    try:
        document = parse_yaml(read_text(file))
    except FaultsFoundError as error:
        for fault in error.faults:
            where = Where(file=name, line=fault.line)
            notes.add(NoteKind.LEFT_OUT, where, "the whole file", fault.message, _CORRECT)
        return None
    except YamlFaultError as fault:
        where = Where(file=name, line=fault.line)
        notes.add(NoteKind.LEFT_OUT, where, "the whole file", fault.message, _CORRECT)
        return None
    value = {} if document.value is None else document.value
    if not isinstance(value, dict):
        message = "expected a mapping such as 'server:'"
        notes.add(NoteKind.LEFT_OUT, Where(file=name), "the whole file", message, _CORRECT)
        return None
    return Section(file=name, document=document, value=value)


def is_exam_hub(section: Section) -> bool:
    """Whether this is the configuration of an exam hub."""
    nbgrader = section.section("nbgrader").value
    return "server" not in section.value and (
        "active_student_courses" in nbgrader
        or "exam_course_dir" in nbgrader
        or ("mounts" in section.value and "image" in section.value)
    )


def find_chart_volumes(section: Section) -> Iterator[tuple[str, Section, int]]:
    """Volumes in values of the chart: each name, the list's section, and the place in the list."""
    storage = section.section("singleuser").section("storage")
    volumes = storage.value.get("extraVolumes")
    for index, volume in enumerate(volumes if isinstance(volumes, list) else []):
        if isinstance(volume, dict) and isinstance(volume.get("name"), str):
            yield volume["name"], storage, index
