"""Lists are read in the words of those who make them; what is hostile in one is only told."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.course_desk.refusals import UnusableRequestError
from e2xhub.course_desk.uploads import MOST_BYTES, MOST_ROWS, ReadUpload, Rows, read_upload
from e2xhub.domain.catalog import Catalog
from e2xhub.domain.roles import Role
from e2xhub.domain.roster_imports import Target
from e2xhub.storage.yaml_lines import parse_yaml
from tests.course_desk.school import CATALOG

DECLARED = Catalog.model_validate(parse_yaml(CATALOG).value)


def read(upload: bytes | Rows, role: Role | None = None) -> ReadUpload:
    return read_upload(upload, DECLARED, Target(course="maths", term="NOW"), role)


def people(found: ReadUpload) -> list[tuple[str, str]]:
    assert not found.faults
    return [(str(item.username), item.role.value) for item in found.imported.memberships]


def faults(upload: bytes | Rows) -> list[str]:
    return [f"{fault.line}: {fault.message}" for fault in read(upload).faults]


@pytest.mark.parametrize(
    "upload",
    [
        b"username,role\nemma,student\ngina,grader\n",
        b"Username;Role\r\nemma;\r\n\r\ngina;Grader\r\n",
        b"\xef\xbb\xbfBenutzername\tRolle\nemma\tTeilnehmer/in\ngina\tTutorin\n",
        "username,role\nemma,student\ngina,grader\n".encode("utf-16"),
        "Benutzername;Rolle;Name\nemma;Studentin;Müller\ngina;Tutor;Ü\n".encode("latin-1"),
        b"sep=;\nusername;role\nemma;student\ngina;grader\n",
        b"username,role,password\nemma,student,geheim\ngina,grader,x\n",
        b"username,course,term,role\nemma,maths,NOW,student\ngina,maths,NOW,grader\n",
        b"username,course1,role1\nemma,M1,student\ngina,M1,teacher\n",
        b"Login;Rolle / Status\nemma;Kursmitglied\ngina;Kurstutor\n",
        b"course_id,user_id,role,section_id,status\nM1,emma,student,,active\nM1,gina,ta,,active\n",
        [("emma", ""), ("gina", "grader")],
        [(" EMMA ", "Student"), ("Gina", "Tutor/in")],
    ],
)
def test_lists_of_all_kinds_say_who_is_what(upload: bytes | Rows) -> None:
    assert people(read(upload)) == [("emma", "student"), ("gina", "grader")]


def test_list_without_roles_is_of_students() -> None:
    assert people(read(b"username\nemma\n")) == [("emma", "student")]


def test_role_of_all_wins() -> None:
    assert people(read(b"username,role\nemma,Gast\n", Role.OBSERVER)) == [("emma", "observer")]


def test_suspended_people_of_a_platform_are_left_out_and_counted() -> None:
    found = read(b"username,suspended\nemma,0\nben,1\n")
    assert people(found) == [("emma", "student")]
    assert found.skipped == {"suspended": 1}


@pytest.mark.parametrize(
    ("upload", "told"),
    [
        (b"", ["1: the file is empty; expected a header and rows"]),
        (
            b"name,role\nemma,student\n",
            [
                "1: no column has the usernames; expected a column 'username' / 'Benutzername' / "
                "'Anmeldename' / 'Login'; the columns are: name, role"
            ],
        ),
        (
            b"Matrikelnummer\n0012345\n",
            [
                "1: no column has the usernames; expected a column 'username' / 'Benutzername' / "
                "'Anmeldename' / 'Login'; the columns are: Matrikelnummer"
            ],
        ),
        (
            b"Vorname;Nachname;E-Mail-Adresse;Kennwort\nA;B;a@example.org;x\n",
            [
                "1: this table has e-mail addresses, and no usernames; its columns are: Vorname, "
                "Nachname, E-Mail-Adresse. People sign in with usernames: add a column 'username' "
                "/ 'Benutzername' / 'Anmeldename' / 'Login' where the table comes from (in Moodle: "
                "username)"
            ],
        ),
        (
            b"emma,Meyer,geheim\nben,Klein,secret\n",
            ["1: the first line has to name the columns, such as: username,role"],
        ),
        (b"PK\x03\x04...", ["1: this is an Excel file; save it as CSV (UTF-8)"]),
        (b"username\nem\0ma\n", ["2: this is no text"]),
        (
            b"username,role\nemma,Gast\n",
            ["2: role 'Gast' is not possible here; expected one of: student, grader, observer"],
        ),
        (
            b"username,role\nemma,proctor\n",
            [
                "2: role 'proctor' is not possible here; expected one of: student, grader, observer"
            ],
        ),
        (
            b"username,course,term\nemma,physics,NOW\n",
            ["2: the row belongs to course 'physics'; expected course 'maths', term 'NOW'"],
        ),
        (
            b"username,role\nemma\n",
            ["2: the row has 1 cells; expected 2 as the header"],
        ),
        (
            b"username,course1,role1\nemma,A,student\nben,B,student\n",
            ["3: rows of several courses are here ('A', 'B')"],
        ),
    ],
)  # fmt: skip
def test_fault_is_told_with_its_line_and_no_option_of_a_command(
    upload: bytes, told: list[str]
) -> None:
    assert faults(upload) == told


_ONE_NAME = (
    "expected one username in each line and, if you like, a role after a comma; a table needs a "
    "first line that names its columns"
)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([("emma", "Meyer"), ("ben", "Klein")], [f"1: {_ONE_NAME}"]),
        ([("emma", "student"), ("ben", "Klein, student")], [f"2: {_ONE_NAME}"]),
        (
            [("emma", "student"), ("ben", "Klein")],
            ["2: role 'Klein' is not possible here; expected one of: student, grader, observer"],
        ),
    ],
)
def test_pasted_table_without_a_header_is_told_once(rows: Rows, told: list[str]) -> None:
    assert faults(rows) == told


def test_instructors_of_a_saved_list_are_no_fault() -> None:
    assert people(read(b"username,role\nivo,instructor\n")) == [("ivo", "instructor")]


@pytest.mark.parametrize(
    "name",
    [
        *("=1+1", "+cmd", "@SUM(A1)", "-2", "'=1+1", "<script>alert(1)</script>", "../../etc"),
        *("\x1b[31mred", "em\u202ema", "a b", "x" * 2000, "ali\u0441e\u200b"),
    ],
    ids=lambda name: json.dumps(name[:12]),
)
def test_hostile_name_is_no_member_and_is_told_as_printable_text(name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    (message,) = faults(f"username\n{quoted}\n".encode())
    assert message.startswith("2: ")
    assert "cannot be used" in message
    assert message.isprintable()
    assert len(message) < 320


def test_names_that_share_a_directory_are_a_fault() -> None:
    assert "would share a directory with 'emma'" in faults(b"username\nemma\nemma.\n")[0]


def test_ten_thousand_faulty_lines_are_all_counted() -> None:
    assert len(read(b"username\n" + b"not a name\n" * 10_000).faults) == 10_000


def test_list_may_be_as_large_as_the_limit_says_and_no_larger() -> None:
    rows = "".join(f"s{number}\n" for number in range(MOST_ROWS))
    assert len(people(read(f"username\n{rows}".encode()))) == MOST_ROWS
    for upload in (f"username\n{rows}more\n".encode(), b"x" * (MOST_BYTES + 1)):
        with pytest.raises(UnusableRequestError, match="The file is too large"):
            read(upload)
    with pytest.raises(UnusableRequestError):
        read([("emma", "")] * (MOST_ROWS + 1))


def test_list_of_too_many_lines_is_refused_before_each_is_told() -> None:
    for line_end in (b"\n", b"\r", b"\r\n"):
        faulty = b"alice" + line_end
        with pytest.raises(UnusableRequestError, match="The file is too large"):
            read(b"username,role" + line_end + faulty * (2 * MOST_ROWS + 1))


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_told(content: bytes) -> None:
    for upload in (content, b"username,role\n" + content):
        found = read(upload)
        assert found.faults or all(item.username for item in found.imported.memberships)
        assert all(fault.message.isprintable() for fault in found.faults)
