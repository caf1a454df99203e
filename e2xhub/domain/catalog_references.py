"""Whether the parts of a catalog fit each other: every name that is used is declared.

pydantic has checked each value on its own before (`domain.catalog`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from e2xhub.domain.catalog import RESERVED_COURSE_ID, Catalog, Exam, Level, Mount
from e2xhub.domain.identifiers import ExamId
from e2xhub.domain.path_templates import fields_of
from e2xhub.domain.roles import COURSE_ROLES_ON, EXAM_ROLES_ON, HubKind, Role
from e2xhub.domain.settings import Place, exam_levels, exam_settings, term_levels
from e2xhub.domain.volumes import plan_volumes


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
    return faults or [*_colliding_mounts(catalog), *_exams_that_lose_work(catalog)]


def check_pinned(catalog: Catalog) -> list[ReferenceFault]:
    """A fault for each image whose name may mean another content tomorrow."""
    return [
        ReferenceFault(
            place=("images", name, "name"),
            message=f"image {name!r} has no digest; expected '{image.name}@sha256:…'",
        )
        for name, image in catalog.images.items()
        if "@sha256:" not in image.name
    ]


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


def _all_chains(catalog: Catalog) -> Iterator[list[tuple[Place, Level]]]:
    """The levels of each term and each exam, outermost first."""
    for course_id, course in catalog.courses.items():
        for term_id in course.terms:
            yield list(term_levels(catalog, course_id, term_id))
    for exam_id, exam in catalog.exams.items():
        if exam.course in catalog.courses and exam.term in catalog.courses[exam.course].terms:
            yield list(exam_levels(catalog, exam_id))


def _missing_essentials(catalog: Catalog) -> Iterator[ReferenceFault]:
    for chain in _all_chains(catalog):
        for key in ("image", "sizes"):
            if all(getattr(level, key) is None for _, level in chain):
                yield ReferenceFault(
                    place=chain[-1][0],
                    message=f"no level sets {key!r}; set it here or in 'defaults'",
                )


def _colliding_mounts(catalog: Catalog) -> Iterator[ReferenceFault]:
    """Mounts that nobody could start a server with, in a catalog without other faults."""
    for chain in _all_chains(catalog):
        place = chain[-1][0]
        roles_on = EXAM_ROLES_ON if place[0] == "exams" else COURSE_ROLES_ON
        mounts = {name: mount for _, level in chain for name, mount in level.mounts.items()}
        messages = (
            _planning_fault(catalog, mounts, hub, role, _sample_values(catalog, place))
            for hub in HubKind
            for role in sorted(roles_on[hub])
        )
        yield from (
            ReferenceFault(place=place, message=message)
            for message in dict.fromkeys(filter(None, messages))
        )


def _exams_that_lose_work(catalog: Catalog) -> Iterator[ReferenceFault]:
    for exam_id in catalog.exams:
        mounts = exam_settings(catalog, exam_id).mounts.values()
        if not any(
            HubKind.EXAM in mount.hubs and Role.STUDENT in mount.access.read_write
            for mount in mounts
        ):
            yield ReferenceFault(
                place=("exams", exam_id),
                message="examinees have no directory that lasts, so their work would end with "
                "their server; add a mount with 'hubs: [exam]' and 'access: {read_write: "
                "[student]}', here or in 'defaults'",
            )


def _planning_fault(
    catalog: Catalog, mounts: Mapping[str, Mount], hub: HubKind, role: Role, values: dict[str, str]
) -> str | None:
    values = {**values, "hub": hub.value, "role": role.value}
    try:
        plan_volumes(catalog, mounts, hub=hub, role=role, values=values)
    except ValueError as error:
        return str(error)
    return None


def _sample_values(catalog: Catalog, place: Place) -> dict[str, str]:
    """What fills the templates of the term or exam at `place`, for nobody in particular."""
    if place[0] == "exams":
        exam = catalog.exams[ExamId.parse(place[1])]
        return {"course": exam.course, "term": exam.term, "exam": place[1], "username": "?"}
    return {"course": place[1], "term": place[3], "username": "?"}
