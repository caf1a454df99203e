"""Keeps spreadsheets from taking a cell of a CSV file for a formula.

https://owasp.org/www-community/attacks/CSV_Injection
"""

from __future__ import annotations

import re

# What a spreadsheet takes for a formula, or for the start of one.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_NEUTRALISED = re.compile(r"'+[=+\-@\t\r]")


def neutralise(cell: str) -> str:
    """`cell`, with an apostrophe before what a spreadsheet would calculate."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def restore(cell: str) -> str:
    """What `neutralise` was given to make `cell`."""
    return cell[1:] if _NEUTRALISED.match(cell) else cell
