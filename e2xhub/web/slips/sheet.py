"""The slips as an exam sheet: CSV in the columns that exam offices and older e2x hubs have."""

from __future__ import annotations

import io

from e2xhub.domain.slips import Slip, Slips
from e2xhub.storage.csv_files import CsvFormat, CsvWriter
from e2xhub.storage.csv_formulas import neutralise

COLUMNS = ("first_name", "last_name", "room", "seat", "username", "password")


def write_csv(slips: Slips) -> str:
    """A header and a row for each slip, in their order; no cell is a formula for a spreadsheet.

    UTF-8 without a byte-order mark, as every list that e2xhub writes. `e2xhub roster import` reads
    it back as `exam-sheet`, without the codes.
    """
    text = io.StringIO(newline="")
    writer = CsvWriter(text, CsvFormat())
    for row in (COLUMNS, *map(_row_of, slips.in_order())):
        writer.write_row([neutralise(cell) for cell in row])
    return text.getvalue()


def _row_of(slip: Slip) -> tuple[str, ...]:
    return (slip.first_name, slip.last_name, slip.room, slip.seat, slip.username, slip.code)
