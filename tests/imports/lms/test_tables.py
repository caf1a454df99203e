"""Tables are read as spreadsheets and platforms write them; what is none is a fault."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.errors import Fault, FaultsFoundError, Sentence
from e2xhub.imports.lms.tables import (
    MOST_COLUMNS,
    is_password_column,
    parse_delimiter,
    read_table,
    write_table,
)
from tests.storage.hostile_files import WORKBOOK, broken_copies

TEXT = "username,Raum\nalice,lab\nben,hall\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "list.csv"


def cells_of(file: Path, delimiter: str | None = None) -> list[list[str]]:
    """Header and rows; there must be no faults."""
    faults: list[Fault] = []
    table = read_table(file, faults, delimiter=delimiter)
    assert not faults
    return [list(table.columns), *(list(row.cells) for row in table.rows)]


def faults_of(file: Path) -> list[str]:
    """Every fault, without the file's directory."""
    faults: list[Fault] = []
    try:
        read_table(file, faults)
    except FaultsFoundError as error:
        faults += error.faults
    return [str(fault).removeprefix(f"{file.parent}/") for fault in faults]


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        b"\xfe\xff" + TEXT.encode("utf-16-be"),
        TEXT.replace(",", "\t").encode("utf-16"),
        TEXT.replace(",", ";").encode(),
        TEXT.replace("\n", "\r\n").encode(),
        TEXT.replace("\n", "\r").encode(),
        ("\n,\n" + TEXT.replace("\n", "\n\n , \n")).encode(),
        b'"username","Raum"\n"alice"," lab "\n"ben","hall"',
        ("sep=;\n" + TEXT.replace(",", ";")).encode(),
        ("sep=;\r\n" + TEXT.replace(",", ";").replace("\n", "\r\n")).encode("utf-16"),
    ],
)
def test_table_is_read_as_people_write_it(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    assert cells_of(file) == [["username", "Raum"], ["alice", "lab"], ["ben", "hall"]]


def test_delimiter_may_be_said(file: Path) -> None:
    file.write_text("username:Raum, seat\nalice:lab, 1\n")
    assert cells_of(file, ":") == [["username", "Raum, seat"], ["alice", "lab, 1"]]


@pytest.mark.parametrize(("text", "delimiter"), [(";", ";"), ("tab", "\t"), ("|", "|")])
def test_delimiter_is_a_character_or_its_name(text: str, delimiter: str) -> None:
    assert parse_delimiter(text) == delimiter


@pytest.mark.parametrize("text", ["", ";;", '"', "'", " ", "\n", "a", "0"])
def test_delimiter_that_stands_in_cells_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="cannot stand between cells") as caught:
        parse_delimiter(text)
    assert str(caught.value) == (
        f"{text!r} cannot stand between cells; expected one character such as ';', or 'tab'"
    )


def test_cells_are_texts(file: Path) -> None:
    file.write_text("username\n0123456\nnull\n1e5\n")
    assert cells_of(file)[1:] == [["0123456"], ["null"], ["1e5"]]


@pytest.mark.parametrize(
    "name", ["password", "Passwort", "Initial Password", "Kennwort neu", "PW", "pwd", "pin"]
)
def test_column_of_passwords_is_known_by_its_name(name: str) -> None:
    assert is_password_column(name)


@pytest.mark.parametrize("name", ["username", "room", "pinboard", "pass", ""])
def test_other_columns_hold_no_passwords(name: str) -> None:
    assert not is_password_column(name)


def test_passwords_are_not_taken_in(file: Path) -> None:
    file.write_text("username,Password,PASSWORT , room\nalice,geheim,geheim,lab\n")
    assert cells_of(file) == [["username", "", "", "room"], ["alice", "", "", "lab"]]


