"""Whole deployments: exactly their people, exactly their directories, and nothing in silence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from e2xhub.domain.catalog import Level
from e2xhub.domain.catalog.nbgrader import NbGrader
from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.domain.offers import Registry
from e2xhub.domain.registry_warnings import find_warnings
from e2xhub.domain.roles import HubKind, Role
from e2xhub.imports.legacy.importer import (
    ImportNotPossibleError,
    Outcome,
    TargetInUseError,
    import_deployment,
)
from e2xhub.imports.legacy.path_names import TermChoices
from e2xhub.imports.legacy.report import NoteKind
from tests.imports.legacy.deployments import (
    HEAD,
    NAMES,
    SAMPLES,
    TODAY,
    directories_of,
    import_into,
    notes_of,
    offers_of,
    people_of,
    write_files,
)

Imported = dict[str, Outcome]

PEOPLE = {
    "lists_per_mode": {
        "amuell2s K8s/SS20 student",
        "9012345 K8s/SS20 student",
        "amuell2s WuS/WS1920 student",
        "null WuS/WS1920 student",
        "amuell2s K8s-SS20 student",
    },
    "lists_per_role": {
        "dora3s MRC/SS23 student",
        "emil4s MRC/SS23 student",
        "greta MRC/SS23 grader",
        "12345 IT_Recht-Klausur/WS22 student",
        "00777 IT_Recht-Klausur/WS22 student",
    },
    "lists_per_course": {
        "amy MRC/SS23 student",
        "ben MRC/SS23 student",
        "greta MRC/SS23 grader",
        "ben MRC/SS23-Retake student",
        "cleo MRC/SS23-Retake student",
        "amy IT_Recht-Klausur/SS23 student",
        "greta IT_Recht-Klausur/SS23 grader",
        "hugo IT_Recht-Klausur/SS23 grader",
    },
    "exam_hub": {
        "ada1s IT_Recht.SS23.PZ1 student",
        "bea2s IT_Recht.SS23.PZ1 student",
        "bea2s IT_Recht.SS23.PZ2 student",
        "cem3s IT_Recht.SS23.PZ2 student",
        "dan4s IT.SS23.PZ1 student",
    },
}


@pytest.mark.parametrize("name", NAMES)
def test_roster_has_exactly_the_people_of_the_lists(imported: Imported, name: str) -> None:
    assert people_of(imported[name].roster) == PEOPLE[name]


@pytest.mark.parametrize("name", NAMES)
def test_who_is_in_a_file_and_not_on_the_roster_is_in_the_report(
    imported: Imported, name: str
) -> None:
    """Every word below a header of a list is on the roster, or its line or file is noted."""
    outcome = imported[name]
    noted = {(note.where.file, note.where.line) for note in outcome.notes}
    said = " ".join(f"{note.subject} {note.message}" for note in outcome.notes).split()
    whole = {note.where.file for note in outcome.notes if note.subject == "the whole file"}
    for file in (SAMPLES / name).rglob("*.csv"):
        path = str(file.relative_to(SAMPLES / name))
        rows = file.read_bytes().decode("latin-1").splitlines()
        for line, row in enumerate(rows[1:], start=2):
            words = {word.strip().lower() for word in re.split("[,;]", row) if word.strip()}
            is_known = words & {*outcome.roster.usernames, *said}
            assert not words or is_known or path in whole or (path, line) in noted


# --- directories

EXCHANGE = "/srv/nbgrader/exchange"


def test_student_keeps_home_exchange_and_shares(imported: Imported) -> None:
    offer = offers_of(imported["lists_per_course"], "amy", HubKind.ASSIGNMENT)["MRC/SS23/student"]
    old = "disk3 nbgrader/exchanges/MRC/MRC-SS23"
    assert directories_of(offer) == {
        "/home/amy": "disk2 homes/teaching/students/MRC-SS23/amy rw",
        f"{EXCHANGE}/MRC-SS23/outbound": f"{old}/personalized-outbound/amy ro",
        f"{EXCHANGE}/MRC-SS23/personalized-outbound/amy": f"{old}/personalized-outbound/amy ro",
        f"{EXCHANGE}/MRC-SS23/inbound": f"{old}/personalized-inbound/amy rw",
        f"{EXCHANGE}/MRC-SS23/personalized-inbound/amy": f"{old}/personalized-inbound/amy rw",
        f"{EXCHANGE}/MRC-SS23/feedback": f"{old}/personalized-feedback/amy ro",
        f"{EXCHANGE}/MRC-SS23/personalized-feedback/amy": f"{old}/personalized-feedback/amy ro",
        "/srv/shares/public": "disk3 shares/teaching/public ro",
        "/srv/shares/MRC": "disk3 shares/teaching/courses/MRC ro",
        "/srv/shared/data": "disk2 shares/mrc/data ro",
    }


def test_grader_keeps_home_course_exchange_and_shares(imported: Imported) -> None:
    offers = offers_of(imported["lists_per_course"], "greta", HubKind.GRADING)
    assert directories_of(offers["IT_Recht-Klausur/SS23/grader"]) == {
        "/home/greta": "disk2 homes/teaching/graders/greta rw",
        "/home/greta/courses/IT_Recht-Klausur": "disk2 courses/IT_Recht-Klausur rw",
        "/home/greta/courses/IT_Recht-Klausur/IT_Recht-Klausur-SS23": (
            "disk2 courses/IT_Recht-Klausur/IT_Recht-Klausur-SS23 rw"
        ),
        **{
            f"{EXCHANGE}/IT_Recht-Klausur-SS23/{name}": (
                f"disk3 nbgrader/exchanges/IT_Recht-Klausur/IT_Recht-Klausur-SS23/{name} {mode}"
            )
            for name, mode in (
                *(("outbound", "rw"), ("personalized-inbound", "ro")),
                ("personalized-feedback", "rw"),
            )
        },
        "/srv/shares/public": "disk3 shares/teaching/public rw",
        "/srv/shares/IT_Recht-Klausur": "disk3 shares/teaching/courses/IT_Recht-Klausur rw",
        "/srv/shared/data": "disk2 shares/mrc/data rw",
    }


def test_examinee_keeps_the_home_of_course_and_name(imported: Imported, tmp_path: Path) -> None:
    mounts = imported["exam_hub"].catalog.exams[ExamId.parse("IT_Recht.SS23.PZ1")].mounts
    assert mounts["exam-home"].path == "homes/exam/SS23-PZ1/IT_Recht-{username}/home"
    assert mounts["exam-home"].mount_at == "/home/jovyan"
    assert mounts["exam-temp"].path == "homes/exam/SS23-PZ1/IT_Recht-{username}/.tmp"
    assert mounts["exam-share-course"].path == "shares/exam/courses/IT_Recht"


def nbgrader_of(level: Level) -> NbGrader:
    assert level.nbgrader is not None
    return level.nbgrader


def test_exam_that_was_alone_keeps_its_exchange(imported: Imported) -> None:
    exam = imported["exam_hub"].catalog.exams[ExamId.parse("IT.SS23.PZ1")]
    nbgrader = nbgrader_of(exam)
    assert (nbgrader.volume, nbgrader.exchange) == ("disk3", "nbgrader/exchanges/IT/IT-SS23")
    assert nbgrader.course_id == "IT-SS23"
    assert nbgrader.hubs == {HubKind.EXAM}


def test_two_exams_of_a_semester_share_no_exchange(imported: Imported) -> None:
    exams = imported["exam_hub"].catalog.exams
    found = {
        period: nbgrader_of(exams[ExamId.parse(f"IT_Recht.SS23.{period}")])
        for period in ("PZ1", "PZ2")
    }
    assert {period: nbgrader.exchange for period, nbgrader in found.items()} == {
        "PZ1": "nbgrader/exchanges/IT_Recht/IT_Recht.SS23.PZ1",
        "PZ2": "nbgrader/exchanges/IT_Recht/IT_Recht.SS23.PZ2",
    }
    assert found["PZ1"].course_directory == "courses/IT_Recht/IT_Recht.SS23.PZ1"
    assert [nbgrader.personalized_outbound for nbgrader in found.values()] == [True, False]


def test_exams_whose_ids_differ_in_a_dot_have_an_exchange_each(tmp_path: Path) -> None:
    files = {
        "A/A.SS23.PZ1.csv": "Username\namy\n",
        "A/A.SS23.PZ-1.csv": "Username\namy\n",
        "A/A.SS23.PZ.1.yaml": "{semester: SS23, exam_period: PZ.1}\n",
    }
    outcome = import_into(tmp_path / "to", write_files(tmp_path / "from", files))
    assert {name: nbgrader_of(exam).exchange for name, exam in outcome.catalog.exams.items()} == {
        name: f"nbgrader/exchanges/A/{name}"
        for name in ("A.SS23.PZ1", "A.SS23.PZ-1", "A.SS23.PZ.1")
    }


def test_exam_shares_no_exchange_with_the_students_of_the_term(imported: Imported) -> None:
    catalog = imported["lists_per_mode"].catalog
    exam = catalog.exams[ExamId.parse("K8s-SS20")]
    assert exam.mounts["exam-home"].path == "homes/exam/students/K8s-SS20/{username}"
    assert nbgrader_of(exam).exchange == "nbgrader/exchanges/K8s/K8s-SS20.exam"
    assert exam.mounts["extra-1"].access.read_write == frozenset()
    term = catalog.courses[exam.course].terms[exam.term]
    assert nbgrader_of(term).exchange == "nbgrader/exchanges/K8s/K8s-SS20"


def test_students_of_a_term_with_exams_only_get_nothing_of_the_exams(imported: Imported) -> None:
    term = imported["exam_hub"].catalog.courses["IT"].terms["SS23"]  # type: ignore[index]
    assert {name: mount.path for name, mount in term.mounts.items()} == {
        "home": "homes/teaching/students/IT-SS23/{username}"
    }
    assert term.nbgrader is None


def test_graders_of_the_term_grade_its_exam_with_home_courses_and_exchange(tmp_path: Path) -> None:
    files = {
        "A/A.SS23.PZ1.csv": "Username\namy\n",
        "A/grader/A-SS23.csv": "Username\ngil\n",
    }
    outcome = import_into(tmp_path / "to", write_files(tmp_path / "from", files))
    offers = offers_of(outcome, "gil", HubKind.GRADING)
    assert directories_of(offers["exams/A.SS23.PZ1/grader"]) == {
        "/home/jovyan": "disk2 homes/teaching/graders/gil rw",
        "/home/jovyan/courses/A": "disk2 courses/A rw",
        "/home/jovyan/courses/A/A-SS23": "disk2 courses/A/A-SS23 rw",
        f"{EXCHANGE}/A-SS23/outbound": "disk3 nbgrader/exchanges/A/A-SS23/outbound rw",
        **{
            f"{EXCHANGE}/A-SS23/{name}": f"disk3 nbgrader/exchanges/A/A-SS23/{name} {access}"
            for name, access in (("personalized-inbound", "ro"), ("personalized-feedback", "rw"))
        },
        "/srv/shares/public": "disk3 shares/teaching/public rw",
        "/srv/shares/A": "disk3 shares/teaching/courses/A rw",
    }
    assert (
        "A/A.SS23.PZ1.csv:1 A.SS23.PZ1: graders of its term grade it in a server of its own, on "
        "the grading hub"
    ) in notes_of(outcome, NoteKind.CHANGED)


# --- servers


def test_course_has_its_image_size_and_nodes_and_inherits_the_rest(imported: Imported) -> None:
    offer = offers_of(imported["lists_per_course"], "amy", HubKind.ASSIGNMENT)["MRC/SS23/student"]
    (size,) = offer.server.sizes.values()
    gib = 2**30
    assert offer.title == "Mobile Robots"
    assert offer.subtitle == "Summer 2023"
    assert (size.memory, size.memory_limit, size.cpu, size.cpu_limit) == (gib, 4 * gib, 0.001, 2.0)
    term = imported["lists_per_course"].catalog.courses[offer.course].terms[offer.term]
    assert term.placement is not None
    assert term.placement.affinity is not None
    required = term.placement.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution
    assert required is not None
    (expression,) = required.nodeSelectorTerms[0]["matchExpressions"]
    assert expression == {
        "key": "hub.jupyter.org/node-purpose",
        "operator": "In",
        "values": ["gpu"],
    }
    images = imported["lists_per_course"].catalog.images
    assert images["gpu-notebook-1"].name == "example/gpu-notebook:1"
    assert images["notebook-2024-04"].pull_policy == "Always"


def test_exam_guarantees_what_was_the_limit(imported: Imported) -> None:
    catalog = imported["exam_hub"].catalog
    (name,) = catalog.exams[ExamId.parse("IT_Recht.SS23.PZ1")].sizes or ()
    size = catalog.sizes[name]
    assert (size.memory, size.cpu) == (3 * 2**30, 2.0)
    assert (
        "exams/IT_Recht/IT_Recht.SS23.PZ1.csv:1 resources: everybody is guaranteed 3.0G and "
        "2 CPU, the old limits (guarantees were 1.0G and 0.001)"
    ) in notes_of(imported["exam_hub"], NoteKind.CHANGED)


@pytest.mark.parametrize("today", [date(2021, 1, 1), date(2023, 5, 2), date(2030, 1, 1)])
def test_exam_without_a_known_time_is_over_and_in_no_room(tmp_path: Path, today: date) -> None:
    outcome = import_into(tmp_path / "to", SAMPLES / "exam_hub", today=today)
    noon = datetime(today.year, today.month, today.day, tzinfo=timezone.utc)
    for exam in outcome.catalog.exams.values():
        assert exam.ends_at < noon
        assert [outcome.catalog.rooms[room] for room in exam.rooms] == [("192.0.2.0/24",)]


def test_term_that_is_no_semester_is_closed_and_to_be_filled_in(tmp_path: Path) -> None:
    source = write_files(tmp_path / "from", {"A/student/A-HT25.csv": "Username\namy\n"})
    outcome = import_into(tmp_path / "to", source)
    term = outcome.catalog.courses["A"].terms["HT25"]  # type: ignore[index]
    assert term.end == date(2000, 1, 1)
    assert (
        "A/student/A-HT25.csv:1 A HT25: 'HT25' is no semester; students get no server until you "
        "set it"
    ) in notes_of(outcome, NoteKind.TO_FILL_IN)


@pytest.mark.parametrize("name", NAMES)
def test_homes_and_numbers_are_the_old_ones(imported: Imported, name: str) -> None:
    catalog = imported[name].catalog
    assert catalog.defaults.home == "/home/{username}"
    numbers = {role: (ids.user, ids.group) for role, ids in sorted(catalog.defaults.run_as.items())}
    assert numbers == {
        Role.GRADER: (2000, 2000),
        Role.INSTRUCTOR: (2000, 2000),
        Role.OBSERVER: (2000, 2000),
        Role.STUDENT: (1000, 1000),
    }
    assert {exam.home for exam in catalog.exams.values()} <= {"/home/jovyan"}


@pytest.mark.parametrize("name", NAMES)
def test_nobody_loses_what_they_write_at_home(imported: Imported, name: str) -> None:
    outcome = imported[name]
    registry = Registry(catalog=outcome.catalog, roster=outcome.roster, hub=HubKind.ASSIGNMENT)
    assert [found for found in find_warnings(registry) if found.place[-1] == "home"] == []


def test_language_is_what_commands_and_the_chart_set(tmp_path: Path) -> None:
    files = {
        "values.yaml": "singleuser: {extraEnv: {LANGUAGE: 'en:de', SECRET: geheim}}\n",
        "A/student/A-SS23.csv": "Username\namy\n",
        "A/student/A-SS23.yaml": "course_cmds: [export LANGUAGE=de_DE.UTF-8]\n",
        "B/student/B-SS23.csv": "Username\namy\n",
        "B/B.SS23.PZ1.csv": "Username\namy\n",
        "B/B.SS23.PZ1.yaml": "commands: {notebook: ['TOKEN=geheim; LANGUAGE=\"fr\" jupyter']}\n",
    }
    outcome = import_into(tmp_path / "to", write_files(tmp_path / "from", files))
    catalog = outcome.catalog
    assert catalog.defaults.language == "en"
    assert catalog.courses["A"].terms["SS23"].language == "de_DE"  # type: ignore[index]
    assert catalog.courses["B"].terms["SS23"].language is None  # type: ignore[index]
    assert catalog.exams[ExamId.parse("B.SS23.PZ1")].language == "fr"
    assert (
        "B/B.SS23.PZ1.yaml:1 commands: shell commands (1 entries) run at every start of a server; "
        "variables that they set: LANGUAGE, TOKEN"
    ) in notes_of(outcome, NoteKind.LEFT_OUT)
    written = "".join(file.read_text() for file in (tmp_path / "to").rglob("*") if file.is_file())
    assert "geheim" not in written


# --- notes


def test_blocked_people_are_left_off_and_reported(imported: Imported) -> None:
    assert (
        "users/blocked_users_2023.csv:2 blocked2: blocked2 is blocked, and is left off "
        "IT_Recht-Klausur SS23 (student)"
    ) in notes_of(imported["lists_per_course"], NoteKind.LEFT_OUT)
    assert (
        "users/blocklist/K8s-SS20.csv:2 blocked1: blocked1 is blocked, and is on no roster anyway"
    ) in notes_of(imported["lists_per_mode"], NoteKind.LEFT_OUT)


def test_admins_are_a_setting_of_the_hub(imported: Imported) -> None:
    assert notes_of(imported["lists_per_course"], NoteKind.HUB_SETTING) == [
        "users/e2x_admin_users.csv:1 admins: admins of the hub: root1"
    ]


def test_unknown_keys_and_commands_are_reported_with_their_lines(imported: Imported) -> None:
    noted = notes_of(imported["lists_per_course"], NoteKind.LEFT_OUT)
    assert (
        "config.yaml:15 server.e2x_teaching.surprising_key: this key is not known, and is not "
        "carried over"
    ) in noted
    assert (
        "config.yaml:29 server.e2x_teaching.commands: shell commands (1 entries) run at every "
        "start of a server"
    ) in noted
    assert (
        "nbgrader/courses/MRC/grader/MRC-SS23.csv:1 image: graders of MRC-SS23 had "
        "example/grader:1, students example/gpu-notebook:1"
    ) in noted


def test_guessed_terms_are_reported(imported: Imported) -> None:
    assert notes_of(imported["lists_per_role"], NoteKind.GUESSED) == [
        "config/grader/MRC-SS23.csv:1 MRC-SS23: course 'MRC' and term 'SS23' are guessed",
        "config/student/IT_Recht-Klausur-WS22.csv:1 IT_Recht-Klausur-WS22: course "
        "'IT_Recht-Klausur' and term 'WS22' are guessed",
        "config/student/MRC-SS23.csv:1 MRC-SS23: course 'MRC' and term 'SS23' are guessed",
    ]


def test_known_courses_are_not_guessed(imported: Imported) -> None:
    assert notes_of(imported["lists_per_course"], NoteKind.GUESSED) == []


@pytest.mark.parametrize("name", NAMES)
def test_neither_passwords_nor_commands_are_written_anywhere(
    imported: Imported, tmp_path: Path, name: str
) -> None:
    import_into(tmp_path / "to", SAMPLES / name)
    written = "".join(file.read_text() for file in (tmp_path / "to").rglob("*") if file.is_file())
    for secret in ("Geheim", "do-not-print-me", "Lovelace"):
        assert secret not in written


def test_room_and_seat_of_a_sheet_are_kept(imported: Imported) -> None:
    (membership,) = imported["exam_hub"].roster.memberships_of("ada1s")
    assert membership.attributes == {  # type: ignore[union-attr]
        "room": "H1",
        "seat": "7",
        "is_backup": "False",
    }


def test_admin_names_the_term_that_nothing_says(tmp_path: Path) -> None:
    choices = TermChoices(by_id={"WuS-Klausur": "SS20"})
    outcome = import_into(tmp_path / "to", SAMPLES / "lists_per_mode", choices)
    assert people_of(outcome.roster) == PEOPLE["lists_per_mode"] | {"cweber2s WuS-Klausur student"}


def test_list_of_one_course_takes_nobody_of_a_longer_name(tmp_path: Path) -> None:
    """`MRC-SS23` once got `MRC-SS23-Retake.csv`, because the name is in it."""
    source = write_files(
        tmp_path / "from",
        {
            "MRC/student/MRC-SS23.yaml": "image: example/a:1\n",
            "MRC/student/MRC-SS23-Retake.csv": "Username\nrita\n",
        },
    )
    outcome = import_into(tmp_path / "to", source)
    assert people_of(outcome.roster) == {"rita MRC/SS23-Retake student"}
    assert "SS23" in outcome.catalog.courses["MRC"].terms  # type: ignore[index]


def test_people_who_would_share_an_exam_home_are_faults(tmp_path: Path) -> None:
    source = write_files(
        tmp_path / "from",
        {
            "IT/IT.SS23.PZ1.csv": "Username\nrecht-bob\neve\n",
            "IT-recht/IT-recht.SS23.PZ1.csv": "Username\nbob\neve\n",
        },
    )
    outcome = import_into(tmp_path / "to", source)
    assert outcome.has_faults
    assert people_of(outcome.roster) == {"eve IT.SS23.PZ1 student", "eve IT-recht.SS23.PZ1 student"}
    shared = "shared the home homes/exam/SS23-PZ1/IT-recht-bob/home with another person"
    assert notes_of(outcome, NoteKind.FAULT) == [
        f"IT-recht/IT-recht.SS23.PZ1.csv:2 bob: bob in IT-recht.SS23.PZ1 {shared}",
        f"IT/IT.SS23.PZ1.csv:2 recht-bob: recht-bob in IT.SS23.PZ1 {shared}",
    ]
    before = "homes/exam/SS23-PZ1/IT-recht-{username}/home"
    after = "homes/exam/SS23-PZ1.IT-recht/{username}/home"
    assert (
        f"IT-recht/IT-recht.SS23.PZ1.csv:1 exam IT-recht.SS23.PZ1: its homes were {before}, which "
        f"could be those of another exam; they are {after}"
    ) in notes_of(outcome, NoteKind.CHANGED)


def test_one_person_in_two_exams_shares_with_nobody(imported: Imported) -> None:
    assert not any(outcome.has_faults for outcome in imported.values())


def test_ids_that_differ_in_case_only_are_faults_and_the_earlier_one_stays(
    tmp_path: Path,
) -> None:
    files = {
        "A/A.SS23.PZ1.csv": "Username\namy\n",
        "A/A.SS23.pz1.csv": "Username\nben\n",
        "a/student/a-SS23.csv": "Username\ncleo\n",
        "b/student/b-SS23.csv": "Username\ndora\n",
        "b/student/b-ss23.csv": "Username\nemil\n",
    }
    outcome = import_into(tmp_path / "to", write_files(tmp_path / "from", files))
    assert people_of(outcome.roster) == {"amy A.SS23.PZ1 student", "dora b/SS23 student"}
    ignored = "where file systems ignore case (1 people)"
    assert notes_of(outcome, NoteKind.FAULT) == [
        "A/A.SS23.pz1.csv:1 exam A.SS23.pz1: exam A.SS23.pz1 would share directories with exam "
        f"A.SS23.PZ1 {ignored}",
        "a/student/a-SS23.csv:1 course a: course a would share directories with course A "
        f"{ignored}",
        "b/student/b-ss23.csv:1 course b, term ss23: course b, term ss23 would share directories "
        f"with course b, term SS23 {ignored}",
    ]


def test_examinees_submit_to_directories_of_their_own(tmp_path: Path) -> None:
    files = {
        "A/A.SS23.PZ1.csv": "Username\namy\n",
        "A/A.SS23.PZ1.yaml": "exchange: {personalized_inbound: false}\n",
    }
    outcome = import_into(tmp_path / "to", write_files(tmp_path / "from", files))
    exam = outcome.catalog.exams[ExamId.parse("A.SS23.PZ1")]
    registry = Registry(catalog=outcome.catalog, roster=outcome.roster, hub=HubKind.EXAM)
    (offer,) = registry.offers_for(Username.parse("amy"), exam.start).offers
    assert directories_of(offer)[f"{EXCHANGE}/A-SS23/inbound"] == (
        "disk3 nbgrader/exchanges/A/A-SS23/personalized-inbound/amy rw"
    )
    assert offer.server.environment["NBGRADER_EXCHANGE_PERSONALIZED_INBOUND"] == "True"
    assert (
        "A/A.SS23.PZ1.csv:1 A.SS23.PZ1: all students shared inbound, feedback; now each has "
        "directories of their own"
    ) in notes_of(outcome, NoteKind.CHANGED)


def test_shared_exchange_of_a_term_is_told_with_what_to_do(imported: Imported) -> None:
    (note,) = (
        note
        for note in imported["lists_per_course"].notes
        if note.subject == "MRC-SS23" and note.kind is NoteKind.CHANGED
    )
    assert note.message == "all students shared feedback; now each has directories of their own"
    assert note.advice == (
        "move what was submitted: see 'Exchanges' in 'Move from an e2x deployment'"
    )


def test_lookalike_names_are_faults_and_the_earlier_one_stays(tmp_path: Path) -> None:
    source = write_files(tmp_path / "from", {"A/student/A-SS23.csv": "Username\namy\namy.\nben\n"})
    outcome = import_into(tmp_path / "to", source)
    assert people_of(outcome.roster) == {"amy A/SS23 student", "ben A/SS23 student"}
    assert notes_of(outcome, NoteKind.FAULT) == [
        "A/student/A-SS23.csv:3 amy.: amy. would share a directory with amy on some file systems"
    ]


# --- shapes that a sample would not need otherwise


def test_volumes_and_groups_of_the_chart_are_read(tmp_path: Path) -> None:
    values = """\
