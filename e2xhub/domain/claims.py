"""What a sign-in service says of a person (claims), read without believing its shape.

Claims come as JSON: a value may be of any type and of any length. Which claims count is the hub's
setting; how they reach the hub is left to the authenticators.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

SUBJECT_MAX = 255
"""Characters (https://openid.net/specs/openid-connect-core-1_0.html#IDToken)."""
GROUP_NAME_MAX = 255
"""Characters of a group's name in JupyterHub's database."""
MOST_GROUPS = 500
"""How many groups of a person count; JupyterHub stores each, in the one thread that it has."""
_MOST_LOOKED_AT = 20_000
_SUBJECT = re.compile(rf"[\x20-\x7e]{{1,{SUBJECT_MAX}}}")


def is_subject(value: Any) -> bool:
    """Whether `value` can be the claim `sub`: 1 to 255 characters of ASCII that can be shown."""
    return isinstance(value, str) and _SUBJECT.fullmatch(value) is not None


def find_claim(claims: Mapping[str, Any], path: str) -> Any:
    """The claim at `path`, a name or `realm_access.roles`; None where there is none.

    A claim that is called exactly so comes first: names such as `https://example.org/groups` have
    dots of their own.
    """
    if path in claims:
        return claims[path]
    name, _, rest = path.partition(".")
    below = claims.get(name)
    return find_claim(below, rest) if rest and isinstance(below, Mapping) else None


@dataclass(frozen=True, kw_only=True)
class ClaimedGroups:
    """The names of groups in somebody's claims."""

    names: frozenset[str]
    ignored: int
    """How many values are none: no text, empty, too long, not printable, or too many."""


def find_groups(
    claims: Mapping[str, Any], paths: Iterable[str], *, separator: str = ""
) -> ClaimedGroups:
    """The groups in the claims at `paths`: lists of texts, or a text, which is one group.

    With a `separator` (one character) a text is cut at it, as Shibboleth's `a;b` has to be; never a
    text in a list: whoever may name a group could name it `mine;yours`. Of more than MOST_GROUPS
    those count that come first.
    """
    values = list(islice(_values_at(claims, paths, separator), _MOST_LOOKED_AT))
    names = dict.fromkeys(value for value in values if _is_group_name(value))
    kept = frozenset(islice(names, MOST_GROUPS))
    unusable = sum(not _is_group_name(value) for value in values)
    return ClaimedGroups(names=kept, ignored=unusable + len(names) - len(kept))


def _values_at(claims: Mapping[str, Any], paths: Iterable[str], separator: str) -> Iterator[Any]:
    for path in paths:
        found = find_claim(claims, path)
        if isinstance(found, list):
            yield from found
        elif isinstance(found, str):
            yield from _cut(found, separator)
        elif found is not None:
            yield found


def _cut(text: str, separator: str) -> list[str]:
    """The parts of `text`; a separator with a backslash before it is part of one."""
    if not separator:
        return [text]
    parts = re.split(rf"(?<!\\){re.escape(separator)}", text)
    return [part.replace(f"\\{separator}", separator) for part in parts]


def _is_group_name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= GROUP_NAME_MAX and value.isprintable()
