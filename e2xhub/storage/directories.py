"""Which files of a directory belong to a catalog or a roster."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path


def files_below(directory: Path, suffixes: Collection[str]) -> list[Path]:
    """The files below `directory` that have one of `suffixes` (lower case), sorted by name.

    What begins with a dot is left out: editors keep their copies there, and so does a mounted
    ConfigMap (`..data`, `..2026_10_01…`), in which every file would be found twice.
    """
    return sorted(
        file
        for file in directory.rglob("*")
        if file.suffix.lower() in suffixes
        and not any(part.startswith(".") for part in file.relative_to(directory).parts)
        and file.is_file()
    )