hub:
  config:
    JupyterHub:
      load_groups:
        AMR.WS25.graders: [gil]
        term.cv.WS25.student: {users: [sam, sue]}
        lms.course.cv.term.WS25.teaching-assistant: [tim, "a b"]
        formgrade-amr: [nobody]
        exams.WS25.students: [nobody]
singleuser:
  storage:
    extraVolumes:
      - {name: disk2, nfs: {server: nfs.example.org, path: /srv/disk2}}
      - {name: disk3, nfs: {server: nfs.example.org, path: /srv/disk3, readOnly: false}}
"""
    outcome = import_into(tmp_path / "to", write_files(tmp_path / "from", {"values.yaml": values}))
    assert people_of(outcome.roster) == {
        "gil AMR/WS25 grader",
        "sam cv/WS25 student",
        "sue cv/WS25 student",
        "tim cv/WS25 grader",
    }
    assert outcome.catalog.volumes["disk2"].source == {
        "nfs": {"server": "nfs.example.org", "path": "/srv/disk2"}
    }
    assert outcome.catalog.volumes["disk3"].source == {
        "nfs": {"server": "nfs.example.org", "path": "/srv/disk3", "readOnly": False}
    }
    left_out = [note.subject for note in outcome.notes if note.kind is NoteKind.LEFT_OUT]
    place = "hub.config.JupyterHub.load_groups"
    assert left_out == [
        f"{place}.lms.course.cv.term.WS25.teaching-assistant",
        f"{place}.formgrade-amr",
        f"{place}.exams.WS25.students",
    ]


def test_volume_whose_source_no_cluster_knows_is_to_be_filled_in(tmp_path: Path) -> None:
    values = """\
