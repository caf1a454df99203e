"""Which files a deployment's directory holds: every list and every YAML file, read once.

A YAML file is a section that knows its lines.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from e2xhub.errors import FaultsFoundError
from e2xhub.imports.legacy.report import NoteKind, Notes, Where
from e2xhub.imports.legacy.user_lists import UserList, read_user_list
from e2xhub.storage.text_files import read_text
from e2xhub.storage.yaml_lines import YamlDocument, YamlFaultError, parse_yaml

Parts = tuple[str, ...]
"""A path below the deployment's directory, by its components."""

Track = Callable[[str, Sequence[Any]], Iterable[Any]]
"""Passes the items of a step on, such as a progress bar; the text names the step."""

_YAML = (".yaml", ".yml")
_CORRECT = "correct the file and import again"


def pass_on(_step: str, items: Sequence[Any]) -> Iterable[Any]:
    """Tracks nothing."""
    return items


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


@dataclass(frozen=True, kw_only=True)
class SourceFiles:
    """The files of a deployment, by their paths, in the order of the paths."""

    lists: dict[Parts, UserList] = field(default_factory=dict)
    yaml: dict[Parts, Section] = field(default_factory=dict)

    def yaml_beside(self, parts: Parts) -> Parts | None:
        """The YAML file of the same name in the same directory, if there is one."""
        stem = stem_of(parts)
        names = ((*parts[:-1], stem + suffix) for suffix in _YAML)
        return next((at for at in names if at in self.yaml), None)


def stem_of(parts: Parts) -> str:
    """The file's name without its suffix."""
    return parts[-1].rpartition(".")[0]


def read_source_files(root: Path, notes: Notes, track: Track = pass_on) -> SourceFiles:
    """All lists and YAML files below `root`; those that cannot be read are noted."""
    found = SourceFiles()
    for file in track("Reading files", sorted(_walk(root, notes))):
        parts = file.relative_to(root).parts
        name = "/".join(parts)
        if file.suffix.lower() == ".csv":
            people = read_user_list(file, name, notes)
            if people is not None:
                found.lists[parts] = people
        elif file.suffix.lower() in _YAML:
            section = _read_section(file, name, notes)
            if section is not None:
                found.yaml[parts] = section
    return found


def _walk(root: Path, notes: Notes) -> Iterator[Path]:
    """Files below `root`; hidden ones were never read, and links may not lead out."""

    def note(error: OSError) -> None:
        where = Where(file=os.path.relpath(error.filename or root, root))
        message = f"cannot be listed: {error.strerror}"
        notes.add(NoteKind.LEFT_OUT, where, "the whole directory", message, "make it readable")

    inside = root.resolve()
    for directory, names, files in os.walk(root, onerror=note):
        names[:] = [name for name in names if not name.startswith(".")]
        for name in files:
            path = Path(directory, name)
            if name.startswith(".") or not path.is_file():
                continue
            if path.resolve().is_relative_to(inside):
                yield path
            else:
                where = Where(file=os.path.relpath(path, root))
                notes.add(
                    NoteKind.LEFT_OUT,
                    where,
                    "the whole file",
                    "it is a link to a place outside of the deployment's directory",
                    "copy the file there if it belongs to the deployment",
                )


def _read_section(file: Path, name: str, notes: Notes) -> Section | None:
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
