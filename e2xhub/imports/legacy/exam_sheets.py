"""Sheets of exams: who sits where. Their passwords are never read (`user_lists`)."""

from __future__ import annotations

from collections.abc import Iterator

from e2xhub.imports.legacy.deployment import Deployment, LegacyExam
from e2xhub.imports.legacy.path_names import exam_course, hub_list_kind
from e2xhub.imports.legacy.report import NoteKind, Notes, listed
from e2xhub.imports.legacy.source_files import Parts, SourceFiles, stem_of
from e2xhub.imports.legacy.user_lists import UserList

_WORDS_FOR_A_SHEET = frozenset(
    {"sheet", "sheets", "seats", "seating", "sitzplan", "passwords", "passwoerter", "liste", "list"}
)


def read_exam_sheets(files: SourceFiles, found: Deployment, notes: Notes) -> None:
    """Gives examinees their room and seat; an exam without a list has the people of its sheet.

    A sheet belongs to the exam whose id it is named after, or whose directory it is in, or (a
    guess) to the only exam that has everybody on the sheet but the backup accounts.
    """
    rosters = {exam.where.file for exam in found.exams.values()}
    for parts, sheet in files.lists.items():
        if not sheet.is_exam_sheet or hub_list_kind(parts) or sheet.where.file in rosters:
            continue
        exam = _find_exam(parts, sheet, found, notes)
        if exam is None:
            message = f"nothing says which exam this sheet belongs to ({len(sheet.people)} people)"
            advice = "import it with 'e2xhub roster import' (format exam-sheet)"
            notes.add(NoteKind.LEFT_OUT, sheet.where, "the whole file", message, advice)
        else:
            _seat(exam, sheet, notes)


def _find_exam(parts: Parts, sheet: UserList, found: Deployment, notes: Notes) -> LegacyExam | None:
    by_name = [exam for exam in found.exams.values() if _is_named_after(parts, exam)]
    if by_name:
        return max(by_name, key=lambda exam: len(exam.exam))
    beside = [exam for exam in found.exams.values() if _is_beside(parts, exam)]
    if len(beside) == 1:
        return beside[0]
    fitting = list(_exams_with_all(sheet, found))
    if len(fitting) == 1:
        message = f"everybody on it sits {fitting[0].exam}, and no other exam"
        notes.add(NoteKind.GUESSED, sheet.where, fitting[0].exam, message, "check the seats")
        return fitting[0]
    return None


def _is_named_after(parts: Parts, exam: LegacyExam) -> bool:
    """Whether the sheet's name is the exam's id, perhaps with a word for a sheet behind it.

    Not any text behind it: the sheet of `MRC-SS23-Retake` is none of `MRC-SS23`.
    """
    name, exam_id = stem_of(parts), str(exam.exam)
    rest = name.removeprefix(exam_id)
    return name.startswith(exam_id) and (not rest or rest[1:].lower() in _WORDS_FOR_A_SHEET)


def _is_beside(parts: Parts, exam: LegacyExam) -> bool:
    """Whether the sheet is in the directory of the exam's own files."""
    roster = tuple(exam.where.file.split("/"))
    return parts[:-1] == roster[:-1] and exam_course(roster) is not None


def _exams_with_all(sheet: UserList, found: Deployment) -> Iterator[LegacyExam]:
    names = {person.username for person in sheet.people if not is_backup(person.attributes)}
    for exam in found.exams.values():
        if names and names <= exam.examinees.keys():
            yield exam


def is_backup(attributes: object) -> bool:
    """Whether a row of a sheet is a spare account."""
    text = attributes.get("is_backup", "") if isinstance(attributes, dict) else ""
    return str(text).lower() in ("1", "true", "yes", "ja", "x")


def _seat(exam: LegacyExam, sheet: UserList, notes: Notes) -> None:
    is_list = not exam.examinees
    for person in sheet.people:
        if is_list or person.username in exam.examinees:
            exam.examinees[person.username] = person
            continue
        message = f"{person.username} is on the sheet of {exam.exam}, and not on its list"
        advice = "if the person sits the exam: 'e2xhub roster add'"
        notes.add(NoteKind.LEFT_OUT, person.where, person.username, message, advice)
    _note_rooms(exam, sheet, notes)


def _note_rooms(exam: LegacyExam, sheet: UserList, notes: Notes) -> None:
    rooms = sorted({room for person in sheet.people if (room := person.attributes.get("room"))})
    if rooms:
        message = f"rooms of {exam.exam} on its sheet: {listed(rooms)}"
        advice = "declare them under 'rooms' with their networks, and name them in the exam"
        notes.add(NoteKind.TO_FILL_IN, sheet.where, "rooms", message, advice)