load_groups: {AMR.WS25.students: [sam]}
singleuser:
  storage:
    extraVolumes:
      - {name: disk2, bogus: {server: nfs.example.org}}
      - {name: disk3, csi: {driver: files.csi.example.org}}
"""
    outcome = import_into(tmp_path / "to", write_files(tmp_path / "from", {"values.yaml": values}))
    assert {name: volume.source for name, volume in outcome.catalog.volumes.items()} == {
        "disk2": {"nfs": {"server": "nfs.invalid", "path": "/srv/disk2"}},
        "disk3": {"csi": {"driver": "files.csi.example.org"}},
    }
    assert (
        ".:1 volumes.disk2: no cluster knows the source of the volume 'disk2', so no server "
        "starts yet"
    ) in notes_of(outcome, NoteKind.TO_FILL_IN)


def test_each_step_passes_through_what_tracks_it(tmp_path: Path) -> None:
    steps: list[tuple[str, int]] = []

    def track(step: str, items: Sequence[Any]) -> Sequence[Any]:
        steps.append((step, len(items)))
        return items

    source = SAMPLES / "exam_hub"
    import_deployment(
        source, tmp_path / "to", head=HEAD, terms=TermChoices(), today=TODAY, track=track
    )
    assert steps == [
        ("Reading files", sum(file.is_file() for file in source.rglob("*"))),
        ("Writing courses", 2),
    ]


def test_roster_alone_gives_a_catalog_whose_servers_cannot_start(tmp_path: Path) -> None:
    source = write_files(tmp_path / "from", {"student/A-SS23.csv": "Username\namy\n"})
    outcome = import_into(tmp_path / "to", source)
    (image,) = outcome.catalog.images.values()
    assert image.name == "registry.invalid/to-be-filled-in:none"
    assert [text.split(" ")[1] for text in notes_of(outcome, NoteKind.TO_FILL_IN)] == [
        "defaults.image:",
        "defaults.sizes:",
        "volumes.disk2:",
        "volumes.disk3:",
    ]


def test_student_lists_of_an_exam_hub_are_examinees(tmp_path: Path) -> None:
    hub = "server: {hub: {mode: exam, image: 'example/e:1', nbgrader: {course_dir: /c/courses}}}"
    files = {
        "config.yaml": hub,
        "courses/IT_Recht/student/IT_Recht-Klausur-SS23.csv": "Username\namy\n",
        "courses/IT_Recht/grader/IT_Recht-Klausur-SS23.csv": "Username\ngil\n",
    }
    outcome = import_into(tmp_path / "to", write_files(tmp_path / "from", files))
    assert people_of(outcome.roster) == {
        "amy IT_Recht-Klausur-SS23 student",
        "gil IT_Recht/Klausur-SS23 grader",
    }
    offer = offers_of(outcome, "gil", HubKind.GRADING)["IT_Recht/Klausur-SS23/grader"]
    assert directories_of(offer)["/home/gil"] == "disk2 homes/exam/graders/gil rw"


def test_exam_graders_take_no_exchange_away(tmp_path: Path) -> None:
    hub = "server: {hub: {mode: exam, image: 'example/e:1', nbgrader: {course_dir: /c/courses}}}"
    files = {
        "config.yaml": hub,
        "courses/Law/student/Law-SS23.csv": "Username\namy\n",
        "courses/Law/grader/Law-SS23.csv": "Username\ngil\n",
    }
    outcome = import_into(tmp_path / "to", write_files(tmp_path / "from", files))
    exam = outcome.catalog.exams[ExamId.parse("Law-SS23")]
    assert nbgrader_of(exam).exchange == "nbgrader/exchanges/Law/Law-SS23"
    assert exam.staff.grader == ("gil",)
    term = outcome.catalog.courses[exam.course].terms[exam.term]
    assert term.mounts["home"].path == "homes/teaching/students/Law-SS23/{username}"
    assert exam.mounts["exam-home"].path == "homes/exam/students/Law-SS23/{username}"


def test_teaching_hub_is_taken_where_an_exam_hub_has_the_same_courses(tmp_path: Path) -> None:
    hub = """\
