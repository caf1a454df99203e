"""Writes the file that configures Safe Exam Browser for an exam."""

from __future__ import annotations

from pathlib import Path

from e2xhub.errors import Fault, FaultsFoundError
from e2xhub.storage.text_files import write_beside


def write_seb_file(file: Path, text: str) -> None:
    """Puts `text` into `file` at once; only its owner may read it: who has it knows its key.

    Raises FaultsFoundError where that is not possible.
    """
    file = file.resolve()
    if file.exists() and not file.is_file():  # a device would be replaced by a file
        raise _not_written(file, "it is no file; expected the name of a file to write")
    try:
        new, _ = write_beside(file, lambda opened: opened.write(text))
        try:
            new.replace(file)
        finally:
            new.unlink(missing_ok=True)
    except OSError as error:
        raise _not_written(file, str(error.strerror)) from None


def _not_written(file: Path, reason: str) -> FaultsFoundError:
    message = f"the file for Safe Exam Browser cannot be written: {reason}"
    return FaultsFoundError([Fault(file=str(file), line=0, message=message)])
