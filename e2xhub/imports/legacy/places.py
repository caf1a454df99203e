"""The directories of an e2x deployment in the catalog's words, so that every home stays.

| what | in the server | in the volume | mode |
|---|---|---|---|
| student's home | `/home/<u>` | `homes/<mode>/students/<id>/<u>` | rw |
| grader's home | `/home/<u>` | `homes/<mode>/graders/<u>` | rw |
| grader's course | `/home/<u>/courses/<C>` | `courses/<C>` | rw |
| grader's exchange | `/srv/nbgrader/exchange/<id>` | `nbgrader/exchanges/<C>/<id>` | rw |
| student's exchange | outbound, inbound, feedback below it | see `exchanges` | ro, rw, ro |
| shares | `/srv/shares/{public,<C>}` | `shares/teaching/{public,courses/<C>}` | ro, graders rw |
| exam's home | `/home/jovyan` | `homes/exam/<sem>-<period>/<C>-<u>/home` | rw |

`<C>` is the course and `<id>` nbgrader's course id, such as `IT_Recht` and `IT_Recht-SS23`.
Course ids stand in the paths as they are: a template `{course}-{term}` would glue and split ids.
What nbgrader hands out and takes in is in `exchanges`.
"""

from __future__ import annotations

from collections.abc import Iterable
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
from e2xhub.imports.legacy.legacy_settings import is_valid
from e2xhub.imports.legacy.report import NoteKind, Notes

HOMES_VOLUME, SHARES_VOLUME = "disk2", "disk3"
"""Volumes that e2x used where no file names others: homes and courses; exchange and shares."""

SHARES_AT = "/srv/shares"
EXAM_SHARES = ("exam-share-public", "exam-share-course")
"""Mounts of the share of an exam hub."""
HOME_AT, EXAM_HOME_AT = "/home/{username}", "/home/jovyan"
"""Homes in servers of courses, and in those of exams."""

_GRADERS = ["grader", "instructor"]
_PUBLIC = "public"
_HOMES = Root(volume=HOMES_VOLUME, path="homes")

Mounts = dict[str, dict[str, Any]]


def default_mounts() -> Mounts:
    """What graders of every course have, and the public share."""
    return {
        **_graders_homes(TEACHING, HOME_AT),
        "share-public": _share(_PUBLIC, _PUBLIC),
    }


def course_mounts(course: str) -> Mounts:
    """The share of a course; a course called `public` has the public one."""
    if course == _PUBLIC:
        return {}
    return {"share-course": _share("courses/{course}", "{course}")}


def term_mounts(term: LegacyTerm, *, for_students: bool) -> Mounts:
    """Homes of one term.

    Where they are not `for_students`, only the term's exams have any, and an older exam's homes are
    where those of an exam hub's courses are.
    """
    mode = term.mode if for_students else TEACHING
    home = f"homes/{mode}/students/{term.course_id}/{{username}}"
    mounts = {"home": _mount(HOMES_VOLUME, home, HOME_AT, {"read_write": ["student"]})}
    if term.mode != TEACHING:
        mounts["grader-home"] = _graders_homes(term.mode, HOME_AT)["grader-home"]
    return mounts


def _graders_homes(mode: str, home_at: str) -> Mounts:
    """The home of a grader at `home_at`, and the course in it."""
    home, access = f"homes/{mode}/graders/{{username}}", _for_graders()
    course_at = f"{home_at}/courses/{{course}}"
    return {
        "grader-home": _mount(HOMES_VOLUME, home, home_at, access),
        "course": _mount(HOMES_VOLUME, "courses/{course}", course_at, access),
    }


def exam_mounts(exam: LegacyExam, *, mode: str) -> Mounts:
    """What examinees have, and the homes of graders of `mode`, who grade the exam."""
    home = exam.roots.get("home", _HOMES)
    mounts = {"exam-home": _exam_mount(home.volume, home_of_exam(exam), EXAM_HOME_AT)}
    mounts |= _graders_homes(mode, EXAM_HOME_AT)
    if "temp" in exam.roots and exam.period:
        temp = exam.roots["temp"]
        path = temp.below(f"exam/{exam.term}-{exam.period}/{exam.course}-{{username}}/.tmp")
        mounts["exam-temp"] = _exam_mount(temp.volume, path, "/tmp")  # noqa: S108
    if "share" in exam.roots:
        share, course = exam.roots["share"], str(exam.course)
        places = ((_PUBLIC, _PUBLIC), (f"courses/{course}", course))
        for name, (path, place) in zip(EXAM_SHARES, places, strict=True):
            mounts[name] = _exam_mount(
                share.volume, share.below(path), f"{SHARES_AT}/{place}", read_only=True
            )
    return mounts


def home_of_exam(exam: LegacyExam) -> str:
    """The template of an examinee's home, with the literal names of course, term and period."""
    root = exam.roots.get("home", _HOMES)
    if not exam.period:
        return root.below(f"{EXAM}/students/{exam.course_id}/{{username}}")
    period = f"{EXAM}/{exam.term}-{exam.period}"
    if exam.has_homes_apart:
        return root.below(f"{period}.{exam.course}/{{username}}/home")
    return root.below(f"{period}/{exam.course}-{{username}}/home")


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
        if fault is None and (
            _is_for_nbgrader(place, course)
            or _filled(place, course) in [_filled(at, course) for at in (EXAM_HOME_AT, *others)]
        ):
            fault = f"{item.mount_at} is taken by another mount"
        if fault:
            notes.add(NoteKind.LEFT_OUT, item.where, item.name, fault, "add a mount by hand")
        else:
            found[item.name] = mount
    return found


def _is_for_nbgrader(place: str, course: str) -> bool:
    """Whether the exchange of some term or exam, or its working directory, may be there."""
    at = _filled(place, course)
    return any(at.is_relative_to(taken) for taken in (EXCHANGE_AT, f"{EXAM_HOME_AT}/courses"))


def _filled(template: str, course: str) -> PurePosixPath:
    return PurePosixPath(fill_path(template, {"course": course, "username": "?"}))


def _share(path: str, place: str) -> dict[str, Any]:
    made = _mount(SHARES_VOLUME, f"shares/teaching/{path}", f"{SHARES_AT}/{place}", _for_all())
    return {**made, "owner": "grader"}


def _for_graders() -> dict[str, list[str]]:
    """Who has what is the graders': an observer reads it."""
    return {"read_write": _GRADERS, "read_only": ["observer"]}


def _for_all() -> dict[str, list[str]]:
    return {"read_write": _GRADERS, "read_only": ["student", "observer"]}


def _mount(volume: str, path: str, place: str, access: dict[str, list[str]]) -> dict[str, Any]:
    """One mount, as the catalog has it."""
    return {"volume": volume, "path": path, "mount_at": place, "access": access}


def _exam_mount(volume: str, path: str, place: str, *, read_only: bool = False) -> dict[str, Any]:
    access = {"read_only" if read_only else "read_write": ["student"]}
    return {**_mount(volume, path, place, access), "hubs": ["exam"]}