server:
  exam: {mode: exam, image: "example/e:1", nbgrader: {course_dir: /c/courses}}
  teaching: {mode: teaching, image: "example/t:1", nbgrader: {course_dir: /c/courses}}
"""
    files = {"config.yaml": hub, "courses/Law/student/Law-SS23.csv": "Username\namy\n"}
    outcome = import_into(tmp_path / "to", write_files(tmp_path / "from", files))
    assert people_of(outcome.roster) == {"amy Law/SS23 student"}
    assert notes_of(outcome, NoteKind.GUESSED) == [
        "courses/Law/student/Law-SS23.csv:1 Law-SS23: several servers have this course_dir; "
        "'teaching' is taken"
    ]


def test_values_of_the_wrong_kind_are_reported(tmp_path: Path) -> None:
    hub = """\
server:
  hub:
    image: [example/a]
    resources: many
    grader_resources: {mem_limit: [1G]}
    nbgrader: true
  other: 3
"""
    files = {"config.yaml": hub, "student/A-SS23.csv": "Username\namy\n"}
    outcome = import_into(tmp_path / "to", write_files(tmp_path / "from", files))
    assert [text.split(": ")[0] for text in notes_of(outcome, NoteKind.LEFT_OUT)] == [
        "config.yaml:3 server.hub.image",
        "config.yaml:4 server.hub.resources",
        "config.yaml:5 server.hub.grader_resources.mem_limit",
        "config.yaml:6 server.hub.nbgrader",
        "config.yaml:7 server.other",
    ]


def test_directories_that_an_exam_hub_misnames_are_reported(tmp_path: Path) -> None:
    hub = """\
