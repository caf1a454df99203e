"""Where it is changed who belongs to a term: on the hub's pages, or in files."""

from __future__ import annotations

from enum import Enum


class MembersPlace(str, Enum):
    """Where the members of a term are changed; the command line changes them in either case."""

    PAGES = "pages"
    FILES = "files"
