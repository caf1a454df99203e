"""The directories of an e2x deployment as mounts of the catalog, so that every home stays.

| what | in the server | in the volume | mode |
|---|---|---|---|
| student's home | `/home/<u>` | `homes/<mode>/students/<id>/<u>` | rw |
| grader's home | `/home/<u>` | `homes/<mode>/graders/<u>` | rw |
| grader's course | `/home/<u>/courses/<C>` | `courses/<C>` | rw |
| grader's exchange | `/srv/nbgrader/exchange/<id>` | `nbgrader/exchanges/<C>/<id>` | rw |
| student's exchange | outbound, inbound, feedback below it | the same below it | ro, rw, ro |
| shares | `/srv/shares/{public,<C>}` | `shares/teaching/{public,courses/<C>}` | ro, graders rw |
| exam's home | `/home/jovyan` | `homes/exam/<sem>-<period>/<C>-<u>/home` | rw |

`<C>` is the course and `<id>` nbgrader's course id, such as `IT_Recht` and `IT_Recht-SS23`.
Course ids stand in the paths as they are: a template `{course}-{term}` would glue and split ids.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, count
from pathlib import PurePosixPath
from typing import Any

from e2xhub.domain.catalog.volumes import Mount
from e2xhub.domain.path_templates import fill_path
from e2xhub.imports.legacy.deployment import (
    EXAM,
    EXCHANGE_AT,
    TEACHING,
    ExtraMount,
    LegacyExam,
    LegacyTerm,
    Root,
    literal,
)
from e2xhub.imports.legacy.legacy_settings import STEPS, is_valid
from e2xhub.imports.legacy.report import NoteKind, Notes

HOMES_VOLUME, SHARES_VOLUME = "disk2", "disk3"
"""Volumes that e2x used where no file names others: homes and courses; exchange and shares."""

SHARES_AT = "/srv/shares"

_GRADERS = ["grader", "instructor"]
_EXCHANGES = "nbgrader/exchanges"
_PUBLIC = "public"
_ROOTS = {
    "home": Root(volume=HOMES_VOLUME, path="homes"),
    "exchange": Root(volume=SHARES_VOLUME, path=_EXCHANGES),
}
# Of an exam hub whose file says nothing about an exam's exchange.
PERSONALIZED_IN_EXAMS = frozenset({"inbound", "feedback"})

Mounts = dict[str, dict[str, Any]]


def default_mounts() -> Mounts:
    """What graders of every course have, and the public share."""
    return {
        "grader-home": _grader_home(TEACHING),
        "course": _mount(
            HOMES_VOLUME, "courses/{course}", "/home/{username}/courses/{course}", _for_graders()
        ),
        "share-public": _share(_PUBLIC, _PUBLIC),
    }


def course_mounts(course: str) -> Mounts:
    """The share of a course; a course called `public` has the public one."""
    if course == _PUBLIC:
        return {}
    return {"share-course": _share("courses/{course}", "{course}")}


def term_mounts(term: LegacyTerm, *, for_students: bool) -> Mounts:
    """Homes of students and the exchange of one term; the students' part only where asked for."""
    home = f"homes/{term.mode}/students/{term.course_id}/{{username}}"
    mounts: Mounts = {}
    if for_students:
        access = {"read_write": ["student"]}
        mounts["home"] = _mount(HOMES_VOLUME, home, "/home/{username}", access)
    if term.mode != TEACHING:
        mounts["grader-home"] = _grader_home(term.mode)
    if term.has_exchange:
        mounts |= _term_exchange(term, STEPS if for_students else ())
    return mounts


def _term_exchange(term: LegacyTerm, steps: Iterable[str]) -> Mounts:
    path = f"{_EXCHANGES}/{term.course}/{term.course_id}"
    place = f"{EXCHANGE_AT}/{term.course_id}"
    mounts = {"exchange": _mount(SHARES_VOLUME, path, place, _for_graders())}
    for step in steps:
        tail = _tail(step, term.effective.personalized or frozenset())
        access = {"read_write" if step == "inbound" else "read_only": ["student"]}
        mounts[step] = _mount(SHARES_VOLUME, f"{path}/{tail}", f"{place}/{tail}", access)
    return mounts


def exchanges_of_exams(exams: Iterable[LegacyExam]) -> Mounts:
    """The exchanges of exams of a term that have one of their own, for those who grade the term.

    The id of an exam may have dots, the name of a mount may not: `A.PZ1` and `A-PZ1` are numbered.
    """
    mounts: Mounts = {}
    for exam in exams:
        base = f"exchange-{exam.exam}".replace(".", "-")
        names = chain([base], (f"{base}-{number}" for number in count(2)))
        mounts[next(name for name in names if name not in mounts)] = _own_exchange(exam)
    return mounts


def _own_exchange(exam: LegacyExam) -> dict[str, Any]:
    root = _root(exam, "exchange")
    path = root.below(f"{exam.course}/{exam.own_exchange_id}")
    place = f"{EXCHANGE_AT}/{exam.own_exchange_id}"
    return _mount(root.volume, path, place, _for_graders())


