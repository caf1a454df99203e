"""A roster is changed whole or not at all, by one writer at a time, and keeps the other rows."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.roster import ExamMembership, Membership, Roster
from e2xhub.domain.roster_changes import RosterChange
from e2xhub.domain.roster_rows import parse_membership
from e2xhub.errors import FaultsFoundError
from e2xhub.storage.catalog_files import load_catalog
from e2xhub.storage.roster.csv_reading import load_roster
from e2xhub.storage.roster.csv_writing import change_files
from e2xhub.storage.roster.opening import open_roster
from e2xhub.storage.roster.store import RosterNotChangedError

CATALOG = """\
university: Small University
images: {notebook: {name: "registry.example.org/notebook:1"}}
volumes: {homes: {hostPath: {path: /srv}}}
sizes: {small: {title: Small, memory: 1G, cpu: 1}}
rooms: {hall: [10.0.0.0/8]}
defaults:
  image: notebook
  sizes: [small]
  mounts:
    home:
      volume: homes
      path: "{exam}/{username}"
      mount_at: /home/jovyan
      access: {read_write: [student]}
      hubs: [exam]
courses:
  maths: {title: Maths, terms: {WS26: {start: 2026-10-01, end: 2027-03-31}}}
exams:
  final:
    {title: Final, course: maths, term: WS26, start: "2027-02-15T09:00:00+01:00",
     duration_minutes: 90, rooms: [hall]}
"""


@pytest.fixture
def catalog_path(tmp_path: Path) -> Path:
    file = tmp_path / "catalog.yaml"
    file.write_text(CATALOG)
    return file


@pytest.fixture
def catalog(catalog_path: Path) -> Catalog:
    return load_catalog(catalog_path)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    root = tmp_path / "roster"
    root.mkdir()
    return root


def add_membership(root: Path, catalog: Catalog, *memberships: Membership) -> bool:
    return bool(change_files(root, catalog, lambda _roster: RosterChange(added=memberships)))


def remove_membership(root: Path, catalog: Catalog, *memberships: Membership) -> bool:
    return bool(change_files(root, catalog, lambda _roster: RosterChange(removed=memberships)))


def student(catalog: Catalog, username: str, **cells: str) -> Membership:
    place = cells if "exam" in cells else {"course": "maths", "term": "WS26", **cells}
    return parse_membership({"username": username, "role": "student", **place}, catalog)


def test_row_is_added_and_the_others_stay_as_they_are(catalog: Catalog, directory: Path) -> None:
    file = directory / "people.csv"
    file.write_text('username;course;term;role;note\n"Alice";maths;WS26;grader;"a; b"\n')
    assert add_membership(directory, catalog, student(catalog, "ben"))
    assert file.read_text() == (
        'username;course;term;role;note\nAlice;maths;WS26;grader;"a; b"\nben;maths;WS26;student;\n'
    )


def test_membership_that_is_there_is_not_added_again(catalog: Catalog, directory: Path) -> None:
    file = directory / "people.csv"
    file.write_text("username,course,term,role\nalice,maths,WS26,student\n")
    before = file.stat().st_ino
    assert not add_membership(directory, catalog, student(catalog, "Alice"))
    assert file.stat().st_ino == before


def test_first_of_an_exam_gets_a_file_of_its_own(catalog: Catalog, directory: Path) -> None:
    (directory / "people.csv").write_text("username,course,term,role\n")
    assert add_membership(directory, catalog, student(catalog, "ben", exam="final"))
    assert (directory / "exams" / "final.csv").read_text() == "username,role\nben,student\n"


def test_grader_in_a_file_without_roles_gives_it_a_column(
    catalog: Catalog, directory: Path
) -> None:
    (directory / "maths").mkdir()
    file = directory / "maths" / "WS26.csv"
    file.write_text("username\nalice\n\nben\n")
    assert add_membership(directory, catalog, student(catalog, "gina", role="grader"))
    roles = {
        name: [m.role.value for m in load_roster(directory, catalog).memberships_of(name)]
        for name in ("alice", "ben", "gina")
    }
    assert roles == {"alice": ["student"], "ben": ["student"], "gina": ["grader"]}


def test_removed_everywhere_it_stands_and_nothing_else(catalog: Catalog, directory: Path) -> None:
    rows = "username,course,term,role\nalice,maths,WS26,student\nben,maths,WS26,student\n"
    (directory / "a.csv").write_text(rows)
    (directory / "b.csv").write_text(rows + "alice,maths,WS26,grader\n")
    assert remove_membership(directory, catalog, student(catalog, "alice"))
    assert "alice" not in (directory / "a.csv").read_text()
    (left,) = load_roster(directory, catalog).memberships_of("alice")
    assert left.role.value == "grader"
    assert not remove_membership(directory, catalog, student(catalog, "alice"))


def test_faulty_roster_is_left_alone(catalog: Catalog, directory: Path) -> None:
    file = directory / "people.csv"
    file.write_text("username,course,term,role\nnot a name,maths,WS26,student\n")
    for change in (add_membership, remove_membership):
        with pytest.raises(FaultsFoundError, match=r"people\.csv:2: username 'not a name'"):
            change(directory, catalog, student(catalog, "ben"))
    assert file.read_text().endswith("not a name,maths,WS26,student\n")


def test_many_writers_at_once_lose_no_row(catalog: Catalog, directory: Path) -> None:
    (directory / "people.csv").write_text("username,course,term,role\n")
    names = [f"student{number}" for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        added = pool.map(lambda n: add_membership(directory, catalog, student(catalog, n)), names)
        assert all(added)
    assert load_roster(directory, catalog).usernames == set(names)


WRITER = """\
import sys
from pathlib import Path
from e2xhub.domain.roster_rows import parse_membership
from e2xhub.domain.roster_changes import RosterChange
from e2xhub.storage.catalog_files import load_catalog
from e2xhub.storage.roster.csv_writing import change_files
root, catalog = Path(sys.argv[1]), load_catalog(Path(sys.argv[2]))
for number in range(100_000):
    cells = {"username": f"s{number}", "course": "maths", "term": "WS26", "role": "student"}
    added = (parse_membership(cells, catalog),)
    change_files(root, catalog, lambda _roster: RosterChange(added=added))
    print(number, flush=True)
