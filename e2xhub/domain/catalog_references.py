"""Whether the parts of a catalog fit each other: every name that is used is declared.

pydantic has checked each value on its own before (`domain.catalog`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from e2xhub.domain.catalog import RESERVED_COURSE_ID, Catalog, Exam, Level, Mount
from e2xhub.domain.path_templates import fields_of
from e2xhub.domain.roles import HubKind
from e2xhub.domain.settings import Place, exam_levels, term_levels


@dataclass(frozen=True, kw_only=True)
class ReferenceFault:
    """A value that names or presumes something which is not there."""

    place: Place
    message: str


def check_references(catalog: Catalog) -> list[ReferenceFault]:
    """Every fault between the parts of `catalog`, in the order of the catalog."""
    faults = [
        fault
        for place, level in _all_levels(catalog)
        for fault in (*_names_in(catalog, place, level), *_mounts_in(catalog, place, level))
    ]
    for exam_id, exam in catalog.exams.items():
        faults += _exam_faults(catalog, ("exams", exam_id), exam)
    faults += _missing_essentials(catalog)
    if RESERVED_COURSE_ID in catalog.courses:
        faults.append(
            ReferenceFault(
                place=("courses", RESERVED_COURSE_ID),
                message=f"the course id {RESERVED_COURSE_ID!r} stands for the exams "
                "themselves; choose another id",
            )
        )
    return faults


def _all_levels(catalog: Catalog) -> Iterator[tuple[Place, Level]]:
    yield ("defaults",), catalog.defaults
    for course_id, course in catalog.courses.items():
        yield ("courses", course_id), course
        for term_id, term in course.terms.items():
            yield ("courses", course_id, "terms", term_id), term
    for exam_id, exam in catalog.exams.items():
        yield ("exams", exam_id), exam


def _names_in(catalog: Catalog, place: Place, level: Level) -> Iterator[ReferenceFault]:
    if level.image is not None:
        yield from _undeclared((*place, "image"), "image", level.image, catalog.images)
    for index, name in enumerate(level.sizes or ()):
        yield from _undeclared((*place, "sizes", str(index)), "size", name, catalog.sizes)
    if level.sizes == ():
        yield ReferenceFault(
            place=(*place, "sizes"), message="sizes is empty; expected at least one, or no key"
        )


def _undeclared(
    place: Place, what: str, name: str, declared: Iterable[str]
) -> Iterator[ReferenceFault]:
    if name not in declared:
        known = ", ".join(sorted(map(str, declared))) or "none"
        yield ReferenceFault(
            place=place, message=f"{what} {name!r} is not declared; expected one of: {known}"
        )


def _mounts_in(catalog: Catalog, place: Place, level: Level) -> Iterator[ReferenceFault]:
    for name, mount in level.mounts.items():
        at = (*place, "mounts", name)
        yield from _undeclared((*at, "volume"), "volume", mount.volume, catalog.volumes)
        yield from _unfillable(at, mount, is_exam_level=place[0] == "exams")


def _unfillable(place: Place, mount: Mount, *, is_exam_level: bool) -> Iterator[ReferenceFault]:
    only_exams = is_exam_level or mount.hubs == {HubKind.EXAM}
    for key, template in (("path", mount.path), ("mount_at", mount.mount_at)):
        if "exam" in fields_of(template) and not only_exams:
            yield ReferenceFault(
                place=(*place, key),
                message=f"{template!r} uses {{exam}}, which a course has not; "
                "expected 'hubs: [exam]' beside it",
            )


def _exam_faults(catalog: Catalog, place: Place, exam: Exam) -> Iterator[ReferenceFault]:
    course = catalog.courses.get(exam.course)
    yield from _undeclared((*place, "course"), "course", exam.course, catalog.courses)
    if course is not None:
        yield from _undeclared((*place, "term"), "term", exam.term, course.terms)
    for index, room in enumerate(exam.rooms):
        yield from _undeclared((*place, "rooms", str(index)), "room", room, catalog.rooms)


def _missing_essentials(catalog: Catalog) -> Iterator[ReferenceFault]:
    chains = [
        list(term_levels(catalog, course_id, term_id))
        for course_id, course in catalog.courses.items()
        for term_id in course.terms
    ]
    for exam_id, exam in catalog.exams.items():
        if exam.course in catalog.courses and exam.term in catalog.courses[exam.course].terms:
            chains.append(list(exam_levels(catalog, exam_id)))
    for chain in chains:
        for key in ("image", "sizes"):
            if all(getattr(level, key) is None for _, level in chain):
                yield ReferenceFault(
                    place=chain[-1][0],
                    message=f"no level sets {key!r}; set it here or in 'defaults'",
                )
