"""Which files belong to a catalog or a roster: one file, or those below a directory."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from e2xhub.errors import Fault, FaultsFoundError


def files_at(path: Path, suffixes: Collection[str], *, kind: str, expected: str) -> list[Path]:
    """`path` itself, or the files below it that have one of `suffixes` (lower case), by name.

    What begins with a dot is left out: editors keep their copies there, and so does a mounted
    ConfigMap (`..data`, `..2026_10_01…`), in which every file would be found twice. Raises
    FaultsFoundError where there is none, and where a directory cannot be listed: a course must not
    disappear because its directory cannot be read.
    """
    try:
        if not path.is_dir():
            return [path]
        files = sorted(_walk(path, suffixes, seen=set()))
    except OSError as error:
        raise FaultsFoundError([unreadable(Path(error.filename or path), error)]) from None
    if not files:
        message = f"no {kind} file is here; expected {expected}"
        raise FaultsFoundError([Fault(file=str(path), line=1, message=message)])
    return files


def unreadable(file: Path, error: OSError) -> Fault:
    """The fault of something that is there and cannot be read now, and perhaps later."""
    message = f"cannot be read: {error.strerror}"
    return Fault(file=str(file), line=1, message=message, may_pass=True)


def _walk(directory: Path, suffixes: Collection[str], seen: set[tuple[int, int]]) -> Iterator[Path]:
    stat = directory.stat()
    if (stat.st_dev, stat.st_ino) in seen:  # a link that leads back
        return
    seen.add((stat.st_dev, stat.st_ino))
    with os.scandir(directory) as entries:
        shown = [entry for entry in entries if not entry.name.startswith(".")]
    for entry in shown:
        if entry.is_dir():
            yield from _walk(Path(entry.path), suffixes, seen)
        elif Path(entry.name).suffix.lower() in suffixes:
            yield Path(entry.path)
