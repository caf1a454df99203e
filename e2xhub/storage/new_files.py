"""Files that a command makes for its owner alone, and that are never in the place of another."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from e2xhub.errors import Fault, FaultsFoundError


@contextmanager
def new_private_file(file: Path) -> Iterator[BinaryIO]:
    """A new file that only its owner may read (mode 0600).

    It is there before anything is written into it, so that what cannot be made twice is not lost,
    and it is removed again where it stays empty. Raises FaultsFoundError where something of that
    name is there, or no file can be made.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    try:
        descriptor = os.open(file, flags, 0o600)
    except OSError as error:
        raise _not_made(file, error) from None
    with os.fdopen(descriptor, "wb") as opened:
        try:
            yield opened
        finally:
            opened.flush()
            if os.fstat(descriptor).st_size:
                os.fsync(descriptor)
            else:
                file.unlink()


def _not_made(file: Path, error: OSError) -> FaultsFoundError:
    message = f"the file cannot be made: {error.strerror}"
    if isinstance(error, FileExistsError):
        message = "there is a file of that name, which is not overwritten; name another one"
    return FaultsFoundError([Fault(file=str(file), line=0, message=message)])
