"""Reads and writes the tables that other systems and spreadsheets make: CSV in all its manners.

Reads UTF-8 and UTF-16 (what Excel calls Unicode text), any delimiter, and the line `sep=;` that
Excel writes. Columns of passwords are not taken in. What a column means is left to
`imports.lms.files`; the roster's own files are read by `storage.roster.csv_reading`.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from e2xhub.domain.role_words import fold
from e2xhub.errors import Fault, FaultsFoundError, Sentence
from e2xhub.storage.csv_files import CsvFormat, CsvWriter, find_delimiter, hint_at_delimiter
from e2xhub.storage.csv_formulas import neutralise, restore
from e2xhub.storage.directories import unreadable
from e2xhub.storage.text_files import read_text

MOST_COLUMNS = 1_000
"""Far more than a gradebook has; each column costs time with each row."""
_PASSWORD = re.compile(r".*(passw|kennwort).*|pwd?|pin")
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_DELIMITER = re.compile(r'[^\w\s"\']|\t')
_SEPARATOR_LINE = re.compile(rf'"?sep=({_DELIMITER.pattern})"?\s*', re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class TableRow:
    """The cells of one row, by the number of their column."""

    line: int
    cells: Sequence[str]

    def read(self, column: int | None) -> str:
        """The text in a column; empty where there is no such column."""
        return "" if column is None else self.cells[column]


@dataclass(frozen=True, kw_only=True)
class Table:
    """A header and the rows that fit it."""

    file: str
    line: int
    """The line of the header."""
    columns: Sequence[str]
    """The names in the header as they are written; empty for a column that is not read."""
    rows: Sequence[TableRow]

    def find(self, names: Iterable[str]) -> int | None:
        """The number of the first of `names` that is a column; None where none is.

        Raises FaultsFoundError where that name stands in the header twice.
        """
        for name in map(fold, names):
            numbers = self._numbers.get(name, ()) if name else ()
            if len(numbers) > 1:
                told = Sentence("the column {name!r} stands there twice", name=name)
                raise self.stop(told)
            if numbers:
                return numbers[0]
        return None

    @cached_property
    def _numbers(self) -> Mapping[str, Sequence[int]]:
        """The numbers of the columns, by their folded names."""
        found: dict[str, list[int]] = {}
        for number, column in enumerate(self.columns):
            found.setdefault(fold(column), []).append(number)
        return found

    def stop(self, message: str) -> FaultsFoundError:
        """What to raise where the header cannot be used."""
        return FaultsFoundError([Fault(file=self.file, line=self.line, message=message)])


def is_password_column(name: str) -> bool:
    """Whether a column of this name holds what nobody needs here, and what must not come here."""
    return bool(_PASSWORD.fullmatch(fold(name)))


def parse_delimiter(text: str) -> str:
    """What stands between cells: one character, or the word `tab`; raises ValueError."""
    delimiter = "\t" if text.lower() == "tab" else text
    if not _DELIMITER.fullmatch(delimiter):
        raise ValueError(
            f"{text!r} cannot stand between cells; expected one character such as ';', or 'tab'"
        )
    return delimiter


def read_table(file: Path, faults: list[Fault], *, delimiter: str | None = None) -> Table:
    """The table in `file`; rows that do not fit the header are left out and added to `faults`.

    Raises FaultsFoundError where the file is no table.
    """
    return parse_table(file, _decode(file), faults, delimiter=delimiter)


def parse_table(
    file: Path, text: str, faults: list[Fault], *, delimiter: str | None = None
) -> Table:
    """The table in `text`, of which messages say that it is in `file`; otherwise as `read_table`.

    Blank rows are skipped, spaces around cells taken away, and the apostrophe that `write_table`
    puts before a formula as well.
    """
    rows = _rows(file, text, delimiter)
    line, header = next(rows, (1, ()))
    if not header:
        raise _stop(file, 1, Sentence("the file is empty; expected a header and rows"))
    if len(header) > MOST_COLUMNS:
        message = "the first line has {count} columns; expected at most {most}"
        raise _stop(file, line, Sentence(message, count=len(header), most=MOST_COLUMNS))
    columns = ["" if is_password_column(name) else name for name in header]
    kept: list[TableRow] = []
    for number, cells in rows:
        if any(cells[len(columns) :]) or len(cells) < len(columns):
            message = _tell_of_cells(cells, columns)
            faults.append(Fault(file=str(file), line=number, message=message))
        else:
            wanted = [cell if name else "" for name, cell in zip(columns, cells, strict=False)]
            kept.append(TableRow(line=number, cells=wanted))
    return Table(file=str(file), line=line, columns=columns, rows=kept)


def _tell_of_cells(cells: Sequence[str], columns: Sequence[str]) -> Sentence:
    template = "the row has {count} cells; expected {expected} as the header"
    if hint_at_delimiter(cells, columns):
        template = (
            "the row has {count} cells; expected {expected} as the header; are its cells separated "
            "by another character?"
        )
    return Sentence(template, count=len(cells), expected=len(columns))


def write_table(rows: Iterable[Sequence[str]], *, delimiter: str = ",") -> str:
    """`rows` as CSV in which no cell is a formula for a spreadsheet: those get an apostrophe."""
    text = io.StringIO(newline="")
    writer = CsvWriter(text, CsvFormat(delimiter=delimiter))
    for row in rows:
        writer.write_row([neutralise(cell) for cell in row])
    return text.getvalue()


def _decode(file: Path) -> str:
    """The text of a file, with its line ends: a cell may hold some."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise FaultsFoundError([unreadable(file, error)]) from None
    decode = _decode_utf16 if content[:2] in _UTF16_MARKS else _decode_utf8
    text = decode(file, content)
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise _stop(file, line, "here is a NUL character; save the file as UTF-8")
    return text


def _decode_utf8(file: Path, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return read_text(file)  # which tells the line


def _decode_utf16(file: Path, content: bytes) -> str:
    try:
        return content.decode("utf-16")
    except UnicodeDecodeError as error:
        line = content[: error.start].decode("utf-16", "replace").count("\n") + 1
    raise _stop(file, line, "this is not UTF-16, as the file's beginning says; save it as UTF-8")


def _rows(file: Path, text: str, delimiter: str | None) -> Iterator[tuple[int, list[str]]]:
    """The rows that have any text, each with the line in which it begins."""
    lines = io.StringIO(text, newline="")
    line = 1
    if separator := _SEPARATOR_LINE.fullmatch(text.split("\n", 1)[0]):
        delimiter, line = delimiter or separator[1], line + 1
        lines.readline()
        text = text.split("\n", 1)[-1]
    reader = csv.reader(
        lines, delimiter=delimiter or find_delimiter(text.lstrip("\r\n")), strict=True
    )
    skipped = line - 1
    try:
        for row in reader:
            cells = [restore(cell.strip()) for cell in row]
            if any(cells):
                yield line, cells
            line = skipped + reader.line_num + 1
    except csv.Error as error:
        # Where the row begins: quotes that are never closed run to the end of the file.
        told = Sentence("this is not CSV: {error}", error=str(error))
        raise _stop(file, line, told) from None


def _stop(file: Path, line: int, message: str) -> FaultsFoundError:
    return FaultsFoundError([Fault(file=str(file), line=line, message=message)])