def test_rows_that_do_not_fit_are_faults_with_their_lines(file: Path) -> None:
    file.write_text('username,room\nalice,lab\nben\n"ca\nrol",lab,x\ndora,lab,,\nemil;hall\n')
    faults: list[Fault] = []
    table = read_table(file, faults)
    assert [row.read(0) for row in table.rows] == ["alice", "dora"]
    assert [(fault.line, fault.message) for fault in faults] == [
        (3, "the row has 1 cells; expected 2 as the header"),
        (4, "the row has 3 cells; expected 2 as the header"),
        (
            7,
            "the row has 1 cells; expected 2 as the header; are its cells separated by another "
            "character?",
        ),
    ]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "list.csv:1: the file is empty; expected a header and rows"),
        (b"\n ,\n", "list.csv:1: the file is empty; expected a header and rows"),
        (
            "username\nalice\nJürgen\n".encode("latin-1"),
            "list.csv:3: this is not UTF-8; save the file as UTF-8",
        ),
        (WORKBOOK, "list.csv:1: this is an Excel file; save it as CSV (UTF-8)"),
        (
            TEXT.encode("utf-16")[:-1],
            "list.csv:3: this is not UTF-16, as the file's beginning says; save it as UTF-8",
        ),
        (
            TEXT.encode("utf-16-le"),
            "list.csv:1: here is a NUL character; save the file as UTF-8",
        ),
        (
            b'sep=,\nusername\nalice\n"ben\n',
            "list.csv:4: this is not CSV: unexpected end of data",
        ),
    ],
)
def test_file_that_is_no_table_is_one_fault(file: Path, content: bytes, fault: str) -> None:
    file.write_bytes(content)
    assert faults_of(file) == [fault]


def test_file_that_is_not_there_is_a_fault(file: Path) -> None:
    assert faults_of(file) == ["list.csv: cannot be read: No such file or directory"]


def test_column_that_stands_there_twice_cannot_be_meant(file: Path) -> None:
    file.write_text("username,Quiz,Quiz, USERNAME\na,1,2,b\n")
    table = read_table(file, [])
    assert table.find(["room"]) is None
    with pytest.raises(FaultsFoundError) as caught:
        table.find(["room", "username"])
    assert str(caught.value) == f"{file}:1: the column 'username' stands there twice"
    message = caught.value.faults[0].message
    assert isinstance(message, Sentence)  # pages say it in their language
    assert message.values == {"name": "username"}


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "'=1", "''-1"])
def test_cell_that_a_spreadsheet_computes_gets_an_apostrophe(file: Path, cell: str) -> None:
    text = write_table([["seat"], [cell]])
    assert text.replace('"', "").split("\n", 1)[1].startswith("'")
    file.write_text(text, newline="")
    assert cells_of(file) == [["seat"], [cell]]


@pytest.mark.parametrize("cell", ["'quoted'", "'", "''", "7", "a=b", "O'Neill"])
def test_other_cells_are_written_as_they_are(cell: str) -> None:
    assert write_table([[cell]]) == f"{cell}\n"


# Spaces around a cell are the spreadsheet's, and NUL no character of a text.
cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
cells = cells.map(lambda text: f"x{text}y") | cells.map(lambda text: f"={text}y")


@given(st.lists(st.tuples(cells, cells), min_size=1), st.sampled_from(",;\t"))
def test_what_was_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], delimiter: str
) -> None:
    file = tmp_path_factory.getbasetemp() / "written.csv"
    file.write_text(write_table([("a", "b"), *rows], delimiter=delimiter), newline="")
    assert cells_of(file, delimiter) == [["a", "b"], *map(list, rows)]


@given(st.binary() | broken_copies(TEXT, ["\0", '"', "\r", ";", "sep=", "password", "\x1c"]))
def test_arbitrary_bytes_are_a_table_or_a_fault(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    file = tmp_path_factory.getbasetemp() / "arbitrary.csv"
    file.write_bytes(content)
    faults: list[Fault] = []
    try:
        table = read_table(file, faults)
    except FaultsFoundError:
        return
    assert all(len(row.cells) == len(table.columns) for row in table.rows)
    assert all(fault.line >= 1 for fault in faults)


@pytest.mark.parametrize("name", ["", "c"])
def test_table_with_very_many_columns_is_refused(file: Path, name: str) -> None:
    """Time is columns times rows, and more in a list whose columns are all kept."""
    columns = [f"{name}{number}" if name else "" for number in range(MOST_COLUMNS)]
    file.write_text(f"username,{','.join(columns)}\na{',' * MOST_COLUMNS}\n")
    assert faults_of(file) == ["list.csv:1: the first line has 1001 columns; expected at most 1000"]
    file.write_text(f"username,{','.join(columns[1:])}\na{',' * (MOST_COLUMNS - 1)}\n")
    assert faults_of(file) == []
