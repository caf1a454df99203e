"""An entry of a directory as plain values: texts, whatever bytes came."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from e2xhub.authenticators.ldap.names import Dn, parse_dn

_LONGEST_VALUE = 16_384  # bytes; longer ones are pictures


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What the directory gave of an entry."""

    dn: str
    parsed_dn: Dn
    attributes: Mapping[str, tuple[str, ...]]
    """By the attribute's name in lower case."""

    def get(self, attribute: str) -> tuple[str, ...]:
        return self.attributes.get(attribute.lower(), ())


def read_entry(answer: Mapping[str, Any]) -> Entry:
    """An entry from ldap3's dict of it.

    A value that is not UTF-8 becomes base64, one of more than 16 KiB is left out. Raises ValueError
    for a DN that is none, or not UTF-8.
    """
    dn = bytes(answer["raw_dn"]).decode()
    attributes: dict[str, tuple[str, ...]] = {}
    for name, values in answer["raw_attributes"].items():
        texts = tuple(_read_value(bytes(value)) for value in values or () if _is_kept(value))
        attributes[str(name).lower()] = texts
    return Entry(dn=dn, parsed_dn=parse_dn(dn), attributes=attributes)


def _is_kept(value: bytes) -> bool:
    return len(value) <= _LONGEST_VALUE


def _read_value(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return base64.b64encode(value).decode()
