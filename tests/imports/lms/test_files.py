"""Lists of learning platforms and exam offices are read in their words."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.identifiers import Username
from e2xhub.domain.role_words import fold
from e2xhub.domain.roles import Role
from e2xhub.domain.roster_imports import RowMeaning, Target, parse_rows
from e2xhub.errors import Fault, FaultsFoundError
from e2xhub.imports.lms.files import ForeignList, ReadOptions, read_lms_file
from e2xhub.imports.lms.formats import ListFormat
from tests.storage.hostile_files import broken_copies

MOODLE, ILIAS, CANVAS = ListFormat.MOODLE, ListFormat.ILIAS, ListFormat.CANVAS
GENERIC, EXAM_SHEET = ListFormat.GENERIC, ListFormat.EXAM_SHEET

MOODLE_PARTICIPANTS = """\
Vorname,Nachname,Anmeldename,E-Mail-Adresse,Rollen,Gruppen
Dora,Ast,dora,dora@example.org,Teilnehmer/in,
Emil,Ast,emil,emil@example.org,"Trainer/in ohne Bearbeitungsrecht, Teilnehmer/in",
Fay,Ast,fay,fay@example.org,Trainer/in,
"""
MOODLE_GRADES = """\
"First name","Last name","ID number",Institution,Department,"Email address","Quiz: 1 (Real)"
Dora,Ast,0123,,,dora@example.org,7.50
"""
MOODLE_USERS = """\
username;firstname;course1;role1;course2;role2;enrolstatus2
dora;Dora;ML;student;;;
emil;Emil;ML;teacher;DB;student;
fay;Fay;DB;editingteacher;ML;student;1
"""
ILIAS_MEMBERS = """\
"Role / Status";"Login";"Last name";"First name"
"Member";"dora";"Ast";"Dora"
"Tutor";"emil";"Ast";"Emil"
"Administrator";"fay";"Ast";"Fay"
"Waiting List";"gus";"Ast";"Gus"
"""
CANVAS_GRADEBOOK = """\
Student,ID,SIS User ID,SIS Login ID,Section,Quiz 1 (42),Current Score
,,,,,Manual Posting,(read only)
    Points Possible,,,,,10.0,(read only)
"Ast, Dora",11,0123,dora,ML and DB,8,80
"Ast, Emil",12,0124,,ML,,
"Student, Test",13,,0a1b2c,ML,,
"""
CANVAS_ENROLLMENTS = """\
course_id,user_id,role,section_id,status,associated_user_id
ML,dora,student,,active,
ML,emil,TaEnrollment,,active,
ML,fay,teacher,,active,
ML,gus,student,,deleted,
ML,hal,student,,inactive,
ML,ina,observer,,active,dora
ML,joe,designer,,active,
ML,kim,StudentViewEnrollment,,active,
"""
EXAM_SHEET_TEXT = """\
first_name,last_name,room,seat,username,password,is_backup
Dora,Ast,lab,7,dora,geheim-1,
Emil,Ast,lab,8,emil,geheim-2,1
"""
OWN = "Matrikelnr\tRolle\tRaum\n0123\tGast\tlab\n"
SAMPLES = {
    MOODLE: [MOODLE_PARTICIPANTS, MOODLE_GRADES, MOODLE_USERS],
    ILIAS: [ILIAS_MEMBERS],
    CANVAS: [CANVAS_GRADEBOOK, CANVAS_ENROLLMENTS],
    EXAM_SHEET: [EXAM_SHEET_TEXT],
    GENERIC: ["username,course,term,exam,role,room\ndora,,,ml-pz1,proctor,lab\n", OWN],
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "list.csv"


def read(
    file: Path, text: str, kind: ListFormat, options: ReadOptions | None = None
) -> ForeignList:
    """The list; there must be no faults."""
    faults: list[Fault] = []
    file.write_text(text, encoding="utf-8")
    found = read_lms_file(file, kind, options or ReadOptions(), faults)
    assert not faults
    return found


def faults_of(
    file: Path, text: str, kind: ListFormat, options: ReadOptions | None = None
) -> list[str]:
    """Every fault, without the file's directory."""
    file.write_text(text, encoding="utf-8")
    faults: list[Fault] = []
    try:
        read_lms_file(file, kind, options or ReadOptions(), faults)
    except FaultsFoundError as error:
        faults += error.faults
    return [str(fault).removeprefix(f"{file.parent}/") for fault in faults]


def say(found: ForeignList) -> list[str]:
    """People and their roles, as the list's words are understood."""
    return [
        f"{row.username} {' '.join(found.words[fold(word)].value for word in row.roles)}".strip()
        for row in found.rows
    ]


