"""A word stands for one of our roles, or it is a fault; never for more than it says."""

from __future__ import annotations

import pytest

from e2xhub.domain.role_words import (
    CANVAS_NAMES,
    COMMON_NAMES,
    ILIAS_NAMES,
    MOODLE_NAMES,
    MOODLE_SHORT_NAMES,
    RoleWords,
    parse_role_word,
)
from e2xhub.domain.roles import Role

STUDENT, GRADER, INSTRUCTOR = Role.STUDENT, Role.GRADER, Role.INSTRUCTOR


@pytest.mark.parametrize(
    ("words", "word", "role"),
    [
        (MOODLE_NAMES, "Student", STUDENT),
        (MOODLE_NAMES, "Teilnehmer/in", STUDENT),
        (MOODLE_NAMES, "Teilnehmer*in", STUDENT),
        (MOODLE_NAMES, "Teilnehmer:in", STUDENT),
        (MOODLE_NAMES, "Teilnehmer/-in", STUDENT),
        (MOODLE_NAMES, "TEILNEHMERIN", STUDENT),
        (MOODLE_NAMES, "Non-editing  teacher", GRADER),
        (MOODLE_NAMES, "Trainer/in ohne Bearbeitungsrecht", GRADER),
        (MOODLE_NAMES, "Teacher", INSTRUCTOR),
        (MOODLE_NAMES, "Editing teacher", INSTRUCTOR),
        (MOODLE_NAMES, "Trainer/in", INSTRUCTOR),
        (MOODLE_SHORT_NAMES, "student", STUDENT),
        (MOODLE_SHORT_NAMES, "teacher", GRADER),
        (MOODLE_SHORT_NAMES, "editingteacher", INSTRUCTOR),
        (ILIAS_NAMES, "Member", STUDENT),
        (ILIAS_NAMES, "Kursmitglied", STUDENT),
        (ILIAS_NAMES, "Tutor", GRADER),
        (ILIAS_NAMES, "Kurstutor/in", GRADER),
        (ILIAS_NAMES, "Kursadministrator/in", INSTRUCTOR),
        (ILIAS_NAMES, "Administrator", INSTRUCTOR),
        (CANVAS_NAMES, "StudentEnrollment", STUDENT),
        (CANVAS_NAMES, "ta", GRADER),
        (CANVAS_NAMES, "TeacherEnrollment", INSTRUCTOR),
        (COMMON_NAMES, "observer", Role.OBSERVER),
        (COMMON_NAMES, "Aufsicht", Role.PROCTOR),
        (COMMON_NAMES, "Dozent/in", INSTRUCTOR),
    ],
)
def test_word_stands_for_a_role(words: RoleWords, word: str, role: Role) -> None:
    assert parse_role_word(word, words) is role


@pytest.mark.parametrize("role", list(Role))
def test_our_own_words_are_known_in_lists_that_people_make(role: Role) -> None:
    assert parse_role_word(role.value, COMMON_NAMES) is role


@pytest.mark.parametrize(
    ("words", "word"),
    [
        (CANVAS_NAMES, "ObserverEnrollment"),
        (CANVAS_NAMES, "observer"),
        (CANVAS_NAMES, "designer"),
        (MOODLE_NAMES, "Manager"),
        (MOODLE_NAMES, "Guest"),
        (MOODLE_SHORT_NAMES, "observer"),
        (COMMON_NAMES, "Teacher"),
        (COMMON_NAMES, "studentisch"),
        (COMMON_NAMES, ""),
    ],
)
def test_word_that_may_mean_less_is_not_known(words: RoleWords, word: str) -> None:
    with pytest.raises(ValueError, match="is not known"):
        parse_role_word(word, words)


def test_unknown_word_is_told_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="role") as caught:
        parse_role_word("Gast", MOODLE_SHORT_NAMES)
    assert str(caught.value) == (
        "role 'Gast' is not known; expected one of: editingteacher, student, teacher; say what it "
        "means with --role-word 'Gast=ROLE', or give all rows one role with --role"
    )
