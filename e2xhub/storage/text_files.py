"""Reads and writes texts in files."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TextIO, TypeVar

from e2xhub.errors import Fault, FaultsFoundError
from e2xhub.storage.directories import unreadable

_LONGEST_PREFIX = 100
_EXCEL = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""How .xlsx and .xls begin."""

_T = TypeVar("_T")


def read_text(file: Path) -> str:
    """The text of `file`, without a byte-order mark; raises FaultsFoundError with the line."""
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise FaultsFoundError([unreadable(file, error)]) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        message = "this is not UTF-8; save the file as UTF-8"
        if error.object.startswith(_EXCEL):
            line, message = 1, "this is an Excel file; save it as CSV (UTF-8)"
    raise FaultsFoundError([Fault(file=str(file), line=line, message=message)])


def write_beside(file: Path, write: Callable[[TextIO], _T]) -> tuple[Path, _T]:
    """A new file beside `file`, to take its place, and what `write`, which fills it, gives.

    Its text has reached the disk, and only its owner may read it. Where anything is raised, no file
    is left.
    """
    prefix = f".{file.name[:_LONGEST_PREFIX]}-"
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=prefix)
    new = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as opened:
            given = write(opened)
            opened.flush()
            os.fsync(opened.fileno())
    except BaseException:
        new.unlink()
        raise
    return new, given
