"""What is exported is what an import of it reads, and nothing in it is a formula."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.identifiers import CourseId, ExamId, TermId, Username
from e2xhub.domain.roles import COURSE_ROLES, EXAM_ROLES, Role
from e2xhub.domain.roster import CourseMembership, ExamMembership, Membership, Roster
from e2xhub.domain.roster_imports import RowMeaning, Target, parse_rows
from e2xhub.domain.roster_rows import COLUMNS
from e2xhub.errors import Fault
from e2xhub.imports.lms.exports import ListNotWrittenError, make_list, write_list
from e2xhub.imports.lms.files import ReadOptions, read_lms_file
from e2xhub.imports.lms.formats import ListFormat
from e2xhub.imports.lms.tables import is_password_column

PLATFORMS = [ListFormat.MOODLE, ListFormat.ILIAS, ListFormat.CANVAS]
COURSE = Target(course="databases", term="WS26")
EXAM = Target(exam="ml-pz1")
TOLD_ROLES = {Role.STUDENT, Role.GRADER, Role.INSTRUCTOR}


def membership(username: str, role: Role, target: Target, /, **attributes: str) -> Membership:
    if target.exam:
        return ExamMembership(
            username=Username.parse(username),
            exam=ExamId.parse(target.exam),
            role=role,
            attributes=attributes,
        )
    return CourseMembership(
        username=Username.parse(username),
        course=CourseId.parse(target.course),
        term=TermId.parse(target.term),
        role=role,
    )


def import_text(
    file: Path, text: str, kind: ListFormat, target: Target, catalog: Catalog
) -> Roster:
    """The roster that `text` becomes; there must be no faults."""
    faults: list[Fault] = []
    file.write_text(text, encoding="utf-8", newline="")
    found = read_lms_file(file, kind, ReadOptions(), faults)
    meaning = RowMeaning(target=target, words=found.words)
    imported = parse_rows(found.rows, catalog, meaning, faults)
    assert not faults
    assert not found.left_out
    return Roster(imported.memberships)


def attributes_of(roster: Roster) -> dict[Membership, dict[str, str]]:
    return {one: dict(one.attributes) for one in roster if isinstance(one, ExamMembership)}


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (
            ListFormat.MOODLE,
            "username,course1,role1\ndora,databases,student\nemil,databases,teacher\n"
            "fay,databases,editingteacher\n",
        ),
        (ListFormat.ILIAS, "Login;Role / Status\ndora;Member\nemil;Tutor\nfay;Administrator\n"),
        (
            ListFormat.CANVAS,
            "course_id,user_id,role,section_id,status\ndatabases,dora,student,,active\n"
            "databases,emil,ta,,active\ndatabases,fay,teacher,,active\n",
        ),
        (
            ListFormat.GENERIC,
            "username,course,term,exam,role\ndora,databases,WS26,,student\n"
            "emil,databases,WS26,,grader\nfay,databases,WS26,,instructor\n",
        ),
    ],
)
def test_list_has_the_columns_of_its_platform(kind: ListFormat, text: str) -> None:
    people = zip(("dora", "emil", "fay"), (Role.STUDENT, Role.GRADER, Role.INSTRUCTOR), strict=True)
    exported = make_list([membership(*one, COURSE) for one in people], kind, "")
    assert (exported.text, exported.count, exported.left_out) == (text, 3, {})


def test_course_may_have_another_name_there() -> None:
    student = membership("dora", Role.STUDENT, EXAM)
    exported = make_list([student], ListFormat.MOODLE, "ML-Klausur")
    assert exported.text.splitlines()[1] == "dora,ML-Klausur,student"


@pytest.mark.parametrize("kind", PLATFORMS)
def test_roles_without_a_word_are_left_out_and_counted(kind: ListFormat) -> None:
    people = [membership("dora", role, EXAM) for role in Role]
    exported = make_list(people, kind, "")
    assert (exported.count, exported.left_out) == (3, {"observer": 1, "proctor": 1})


def test_generic_list_has_seats_but_no_passwords() -> None:
    people = [
        membership("dora", Role.STUDENT, EXAM, seat="7", password="geheim"),
        membership("emil", Role.STUDENT, COURSE),
    ]
    assert make_list(people, ListFormat.GENERIC, "").text == (
        "username,course,term,exam,role,seat\ndora,,,ml-pz1,student,7\n"
        "emil,databases,WS26,,student,\n"
    )


usernames = st.from_regex(r"[a-z0-9ä][a-z0-9.@+_-]{0,6}", fullmatch=True)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
# What a roster can hold: see `domain.roster_rows.check_attributes`.
attribute_texts = (texts | texts.map("={}".format)).filter(lambda text: text == text.strip())
letters = st.characters(exclude_categories=["C", "Z", "Lu", "Lt"]) | st.just(" ")
attribute_names = st.text(letters, min_size=1, max_size=6).filter(
    lambda name: (
        name == name.strip().lower() and name not in COLUMNS and not is_password_column(name)
    )
)
attribute_names |= st.sampled_from(["seat", "-seat", "=1+1", "@x", "'+y"])
attributes = st.dictionaries(attribute_names, attribute_texts, max_size=3)


@given(
    st.dictionaries(usernames.map(lambda name: name.rstrip(".")), st.sampled_from(list(Role))),
    st.sampled_from(PLATFORMS),
    st.booleans(),
)
def test_platforms_list_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory,
    small_catalog: Catalog,
    people: dict[str, Role],
    kind: ListFormat,
    of_an_exam: bool,
) -> None:
    target, allowed = (EXAM, EXAM_ROLES) if of_an_exam else (COURSE, COURSE_ROLES)
    listed = [membership(name, role, target) for name, role in people.items() if role in allowed]
    exported = make_list(listed, kind, "")
    file = tmp_path_factory.getbasetemp() / "platform.csv"
    roster = import_text(file, exported.text, kind, target, small_catalog)
    told = [one for one in listed if one.role in TOLD_ROLES]
    assert set(roster) == set(told)
    assert exported.count + sum(exported.left_out.values()) == len(listed)


@given(
    st.dictionaries(
        usernames.map(lambda name: name.rstrip(".")),
        st.tuples(st.sampled_from(list(Role)), st.booleans(), attributes),
    )
)
def test_generic_list_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory,
    small_catalog: Catalog,
    people: dict[str, tuple[Role, bool, dict[str, str]]],
) -> None:
    listed = [
        membership(name, role, EXAM if of_an_exam else COURSE, **more)
        for name, (role, of_an_exam, more) in people.items()
        if of_an_exam or role in COURSE_ROLES
    ]
    exported = make_list(listed, ListFormat.GENERIC, "")
    file = tmp_path_factory.getbasetemp() / "generic.csv"
    roster = import_text(file, exported.text, ListFormat.GENERIC, Target(), small_catalog)
    assert set(roster) == set(listed)
    assert attributes_of(roster) == attributes_of(Roster(listed))
    with file.open(encoding="utf-8", newline="") as opened:
        assert not [c for row in csv.reader(opened) for c in row if c.startswith(tuple("=+-@\t\r"))]


def test_file_is_replaced_at_once_and_keeps_its_mode(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    write_list(file, "one\r\n")
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"one\r\n", 0o600)
    file.chmod(0o640)
    (tmp_path / "link.csv").symlink_to(file)
    write_list(tmp_path / "link.csv", "two\n")
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"two\n", 0o640)
    assert sorted(tmp_path.iterdir()) == [tmp_path / "link.csv", file]


def test_device_is_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(ListNotWrittenError) as caught:
        write_list(pipe, "")
    assert str(caught.value) == f"{pipe} is no file; expected the name of a file to write"
    assert pipe.is_fifo()


def test_directory_that_is_missing_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "missing" / "list.csv"
    with pytest.raises(ListNotWrittenError) as caught:
        write_list(file, "")
    assert str(caught.value) == f"{file} cannot be written: No such file or directory"
