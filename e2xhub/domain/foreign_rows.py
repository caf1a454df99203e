"""A person as another system (a learning platform, an exam office) lists them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class ForeignRow:
    """One person of another system's list, in that system's words; nothing is checked yet."""

    file: str
    """The file, or what the list was read from; for messages."""
    line: int
    """The line, or the number of the entry from 1; for messages."""
    username: str
    roles: tuple[str, ...] = ()
    """The other system's words, such as `Teilnehmer/in` or an LTI role's URI; may be empty."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """Further columns, such as `room` and `seat`."""
