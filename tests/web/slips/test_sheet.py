"""The CSV has the columns of exam sheets, no formulas, and is read back by the importer."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from e2xhub.errors import Fault
from e2xhub.imports.lms.files import ReadOptions, read_lms_file
from e2xhub.imports.lms.formats import ListFormat
from e2xhub.web.slips import write_csv
from tests.web.slips.examinees import NAMES, code_of, slips_of

FORMULAS = ("=1+1", "+49", "-1", "@SUM(A1)", "'=1", "''-1")


def test_columns_are_those_of_exam_sheets() -> None:
    lines = write_csv(slips_of([("Anna", "Müller")])).splitlines()
    assert lines == [
        "first_name,last_name,room,seat,username,password",
        f"Anna,Müller,Hall 1,0,u0,{code_of(0)}",
    ]


def test_cells_are_what_the_roster_has() -> None:
    rows = list(csv.DictReader(io.StringIO(write_csv(slips_of(NAMES)))))
    assert [(row["first_name"], row["last_name"]) for row in rows] == list(NAMES)


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_is_a_formula(text: str) -> None:
    (row,) = csv.DictReader(io.StringIO(write_csv(slips_of([(text, text)], room=text))))
    assert {row["first_name"], row["last_name"], row["room"]} == {f"'{text}"}


def test_importer_reads_the_sheet_back_without_the_codes(tmp_path: Path) -> None:
    sheet = tmp_path / "slips.csv"
    sheet.write_text(write_csv(slips_of([("=1", "A"), ("B", "C")], room="=2")), encoding="utf-8")
    faults: list[Fault] = []
    found = read_lms_file(sheet, ListFormat.EXAM_SHEET, ReadOptions(), faults)
    assert faults == []
    assert [(row.username, row.attributes) for row in found.rows] == [
        ("u0", {"first_name": "=1", "last_name": "A", "room": "=2", "seat": "0"}),
        ("u1", {"first_name": "B", "last_name": "C", "room": "=2", "seat": "1"}),
    ]