def exam_mounts(exam: LegacyExam, *, exchange_id: str) -> Mounts:
    """What an examinee has; `exchange_id` names the exchange's directory."""
    home = _root(exam, "home")
    mounts = {"exam-home": _exam_mount(home.volume, home_of_exam(exam), "/home/jovyan")}
    if "temp" in exam.roots and exam.period:
        temp = exam.roots["temp"]
        path = temp.below(f"exam/{exam.term}-{exam.period}/{exam.course}-{{username}}/.tmp")
        mounts["exam-temp"] = _exam_mount(temp.volume, path, "/tmp")  # noqa: S108
    if "share" in exam.roots:
        share, course = exam.roots["share"], str(exam.course)
        places = (("public", _PUBLIC, _PUBLIC), ("course", f"courses/{course}", course))
        for name, path, place in places:
            mounts[f"exam-share-{name}"] = _exam_mount(
                share.volume, share.below(path), f"{SHARES_AT}/{place}", read_only=True
            )
    return mounts | _exam_exchange(exam, exchange_id)


def home_of_exam(exam: LegacyExam) -> str:
    """The template of an examinee's home, with the literal names of course, term and period."""
    root = _root(exam, "home")
    if not exam.period:
        return root.below(f"{EXAM}/students/{exam.course_id}/{{username}}")
    period = f"{EXAM}/{exam.term}-{exam.period}"
    if exam.has_homes_apart:
        return root.below(f"{period}.{exam.course}/{{username}}/home")
    return root.below(f"{period}/{exam.course}-{{username}}/home")


def _exam_exchange(exam: LegacyExam, exchange_id: str) -> Mounts:
    root = _root(exam, "exchange")
    mounts: Mounts = {}
    for step in STEPS:
        tail = _tail(step, personalized_in(exam))
        path = root.below(f"{exam.course}/{exchange_id}/{tail}")
        place = f"{EXCHANGE_AT}/{exchange_id}/{tail}"
        mounts[f"exam-{step}"] = _exam_mount(root.volume, path, place, read_only=step != "inbound")
    return mounts


def personalized_in(exam: LegacyExam) -> frozenset[str]:
    """The steps of the exam's exchange that are personalized.

    `inbound` always is: examinees write there, and none of them may reach another's work.
    """
    said = exam.settings.personalized
    if said is None:
        said = PERSONALIZED_IN_EXAMS if exam.period else frozenset()
    return said | {"inbound"}


def extra_mounts(
    extra: Iterable[ExtraMount], taken: Mounts, course: str, notes: Notes, *, in_exam: bool
) -> Mounts:
    """What a hub mounts in every server; what cannot be in the catalog is noted."""
    found: Mounts = {}
    for item in extra:
        path, place = literal(item.path), literal(item.mount_at)
        access = {"read_only": ["student"]} if in_exam else _for_all()
        mount = _mount(item.volume, path, place, access)
        mount |= {"hubs": ["exam"]} if in_exam else {}
        fault = is_valid(Mount, mount)
        others = [other["mount_at"] for other in (taken | found).values()]
        if fault is None and _filled(place, course) in [_filled(at, course) for at in others]:
            fault = f"{item.mount_at} is taken by another mount"
        if fault:
            notes.add(NoteKind.LEFT_OUT, item.where, item.name, fault, "add a mount by hand")
        else:
            found[item.name] = mount
    return found


def _filled(template: str, course: str) -> PurePosixPath:
    return PurePosixPath(fill_path(template, {"course": course, "username": "?"}))


def _root(exam: LegacyExam, name: str) -> Root:
    return exam.roots.get(name, _ROOTS[name])


def _tail(step: str, personalized: frozenset[str]) -> str:
    return f"personalized-{step}/{{username}}" if step in personalized else step


def _grader_home(mode: str) -> dict[str, Any]:
    path = f"homes/{mode}/graders/{{username}}"
    return _mount(HOMES_VOLUME, path, "/home/{username}", {"read_write": _GRADERS})


def _share(path: str, place: str) -> dict[str, Any]:
    return _mount(SHARES_VOLUME, f"shares/teaching/{path}", f"{SHARES_AT}/{place}", _for_all())


def _for_graders() -> dict[str, list[str]]:
    return {"read_write": _GRADERS, "read_only": ["observer"]}


def _for_all() -> dict[str, list[str]]:
    return {"read_write": _GRADERS, "read_only": ["student", "observer"]}


def _mount(volume: str, path: str, place: str, access: dict[str, list[str]]) -> dict[str, Any]:
    return {"volume": volume, "path": path, "mount_at": place, "access": access}


def _exam_mount(volume: str, path: str, place: str, *, read_only: bool = False) -> dict[str, Any]:
    access = {"read_only" if read_only else "read_write": ["student"]}
    return {**_mount(volume, path, place, access), "hubs": ["exam"]}
