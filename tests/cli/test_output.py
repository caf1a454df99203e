"""Tables for other programs than a terminal: whole rows, and the text as it is."""

from __future__ import annotations

import pytest

from e2xhub.cli.output import print_table


def test_row_is_one_line_and_its_text_is_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    long = "x" * 300
    print_table("T", ("a", "b"), [("[red]", long), ("\x1b[2J", "")])
    lines = capsys.readouterr().out.splitlines()
    assert f"│ [red]   │ {long} │" in lines
    assert any("\\x1b[2J" in line for line in lines)


def test_table_without_rows_is_not_printed(capsys: pytest.CaptureFixture[str]) -> None:
    print_table("T", ("a",), [])
    assert capsys.readouterr().out == ""
