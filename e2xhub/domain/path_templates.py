"""Path templates such as `homes/{username}`: a few named fields and nothing else.

`str.format` alone would allow attribute access, indexing and format specifications; here a field
is a name from `FIELDS`, and what is filled in is one path component.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from functools import lru_cache
from string import Formatter

FIELDS = ("username", "course", "term", "exam", "role", "hub")
# Their values are open; a role and a kind of hub are words without separators.
_OPEN_FIELDS = frozenset({"username", "course", "term", "exam"})
_ID_CHARACTERS = frozenset(string.ascii_letters + string.digits + "_.-")
_EXPECTATION = "expected a path such as 'homes/{username}' with the fields " + ", ".join(
    f"{{{name}}}" for name in FIELDS
)


def check_path_template(template: str) -> str:
    """`template` itself; raises ValueError where it cannot be filled safely."""
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        raise ValueError(f"{template!r} is not a path template ({error}); {_EXPECTATION}") from None
    for _, field, specification, conversion in parts:
        if field is not None and (field not in FIELDS or specification or conversion):
            raise ValueError(f"{template!r} has the field {{{field}}}; {_EXPECTATION}")
    if not template or {".", ".."} & set(template.split("/")) or not template.isprintable():
        raise ValueError(
            f"{template!r} is empty, has a '.' or '..' component or a character that cannot be "
            f"shown; {_EXPECTATION}"
        )
    return template


def check_unambiguous(template: str) -> str:
    """`template` itself; raises ValueError where two different fillings could give one path.

    `{course}-{username}` gives `a-b-c` for `a-b` and `c`, and for `a` and `b-c`. A character that
    no id has keeps them apart, because one of two neighbours is always an id.
    """
    for component in template.split("/"):
        before, text = None, ""
        for literal, field, _, _ in Formatter().parse(component):
            text += literal
            if field not in _OPEN_FIELDS:
                continue
            if before and not set(text) - _ID_CHARACTERS:
                raise ValueError(
                    f"{template!r} joins {{{before}}} and {{{field}}}, so that two people could "
                    "share a directory; expected '/' or '@' between them"
                )
            before, text = field, ""
    return template


@lru_cache(maxsize=10_000)
def fields_of(template: str) -> frozenset[str]:
    """Names of the fields in `template`."""
    return frozenset(field for _, field, _, _ in Formatter().parse(template) if field)


def fill_path(template: str, values: Mapping[str, str]) -> str:
    """`template` with each field replaced by one path component.

    Raises ValueError where a field has no value, or a value that is no single path component.
    """
    for name in sorted(fields_of(template)):
        value = values.get(name, "")
        if value in ("", ".", "..") or "/" in value or "\0" in value:
            raise ValueError(
                f"path template {template!r}: {{{name}}} is {value!r}, expected a path component"
            )
    return template.format_map(values)