mounts:
  home: {name: disk2, subPath: ../homes}
  exchange: {name: Disk 3, subPath: x}
  share: {subPath: shares}
image: {name: example/e, tag: "1"}
nbgrader: {exchange_root: /exchange}
"""
    files = {"hub.yaml": hub, "A/A.SS23.PZ1.csv": "Username\namy\n"}
    outcome = import_into(tmp_path / "to", write_files(tmp_path / "from", files))
    exam = outcome.catalog.exams[ExamId.parse("A.SS23.PZ1")]
    assert exam.mounts["exam-home"].path == "homes/exam/SS23-PZ1/A-{username}/home"
    assert nbgrader_of(exam).volume == "disk3"
    assert [text.split(": ")[0] for text in notes_of(outcome, NoteKind.LEFT_OUT)] == [
        "hub.yaml:2 mounts.home",
        "hub.yaml:3 mounts.exchange",
        "hub.yaml:4 mounts.share",
    ]


def test_extra_mount_that_collides_is_left_out(tmp_path: Path) -> None:
    hub = """\
server:
  hub:
    image: example/a:1
    extra_mounts:
      enabled: true
      volume_mounts:
        1: {name: disk2, mountPath: /srv/shares/A/, subPath: a}
        2: {name: Disk_2, mountPath: /srv/b, subPath: b}
        3: {name: disk2, mountPath: /srv/c, subPath: ../c}
        4: {name: disk2, mountPath: /srv/d, subPath: "d/{x}"}
        5: {name: disk2, mountPath: /srv/all, subPath: homes}
        6: {name: disk2, mountPath: /srv/solutions, subPath: courses/A}
        7: {name: disk2, mountPath: /srv/nbgrader/exchange/A-SS23, subPath: g}
        8: {name: disk2, mountPath: /home/jovyan, subPath: h}