def test_moodle_participants_may_have_several_roles(file: Path) -> None:
    found = read(file, MOODLE_PARTICIPANTS, MOODLE)
    assert say(found) == ["dora student", "emil grader student", "fay instructor"]
    assert [row.line for row in found.rows] == [2, 3, 4]


def test_moodle_grades_need_a_named_column_for_the_username(file: Path) -> None:
    assert faults_of(file, MOODLE_GRADES, MOODLE) == [
        "list.csv:1: the column 'username' or 'Anmeldename' or 'Benutzername' is missing; the "
        "columns are: First name, Last name, ID number, Institution, Department, Email address, "
        "Quiz: 1 (Real); another one is named by --column username=NAME"
    ]
    found = read(file, MOODLE_GRADES, MOODLE, ReadOptions(columns={"username": "id NUMBER"}))
    assert (say(found), found.rows[0].attributes) == (["0123"], {})


def test_moodle_users_belong_to_the_course_that_is_asked_for(file: Path) -> None:
    found = read(file, MOODLE_USERS, MOODLE, ReadOptions(course="ML"))
    assert say(found) == ["dora student", "emil grader"]
    assert found.left_out == {"of another course": 2, "suspended": 1}
    assert say(read(file, MOODLE_USERS, MOODLE, ReadOptions(course="DB"))) == [
        "emil student",
        "fay instructor",
    ]


def test_moodle_users_of_several_courses_are_not_mixed(file: Path) -> None:
    assert faults_of(file, MOODLE_USERS, MOODLE) == [
        "list.csv:3: rows of several courses are here ('DB', 'ML'); say which with --lms-course"
    ]


def test_course_that_the_list_has_not_is_a_fault(file: Path) -> None:
    for text, kind in ((MOODLE_USERS, MOODLE), (ILIAS_MEMBERS, ILIAS)):
        faults = faults_of(file, text, kind, ReadOptions(course="Physics"))
        assert faults == ["list.csv:1: no row belongs to the course 'Physics'"]


def test_moodle_accounts_that_are_closed_are_left_out(file: Path) -> None:
    text = "username,deleted,suspended\ndora,0,0\nemil,1,0\nfay,0,1\n"
    found = read(file, text, MOODLE)
    assert (say(found), found.left_out) == (["dora"], {"deleted": 1, "suspended": 1})


def test_moodle_type_says_the_role_where_there_is_none(file: Path) -> None:
    text = "username,course1,type1\ndora,ML,1\nemil,ML,2\nfay,ML,3\ngus,ML,\n"
    assert say(read(file, text, MOODLE)) == ["dora student", "emil instructor", "fay grader", "gus"]


def test_moodle_role_column_may_be_named(file: Path) -> None:
    text = "username,course1,role1,Funktion\ndora,ML,student,Trainer/in\n"
    found = read(file, text, MOODLE, ReadOptions(columns={"role": "Funktion"}))
    assert say(found) == ["dora instructor"]


def test_ilias_waiting_list_is_left_out(file: Path) -> None:
    found = read(file, ILIAS_MEMBERS, ILIAS)
    assert say(found) == ["dora student", "emil grader", "fay instructor"]
    assert found.left_out == {"waiting to be a member": 1}


def test_canvas_gradebook_has_rows_that_are_nobody(file: Path) -> None:
    found = read(file, CANVAS_GRADEBOOK, CANVAS)
    # Emil has no login: a fault that the import tells.
    assert [(row.line, row.username) for row in found.rows] == [(4, "dora"), (5, "")]
    assert found.left_out == {"test student": 1}


def test_canvas_enrollments_that_have_ended_are_left_out(file: Path) -> None:
    found = read(file, CANVAS_ENROLLMENTS, CANVAS)
    assert say(found) == ["dora student", "emil grader", "fay instructor"]
    assert found.left_out == {
        "deleted": 1,
        "inactive": 1,
        "observer of a student": 1,
        "designer": 1,
        "test student": 1,
    }


def test_canvas_observer_comes_only_with_a_word_of_whoever_imports(file: Path) -> None:
    options = ReadOptions(words={"observer": Role.OBSERVER})
    assert "ina observer" in say(read(file, CANVAS_ENROLLMENTS, CANVAS, options))


def test_canvas_status_that_is_not_known_is_a_fault(file: Path) -> None:
    text = "course_id,user_id,role,status\nML,dora,student,gone\n"
    assert faults_of(file, text, CANVAS) == [
        "list.csv:2: status 'gone' is not known; expected one of: active, completed, deleted, "
        "deleted_last_completed, inactive, invited, rejected"
    ]


