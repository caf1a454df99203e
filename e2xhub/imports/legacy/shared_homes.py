"""Exam homes in which two people would meet: `<Course>-<user>` does not keep them apart.

The course `IT` with the user `recht-bob` and the course `IT-recht` with the user `bob` had one
directory. The catalog's templates refuse that; here it is looked for among the real people.
"""

from __future__ import annotations

from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.domain.path_templates import fill_path
from e2xhub.domain.shared_directories import directory_key
from e2xhub.imports.legacy.deployment import Deployment
from e2xhub.imports.legacy.mounts import home_of_exam
from e2xhub.imports.legacy.notes import NoteKind, Notes

_Owner = tuple[ExamId, Username]


def take_off_sharers(found: Deployment, notes: Notes) -> None:
    """Takes everybody off an exam whose home there would be somebody else's, too."""
    owners: dict[str, list[_Owner]] = {}
    for exam in found.exams.values():
        template = home_of_exam(exam)
        for username in exam.examinees:
            path = directory_key(fill_path(template, {"username": username}))
            owners.setdefault(path, []).append((exam.exam, username))
    for path, sharing in owners.items():
        if len({username for _, username in sharing}) > 1:
            for exam_id, username in sharing:
                _take_off(found, exam_id, username, path, notes)


def _take_off(
    found: Deployment, exam_id: ExamId, username: Username, path: str, notes: Notes
) -> None:
    person = found.exams[exam_id].examinees.pop(username)
    message = f"{username} in {exam_id} shared the home {path} with another person"
    advice = "move the files apart, give the exam another exam-home, and add the person again"
    notes.add(NoteKind.FAULT, person.where, username, message, advice)