"""
    files = {"config.yaml": hub, "student/A-SS23.csv": "Username\namy\n"}
    outcome = import_into(tmp_path / "to", write_files(tmp_path / "from", files))
    offer = offers_of(outcome, "amy", HubKind.ASSIGNMENT)["A/SS23/student"]
    assert directories_of(offer)["/srv/d"] == "disk2 d/{x} ro"
    left_out = [text for text in notes_of(outcome, NoteKind.LEFT_OUT) if "extra-" in text]
    assert [text.split(": ")[0] for text in left_out] == [
        "config.yaml:7 extra-1",
        "config.yaml:9 extra-3",
        "config.yaml:11 extra-5",
        "config.yaml:12 extra-6",
        "config.yaml:13 extra-7",
        "config.yaml:14 extra-8",
        "student/A-SS23.csv:1 extra-2",
    ]


@pytest.mark.parametrize(
    ("share", "left_out"),
    [
        ("{name: disk2, subPath: ''}", ["exam-share-course"]),
        ("{name: disk2, subPath: shares/exam}", []),
    ],
)
def test_share_of_an_exam_hub_in_which_graders_keep_solutions_is_left_out(
    tmp_path: Path, share: str, left_out: list[str]
) -> None:
    hub = f"""\
mounts: {{home: {{name: disk2, subPath: homes}}, share: {share}}}
image: {{name: example/e, tag: "1"}}
"""
    files = {"hub.yaml": hub, "A/A.SS23.PZ1.csv": "Username\namy\n"}
    outcome = import_into(tmp_path / "to", write_files(tmp_path / "from", files))
    mounts = outcome.catalog.exams[ExamId.parse("A.SS23.PZ1")].mounts
    assert {name for name in mounts if "share" in name} == {
        *("exam-share-public", "exam-share-course")
    } - {*left_out}
    noted = [note for note in outcome.notes if note.subject.startswith("exam-share")]
    assert [note.subject for note in noted] == left_out
    assert all("students would reach what graders keep" in note.message for note in noted)


def test_exchange_where_courses_are_leaves_graders_without_a_place_of_their_own(
    tmp_path: Path,
) -> None:
    hub = """\
