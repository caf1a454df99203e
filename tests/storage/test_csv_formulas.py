"""A cell that a spreadsheet would compute is written as text, and read back as it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.storage.csv_formulas import neutralise, restore


@pytest.mark.parametrize("cell", ["=1+1", "+49", "-1", "@SUM(A1)", "\t=1", "\r=1", "'=1", "''-1"])
def test_formula_gets_an_apostrophe(cell: str) -> None:
    assert neutralise(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "Anna", "1-2", "'", "'twas", "O'Hara"])
def test_text_stays_as_it_is(cell: str) -> None:
    assert neutralise(cell) == cell


@given(st.text(alphabet="'=+-@\t\rab"))
def test_cell_is_restored_as_it_was(cell: str) -> None:
    assert restore(neutralise(cell)) == cell
