"""Lines that somebody has pasted: they need no line with the names of columns."""

from __future__ import annotations

import re

from e2xhub.course_desk.desk import Rows
from e2xhub.course_desk.refusals import TOO_LARGE, UnusableRequestError
from e2xhub.course_desk.uploads import MOST_LINES, is_heading
from e2xhub.imports.lms.tables import MOST_COLUMNS

_BETWEEN = re.compile(r"[,;\t]")
_LINE_ENDS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
"""Those of `str.splitlines`."""


def parse_pasted(text: str) -> bytes | Rows:
    """A table as bytes where the first line names its columns; else a username and a role for each
    line that is not empty.

    Quick, for the event loop: raises UnusableRequestError where there are more lines than a list
    may have, before it makes them.
    """
    if sum(map(text.count, _LINE_ENDS)) - text.count("\r\n") > MOST_LINES:
        raise UnusableRequestError(TOO_LARGE)
    lines = [line for line in text.splitlines() if line.strip()]
    if lines and any(map(is_heading, _BETWEEN.split(lines[0], MOST_COLUMNS))):
        return text.encode()
    return [_row_of(line) for line in lines]


def _row_of(line: str) -> tuple[str, str]:
    name, _, role = _BETWEEN.sub("\n", line, count=1).partition("\n")
    return name.strip(), role.strip(" \t,;")
