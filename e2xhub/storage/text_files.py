"""Reads the text of a catalog's or a roster's file."""

from __future__ import annotations

from pathlib import Path

from e2xhub.errors import Fault, FaultsFoundError
from e2xhub.storage.directories import unreadable


def read_text(file: Path) -> str:
    """The text of `file`, without a byte-order mark; raises FaultsFoundError with the line."""
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise FaultsFoundError([unreadable(file, error)]) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        message = "this is not UTF-8; save the file as UTF-8"
    raise FaultsFoundError([Fault(file=str(file), line=line, message=message)])