"""


@pytest.mark.parametrize("pause", [0.0, 0.003, 0.007, 0.011])
def test_writer_that_is_killed_leaves_every_row_that_it_confirmed(
    catalog: Catalog, catalog_path: Path, directory: Path, pause: float
) -> None:
    (directory / "people.csv").write_text("username,course,term,role\nalice,maths,WS26,student\n")
    command = [sys.executable, "-c", WRITER, str(directory), str(catalog_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        confirmed = [int(writer.stdout.readline()) for _ in range(10)]
        time.sleep(pause)
        os.kill(writer.pid, signal.SIGKILL)
        confirmed += [int(line) for line in writer.stdout.read().splitlines() if line]
    found = load_roster(directory, catalog).usernames
    assert found >= {"alice", *(f"s{number}" for number in confirmed)}
    assert len(found) <= len(confirmed) + 2  # one may be written and not yet confirmed


def test_file_of_courses_gets_a_column_for_an_exam(catalog: Catalog, tmp_path: Path) -> None:
    file = tmp_path / "roster.csv"
    file.write_text("username,course,term,role\nalice,maths,WS26,grader\n")
    assert add_membership(file, catalog, student(catalog, "ben", exam="final"))
    assert file.read_text() == (
        "username,course,term,role,exam\nalice,maths,WS26,grader,\nben,,,student,final\n"
    )
    listed = load_roster(file, catalog)
    assert listed.is_examinee("ben")
    assert [m.role.value for m in listed.memberships_of("alice")] == ["grader"]


def test_file_of_an_exam_gets_columns_for_a_course(catalog: Catalog, tmp_path: Path) -> None:
    file = tmp_path / "roster.csv"
    file.write_text("username,exam,role,seat\nben,final,student,7\n")
    assert add_membership(file, catalog, student(catalog, "alice"))
    listed = load_roster(file, catalog)
    assert listed.memberships_of("alice") == (student(catalog, "alice"),)
    assert listed.is_examinee("ben")


def test_line_ends_and_byte_order_mark_stay(catalog: Catalog, tmp_path: Path) -> None:
    file = tmp_path / "roster.csv"
    file.write_bytes("\ufeffusername,course,term,role\r\nalice,maths,WS26,grader\r\n".encode())
    assert add_membership(file, catalog, student(catalog, "ben"))
    assert file.read_bytes().decode() == (
        "\ufeffusername,course,term,role\r\nalice,maths,WS26,grader\r\nben,maths,WS26,student\r\n"
    )


def test_blank_line_stays_blank_when_a_column_is_added(catalog: Catalog, directory: Path) -> None:
    (directory / "maths").mkdir()
    (directory / "maths" / "WS26.csv").write_text("username\nalice\n \nben\n")
    assert add_membership(directory, catalog, student(catalog, "gina", role="grader"))
    assert load_roster(directory, catalog).usernames == {"alice", "ben", "gina"}


def test_link_stays_a_link_and_rights_stay(catalog: Catalog, tmp_path: Path) -> None:
    real = tmp_path / "real.csv"
    real.write_text("username,course,term,role\n")
    real.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(real, 12345, 12345)
    before = real.stat()
    link = tmp_path / "roster.csv"
    link.symlink_to(real)
    assert add_membership(link, catalog, student(catalog, "ben"))
    assert link.is_symlink()
    assert "ben" in real.read_text()
    after = real.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (
        before.st_mode,
        before.st_uid,
        before.st_gid,
    )


def test_roster_that_cannot_be_changed_is_told_in_a_sentence(
    catalog: Catalog, tmp_path: Path
) -> None:
    with pytest.raises(RosterNotChangedError, match=r"cannot be changed: No such file"):
        add_membership(tmp_path / "none" / "roster.csv", catalog, student(catalog, "ben"))


def test_roster_is_tried_without_a_change(directory: Path) -> None:
    store = open_roster(directory)
    (directory / "a.csv").write_text("username,course,term,role\n")
    before = store.fingerprint()
    store.check_writable()
    assert [file.name for file in directory.iterdir()] == ["a.csv"]
    assert store.fingerprint() == before
    (directory / ".lock").mkdir()
    with pytest.raises(RosterNotChangedError, match=r"cannot be changed: Is a directory \(.*lock"):
        store.check_writable()


def test_lock_that_somebody_has_is_no_reason_to_call_a_roster_read_only(directory: Path) -> None:
    with (directory / ".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        open_roster(directory).check_writable()
    assert (directory / ".lock").exists()


def test_attributes_are_changed_in_every_row_and_nothing_else(
    catalog: Catalog, directory: Path
) -> None:
    (directory / "a.csv").write_text("username,exam,role,seat\nben,final,student,1\n")
    (directory / "b.csv").write_text("username,role,exam,note\nBen,,final,old\nada,,final,x\n")
    wanted = student(catalog, "ben", exam="final", seat="7", room="hall")
    assert isinstance(wanted, ExamMembership)
    change = change_files(directory, catalog, lambda _roster: RosterChange(updated=(wanted,)))
    assert change.updated == (wanted,)
    assert (directory / "a.csv").read_text() == (
        "username,exam,role,seat,room\nben,final,student,7,hall\n"
    )
    assert (directory / "b.csv").read_text() == (
        "username,role,exam,note,seat,room\nBen,,final,,7,hall\nada,,final,x,,\n"
    )


def test_file_of_which_every_row_is_removed_keeps_its_header(
    catalog: Catalog, directory: Path
) -> None:
    (directory / "maths").mkdir()
    file = directory / "maths" / "WS26.csv"
    file.write_text("username;note\r\nalice;x\r\n", newline="")
    assert remove_membership(directory, catalog, student(catalog, "alice"))
    assert file.read_bytes() == b"username;note\r\n"
    assert add_membership(directory, catalog, student(catalog, "ben"))
    assert file.read_bytes() == b"username;note\r\nben;\r\n"


def test_one_change_may_add_and_remove_in_several_files(catalog: Catalog, directory: Path) -> None:
    (directory / "maths").mkdir()
    (directory / "maths" / "WS26.csv").write_text("username\nalice\nben\n")
    (directory / "exams").mkdir()
    (directory / "exams" / "final.csv").write_text("username\nalice\n")
    change = RosterChange(
        added=(student(catalog, "clara"), student(catalog, "clara", exam="final")),
        removed=(student(catalog, "ben"), student(catalog, "alice", exam="final")),
    )
    assert change_files(directory, catalog, lambda _roster: change) == change
    assert (directory / "maths" / "WS26.csv").read_text() == "username\nalice\nclara\n"
    assert (directory / "exams" / "final.csv").read_text() == "username\nclara\n"


def test_change_of_several_files_is_not_begun_where_one_cannot_be_written(
    catalog: Catalog, directory: Path
) -> None:
    (directory / "a.csv").write_text("username,course,term,role\nalice,maths,WS26,student\n")
    (directory / "exams").write_text("in the way of a directory")
    added = (student(catalog, "ben"), student(catalog, "ben", exam="final"))
    with pytest.raises(RosterNotChangedError, match=r"File exists|Not a directory"):
        add_membership(directory, catalog, *added)
    assert "ben" not in (directory / "a.csv").read_text()
    assert sorted(entry.name for entry in directory.iterdir()) == ["a.csv", "exams"]


def test_file_with_two_names_is_not_changed(catalog: Catalog, directory: Path) -> None:
    """A row that is added to one of the two would be added to the other as well."""
    for name in ("maths", "exams"):
        (directory / name).mkdir()
    (directory / "maths" / "WS26.csv").write_text("username\nalice\n")
    (directory / "exams" / "final.csv").symlink_to("../maths/WS26.csv")
    with pytest.raises(RosterNotChangedError, match=r"final\.csv and .*WS26\.csv are one file"):
        add_membership(directory, catalog, student(catalog, "ben"))
    assert (directory / "maths" / "WS26.csv").read_text() == "username\nalice\n"


def test_attribute_like_role_brings_the_column_role(catalog: Catalog, directory: Path) -> None:
    """Without it the file would be refused as one with a misspelt role."""
    (directory / "exams").mkdir()
    file = directory / "exams" / "final.csv"
    file.write_text("username\nalice\n")
    assert add_membership(directory, catalog, student(catalog, "ben", exam="final", rolle="7"))
    assert file.read_text() == "username,rolle,role\nalice,,student\nben,7,student\n"
    assert load_roster(directory, catalog).is_examinee("ben")


def test_cell_with_a_carriage_return_stays_one_cell(catalog: Catalog, tmp_path: Path) -> None:
    file = tmp_path / "roster.csv"
    file.write_bytes(b'username,exam,role,note\nada,final,student,"a\rb"\n')
    added = student(catalog, "ben", exam="final", note="c\rd\r\ne")
    assert add_membership(file, catalog, added)
    (found,) = load_roster(file, catalog).memberships_of("ben")
    assert isinstance(found, ExamMembership)
    assert found.attributes == {"note": "c\rd\r\ne"}
    (kept,) = load_roster(file, catalog).memberships_of("ada")
    assert isinstance(kept, ExamMembership)
    assert kept.attributes == {"note": "a\rb"}


def test_thousands_of_changes_read_and_write_a_file_once(catalog: Catalog, directory: Path) -> None:
    file = directory / "people.csv"
    file.write_text("username,course,term,role\n")
    added = [student(catalog, f"student{number}") for number in range(5000)]
    started = time.process_time()
    assert add_membership(file, catalog, *added)
    assert remove_membership(file, catalog, *added[1:])
    assert time.process_time() - started < 10
    assert file.read_text() == "username,course,term,role\nstudent0,maths,WS26,student\n"


def test_file_that_an_editor_saves_meanwhile_is_not_written_over(
    catalog: Catalog, tmp_path: Path
) -> None:
    file = tmp_path / "roster.csv"
    file.write_text("username,course,term,role\nalice,maths,WS26,student\n")

    def save_meanwhile(_roster: Roster) -> RosterChange:
        file.write_text("username,course,term,role\nclara,maths,WS26,student\n")
        return RosterChange(added=(student(catalog, "ben"),))

    with pytest.raises(RosterNotChangedError, match="was changed by somebody else"):
        change_files(file, catalog, save_meanwhile)
    assert load_roster(file, catalog).usernames == {"clara"}
    names = sorted(entry.name for entry in tmp_path.iterdir())
    assert names == ["catalog.yaml", "roster.csv"]


def test_roster_begins_in_an_empty_directory(catalog: Catalog, directory: Path) -> None:
    (directory / ".gitkeep").touch()
    with pytest.raises(FaultsFoundError, match="no CSV file is here; expected a roster"):
        load_roster(directory, catalog)
    added = (student(catalog, "ben"), student(catalog, "ben", exam="final", seat="7"))
    assert add_membership(directory, catalog, *added)
    assert (directory / "maths" / "WS26.csv").read_text() == "username,role\nben,student\n"
    assert (directory / "exams" / "final.csv").read_text() == (
        "username,role,seat\nben,student,7\n"
    )
    assert set(load_roster(directory, catalog)) == set(added)


def test_roster_begins_in_a_new_file(catalog: Catalog, tmp_path: Path) -> None:
    file = tmp_path / "roster.CSV"
    with pytest.raises(FaultsFoundError, match="cannot be read: No such file"):
        load_roster(file, catalog)
    assert add_membership(file, catalog, student(catalog, "ben"))
    assert file.read_text() == "username,role,course,term\nben,student,maths,WS26\n"
    assert file.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("catalog", "no CSV file is here; expected a roster"),
        ("none", "cannot be read: No such file or directory"),
        ("none.txt", "cannot be read: No such file or directory"),
    ],
)
def test_roster_begins_in_no_other_place(
    catalog: Catalog, tmp_path: Path, place: str, message: str
) -> None:
    (tmp_path / "catalog").mkdir()
    (tmp_path / "catalog" / "courses.yaml").touch()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(FaultsFoundError, match=message):
        add_membership(tmp_path / place, catalog, student(catalog, "ben"))
    assert sorted(tmp_path.rglob("*")) == before


def test_nothing_is_left_where_nothing_is_added(catalog: Catalog, directory: Path) -> None:
    assert not remove_membership(directory, catalog, student(catalog, "ben"))
    assert not remove_membership(directory / "roster.csv", catalog, student(catalog, "ben"))
    assert list(directory.iterdir()) == []


def test_file_that_appears_meanwhile_is_not_written_over(catalog: Catalog, tmp_path: Path) -> None:
    file = tmp_path / "roster.csv"

    def save_meanwhile(_roster: Roster) -> RosterChange:
        file.write_text("username,course,term,role\nclara,maths,WS26,student\n")
        return RosterChange(added=(student(catalog, "ben"),))

    with pytest.raises(RosterNotChangedError, match="was changed by somebody else"):
        change_files(file, catalog, save_meanwhile)
    assert load_roster(file, catalog).usernames == {"clara"}


def test_waiting_for_another_writer_ends(catalog: Catalog, directory: Path) -> None:
    change = RosterChange(added=(student(catalog, "ben"),))

    def ask_for_another(_roster: Roster) -> RosterChange:
        with pytest.raises(RosterNotChangedError) as caught:
            change_files(directory, catalog, lambda _roster: change, lock_seconds=0.5)
        assert str(caught.value) == (
            f"the roster at {directory} is being changed by somebody else; try again"
        )
        return change

    started = time.monotonic()
    assert change_files(directory, catalog, ask_for_another) == change
    assert 0.5 <= time.monotonic() - started < 5


def test_lock_that_a_killed_writer_left_hinders_nobody(catalog: Catalog, directory: Path) -> None:
    (directory / "people.csv").write_text("username,course,term,role\n")
    (directory / ".lock").touch()
    assert add_membership(directory, catalog, student(catalog, "ben"))
    assert [entry.name for entry in directory.iterdir() if entry.name == ".lock"] == []
