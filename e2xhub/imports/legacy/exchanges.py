"""nbgrader's exchanges and working directories of an e2x deployment, in the catalog's words.

A term or exam has its exchange at `nbgrader/exchanges/<Course>/<course id>` and works in
`courses/<Course>/<course id>`, as before. Submissions and feedback are always in directories of one
person (`personalized-inbound/<u>`), also where all students shared one; of the old choices only the
personalized outbound is left.
"""

from __future__ import annotations

from typing import Any

from e2xhub.domain.catalog.nbgrader import NbGrader
from e2xhub.domain.roles import Role
from e2xhub.imports.legacy.deployment import (
    EXCHANGE_AT,
    LegacyExam,
    LegacyTerm,
    Root,
)
from e2xhub.imports.legacy.legacy_settings import LegacySettings, is_valid
from e2xhub.imports.legacy.places import (
    EXAM_HOME_AT,
    HOME_AT,
    HOMES_VOLUME,
    SHARES_VOLUME,
)
from e2xhub.imports.legacy.report import NoteKind, Notes, Where, listed

_EXCHANGES = Root(volume=SHARES_VOLUME, path="nbgrader/exchanges")
_PERSONAL_STEPS = ("inbound", "feedback")
_OUTBOUND = "NBGRADER_EXCHANGE_PERSONALIZED_OUTBOUND"
# Of an exam hub whose file says nothing about an exam's exchange.
_PERSONALIZED_IN_EXAMS = frozenset(_PERSONAL_STEPS)


def default_environment() -> dict[str, str]:
    """What an image's own nbgrader_config.py may read: these two are so for everybody."""
    return {f"NBGRADER_EXCHANGE_PERSONALIZED_{step.upper()}": "True" for step in _PERSONAL_STEPS}


def environment_of(settings: LegacySettings) -> dict[str, str]:
    """As `default_environment`, of one term or exam."""
    return {_OUTBOUND: str(_hands_out_to_each(settings))}


def term_nbgrader(term: LegacyTerm) -> dict[str, Any]:
    """`nbgrader` of a term."""
    made = _nbgrader(_EXCHANGES, term.course, term.course_id, term.effective)
    return _with_course(made, term.course, HOME_AT)


def exam_nbgrader(exam: LegacyExam, exchange_id: str) -> dict[str, Any]:
    """`nbgrader` of an exam; `exchange_id` names its directories."""
    made = _nbgrader(_root_of(exam), exam.course, exchange_id, exam.settings)
    made["hubs"] = ["exam"]
    whole = _with_course(made, exam.course, EXAM_HOME_AT)
    # An exam hub's file may say that its exchange is where courses are.
    return made if is_valid(NbGrader, whole) else whole


def staff_of_exam(term: LegacyTerm) -> dict[str, list[str]]:
    """Who grades an exam of `term`: those who had its exchange before, the graders of the term."""
    roles = (Role.INSTRUCTOR, Role.GRADER, Role.OBSERVER)
    staff = {
        role.value: sorted(str(name) for name, is_a in term.members if is_a is role)
        for role in roles
    }
    return {role: names for role, names in staff.items() if names}


def note_term_exchange(term: LegacyTerm, notes: Notes) -> None:
    """Notes which directories students of a term shared."""
    _note_shared(term.effective.personalized or frozenset(), term.where, term.course_id, notes)


def note_exam_exchange(exam: LegacyExam, notes: Notes) -> None:
    """Notes where it is graded, what of its exchange is assumed, and what its examinees shared."""
    message = "graders of its term grade it in a server of its own, on the grading hub"
    advice = "check 'staff' of the exam: the term's graders of the import are named there"
    notes.add(NoteKind.CHANGED, exam.where, exam.exam, message, advice)
    said = exam.settings.personalized
    if said is None:
        message = "no file says whether examinees got assignments of their own; they do not"
        advice = "set 'personalized_outbound' of its 'nbgrader' if they did"
        notes.add(NoteKind.GUESSED, exam.where, exam.exam, message, advice)
        said = _PERSONALIZED_IN_EXAMS if exam.period else frozenset()
    _note_shared(said, exam.where, exam.exam, notes)


def _note_shared(said: frozenset[str], where: Where, subject: str, notes: Notes) -> None:
    shared = [step for step in _PERSONAL_STEPS if step not in said]
    if shared:
        message = f"all students shared {listed(shared)}; now each has directories of their own"
        advice = "move what was submitted: see 'Exchanges' in 'Move from an e2x deployment'"
        notes.add(NoteKind.CHANGED, where, subject, message, advice)


def _nbgrader(root: Root, course: str, course_id: str, settings: LegacySettings) -> dict[str, Any]:
    return {
        "volume": root.volume,
        "exchange": root.below(f"{course}/{course_id}"),
        "exchange_at": EXCHANGE_AT,
        "course_id": course_id,
        "personalized_outbound": _hands_out_to_each(settings),
    }


def _with_course(made: dict[str, Any], course: str, home_at: str) -> dict[str, Any]:
    directory = f"courses/{course}/{made['course_id']}"
    return {
        **made,
        "course_directory": directory,
        "course_volume": HOMES_VOLUME,
        "course_at": f"{home_at}/{directory}",
    }


def _root_of(exam: LegacyExam) -> Root:
    return exam.roots.get("exchange", _EXCHANGES)


def _hands_out_to_each(settings: LegacySettings) -> bool:
    return "outbound" in (settings.personalized or frozenset())
