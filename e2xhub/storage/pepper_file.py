"""Reads and makes the pepper: the key of the password hashes, in a file of its own."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from e2xhub.domain.passwords import Pepper
from e2xhub.errors import ConfigurationError
from e2xhub.storage.text_files import write_beside


def load_pepper(path: Path) -> Pepper:
    """The pepper in `path`; raises ConfigurationError where it is missing, public or short."""
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path}: the pepper cannot be read ({error}); "
            "make one with: openssl rand -hex 32 > FILE && chmod 600 FILE"
        ) from None
    if mode & 0o007:
        raise ConfigurationError(
            f"{path}: everybody may read the pepper; take that right away with: chmod o= FILE "
            "(in a Secret's volume: defaultMode: 0440)"
        )
    try:
        return Pepper.parse(text)
    except ValueError:
        raise ConfigurationError(
            f"{path}: this is no pepper; expected 64 hexadecimal digits or more"
        ) from None


def ensure_pepper(path: Path) -> Pepper:
    """The pepper in `path`, made where there is none yet (mode 0600)."""
    if not path.exists():
        _make_file(path, Pepper.make().text + "\n")
    return load_pepper(path)


def _make_file(path: Path, text: str) -> None:
    """Makes `path` whole at once; one that somebody else made at the same moment stays."""
    new, _ = write_beside(path, lambda opened: opened.write(text))
    try:
        with suppress(FileExistsError):
            os.link(new, path)
    finally:
        new.unlink()
