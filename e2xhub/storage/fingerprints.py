"""Tells one state of files from another without reading them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from e2xhub.errors import FaultsFoundError

Fingerprint = frozenset[tuple[str | int, ...]]
"""For each file its path, inode, size and times of change; or why it cannot be read."""


def fingerprint_of(root: Path, files_of: Callable[[Path], Iterable[Path]]) -> Fingerprint:
    """The state of the files that `files_of(root)` names; that there are none is a state, too."""
    try:
        return frozenset(map(_print_of, files_of(root)))
    except FaultsFoundError as error:
        return frozenset({(str(root), str(error))})


def _print_of(file: Path) -> tuple[str | int, ...]:
    try:
        stat = file.stat()
    except OSError as error:
        return (str(file), error.errno or 0)
    # The time of the inode's change also moves when rights are given or taken.
    return (str(file), stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
