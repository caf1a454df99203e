"""Which texts this machine has no font for, as Pango sees it, which lays out the PDF.

Pango is called through its C interface; WeasyPrint needs the same libraries, but has no function
for this. https://docs.gtk.org/Pango/method.Layout.get_unknown_glyphs_count.html
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable


def find_without_font(texts: Iterable[str]) -> list[str]:
    """Those of `texts` that would be printed with boxes; raises OSError where Pango is missing."""
    layout = _Layout()
    return [text for text in texts if layout.count_unknown(text)]


class _Layout:
    """A paragraph in Pango's hands; lives as long as the process."""

    def __init__(self) -> None:
        pango, fonts = ctypes.CDLL("libpango-1.0.so.0"), ctypes.CDLL("libpangoft2-1.0.so.0")
        fonts.pango_ft2_font_map_new.restype = ctypes.c_void_p
        pango.pango_font_map_create_context.restype = ctypes.c_void_p
        pango.pango_font_map_create_context.argtypes = [ctypes.c_void_p]
        pango.pango_layout_new.restype = ctypes.c_void_p
        pango.pango_layout_new.argtypes = [ctypes.c_void_p]
        pango.pango_layout_set_text.restype = None
        pango.pango_layout_set_text.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
        pango.pango_layout_get_unknown_glyphs_count.restype = ctypes.c_int
        pango.pango_layout_get_unknown_glyphs_count.argtypes = [ctypes.c_void_p]
        context = pango.pango_font_map_create_context(fonts.pango_ft2_font_map_new())
        self._pango, self._layout = pango, pango.pango_layout_new(context)

    def count_unknown(self, text: str) -> int:
        """How many of the glyphs of `text` are boxes."""
        encoded = text.encode()
        self._pango.pango_layout_set_text(self._layout, encoded, len(encoded))
        return int(self._pango.pango_layout_get_unknown_glyphs_count(self._layout))
