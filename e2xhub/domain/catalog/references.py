"""Whether the parts of a catalog fit each other: every name that is used is declared.

pydantic has checked each value on its own before (`domain.catalog`); whether servers can be made
of it all is in `catalog.feasibility`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from e2xhub.domain.catalog import RESERVED_COURSE_ID, Catalog, Exam, Level
from e2xhub.domain.catalog.exchanges import check_exchanges
from e2xhub.domain.catalog.feasibility import check_feasible
from e2xhub.domain.catalog.model import CatalogFault, Place
from e2xhub.domain.catalog.nbgrader import NbGrader
from e2xhub.domain.catalog.overlaps import check_overlaps
from e2xhub.domain.catalog.volumes import DataSet, Mount, Seed
from e2xhub.domain.group_rules import check_groups
from e2xhub.domain.path_templates import fields_of
from e2xhub.domain.roles import HubKind
from e2xhub.domain.settings import all_chains, all_levels

# Every key of something with files that is a template.
_TEMPLATES = (
    *("path", "mount_at", "to"),
    *("exchange", "exchange_at", "course_directory", "course_at", "course_id"),
)


def check_references(catalog: Catalog) -> list[CatalogFault]:
    """Every fault between the parts of `catalog`, in the order of the catalog."""
    faults = [
        fault
        for place, level in all_levels(catalog)
        for fault in (*_names_in(catalog, place, level), *_places_in(catalog, place, level))
    ]
    for exam_id, exam in catalog.exams.items():
        faults += _exam_faults(catalog, ("exams", exam_id), exam)
    faults += [
        *_missing_essentials(catalog),
        *check_groups(catalog),
        *_ids_that_differ_in_case(catalog),
    ]
    if RESERVED_COURSE_ID in catalog.courses:
        faults.append(
            CatalogFault(
                place=("courses", RESERVED_COURSE_ID),
                message=f"the course id {RESERVED_COURSE_ID!r} stands for the exams "
                "themselves; choose another id",
            )
        )
    return faults or [
        *check_feasible(catalog),
        *check_overlaps(catalog),
        *check_exchanges(catalog),
    ]


def _names_in(catalog: Catalog, place: Place, level: Level) -> Iterator[CatalogFault]:
    if level.image is not None:
        yield from _undeclared((*place, "image"), "image", level.image, catalog.images)
    for name in level.reach:
        at = (*place, "reach", name)
        yield from _undeclared(at, "destination", name, catalog.destinations)
    for index, name in enumerate(level.sizes or ()):
        yield from _undeclared((*place, "sizes", str(index)), "size", name, catalog.sizes)
    for name, container in level.extra_containers.items():
        at = (*place, "extra_containers", name, "image")
        yield from _undeclared(at, "image", container.image, catalog.images)
    if level.sizes == ():
        yield CatalogFault(
            place=(*place, "sizes"), message="sizes is empty; expected at least one, or no key"
        )


def _undeclared(
    place: Place, what: str, name: str, declared: Iterable[str]
) -> Iterator[CatalogFault]:
    if name not in declared:
        known = ", ".join(sorted(map(str, declared))) or "none"
        yield CatalogFault(
            place=place,
            message=f"{what} {name!r} is not declared; expected one of: {known}",
            undeclared=name,
        )


def _places_in(catalog: Catalog, place: Place, level: Level) -> Iterator[CatalogFault]:
    """Faults of everything in `level` that names a volume or holds path templates."""
    for at, part in _parts_with_places(place, level):
        yield from _undeclared((*at, "volume"), "volume", part.volume, catalog.volumes)
        if isinstance(part, NbGrader) and part.course_volume is not None:
            at_course = (*at, "course_volume")
            yield from _undeclared(at_course, "volume", part.course_volume, catalog.volumes)
        yield from _unfillable(at, part, is_exam_level=place[0] == "exams")
    if level.home and "exam" in fields_of(level.home) and place[0] != "exams":
        yield CatalogFault(
            place=(*place, "home"),
            message=f"{level.home!r} uses {{exam}}, which a course has not; "
            "expected it at the exam only",
        )


def _parts_with_places(
    place: Place, level: Level
) -> Iterator[tuple[Place, Mount | DataSet | Seed | NbGrader]]:
    if level.nbgrader is not None:
        yield (*place, "nbgrader"), level.nbgrader
    for key in ("mounts", "data_sets", "seeds"):
        for name, part in getattr(level, key).items():
            yield (*place, key, name), part
    for name, container in level.extra_containers.items():
        for mount_name, mount in container.mounts.items():
            yield (*place, "extra_containers", name, "mounts", mount_name), mount


def _unfillable(
    place: Place, part: Mount | DataSet | Seed | NbGrader, *, is_exam_level: bool
) -> Iterator[CatalogFault]:
    only_exams = is_exam_level or part.hubs == {HubKind.EXAM}
    for key in _TEMPLATES:
        template = getattr(part, key, None)
        if template and "exam" in fields_of(template) and not only_exams:
            yield CatalogFault(
                place=(*place, key),
                message=f"{template!r} uses {{exam}}, which a course has not; "
                "expected 'hubs: [exam]' beside it",
            )


def _exam_faults(catalog: Catalog, place: Place, exam: Exam) -> Iterator[CatalogFault]:
    course = catalog.courses.get(exam.course)
    yield from _undeclared((*place, "course"), "course", exam.course, catalog.courses)
    if course is not None:
        yield from _undeclared((*place, "term"), "term", exam.term, course.terms)
    for index, room in enumerate(exam.rooms):
        yield from _undeclared((*place, "rooms", str(index)), "room", room, catalog.rooms)


def _ids_that_differ_in_case(catalog: Catalog) -> Iterator[CatalogFault]:
    """Directories are named after ids, and some file systems ignore case."""
    groups: list[tuple[Place, Iterable[str]]] = [
        (("courses",), catalog.courses),
        (("exams",), catalog.exams),
        *((("courses", name, "terms"), course.terms) for name, course in catalog.courses.items()),
    ]
    for place, ids in groups:
        first: dict[str, str] = {}
        for name in ids:
            other = first.setdefault(name.casefold(), name)
            if other != name:
                yield CatalogFault(
                    place=(*place, name),
                    message=f"{str(name)!r} and {str(other)!r} would share directories where file "
                    "systems ignore case; expected ids that differ in more",
                )


def _missing_essentials(catalog: Catalog) -> Iterator[CatalogFault]:
    for chain in all_chains(catalog):
        for key in ("image", "sizes"):
            if all(getattr(level, key) is None for _, level in chain):
                yield CatalogFault(
                    place=chain[-1][0],
                    message=f"no level sets {key!r}; set it here or in 'defaults'",
                )
