"""Secrets of an admin mean the same in a file and in the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2xhub.storage.secret_sources import UnreadableSecretError, read_secret
from tests.log_search import SEARCH

VARIABLE = "E2XHUB_SECRET_OF_A_TEST"
SECRET = "of the service: Ärmel"
SEARCH.keep_secret(SECRET)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (SECRET, SECRET),
        (f"{SECRET}\n", SECRET),
        (f"{SECRET}\r\n", SECRET),
        (f"{SECRET}\n\n", SECRET),
        (f" {SECRET} \n", f" {SECRET} "),
        (f"{SECRET}\nmore\n", f"{SECRET}\nmore"),
        ("\n", ""),
        ("", ""),
    ],
)
def test_line_ends_are_no_part_of_a_secret_wherever_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, expected: str
) -> None:
    monkeypatch.setenv(VARIABLE, text)
    assert read_secret(None, VARIABLE) == expected
    file = tmp_path / "secret"
    file.write_bytes(text.encode())
    monkeypatch.setenv(VARIABLE, "another one")
    assert read_secret(file, VARIABLE) == expected


def test_secret_that_is_nowhere_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert read_secret(None, VARIABLE) == ""


def test_file_that_cannot_be_read_is_told_without_its_content(tmp_path: Path) -> None:
    with pytest.raises(UnreadableSecretError, match=r"^No such file or directory$"):
        read_secret(tmp_path / "none", VARIABLE)
    file = tmp_path / "secret"
    file.write_bytes(SECRET.encode("latin-1"))
    with pytest.raises(UnreadableSecretError, match=r"^it is no text in UTF-8$"):
        read_secret(file, VARIABLE)