mounts: {exchange: {name: disk2, subPath: courses}}
image: {name: example/e, tag: "1"}
"""
    files = {"hub.yaml": hub, "A/A.SS23.PZ1.csv": "Username\namy\n"}
    outcome = import_into(tmp_path / "to", write_files(tmp_path / "from", files))
    nbgrader = nbgrader_of(outcome.catalog.exams[ExamId.parse("A.SS23.PZ1")])
    assert (nbgrader.exchange, nbgrader.course_directory) == ("courses/A/A-SS23", None)


@pytest.mark.parametrize(
    ("image", "written", "policy"),
    [
        ("example/a:1", "example/a:1", "IfNotPresent"),
        ("{name: example/a, tag: 2024-01-31, pullPolicy: Never}", "example/a:2024-01-31", "Never"),
        ("{name: example/a, tag: 1.5}", "example/a:1.5", "IfNotPresent"),
        ("example/a", "example/a:latest", "IfNotPresent"),
        ("registry.example.org:5000/a", "registry.example.org:5000/a:latest", "IfNotPresent"),
    ],
)
def test_image_is_a_text_or_a_mapping(
    tmp_path: Path, image: str, written: str, policy: str
) -> None:
    files = {
        "config.yaml": f"server: {{hub: {{image: {image}}}}}",
        "student/A-SS23.csv": "Username\namy\n",
    }
    outcome = import_into(tmp_path / "to", write_files(tmp_path / "from", files))
    (found,) = outcome.catalog.images.values()
    assert (found.name, found.pull_policy) == (written, policy)


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ("{mem_limit: 2.0G}", (2 * 2**30, 2 * 2**30, 0.05, 1.0)),
        ("{cpu_limit: 4, cpu_guarantee: 0.1}", (2**30, 2**30, 0.1, 4.0)),
        ("{mem_guarantee: 4G, mem_limit: 2G}", (4 * 2**30, 4 * 2**30, 0.05, 1.0)),
        ("{mem_guarantee: much, cpu_limit: -1, mem_limit: 8}", (2**30, 2**30, 0.05, 1.0)),
    ],
)
def test_amounts_that_are_missing_or_unusable_are_completed(
    tmp_path: Path, resources: str, expected: tuple[int, int, float, float]
) -> None:
    files = {
        "config.yaml": f"server: {{hub: {{image: 'example/a:1', resources: {resources}}}}}",
        "student/A-SS23.csv": "Username\namy\n",
    }
    outcome = import_into(tmp_path / "to", write_files(tmp_path / "from", files))
    (size,) = outcome.catalog.sizes.values()
    assert (size.memory, size.memory_limit, size.cpu, size.cpu_limit) == expected


# --- where to write


def test_directory_with_files_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    with pytest.raises(TargetInUseError, match=r"is not empty; choose a new directory$"):
        import_into(tmp_path, SAMPLES / "exam_hub")
    assert [file.name for file in tmp_path.iterdir()] == ["mine"]


def test_deployment_is_not_written_into(tmp_path: Path) -> None:
    source = write_files(tmp_path, {"student/A-SS23.csv": "Username\namy\n"})
    with pytest.raises(TargetInUseError, match="is part of the deployment"):
        import_into(tmp_path / "to", source)
    assert not (tmp_path / "to").exists()


def test_directory_without_a_deployment_says_what_it_found(tmp_path: Path) -> None:
    source = write_files(tmp_path / "from", {"x.csv": "Username\namy\n"})
    with pytest.raises(ImportNotPossibleError) as error:
        import_into(tmp_path / "to", source)
    assert str(error.value) == (
        f"no course of an e2x deployment is in {source}\n"
        "x.csv:1: neither its name nor its directory says what it belongs to (1 people); "
        "expected a directory such as 'student' or a name such as Course.SS23.PZ1"
    )
