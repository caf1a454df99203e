"""Distinguished names and filters: written safely, and compared as a directory compares them.

Whatever comes from outside is escaped here, and nowhere else (RFC 4514, RFC 4515).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

Rdn = frozenset[tuple[str, str]]
Dn = tuple[Rdn, ...]
"""From the entry itself up to the root; types and values as they are compared."""

_PLAIN_IN_FILTER = frozenset(
    b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@=,"
)
_SPECIAL_IN_DN = frozenset('"+,;<>=\\')
_TYPE = re.compile(r"(?:[oO][iI][dD]\.)?([A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)*)")
_HEX_PAIR = re.compile(r"[0-9A-Fa-f]{2}")


class NotADnError(ValueError):
    """The text is no distinguished name."""


def escape_in_filter(text: str) -> str:
    """`text` as a value in a filter: it means itself and nothing else."""
    return "".join(
        chr(byte) if byte in _PLAIN_IN_FILTER else f"\\{byte:02x}"
        for byte in text.encode("utf-8", "surrogatepass")
    )


def escape_in_dn(text: str) -> str:
    """`text` as a value in a DN."""
    return "".join(_escape_letter(text, place) for place in range(len(text)))


def _escape_letter(text: str, place: int) -> str:
    letter = text[place]
    if letter in _SPECIAL_IN_DN:
        return "\\" + letter
    if letter == " " and place in (0, len(text) - 1):
        return "\\ "
    if letter == "#" and place == 0:
        return "\\#"
    if not letter.isprintable():
        return "".join(f"\\{byte:02x}" for byte in letter.encode("utf-8", "surrogatepass"))
    return letter


def parse_dn(text: str) -> Dn:
    """The DN in a form in which two of the same entry are equal.

    Case and the number of spaces do not count, nor how something is escaped, nor the order within
    a multi-valued RDN. Raises NotADnError.
    """
    if not text.strip():
        raise NotADnError("it is empty")
    return tuple(frozenset(_parse_pairs(rdn)) for rdn in _split(text, ",;"))


def is_below(inner: Dn, outer: Dn) -> bool:
    """Whether the entry `inner` is `outer` or somewhere below it."""
    return len(inner) >= len(outer) and inner[len(inner) - len(outer) :] == outer


def value_in_rdn(text: str, attribute: str) -> str | None:
    """The value of `attribute` in the first part of a DN, as it is written there, unescaped.

    Raises NotADnError.
    """
    for pair in _split(next(iter(_split(text, ",;"))), "+"):
        kind, value = _split_pair(pair)
        if kind == attribute.lower():
            return value
    return None


def _parse_pairs(rdn: str) -> Iterator[tuple[str, str]]:
    for pair in _split(rdn, "+"):
        kind, value = _split_pair(pair)
        yield kind, same_text(value)


def same_text(value: str) -> str:
    """As a directory compares most texts: without case, spaces around and doubled spaces."""
    return " ".join(value.lower().split())


def _split_pair(pair: str) -> tuple[str, str]:
    kind, equals, value = pair.partition("=")
    known = _TYPE.fullmatch(kind.strip())
    if not equals or known is None:
        raise NotADnError(f"{pair.strip()!r} is not of the form attribute=value")
    return known[1].lower(), _unescape(value)


def _split(text: str, separators: str) -> Iterator[str]:
    """The parts between separators that are neither escaped nor in quotes."""
    part, escaped, quoted = "", False, False
    for letter in text:
        if letter in separators and not escaped and not quoted:
            yield part
            part = ""
            continue
        quoted ^= letter == '"' and not escaped
        escaped = letter == "\\" and not escaped
        part += letter
    if escaped or quoted:
        raise NotADnError("it ends within an escape or a quotation")
    yield part


def _unescape(value: str) -> str:
    value = _strip(value)
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = value[1:-1]
    raw, place = bytearray(), 0
    while place < len(value):
        taken, length = _take(value, place)
        raw += taken
        place += length
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise NotADnError(f"{value!r} is not UTF-8") from error


def _take(value: str, place: int) -> tuple[bytes, int]:
    letter = value[place]
    if letter != "\\":
        return letter.encode("utf-8", "replace"), 1
    pair = value[place + 1 : place + 3]
    if _HEX_PAIR.fullmatch(pair):
        return bytes.fromhex(pair), 3
    return value[place + 1].encode("utf-8", "replace"), 2


def _strip(value: str) -> str:
    """Without spaces around, but with one that is escaped at the end."""
    value = value.lstrip(" ")
    shorter = value.rstrip(" ")
    backslashes = len(shorter) - len(shorter.rstrip("\\"))
    return shorter + " " if backslashes % 2 and shorter != value else shorter
