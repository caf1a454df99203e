"""What learning platforms call a person in a course, and which of our roles that is.

A word that stands for less or for something else elsewhere is left out on purpose: it is a fault,
and whoever imports says what it means. Canvas's observer, for example, is a parent who may follow
one student; ours reads everybody's work.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

from e2xhub.domain.roles import Role

RoleWords = Mapping[str, Role]
"""Folded words (`fold`) and the roles that they stand for."""

_GENDER_ENDING = re.compile(r"[/*:_·]-?in\b")


def fold(text: str) -> str:
    """`text` without what people write differently: case, width, spaces, German gender endings.

    `Teilnehmer/in`, `Teilnehmer*in`, `TEILNEHMER` and `Teilnehmer:in` become `teilnehmer`.
    """
    plain = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    return _GENDER_ENDING.sub("", plain)


def _words(**words_of: Iterable[str]) -> RoleWords:
    return {fold(word): Role(role) for role, words in words_of.items() for word in words}


MOODLE_NAMES = _words(
    student=("Student", "Studentin", "Studierende", "Teilnehmer/in", "Teilnehmerin", "Participant"),
    grader=("Non-editing teacher", "Trainer/in ohne Bearbeitungsrecht", "Tutor", "Tutorin"),
    instructor=(
        *("Teacher", "Editing teacher", "Trainer/in", "Trainerin"),
        "Trainer/in mit Bearbeitungsrecht",
    ),
)
"""What Moodle shows: its `Teacher` may edit (https://docs.moodle.org/405/en/Standard_roles)."""

MOODLE_SHORT_NAMES = _words(
    student=("student",), grader=("teacher",), instructor=("editingteacher",)
)
"""What Moodle reads in a file of users: its `teacher` may not edit."""

ILIAS_NAMES = _words(
    student=(
        *("Member", "Course Member", "Group Member", "Mitglied", "Kursmitglied"),
        *("Gruppenmitglied", "Teilnehmer/in", "Teilnehmerin"),
    ),
    grader=("Tutor", "Tutorin", "Course Tutor", "Kurstutor/in", "Kurstutorin"),
    instructor=(
        *("Administrator", "Administratorin", "Course Administrator", "Group Administrator"),
        *("Kursadministrator/in", "Kursadministratorin", "Gruppenadministrator/in"),
        *("Gruppenadministratorin", "Kursadmin"),
    ),
)

CANVAS_NAMES = _words(
    student=("student", "StudentEnrollment"),
    grader=("ta", "TaEnrollment"),
    instructor=("teacher", "TeacherEnrollment"),
)

COMMON_NAMES = _words(
    student=(
        *("student", "Studentin", "Studierende", "Studierender", "Teilnehmer/in", "Teilnehmerin"),
        *("Participant", "Learner", "Prüfling", "Examinee"),
    ),
    grader=(
        *("grader", "Tutor/in", "Tutorin", "Korrektor/in", "Korrektorin", "Teaching Assistant"),
        *("TA", "Non-editing teacher", "Trainer/in ohne Bearbeitungsrecht"),
    ),
    instructor=(
        *("instructor", "Lecturer", "Editing teacher", "Dozent/in", "Dozentin", "Lehrende"),
        *("Lehrender", "Professor/in", "Professorin"),
    ),
    observer=("observer", "Beobachter/in", "Beobachterin"),
    proctor=("proctor", "Invigilator", "Aufsicht"),
)
"""For lists that people make themselves. `Teacher` is missing: it may edit here and not there."""


def parse_role_word(word: str, words: RoleWords) -> Role:
    """The role that `word` stands for; raises ValueError with the known words."""
    role = words.get(fold(word))
    if role is None:
        raise ValueError(
            f"role {word!r} is not known; expected one of: {', '.join(sorted(words))}; say what it "
            f"means with --role-word '{word}=ROLE', or give all rows one role with --role"
        )
    return role
