"""Lists of people in every shape that deployments have had."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.imports.legacy.report import Notes
from e2xhub.imports.legacy.user_lists import UserList, read_user_list


def read(tmp_path: Path, content: bytes | str) -> tuple[UserList | None, list[str]]:
    """What is read of a file with `content`, and the notes as `line subject: message`."""
    file, notes = tmp_path / "list.csv", Notes()
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    found = read_user_list(file, "list.csv", notes)
    return found, [f"{n.where.line} {n.subject}: {n.message}" for n in notes.sorted()]


def names(found: UserList | None) -> list[str]:
    assert found is not None
    return [str(person.username) for person in found.people]


@pytest.mark.parametrize(
    "content",
    [
        "Username\nalice\n0123456\n",
        "FB02UID\nalice\n0123456\n",
        "username\r\nalice\r\n0123456\r\n",
        "\ufeffUSERNAME\nalice\n0123456\n",
        "\n \nUsername\n\n  alice  \n\n0123456",
        "Username;\nalice;\n0123456;\n",
        "Username\nalice;\n0123456;\n",
        '"Username"\n"alice"\n"0123456"\n',
        "Username;Name\nalice;\n0123456;B\n",
    ],
)
def test_people_are_read_in_every_shape(tmp_path: Path, content: str) -> None:
    found, _ = read(tmp_path, content)
    assert names(found) == ["alice", "0123456"]


def test_the_word_null_is_a_username_that_is_noted(tmp_path: Path) -> None:
    found, notes = read(tmp_path, "Username\nnull\n")
    assert names(found) == ["null"]
    assert notes == ["2 null: the word 'null' is taken for a username"]


def test_capitals_are_noted(tmp_path: Path) -> None:
    found, notes = read(tmp_path, "Username\nAlice\n")
    assert names(found) == ["alice"]
    assert notes == ["2 Alice: 'Alice' is 'alice' in JupyterHub; the old hub compared capitals"]


def test_name_that_cannot_be_used_is_left_out_with_its_line(tmp_path: Path) -> None:
    found, notes = read(tmp_path, "Username\n\nA M\u00fcller\nalice\n../../x\n")
    assert names(found) == ["alice"]
    expected = (
        "expected a hub username such as 'amueller': letters, digits and . _ @ + -, "
        "beginning with a letter or digit"
    )
    assert notes == [
        f"3 a person: username 'A M\u00fcller' cannot be used; {expected}",
        f"5 a person: username '../../x' cannot be used; {expected}",
    ]


@pytest.mark.parametrize("header", ["Name", "alice", "Username,Username", ""])
def test_file_without_a_known_header_is_left_out_without_its_text(
    tmp_path: Path, header: str
) -> None:
    found, notes = read(tmp_path, f"{header}\nbob\n")
    assert found is None
    line = 1 if header else 2
    assert notes == [
        f"{line} the whole file: its first line has not one column 'Username' (or 'FB02UID')"
    ]


def test_row_with_too_many_cells_is_left_out(tmp_path: Path) -> None:
    found, notes = read(tmp_path, "Username,Name\nalice,A\nbob,B,C\n")
    assert names(found) == ["alice"]
    assert "3 a row: the row has 3 cells; expected 2 as the header" in notes


def test_latin1_is_reported_with_its_line(tmp_path: Path) -> None:
    found, notes = read(tmp_path, "Username\nalice\nJ\u00fcrgen\n".encode("latin-1"))
    assert found is None
    assert notes == ["3 the whole file: this is not UTF-8; save the file as UTF-8"]


SHEET = "first_name,last_name,room,seat,username,password,is_backup\n"


def test_sheet_gives_room_and_seat_and_no_password(tmp_path: Path) -> None:
    found, notes = read(tmp_path, SHEET + "Ada,L,H1,7,ada,s3cret,\nB,B,H2,8,bea,s4cret,True\n")
    assert found is not None
    assert found.is_exam_sheet
    assert [dict(person.attributes) for person in found.people] == [
        {"room": "H1", "seat": "7"},
        {"room": "H2", "seat": "8", "is_backup": "True"},
    ]
    assert notes == ["1 passwords: passwords and names of an exam sheet are not read"]


@given(secret=st.from_regex(r"[A-Za-z0-9 ;=!?-]{8,20}", fullmatch=True))
def test_no_note_has_text_of_a_slipped_row(
    tmp_path_factory: pytest.TempPathFactory, secret: str
) -> None:
    row = f"Ada,L,H1,7,!{secret},x,\nB,{secret}\n{secret},B,H1,8,bea,x,,{secret}\n"
    found, notes = read(tmp_path_factory.getbasetemp(), SHEET + row)
    assert names(found) == []
    assert notes == [
        "1 passwords: passwords and names of an exam sheet are not read",
        "2 a person: the username cannot be used",
        "3 a row: the row has 2 cells; expected 7 as the header",
        "4 a row: the row has 8 cells; expected 7 as the header",
    ]
