"""Usernames that differ, and yet would share a directory on some file systems.

A file system may ignore case (SMB, APFS) or how a character is composed, and drop a dot at the end
(SMB). Home directories are named after users: such names are two people in one home.
"""

from __future__ import annotations

import unicodedata

from e2xhub.errors import Sentence


class DirectoryNames:
    """Remembers the usernames of a roster, to find the one that comes too close to another."""

    def __init__(self) -> None:
        self._owners: dict[str, str] = {}

    def check(self, username: str) -> None:
        """Remembers `username`; raises ValueError where its directory would be an earlier one's."""
        owner = self._owners.setdefault(directory_key(username), username)
        if owner != username:
            raise ValueError(
                Sentence(
                    "username {name!r} would share a directory with {other!r} where file systems "
                    "ignore case, composition or a dot at the end; expected only one of them",
                    name=username,
                    other=owner,
                )
            )


def directory_key(username: str) -> str:
    """What is the same for all names that may be one directory."""
    folded = username.lower() if username.isascii() else _fold(username)
    return folded.rstrip(".")


def _fold(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()
