"""What the desk shows of a term, to its staff only: members, settings, problems and history."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2xhub.course_desk.members import Member, MemberSource
from e2xhub.course_desk.refusals import DeskUnavailableError, NoSuchTermError
from e2xhub.domain.course_staff import ReadOnlyReason
from e2xhub.domain.offers import ServedPart
from e2xhub.domain.roles import Role
from e2xhub.web.courses.sentences import say
from tests.course_desk.school import CATALOG, MATHS, School, run
from tests.web.browsers import translator_of


def members(school: School, actor: str, *groups: str) -> dict[tuple[str, str], Member]:
    shown = run(school.desk.members(actor, groups, *MATHS)).members
    return {(item.username, item.role.value): item for item in shown}


def test_members_have_a_source_and_what_keeps_them(school: School) -> None:
    shown = members(school, "ivo")
    assert list(shown) == [
        *[("ida", "instructor"), ("ivo", "instructor"), ("carl", "grader"), ("gina", "grader")],
        *[("oscar", "observer"), ("alice", "student"), ("ben", "student"), ("clara", "student")],
        ("david", "student"),
    ]
    kept = {name: item.kept_by for (name, _), item in shown.items()}
    assert kept["alice"] is kept["gina"] is kept["oscar"] is None
    assert kept["ida"] is kept["ivo"] is ReadOnlyReason.INSTRUCTOR
    assert kept["carl"] is ReadOnlyReason.IN_CATALOG
    assert shown["carl", "grader"].source is MemberSource.CATALOG
    assert shown["gina", "grader"].source is MemberSource.ROSTER


def test_own_membership_by_a_group_is_shown_to_oneself(school: School) -> None:
    shown = members(school, "greta", "teachers-maths")
    assert shown["greta", "instructor"].source is MemberSource.GROUP
    assert ("greta", "instructor") not in members(school, "ivo")


def test_who_teaches_and_grades_cannot_remove_what_they_are(school: School) -> None:
    school.change("ida", add=[("ivo", "grader")])
    assert members(school, "ivo")["ivo", "grader"].kept_by is ReadOnlyReason.YOURSELF
    assert members(school, "ida")["ivo", "grader"].kept_by is None


def test_grader_sees_members_and_removes_nobody(school: School) -> None:
    shown = members(school, "gina")
    assert {item.kept_by for item in shown.values()} == {ReadOnlyReason.NOT_INSTRUCTOR}


def test_courses_are_listed_with_current_ones_first(school: School) -> None:
    found = run(school.desk.courses("ivo", ["teachers-physics"]))
    assert [(it.course, it.term, it.is_current) for it in found] == [
        *[("maths", "FILED", True), ("maths", "NOW", True), ("physics", "NOW", True)],
        ("maths", "OLD", False),
    ]
    now = found[1]
    assert (now.title, now.term_title, now.roles, now.member_count, now.read_only_reason) == (
        *("Maths", "This year", (Role.INSTRUCTOR,), 9, None),
    )
    assert found[0].read_only_reason is ReadOnlyReason.IN_FILES
    assert run(school.desk.courses("alice", ())) == ()


@pytest.mark.parametrize("actor", ["alice", "nobody"])
@pytest.mark.parametrize("view", ["members", "settings_of", "problems", "history", "preview"])
@pytest.mark.parametrize("place", [MATHS, ("physics", "NOW"), ("maths", "NEVER"), ("..", "")])
def test_others_are_told_that_there_is_no_such_term(
    school: School, actor: str, view: str, place: tuple[str, str]
) -> None:
    further = (b"username\nemma\n",) if view == "preview" else ()
    with pytest.raises(NoSuchTermError, match=r"^There is no such course\.$"):
        run(getattr(school.desk, view)(actor, (), *place, *further))


def test_part_that_the_hub_does_not_serve_does_not_exist(tmp_path: Path, roster_file: Path) -> None:
    served = ServedPart(courses=frozenset({"physics"}))
    school = School(tmp_path, str(roster_file), "", served=served)
    assert run(school.desk.courses("ivo", ())) == ()
    assert not run(school.desk.management("ivo", (), *MATHS)).is_visible


def test_change_by_another_program_is_shown_before_the_hub_serves_it(school: School) -> None:
    with Path(school.location).open("a") as file:
        file.write("emma,maths,NOW,student\n")
    assert ("emma", "student") in members(school, "ivo")
    assert "emma" not in school.live.current.roster.usernames


SECRETS = """\
volumes: {files: {nfs: {server: filer.example.org, path: /export}}}
"""
COURSE_SECRETS = """\
    environment: {API_TOKEN: s3cret}
    contact: Room 1
    mounts:
      home:
        volume: files
        path: hidden/{course}/{username}
        mount_at: /home/jovyan
        access: {read_write: [student, grader, instructor], read_only: [observer]}
    nbgitpuller: {repo: "https://git.example.org/maths", branch: main}
    kubespawner_override: {extra_annotations: {secret: s3cret}}
    run_as: {student: {user: 1234, group: 100}}
