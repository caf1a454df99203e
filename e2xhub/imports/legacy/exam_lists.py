"""Lists of exams: `<Course>.<Sem>.<Period>` of the exam hub, and sheets with room and seat.

The passwords of a sheet are never read (`user_lists`).
"""

from __future__ import annotations

from collections.abc import Iterator

from e2xhub.domain.identifiers import ExamId
from e2xhub.imports.legacy.deployment import (
    NOTHING_SAID,
    Deployment,
    ExamHub,
    LegacyExam,
)
from e2xhub.imports.legacy.legacy_settings import LegacySettings
from e2xhub.imports.legacy.listings import Listing, ListReading
from e2xhub.imports.legacy.path_names import Presentation, exam_course, hub_list_kind
from e2xhub.imports.legacy.report import NoteKind, Notes, listed
from e2xhub.imports.legacy.source_files import Parts, Section, SourceFiles, stem_of
from e2xhub.imports.legacy.user_lists import UserList

_WORDS_FOR_A_SHEET = frozenset(
    {"sheet", "sheets", "seats", "seating", "sitzplan", "passwords", "passwoerter", "liste", "list"}
)


def is_loose_sheet(parts: Parts, files: SourceFiles) -> bool:
    """Whether this is a sheet that is not named as the list of an exam."""
    return files.lists[parts].is_exam_sheet and not (
        exam_course(parts) and len(_after_course(parts).split(".")) == 2
    )


def read_period(reading: ListReading, parts: Parts, section: Section) -> None:
    """Reads a list `<Course>.<Sem>.<Period>.csv` of the exam hub."""
    course = exam_course(parts) or ""
    active = [pair for hub in reading.found.exam_hubs for pair in hub.active.get(course, ())]
    pair = _find_period(reading, parts, section, active)
    if pair is None:
        message = f"{_after_course(parts)!r} is not a semester and a period such as 'SS23.PZ1'"
        reading.leave_out(parts, message, "rename the file")
        return
    if reading.found.exam_hubs and pair not in active:
        message = "the exam was not active; it stays closed"
        reading.note(NoteKind.CHANGED, parts, stem_of(parts), message)
    hubs = sorted(reading.found.exam_hubs, key=lambda hub: course not in hub.active)
    semester, period = pair
    listing = Listing(
        parts=parts,
        section=section,
        presentation=Presentation(course=course, term=semester),
        course_id=f"{course}-{semester}",  # as the exam hub names the exchange's directory
    )
    _add_exam(reading, listing, stem_of(parts), period, next(iter(hubs), None))


def _find_period(
    reading: ListReading, parts: Parts, section: Section, active: list[tuple[str, str]]
) -> tuple[str, str] | None:
    """Semester and period: those of a file or a hub that are in the name, or else its parts."""
    rest = _after_course(parts)
    told = section.text("semester", "semester_id"), section.text("exam_period")
    if all(told) and ".".join(told) != rest:
        message = f"it says semester {told[0]!r}, period {told[1]!r}; its file name holds"
        section.note(reading.notes, NoteKind.GUESSED, "exam_period", message, "check the exam")
    for pair in (told, *active):
        if all(pair) and ".".join(pair) == rest:
            return pair
    semester, _, period = rest.partition(".")
    return (semester, period) if semester and period and "." not in period else None


def _after_course(parts: Parts) -> str:
    return stem_of(parts)[len(exam_course(parts) or "") + 1 :]


def add_older_exam(reading: ListReading, listing: Listing, outer: LegacySettings) -> None:
    """Adds an exam without a period, which is called as its course in nbgrader."""
    exam = _add_exam(reading, listing, listing.course_id, "", None, outer)
    if exam is not None and listing.server is not None:
        exam.extra_mounts = listing.server.extra_mounts


def _add_exam(
    reading: ListReading,
    listing: Listing,
    exam_id: str,
    period: str,
    hub: ExamHub | None,
    outer: LegacySettings = NOTHING_SAID,
) -> LegacyExam | None:
    ids = reading.parse_ids(listing, exam_id, period)
    if ids is None:
        return None
    exam, exams = ExamId(exam_id), reading.found.exams
    if exam in exams:
        message = f"the exam {exam_id!r} is there already ({exams[exam].where})"
        reading.leave_out(listing.parts, message, "rename it")
        return None
    # An exam needs its course and term in the catalog, though nobody is on their rosters.
    reading.ensure_term(listing, *ids)
    exams[exam] = LegacyExam(
        where=listing.where,
        exam=exam,
        course=ids[0],
        term=ids[1],
        course_id=listing.course_id,
        period=period,
        settings=reading.settings_of(listing, hub.settings if hub else outer),
        roots=hub.roots if hub else {},
        examinees={person.username: person for person in reading.people_of(listing.parts)},
    )
    return exams[exam]


def note_missing_exams(found: Deployment, notes: Notes) -> None:
    """Notes exams that a hub names and that have no list."""
    there = {(exam.course, exam.term, exam.period) for exam in found.exams.values()}
    named = (
        (hub, course, *pair)
        for hub in found.exam_hubs
        for course, pairs in hub.active.items()
        for pair in pairs
    )
    for hub, course, semester, period in named:
        if (course, semester, period) not in there:
            name = f"{course}.{semester}.{period}"
            message = f"{name!r} is named here, and its list is not there"
            advice = "declare the exam in the catalog if it will be held"
            notes.add(NoteKind.LEFT_OUT, hub.where, name, message, advice)


# --- sheets


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
