"""Which files belong to a catalog or a roster: one file, or those below a directory."""

from __future__ import annotations

import os
import stat
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
            return [_regular(path)]
        files = sorted(_walk(path, suffixes, path.resolve(), seen=set()))
    except OSError as error:
        raise FaultsFoundError([unreadable(Path(error.filename or path), error)]) from None
    if not files:
        message = f"no {kind} file is here; expected {expected}"
        raise FaultsFoundError([Fault(file=str(path), line=0, message=message)])
    return files


def unreadable(file: Path, error: OSError) -> Fault:
    """The fault of something that is there and cannot be read now, and perhaps later."""
    message = f"cannot be read: {error.strerror}"
    return Fault(file=str(file), line=0, message=message, may_pass=True)


def _regular(file: Path) -> Path:
    """`file` itself; raises FaultsFoundError where reading it could wait for ever or never end."""
    if not stat.S_ISREG(file.stat().st_mode):
        message = "this is no regular file; expected a file with text"
        raise FaultsFoundError([Fault(file=str(file), line=0, message=message)])
    return file


def _check_inside(entry: Path, root: Path) -> None:
    """Raises FaultsFoundError where a link leads to a file that nobody meant to be shown."""
    if entry.is_symlink() and not entry.resolve().is_relative_to(root):
        message = f"this is a link to a place outside of {root}; expected a file inside"
        raise FaultsFoundError([Fault(file=str(entry), line=0, message=message)])


def _walk(
    directory: Path, suffixes: Collection[str], root: Path, seen: set[tuple[int, int]]
) -> Iterator[Path]:
    found = directory.stat()
    if (found.st_dev, found.st_ino) in seen:  # a link that leads back
        return
    seen.add((found.st_dev, found.st_ino))
    with os.scandir(directory) as entries:
        shown = [entry for entry in entries if not entry.name.startswith(".")]
    for entry in shown:
        if entry.is_dir():
            _check_inside(Path(entry.path), root)
            yield from _walk(Path(entry.path), suffixes, root, seen)
        elif Path(entry.name).suffix.lower() in suffixes:
            _check_inside(Path(entry.path), root)
            yield _regular(Path(entry.path))
