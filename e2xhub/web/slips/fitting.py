"""How large a text may be printed so that it fits its place, and in which direction it is read.

Printing has no script that measures: the width is estimated, generously, from what kind of letters
there are.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

_MILLIMETRES_PER_POINT = 25.4 / 72
_LINE_HEIGHT = 1.3
# Lines break between words, and a word is rarely as long as what is left.
_RAGGED = 1.15
_WIDE = 1.0
_CAPITAL = 0.74
_OTHER = 0.6
_SCRIPT = 0.8
_COLUMN = 0.61
_LATIN_ENDS = 0x0530  # Latin, Greek and Cyrillic come before it


@dataclass(frozen=True, kw_only=True)
class Place:
    """Room for a text, and the sizes in points that are tried, the largest first."""

    width: float
    """In millimetres, as the height."""
    height: float
    sizes: Sequence[int]
    is_monospaced: bool = False

    def fit(self, text: str) -> int:
        """The largest of the sizes in which `text` fits; the smallest where none is small enough.

        Monospaced lines are full, because they are broken anywhere.
        """
        width_of = _width_in_columns if self.is_monospaced else _width_of
        width = sum(map(width_of, text))
        return next((size for size in self.sizes if self._holds(width, size)), self.sizes[-1])

    def _holds(self, width: float, points: int) -> bool:
        size = points * _MILLIMETRES_PER_POINT
        needed = width * size / self.width
        is_ragged = needed > 1 and not self.is_monospaced
        lines = math.ceil(needed * _RAGGED if is_ragged else needed)
        return lines * size * _LINE_HEIGHT <= self.height


def direction_of(text: str) -> str:
    """`rtl` where the first letter that has a direction is of a script that is read to the left.

    Rule P2 of https://unicode.org/reports/tr9/; a browser finds it itself (`dir="auto"`), programs
    that make PDF do not.
    """
    directions = map(unicodedata.bidirectional, text)
    first = next((it for it in directions if it in ("L", "R", "AL")), "L")
    return "ltr" if first == "L" else "rtl"


def _width_of(letter: str) -> float:
    """The width in parts of the type size."""
    if unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return 0
    if unicodedata.east_asian_width(letter) in "FW":
        return _WIDE
    if ord(letter) >= _LATIN_ENDS:
        return _SCRIPT
    if letter in "mwMW@%":
        return _WIDE
    return _CAPITAL if letter.isupper() else _OTHER


def _width_in_columns(letter: str) -> float:
    width = _width_of(letter)
    is_wide = unicodedata.east_asian_width(letter) in "FW"
    return _COLUMN if width and not is_wide else width
