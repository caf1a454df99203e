"""The file for Safe Exam Browser is written whole, for its owner's eyes only, or not at all."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from e2xhub.errors import FaultsFoundError
from e2xhub.storage.seb_files import write_seb_file


def refusal_of(file: Path) -> str:
    with pytest.raises(FaultsFoundError) as caught:
        write_seb_file(file, "new")
    return str(caught.value)


def test_only_the_owner_may_read_the_file(tmp_path: Path) -> None:
    file = tmp_path / "exam.seb"
    write_seb_file(file, "a\nä\n")
    assert file.read_text(encoding="utf-8") == "a\nä\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_older_file_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    file = tmp_path / "exam.seb"
    file.write_text("older")
    write_seb_file(file, "new")
    assert [path.name for path in tmp_path.iterdir()] == ["exam.seb"]
    assert file.read_text() == "new"


def test_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    file = tmp_path / "none" / "exam.seb"
    assert refusal_of(file) == (
        f"{file}: the file for Safe Exam Browser cannot be written: No such file or directory"
    )


def test_directory_is_not_replaced(tmp_path: Path) -> None:
    assert refusal_of(tmp_path) == (
        f"{tmp_path}: the file for Safe Exam Browser cannot be written: "
        "it is no file; expected the name of a file to write"
    )
