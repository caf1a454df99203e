"""Which files a deployment's directory holds: every list and every YAML file, read once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from e2xhub.imports.legacy.notes import NoteKind, Notes, Where
from e2xhub.imports.legacy.user_lists import UserList, read_user_list
from e2xhub.imports.legacy.yaml_files import Section, read_section

Parts = tuple[str, ...]
"""A path below the deployment's directory, by its components."""

_YAML = (".yaml", ".yml")


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


def read_source_files(root: Path, notes: Notes) -> SourceFiles:
    """All lists and YAML files below `root`; those that cannot be read are noted."""
    found = SourceFiles()
    for file in sorted(_walk(root, notes)):
        parts = file.relative_to(root).parts
        name = "/".join(parts)
        if file.suffix.lower() == ".csv":
            people = read_user_list(file, name, notes)
            if people is not None:
                found.lists[parts] = people
        elif file.suffix.lower() in _YAML:
            section = read_section(file, name, notes)
            if section is not None:
                found.yaml[parts] = section
    return found


def _walk(root: Path, notes: Notes) -> Iterator[Path]:
    """Files below `root`; hidden ones were never read, and links may lead anywhere."""

    def note(error: OSError) -> None:
        where = Where(file=os.path.relpath(error.filename or root, root))
        message = f"cannot be listed: {error.strerror}"
        notes.add(NoteKind.LEFT_OUT, where, "the whole directory", message, "make it readable")

    for directory, names, files in os.walk(root, onerror=note):
        names[:] = [name for name in names if not name.startswith(".")]
        for name in files:
            path = Path(directory, name)
            if not name.startswith(".") and path.is_file():
                yield path
