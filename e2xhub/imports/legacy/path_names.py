"""What the names of an existing deployment's files and directories say: course, term, role.

An id such as `IT_Recht-Klausur-SS23` is taken apart only by what else is known: the name of the
course's directory, or what an admin says with `--term`. Only where nothing is known, a semester
at the end is taken for the term, and that is a guess that the report names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_SEMESTER = r"(?:WS|WiSe|SS|SoSe)"
_GUESS = re.compile(rf"(.+)[-_]({_SEMESTER}[-_]?[0-9]{{2,4}}(?:[-_][0-9]{{2}})?)", re.IGNORECASE)
_TERM = re.compile(rf"{_SEMESTER}[-_]?[0-9]{{2,4}}(?:[-_][0-9]{{2}})?", re.IGNORECASE)
_SEPARATORS = "-_."

ROLE_DIRECTORIES = {
    "grader": "grader",
    "graders": "grader",
    "student": "student",
    "students": "student",
    "teaching": "student",
    "exam": "exam",
    "exams": "exam",
}
"""Names of directories that hold the lists of one role; `exam` holds examinees."""

ADMIN, ALLOWED, BLOCKED = "admin", "allowed", "blocked"
_HUB_LIST_DIRECTORIES = {
    "allowlist": ALLOWED,
    "whitelist": ALLOWED,
    "blocklist": BLOCKED,
    "blacklist": BLOCKED,
}


@dataclass(frozen=True, kw_only=True)
class Presentation:
    """A course and a term, as texts that are still to be parsed."""

    course: str
    term: str
    is_guess: bool = False


@dataclass(frozen=True, kw_only=True)
class TermChoices:
    """What the admin says about terms: for single ids, and for all that name none."""

    by_id: Mapping[str, str] = field(default_factory=dict)
    default: str = ""


def hub_list_kind(parts: tuple[str, ...]) -> str | None:
    """What a list of the hub's users is, by its path; None for any other file."""
    name = parts[-1].lower()
    in_list = [kind for part in parts[:-1] if (kind := _HUB_LIST_DIRECTORIES.get(part.lower()))]
    if "admin_users" in name or (in_list and "admin" in name):
        return ADMIN
    if in_list:
        return in_list[-1]
    return next((kind for kind in (ALLOWED, BLOCKED) if f"{kind}_users" in name), None)


def exam_course(parts: tuple[str, ...]) -> str | None:
    """The directory `<Course>` of a file `<Course>.<Sem>.<Period>.*` below it, if it is one."""
    stem = parts[-1].rpartition(".")[0]
    if len(parts) < 2 or parts[-2].lower() in ROLE_DIRECTORIES:
        return None
    return next((part for part in reversed(parts[:-1]) if stem.startswith(f"{part}.")), None)


def strip_course(course_id: str, course: str) -> str | None:
    """What follows `course` and a separator in `course_id`; None where it does not begin so."""
    rest = course_id[len(course) + 1 :]
    if course and rest and course_id.startswith(course) and course_id[len(course)] in _SEPARATORS:
        return rest
    return None


def is_term(text: str) -> bool:
    """Whether `text` as a whole is a semester, such as `WS23` or `SoSe2024`."""
    return _TERM.fullmatch(text) is not None


def split_course_id(
    course_id: str, choices: TermChoices, known_course: str | None = None
) -> Presentation | None:
    """Course and term of `course_id`; None where nothing tells them."""
    named = choices.by_id.get(course_id)
    if known_course:
        term = named or strip_course(course_id, known_course)
        if not term and is_term(course_id):
            return Presentation(course=known_course, term=course_id, is_guess=True)
        term = term or choices.default
        return Presentation(course=known_course, term=term) if term else None
    if named:
        return Presentation(course=_without_term(course_id, named), term=named)
    if guess := _GUESS.fullmatch(course_id):
        return Presentation(course=guess[1], term=guess[2], is_guess=True)
    if choices.default:
        return Presentation(course=course_id, term=choices.default)
    return None


def _without_term(course_id: str, term: str) -> str:
    for separator in _SEPARATORS:
        course = course_id.removesuffix(separator + term)
        if course and course != course_id:
            return course
    return course_id
