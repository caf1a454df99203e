"""The text of a file, or what is wrong with the file; a new text takes the place of an old one."""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

import pytest

from e2xhub.errors import Fault, FaultsFoundError
from e2xhub.storage.text_files import read_text, write_beside
from tests.storage.hostile_files import WORKBOOK


def fault_of(file: Path) -> Fault:
    with pytest.raises(FaultsFoundError) as caught:
        read_text(file)
    (fault,) = caught.value.faults
    return fault


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_text_has_no_byte_order_mark(tmp_path: Path, mark: bytes) -> None:
    (tmp_path / "x").write_bytes(mark + "Müller\n".encode())
    assert read_text(tmp_path / "x") == "Müller\n"


def test_bytes_that_are_no_utf8_are_a_fault_in_their_line(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"a\nb\nM\xfcller\n")
    message = "this is not UTF-8; save the file as UTF-8"
    assert fault_of(tmp_path / "x") == Fault(file=str(tmp_path / "x"), line=3, message=message)


@pytest.mark.parametrize("content", [WORKBOOK, b"\xd0\xcf\x11\xe0" + bytes(512)])
def test_excel_file_is_told_as_such(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    message = "this is an Excel file; save it as CSV (UTF-8)"
    assert fault_of(tmp_path / "x") == Fault(file=str(tmp_path / "x"), line=1, message=message)


def test_file_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    assert fault_of(tmp_path / "x").message == "cannot be read: No such file or directory"


def test_directory_is_a_fault(tmp_path: Path) -> None:
    assert fault_of(tmp_path).message == "cannot be read: Is a directory"


def test_new_text_stands_beside_the_old_one(tmp_path: Path) -> None:
    file = tmp_path / ("x" * 240)
    file.write_text("old")
    new, written = write_beside(file, lambda opened: opened.write("Müller\r\n"))
    assert (new.parent, new.read_bytes(), written) == (tmp_path, "Müller\r\n".encode(), 8)
    assert new.stat().st_mode & 0o777 == 0o600
    assert file.read_text() == "old"


def test_text_that_cannot_be_written_leaves_no_file(tmp_path: Path) -> None:
    def fail(opened: TextIO) -> None:
        opened.write("half of it")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_beside(tmp_path / "x", fail)
    assert list(tmp_path.iterdir()) == []
