"""Claims that the settings name and that nobody has: misspelt, or not released to this hub.

Nothing else shows that. Whoever has none is in no group, and a claim of groups that does not come
takes away the ones that there were.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from e2xhub.domain.claims import find_claim
from e2xhub.errors import printable

_MOST_NAMES = 40
_MOST_CHARACTERS = 60


class MissingClaims:
    """The claims that came with no sign-in so far."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._not_seen = set(paths)
        self._told: set[str] = set()

    def note(self, claims: Mapping[str, Any]) -> list[str]:
        """The claims to tell of after a sign-in with `claims`: each once, until it was there."""
        self._not_seen = {path for path in self._not_seen if find_claim(claims, path) is None}
        missing = sorted(self._not_seen - self._told)
        self._told.update(missing)
        return missing


def tell_names(claims: Mapping[str, Any], *, without: str = "") -> str:
    """What claims are called, never what is in them: `email, realm_access.roles, sub`."""
    names = sorted(name for name in _names_in(claims) if name != without)
    shown = [printable(name[:_MOST_CHARACTERS]) for name in names[:_MOST_NAMES]]
    more = [f"and {len(names) - len(shown)} more"] if len(names) > len(shown) else []
    return ", ".join([*shown, *more]) or "none"


def _names_in(claims: Mapping[str, Any]) -> Iterator[str]:
    """One level down, too: that is where `realm_access` has its roles."""
    for name, value in claims.items():
        if isinstance(value, Mapping) and value:
            yield from (f"{name}.{below}" for below in islice(value, _MOST_NAMES))
        else:
            yield name
