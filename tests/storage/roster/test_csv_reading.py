"""A roster is read from CSV as people write it, and every fault is told with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.roles import Role
from e2xhub.domain.roster import CourseMembership, ExamMembership, Roster
from e2xhub.errors import FaultsFoundError
from e2xhub.storage.roster.csv_reading import load_roster
from tests.storage.hostile_files import broken_copies

HEADER = "username,course,term,role\n"
EXPECTED_HEADER = (
    "expected 'username,course,term,role' or 'username,exam,role', "
    "or a file <course>/<term>.csv or exams/<exam>.csv"
)
ROLE_IS_MISSING = "the column 'role' is missing; without it nobody has a role"
ROSTER = """\
username,course,term,exam,role,seat
alice,machine-learning,WS26,,student,
"bob",databases,WS26,,observer,1
carol,,,ml-pz1,proctor,2
"""
EXAM_ROSTER = "username,exam,role\nalice,ml-pz1,student\nbob,ml-pz2,\n"
_PIECES = ["", "\n", ",", ";", "\t", '"', '""', "\0", "\r", " ", "null", "exam", "../x", "=1+1"]
_PIECES += ["username", "course", "Ä", "'", "x" * 300]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "roster.csv"


def faults_of(path: Path, catalog: Catalog) -> list[str]:
    """The faults of the roster at `path`, with paths below its directory."""
    with pytest.raises(FaultsFoundError) as caught:
        load_roster(path, catalog)
    directory = path if path.is_dir() else path.parent
    return [line.removeprefix(f"{directory}/") for line in str(caught.value).splitlines()]


@pytest.mark.parametrize(
    "text",
    [
        "username,course,term,role\nalice,databases,WS26,student\n",
        "username;course;term;role\nalice;databases;WS26;student\n",
        "username\tcourse\tterm\trole\nalice\tdatabases\tWS26\tstudent\n",
        "Username,COURSE,Term,Role\r\n ALICE , databases,WS26,Student\r\n",
        "\ufeffusername,course,term,role\nalice,databases,WS26,student",
        "role,term,course,username\nstudent,WS26,databases,alice\n",
        'username,course,term,role\n"alice","databases","WS26","student"\n',
        "username,course,term,role\n\n,,,\nalice,databases,WS26,student\n\n",
        "username,course,term,role\nalice,databases,WS26,\n",
        "username,course,term,role,comment\nalice,databases,WS26,student,likes SQL\n",
    ],
)
def test_csv_is_read_as_people_write_it(file: Path, small_catalog: Catalog, text: str) -> None:
    file.write_text(text, encoding="utf-8", newline="")
    (membership,) = load_roster(file, small_catalog).memberships_of("alice")
    assert isinstance(membership, CourseMembership)
    assert (membership.course, membership.term, membership.role) == (
        "databases",
        "WS26",
        Role.STUDENT,
    )


def test_one_file_may_hold_courses_and_exams(file: Path, small_catalog: Catalog) -> None:
    file.write_text(ROSTER)
    roster = load_roster(file, small_catalog)
    assert roster.usernames == {"alice", "bob", "carol"}
    (proctor,) = roster.exam_memberships_of("carol", Role.PROCTOR)
    assert proctor.attributes == {"seat": "2"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("databases/WS26.csv", "username\nalice\n"),
        ("databases/WS26.CSV", "username,role\nalice,student\n"),
        ("databases/WS26.csv", "username,course,term\nalice,databases,WS26\n"),
    ],
)
def test_file_named_after_course_and_term_may_leave_them_out(
    tmp_path: Path, small_catalog: Catalog, name: str, text: str
) -> None:
    (tmp_path / name).parent.mkdir()
    (tmp_path / name).write_text(text)
    (membership,) = load_roster(tmp_path, small_catalog).memberships_of("alice")
    assert isinstance(membership, CourseMembership)
    assert (membership.course, membership.term) == ("databases", "WS26")


def test_file_named_after_an_exam_may_leave_it_out(tmp_path: Path, small_catalog: Catalog) -> None:
    (tmp_path / "exams").mkdir()
    (tmp_path / "exams" / "ml-pz1.csv").write_text("username,seat\nalice,7\n")
    (membership,) = load_roster(tmp_path, small_catalog).memberships_of("alice")
    assert isinstance(membership, ExamMembership)
    assert (membership.exam, membership.attributes) == ("ml-pz1", {"seat": "7"})


def test_place_of_a_file_says_nothing_where_no_directory_was_given(
    tmp_path: Path, small_catalog: Catalog
) -> None:
    (tmp_path / "databases").mkdir()
    file = tmp_path / "databases" / "WS26.csv"
    file.write_text("username,role\nalice,student\n")
    expected = f"WS26.csv:1: the header is 'username,role'; {EXPECTED_HEADER}"
    assert faults_of(file, small_catalog) == [expected]


def test_mounted_config_map_is_read_once(tmp_path: Path, small_catalog: Catalog) -> None:
    copy = tmp_path / "..2026_10_01"
    copy.mkdir()
    (copy / "roster.csv").write_text(HEADER + "a b,databases,WS26,student\n")
    (tmp_path / "..data").symlink_to(copy.name)
    (tmp_path / "roster.csv").symlink_to("..data/roster.csv")
    assert len(faults_of(tmp_path, small_catalog)) == 1


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            "A Müller,databases,WS26,student",
            "username 'A Müller' cannot be used; expected a hub username such as 'amueller': "
            "letters, digits and . _ @ + -, beginning with a letter or digit",
        ),
        (
            "../../x,databases,WS26,student",
            "username '../../x' cannot be used; expected a hub username such as 'amueller': "
            "letters, digits and . _ @ + -, beginning with a letter or digit",
        ),
        (
            "alice,physics,WS26,student",
            "course 'physics' is not in the catalog; expected one of: databases, machine-learning",
        ),
        (
            "alice,databases,SS27,student",
            "term 'SS27' is not in the catalog; expected one of: WS26",
        ),
        (
            "alice,databases,WS26,proctor",
            "role 'proctor' is not possible here; "
            "expected one of: grader, instructor, observer, student",
        ),
        (
            "a b,physics,WS26,boss",
            "username 'a b' cannot be used; expected a hub username such as 'amueller': "
            "letters, digits and . _ @ + -, beginning with a letter or digit; "
            "course 'physics' is not in the catalog; "
            "expected one of: databases, machine-learning; role 'boss' is not possible here; "
            "expected one of: grader, instructor, observer, student",
        ),
        ("alice,databases,WS26", "the row has 3 cells; expected 4 as the header"),
        ("alice,databases,WS26,student,x", "the row has 5 cells; expected 4 as the header"),
        (
            "alice;databases;WS26;student",
            "the row has 1 cells; expected 4 as the header; are its cells separated by another "
            "character?",
        ),
        ("alice", "the row has 1 cells; expected 4 as the header"),
    ],
)
def test_faulty_row_is_told_with_its_line(
    file: Path, small_catalog: Catalog, row: str, message: str
) -> None:
    file.write_text(f'{HEADER}\n"ben",databases,WS26,student\n{row}\n', encoding="utf-8")
    assert faults_of(file, small_catalog) == [f"roster.csv:4: {message}"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("alice,none,", "exam 'none' is not in the catalog; expected one of: ml-pz1, ml-pz2"),
        (
            "alice,,",
            "'' is not an id; expected 1 to 63 of the characters A-Z a-z 0-9 _ . - that begin "
            "and end with a letter or digit, such as 'machine-learning' or 'WS26'",
        ),
    ],
)
def test_faulty_row_of_an_exam_is_told_with_its_line(
    file: Path, small_catalog: Catalog, row: str, message: str
) -> None:
    file.write_text(f"username,exam,role\n{row}\n")
    assert faults_of(file, small_catalog) == [f"roster.csv:2: {message}"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", f"1: the header is ''; {EXPECTED_HEADER}"),
        ("FB02UID\nalice\n", f"1: the header is 'FB02UID'; {EXPECTED_HEADER}"),
        (
            "username,course,role\nalice,x,\n",
            f"1: the header is 'username,course,role'; {EXPECTED_HEADER}",
        ),
        ("username,exam\nalice,ml-pz1\n", f"1: {ROLE_IS_MISSING}"),
        ("username,course,term\nalice,x,y\n", f"1: {ROLE_IS_MISSING}"),
        ("course,term,role\n", f"1: the header is 'course,term,role'; {EXPECTED_HEADER}"),
        ("username,exam,Exam\n", "1: the column 'exam' stands there twice"),
        (
            'username,exam,role\n"alice,ml-pz1,\nben,ml-pz1,\nclara,ml-pz1,\n',
            "2: this is not CSV: unexpected end of data",
        ),
        ('username,exam,role\n"a"b,ml-pz1,\n', "2: this is not CSV: ',' expected after '\"'"),
    ],
)
def test_file_that_is_no_roster_is_one_fault(
    file: Path, small_catalog: Catalog, text: str, fault: str
) -> None:
    file.write_text(text)
    assert faults_of(file, small_catalog) == [f"roster.csv:{fault}"]


@pytest.mark.parametrize("column", ["rolle", "Roles", "rol"])
@pytest.mark.parametrize("name", ["databases/WS26.csv", "exams/ml-pz1.csv", "all.csv"])
def test_misspelt_role_is_a_fault_wherever_the_file_is(
    tmp_path: Path, small_catalog: Catalog, name: str, column: str
) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(f"username,{column}\nalice,grader\n")
    expected = f"{name}:1: the column '{column.lower()}' is not known; did you mean 'role'?"
    assert faults_of(tmp_path, small_catalog) == [expected]


@pytest.mark.parametrize("column", ["room", "title", "remark", "note"])
def test_other_column_is_not_taken_for_the_role(
    tmp_path: Path, small_catalog: Catalog, column: str
) -> None:
    (tmp_path / "exams").mkdir()
    (tmp_path / "exams" / "ml-pz1.csv").write_text(f"username,{column}\nalice,7\n")
    (membership,) = load_roster(tmp_path, small_catalog).memberships_of("alice")
    assert isinstance(membership, ExamMembership)
    assert membership.attributes == {column: "7"}


def test_all_faults_of_all_files_are_told_at_once(tmp_path: Path, small_catalog: Catalog) -> None:
    (tmp_path / "a.csv").write_text("username,exam,role\nx y,ml-pz1,\nalice,none,\n")
    (tmp_path / "b.csv").write_text("name\nalice\n")
    found = [line.split(": ")[0] for line in faults_of(tmp_path, small_catalog)]
    assert found == ["a.csv:2", "a.csv:3", "b.csv:1"]


def test_line_is_that_of_the_row_also_after_a_cell_with_line_breaks(
    file: Path, small_catalog: Catalog
) -> None:
    file.write_text('username,exam,role,note\nben,ml-pz1,,"two\nlines"\nalice,none,,\n')
    (fault,) = faults_of(file, small_catalog)
    assert fault.startswith("roster.csv:4: exam 'none'")


def test_directory_without_rosters_is_a_fault(tmp_path: Path, small_catalog: Catalog) -> None:
    with pytest.raises(FaultsFoundError) as caught:
        load_roster(tmp_path, small_catalog)
    assert str(caught.value) == f"{tmp_path}: no CSV file is here; expected a roster"


def test_missing_file_is_a_fault(file: Path, small_catalog: Catalog) -> None:
    expected = ["roster.csv: cannot be read: No such file or directory"]
    assert faults_of(file, small_catalog) == expected


def test_text_that_is_not_utf8_is_a_fault_in_its_line(file: Path, small_catalog: Catalog) -> None:
    file.write_bytes(b"username,exam,role\nm\xfcller,ml-pz1,\n")
    expected = ["roster.csv:2: this is not UTF-8; save the file as UTF-8"]
    assert faults_of(file, small_catalog) == expected


@pytest.fixture(scope="module")
def scratch_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile") / "roster.csv"


@settings(max_examples=300)
@given(
    written=st.one_of(
        broken_copies(ROSTER, _PIECES), broken_copies(EXAM_ROSTER, _PIECES), st.binary(max_size=60)
    )
)
def test_any_bytes_are_a_roster_or_faults(
    scratch_file: Path, small_catalog: Catalog, written: bytes
) -> None:
    scratch_file.write_bytes(written)
    try:
        assert isinstance(load_roster(scratch_file, small_catalog), Roster)
    except FaultsFoundError as error:
        found = error.faults
    else:
        return
    assert found
    for fault in found:
        assert fault.file == str(scratch_file)
        assert 1 <= fault.line <= len(written.splitlines()) + 1
        assert "\n" not in fault.message


@settings(max_examples=100)
@given(username=st.text(max_size=30))
def test_hostile_username_is_safe_or_a_fault(
    scratch_file: Path, small_catalog: Catalog, username: str
) -> None:
    quoted = username.replace('"', '""')
    scratch_file.write_bytes(
        f'username,exam,role\n"{quoted}",ml-pz1,\n'.encode("utf-8", errors="surrogatepass")
    )
    try:
        roster = load_roster(scratch_file, small_catalog)
    except FaultsFoundError:
        return
    assert all(name[0].isalnum() and "/" not in name for name in roster.usernames)
