"""Slips with one-time codes on paper: a page to print, a PDF and a CSV.

All three are made of `domain.slips.Slips`; nothing is stored.
"""

from __future__ import annotations

from e2xhub.web.slips.page import render_page
from e2xhub.web.slips.pdf import PdfNotMadeError, PdfUnavailableError, SlipsPdf, make_pdf
from e2xhub.web.slips.sheet import write_csv

__all__ = [
    "PdfNotMadeError",
    "PdfUnavailableError",
    "SlipsPdf",
    "make_pdf",
    "render_page",
    "write_csv",
]
