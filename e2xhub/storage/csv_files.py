"""Reads a CSV file row by row, whatever its delimiter, line ends and byte-order mark are.

Never a whole file at once: one call into C on a large text would hold up every other thread. What
the rows mean is left to `storage.roster.csv_reading`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import NoReturn, TextIO

from e2xhub.errors import Fault, FaultsFoundError
from e2xhub.storage.directories import unreadable
from e2xhub.storage.giving_way import give_way
from e2xhub.storage.text_files import read_text

_BYTE_ORDER_MARK = "\ufeff"
_DELIMITERS = ",;\t"
_PIECE_CHARACTERS = 1 << 16


@dataclass(frozen=True, kw_only=True)
class CsvFormat:
    """How a CSV file is written."""

    delimiter: str = ","
    line_end: str = "\n"
    mark: str = ""
    """The byte-order mark, where the file has one."""


@dataclass(frozen=True, kw_only=True)
class CsvFile:
    """An open CSV file."""

    format: CsvFormat
    rows: Iterator[tuple[int, list[str]]]
    """Each row with the number of the line in which it begins, from 1."""


@contextmanager
def open_csv(file: Path) -> Iterator[CsvFile]:
    """The rows of `file`; raises FaultsFoundError, also in the block, where it is not CSV."""
    try:
        with file.open(encoding="utf-8", newline="") as opened:
            header = opened.readline()
            written = _format_of(header)
            lines = chain([header.removeprefix(written.mark)], _lines(opened))
            yield CsvFile(format=written, rows=_rows(file, written, lines))
    except OSError as error:
        raise FaultsFoundError([unreadable(file, error)]) from None
    except UnicodeDecodeError:
        _tell_where_it_is_not_utf8(file)


def find_delimiter(text: str) -> str:
    """What separates the cells of a CSV text: what its header has most of."""
    return max(_DELIMITERS, key=text.split("\n", 1)[0].count)


def hint_at_delimiter(cells: Sequence[str], columns: Sequence[str]) -> str:
    """What to add to the fault of a row that has another number of cells than `columns`."""
    if len(cells) == 1 < len(columns) and any(text in cells[0] for text in _DELIMITERS):
        return "; are its cells separated by another character?"
    return ""


def _format_of(header: str) -> CsvFormat:
    return CsvFormat(
        delimiter=find_delimiter(header),
        line_end="\r\n" if header.endswith("\r\n") else "\n",
        mark=_BYTE_ORDER_MARK if header.startswith(_BYTE_ORDER_MARK) else "",
    )


def _lines(opened: TextIO) -> Iterator[str]:
    while piece := opened.readlines(_PIECE_CHARACTERS):
        yield from piece
        give_way()


def _rows(file: Path, written: CsvFormat, lines: Iterator[str]) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(lines, delimiter=written.delimiter, strict=True)
    line = 1
    try:
        for row in reader:
            yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        # Where the row begins: quotes that are never closed run to the end of the file.
        message = f"this is not CSV: {error}"
        raise FaultsFoundError([Fault(file=str(file), line=line, message=message)]) from None


def _tell_where_it_is_not_utf8(file: Path) -> NoReturn:
    read_text(file)
    message = "this was not UTF-8 and has just been changed"
    raise FaultsFoundError([Fault(file=str(file), line=1, message=message, may_pass=True)])


class CsvWriter:
    """Writes rows in a given format."""

    def __init__(self, file: TextIO, written: CsvFormat) -> None:
        self._file, self._line_end = file, written.line_end
        # Python before 3.13 quotes no cell for a line end that is not the writer's own.
        self._writer = csv.writer(self, delimiter=written.delimiter, lineterminator="\r\n")
        file.write(written.mark)

    def write_row(self, cells: list[str]) -> None:
        """Writes one row."""
        self._writer.writerow(cells)

    def write(self, line: str) -> None:
        """Takes a line from the writer of CSV."""
        self._file.write(line.removesuffix("\r\n") + self._line_end)