"""


def test_settings_are_shown_with_their_level_and_without_secrets(
    tmp_path: Path, roster_file: Path
) -> None:
    (tmp_path / "catalog.yaml").write_text(
        SECRETS + CATALOG.replace("    title: Maths\n", f"    title: Maths\n{COURSE_SECRETS}")
    )
    school = School(tmp_path, str(roster_file), "")
    found = run(school.desk.settings_of("gina", (), "maths", "NOW"))
    assert [(it.key, it.value, it.level) for it in found] == [
        ("contact", "Room 1", "course"),
        ("environment.API_TOKEN", "", "course"),
        ("image", "notebook", "defaults"),
        (
            "mounts.home",
            "/home/jovyan (student, grader, instructor: read and write; observer: read)",
            "course",
        ),
        ("nbgitpuller", "https://git.example.org/maths (main)", "course"),
        ("sizes", "small", "defaults"),
    ]


def test_paths_of_settings_name_the_course_itself(tmp_path: Path, roster_file: Path) -> None:
    secrets = COURSE_SECRETS.replace("/home/jovyan", "/srv/{course}/{term}/{username}")
    (tmp_path / "catalog.yaml").write_text(
        SECRETS + CATALOG.replace("    title: Maths\n", f"    title: Maths\n{secrets}")
    )
    found = run(School(tmp_path, str(roster_file), "").desk.settings_of("ivo", (), *MATHS))
    (home,) = (it.value for it in found if it.key == "mounts.home")
    assert home.startswith("/srv/maths/NOW/{username} (")


def test_setting_of_the_term_says_so(school: School) -> None:
    found = run(school.desk.settings_of("ivo", (), "maths", "FILED"))
    told = {it.key: (it.value, it.level) for it in found}
    assert told["members_managed_in"] == ("files", "term")


def test_warnings_of_the_course_are_shown_and_not_those_of_others(
    tmp_path: Path, roster_file: Path
) -> None:
    home = (
        "    mounts: {home: {volume: files, path: shared, mount_at: /home/jovyan, "
        "access: {read_write: [student]}}}\n"
    )
    text = CATALOG.replace("    title: Maths\n", f"    title: Maths\n{home}")
    (tmp_path / "catalog.yaml").write_text(SECRETS + text)
    school = School(tmp_path, str(roster_file), "")
    (problem,) = run(school.desk.problems("ivo", (), *MATHS)).found
    assert problem.where == "courses.maths.mounts.home.path"
    assert problem.message.startswith("all students write to one directory at /home/jovyan")
    assert not problem.is_fault
    other = run(school.desk.problems("p", ["teachers-physics"], "physics", "NOW"))
    assert (other.found, other.is_older) == ((), False)


def test_faults_are_shown_to_whom_they_concern_and_no_value_of_the_catalog(
    tmp_path: Path, roster_file: Path
) -> None:
    school = School(tmp_path, str(roster_file), "")
    school.catalog_file.write_text(
        CATALOG.replace("    title: Maths\n", "    title: Maths\n    netwrok: s3cret\n")
    )
    for _ in range(2):
        school.live.look()
    found = run(school.desk.problems("ivo", (), *MATHS))
    assert [(it.where, it.message, it.is_fault) for it in found.found] == [
        ("courses.maths.netwrok", "", True)
    ]
    other = run(school.desk.problems("p", ["teachers-physics"], "physics", "NOW"))
    assert (other.found, other.is_older) == ((), True)


def test_faulty_row_is_shown_to_the_staff_of_its_file(tmp_path: Path, roster_file: Path) -> None:
    directory = tmp_path / "roster"
    (directory / "maths").mkdir(parents=True)
    roster_file.rename(directory / "all.csv")
    school = School(tmp_path, str(directory), "")
    (directory / "maths" / "NOW.csv").write_text("username\nnot a name\n")
    for _ in range(2):
        school.live.look()
    (problem,) = run(school.desk.problems("ivo", (), *MATHS)).found
    assert (problem.where, problem.is_fault) == ("NOW.csv:2", True)
    assert "'not a name' cannot be used" in problem.message
    assert ("alice", "student") in members(school, "ivo")
    other = run(school.desk.problems("p", ["teachers-physics"], "physics", "NOW"))
    assert (other.found, other.is_older) == ((), True)


def test_history_is_that_of_the_term_and_the_newest_first(any_school: School) -> None:
    any_school.change("ivo", add=[("emma", "student")])
    any_school.change("ida", remove=[("emma", "student")])
    run(any_school.desk.change("ivo", (), "maths", "OLD", add=[("fritz", "grader")]))
    found = run(any_school.desk.history("gina", (), *MATHS))
    assert [(it.actor, it.added, it.removed, it.way) for it in found] == [
        ("ida", {}, {"student": ("emma",)}, "single"),
        ("ivo", {"student": ("emma",)}, {}, "single"),
    ]
    assert len(run(any_school.desk.history("gina", (), *MATHS, count=1))) == 1


def test_log_that_does_not_answer_is_a_sentence(school: School, tmp_path: Path) -> None:
    (tmp_path / "log.sqlite").mkdir()
    with pytest.raises(DeskUnavailableError):
        run(school.desk.history("ivo", (), *MATHS))


def test_student_who_grades_is_a_problem_that_pages_tell_in_german(school: School) -> None:
    school.change("ivo", add=[("alice", "grader")])
    (problem,) = run(school.desk.problems("ivo", (), *MATHS)).found
    assert say(problem.message, translator_of("de")) == (
        "Studierende dieses Semesters korrigieren es auch, ihre eigene Arbeit eingeschlossen: "
        "alice; erwartet werden Korrigierende, die nicht darin studieren"
    )
