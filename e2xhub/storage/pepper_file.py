"""Reads and makes the pepper: the key of the password hashes, kept outside the database.

It is in a file of its own, or in the environment of the hub. To rotate it, put a new one before the
others: new hashes are made with the first, and those of the others are still accepted.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from e2xhub.domain.passwords import Pepper, Peppers
from e2xhub.errors import ConfigurationError
from e2xhub.storage.text_files import write_beside

PEPPER_VARIABLE = "E2XHUB_PEPPER"
"""The variable of the environment that has the peppers, where no file is named."""
MOUNT_QUESTION = (
    "is it mounted (hub.extraVolumes and hub.extraVolumeMounts)? helm replaces lists: the list of "
    "your last file must name all of them"
)
"""What to ask first about a file that is not where a hub looks for it."""
_NEW_ONE = (
    "A new one makes every issued code void; only for a hub that has issued none: "
    "openssl rand -hex 32 > FILE && chmod 600 FILE"
)
_EXPECTED = "expected one or more lines of 64 hexadecimal digits, the newest first"


def load_peppers(path: Path | None) -> Peppers:
    """The peppers in the file `path`, or in the environment where none is named.

    Raises ConfigurationError where they are missing, public or short.
    """
    if path is None:
        return _load_from_environment()
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path}: the pepper cannot be read ({_reason(error)}); expected it there: is that "
            f"the path, and {MOUNT_QUESTION}. {_NEW_ONE}"
        ) from None
    if mode & 0o007:
        raise ConfigurationError(
            f"{path}: everybody may read the pepper; take that right away with: chmod o= FILE "
            "(in a Secret's volume: defaultMode: 0440)"
        )
    return _parse(text, str(path))


def _reason(error: OSError | UnicodeDecodeError) -> str:
    """Why, without what is in the file."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return "it is no text of ASCII"


def _load_from_environment() -> Peppers:
    text = os.environ.get(PEPPER_VARIABLE, "")
    if not text.strip():
        raise ConfigurationError(
            f"there is no pepper: neither a pepper file nor {PEPPER_VARIABLE} is set; set the "
            f"one that the hub has (hub.extraEnv, from its Secret). {_NEW_ONE}"
        )
    return _parse(text, PEPPER_VARIABLE)


def ensure_pepper(path: Path) -> Peppers:
    """The peppers in `path`; one is made where there is none yet (mode 0600)."""
    if not path.exists():
        _make_file(path, Pepper.make().text + "\n")
    return load_peppers(path)


def _parse(text: str, place: str) -> Peppers:
    try:
        return Peppers.parse(text)
    except ValueError:
        raise ConfigurationError(f"{place}: this is no pepper; {_EXPECTED}") from None


def _make_file(path: Path, text: str) -> None:
    """Makes `path` whole at once; one that somebody else made at the same moment stays."""
    new, _ = write_beside(path, lambda opened: opened.write(text))
    try:
        with suppress(FileExistsError):
            os.link(new, path)
    finally:
        new.unlink()