def test_exam_sheet_gives_names_and_seats_and_no_passwords(file: Path) -> None:
    found = read(file, EXAM_SHEET_TEXT, EXAM_SHEET)
    assert [row.attributes for row in found.rows] == [
        {
            **{"room": "lab", "seat": "7", "is_backup": ""},
            **{"first_name": "Dora", "last_name": "Ast"},
        },
        {
            **{"room": "lab", "seat": "8", "is_backup": "1"},
            **{"first_name": "Emil", "last_name": "Ast"},
        },
    ]
    assert "geheim" not in repr(found)


def test_exam_sheet_without_header_tells_nothing_of_its_first_line(file: Path) -> None:
    (fault,) = faults_of(file, "Dora,Ast,lab,7,dora,geheim-1\n", EXAM_SHEET)
    assert "geheim" not in fault
    assert fault.startswith("list.csv:1: the column 'username' or 'Benutzername'")


def test_generic_list_takes_named_columns_only(file: Path) -> None:
    columns = {"username": "Matrikelnr", "role": "Rolle", "room": "Raum"}
    options = ReadOptions(columns=columns, words={"gast": Role.OBSERVER})
    found = read(file, OWN, GENERIC, options)
    assert (say(found), found.rows[0].attributes) == (["0123 observer"], {"room": "lab"})
    with_mail = OWN.replace("Raum", "E-Mail")
    found = read(file, with_mail, GENERIC, ReadOptions(columns={"username": "Matrikelnr"}))
    assert found.rows[0].attributes == {}


def test_generic_list_with_our_columns_keeps_the_others(file: Path) -> None:
    found = read(file, "Username,Term,Locker,PIN\ndora,WS26,12,1234\n", GENERIC)
    assert found.rows[0].attributes == {"term": "WS26", "locker": "12"}


def test_columns_are_told_without_what_steers_a_terminal(file: Path) -> None:
    (fault,) = faults_of(file, "\033[31mName,E-Mail\nDora,d@x\n", MOODLE)
    assert "the columns are: \\x1b[31mName, E-Mail;" in fault


def test_named_column_that_is_missing_is_a_fault(file: Path) -> None:
    options = ReadOptions(columns={"username": "Matrikelnr", "room": "Saal"})
    assert faults_of(file, OWN, GENERIC, options) == [
        "list.csv:1: the column 'Saal' is missing; the columns are: Matrikelnr, Rolle, Raum"
    ]


@pytest.mark.parametrize(
    ("kind", "text", "fault"),
    [
        (
            ILIAS,
            "Login;Funktion\ndora;Tutor\n",
            "the column 'Role / Status' or 'Rolle / Status' or 'Role/Status' or 'Rolle/Status' or "
            "'Role' or 'Rolle' is missing; the columns are: Login, Funktion; another one is named "
            "by --column role=NAME",
        ),
        (
            CANVAS,
            "user_id,role_id\ndora,17\n",
            "the column 'role' is missing; the columns are: user_id, role_id; another one is named "
            "by --column role=NAME",
        ),
        (
            GENERIC,
            "username,Roll\ndora,grader\n",
            "the column 'Roll' is not known; did you mean 'role'?",
        ),
    ],
)
def test_roles_are_not_missed_in_silence(
    file: Path, kind: ListFormat, text: str, fault: str
) -> None:
    assert faults_of(file, text, kind) == [f"list.csv:1: {fault}"]
    assert say(read(file, text, kind, ReadOptions(needs_roles=False))) == ["dora"]


hostile = st.sampled_from(sorted(SAMPLES)).flatmap(
    lambda kind: st.tuples(
        st.just(kind),
        st.sampled_from(SAMPLES[kind]).flatmap(
            lambda text: broken_copies(text, ["../x", "=1", "\0", '"', ";", "\n", "role1", "'"])
        )
        | st.binary(max_size=60),
    )
)


@given(hostile, st.sampled_from(["", "ML"]), st.booleans())
def test_arbitrary_bytes_give_faults_or_safe_names(
    tmp_path_factory: pytest.TempPathFactory,
    small_catalog: Catalog,
    written: tuple[ListFormat, bytes],
    course: str,
    to_exam: bool,
) -> None:
    kind, content = written
    file = tmp_path_factory.getbasetemp() / "hostile.csv"
    file.write_bytes(content)
    faults: list[Fault] = []
    try:
        found = read_lms_file(file, kind, ReadOptions(course=course), faults)
    except FaultsFoundError:
        return
    target = Target(exam="ml-pz1") if to_exam else Target(course="databases", term="WS26")
    how = RowMeaning(target=target, words=found.words)
    for membership in parse_rows(found.rows, small_catalog, how, faults).memberships:
        assert Username.parse(str(membership.username)) == membership.username
        assert target.holds(membership)
    assert "geheim" not in "".join(map(str, faults))
