"""Files that somebody broke, by accident or on purpose, and those of another kind."""

from __future__ import annotations

import zipfile
from io import BytesIO

from hypothesis import strategies as st


def _make_workbook() -> bytes:
    content = BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>" * 100)
    return content.getvalue()


WORKBOOK = _make_workbook()
"""What a spreadsheet saves as .xlsx begins like this."""


@st.composite
def broken_copies(draw: st.DrawFn, original: str, pieces: list[str]) -> bytes:
    """`original` with up to four of its parts taken out or replaced; at times no UTF-8."""
    text = original
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(text)))
        length = draw(st.integers(0, 30))
        piece = draw(st.sampled_from(pieces) | st.text(max_size=4))
        text = text[:start] + piece + text[start + length :]
    written = text.encode(errors="surrogatepass")
    return draw(st.sampled_from([b"", b"", b"", b"\xff", b"\xef\xbb\xbf"])) + written
