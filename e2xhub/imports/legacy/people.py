"""Who of the people that were found gets on a roster, and who does not.

Lists of a hub's users name admins, people who may sign in, and people who may not. Nobody gets a
directory that somebody else has, too: names may differ in nothing that a file system sees, and
`<Course>-<user>` of an exam home does not keep people apart. The course `IT` with the user
`recht-bob` and the course `IT-recht` with the user `bob` had one directory. The catalog's templates
refuse that; here it is looked for among the real people.
"""

from __future__ import annotations

from collections.abc import Iterable

from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.domain.path_templates import fill_path
from e2xhub.domain.shared_directories import directory_key
from e2xhub.imports.legacy.deployment import Deployment
from e2xhub.imports.legacy.path_names import ADMIN, ALLOWED, BLOCKED, hub_list_kind
from e2xhub.imports.legacy.places import home_of_exam
from e2xhub.imports.legacy.report import NoteKind, Notes, Where, listed
from e2xhub.imports.legacy.source_files import SourceFiles

_ADMIN_ADVICE = "set hub.config.Authenticator.admin_users, or give them a role of their own"


def read_hub_lists(files: SourceFiles, found: Deployment, notes: Notes) -> None:
    """Takes the blocked off the rosters, and notes admins and people without a course."""
    lists = {parts: kind for parts in files.lists if (kind := hub_list_kind(parts))}
    for parts, kind in lists.items():
        people = {person.username: person.where for person in files.lists[parts].people}
        if kind == BLOCKED:
            found.blocked.update(people)
        elif kind == ALLOWED:
            found.allowed.update(people)
        elif kind == ADMIN and people:
            where, names = files.lists[parts].where, listed(people)
            message = f"admins of the hub: {names}"
            notes.add(NoteKind.HUB_SETTING, where, "admins", message, _ADMIN_ADVICE)
    _take_off_blocked(found, notes)
    _note_strangers(found, notes)


def _take_off_blocked(found: Deployment, notes: Notes) -> None:
    for username, where in found.blocked.items():
        places = []
        for term in found.terms.values():
            for member in [member for member in term.members if member[0] == username]:
                del term.members[member]
                places.append(f"{term.course} {term.term} ({member[1].value})")
        for exam in found.exams.values():
            if exam.examinees.pop(username, None):
                places.append(f"exam {exam.exam}")
        left = f"left off {listed(places)}" if places else "on no roster anyway"
        message = f"{username} is blocked, and is {left}"
        advice = "nothing; who is on no roster gets no server (or set blocked_users)"
        notes.add(NoteKind.LEFT_OUT, where, username, message, advice)


def _note_strangers(found: Deployment, notes: Notes) -> None:
    people = found.people
    for username, where in found.allowed.items():
        if username not in people and username not in found.blocked:
            message = f"{username} may sign in, and is on no course's roster"
            advice = "add a membership with 'e2xhub roster add' where one is missing"
            notes.add(NoteKind.LEFT_OUT, where, username, message, advice)


def leave_out_lookalike_ids(found: Deployment, notes: Notes) -> None:
    """Leaves out terms and exams whose ids differ from earlier ones in case only.

    Directories are named after them, and some file systems ignore case; a catalog with both has a
    fault.
    """
    first: dict[str, str] = {}
    for (course, term), found_term in list(found.terms.items()):
        names = (f"course {course}", f"course {course}, term {term}")
        if _note_lookalike(names, first, found_term.where, len(found_term.members), notes):
            del found.terms[course, term]
    for exam_id, exam in list(found.exams.items()):
        is_left = (exam.course, exam.term) in found.terms
        names = (f"course {exam.course}", f"exam {exam_id}")
        if _note_lookalike(names, first, exam.where, len(exam.examinees), notes) or not is_left:
            del found.exams[exam_id]


def _note_lookalike(
    names: Iterable[str], first: dict[str, str], where: Where, people: int, notes: Notes
) -> bool:
    for name in names:
        earlier = first.setdefault(name.casefold(), name)
        if earlier != name:
            message = (
                f"{name} would share directories with {earlier} where file systems ignore case"
            )
            advice = "rename one of them in the files, and import again"
            notes.add(NoteKind.FAULT, where, name, f"{message} ({people} people)", advice)
            return True
    return False


def take_off_lookalikes(found: Deployment, notes: Notes) -> None:
    """Takes people off who would share a directory where file systems ignore case or a dot.

    The earlier name stays. `domain.shared_directories` makes a roster with both a fault.
    """
    owners: dict[str, Username] = {}
    for username, where in _all_people(found):
        owner = owners.setdefault(directory_key(username), username)
        if owner != username:
            message = f"{username} would share a directory with {owner} on some file systems"
            advice = "rename one account, and add the person again"
            notes.add(NoteKind.FAULT, where, username, message, advice)
            _remove(found, username)


def _remove(found: Deployment, username: Username) -> None:
    """Takes somebody off every roster."""
    for term in found.terms.values():
        for member in [member for member in term.members if member[0] == username]:
            del term.members[member]
    for exam in found.exams.values():
        exam.examinees.pop(username, None)


def _all_people(found: Deployment) -> list[tuple[Username, Where]]:
    members = [
        (name, where) for term in found.terms.values() for (name, _), where in term.members.items()
    ]
    examinees = [
        (person.username, person.where)
        for exam in found.exams.values()
        for person in exam.examinees.values()
    ]
    return members + examinees


# --- shared homes


def take_off_sharers(found: Deployment, notes: Notes) -> None:
    """Takes everybody off an exam whose home there would be somebody else's, too."""
    owners: dict[str, list[tuple[ExamId, Username]]] = {}
    for exam in found.exams.values():
        template = home_of_exam(exam)
        for username in exam.examinees:
            path = fill_path(template, {"username": directory_key(username)})
            owners.setdefault(path, []).append((exam.exam, username))
    for path, sharing in owners.items():
        if len({username for _, username in sharing}) > 1:
            for exam_id, username in sharing:
                _take_off(found, exam_id, username, path, notes)


def keep_homes_apart(found: Deployment, notes: Notes) -> None:
    """Gives an exam homes of its own where those of another one could be the same.

    The catalog refuses `IT-{username}` beside `IT-recht-{username}`, also while nobody has such a
    name.
    """
    for exam in found.exams.values():
        others = (item for item in found.exams.values() if item.course != exam.course)
        if not any(
            (exam.term, exam.period) == (other.term, other.period)
            and exam.course.startswith(f"{other.course}-")
            for other in others
        ):
            continue
        before = home_of_exam(exam)
        exam.has_homes_apart = True
        notes.add(
            NoteKind.CHANGED,
            exam.where,
            f"exam {exam.exam}",
            f"its homes were {before}, which could be those of another exam; they are "
            f"{home_of_exam(exam)}",
            "move each person's directory there",
        )


def _take_off(
    found: Deployment, exam_id: ExamId, username: Username, path: str, notes: Notes
) -> None:
    person = found.exams[exam_id].examinees.pop(username)
    message = f"{username} in {exam_id} shared the home {path} with another person"
    advice = "move the files apart, give the exam another exam-home, and add the person again"
    notes.add(NoteKind.FAULT, person.where, username, message, advice)
