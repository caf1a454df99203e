"""No two terms or exams hand out and take in at one place."""

from __future__ import annotations

from collections.abc import Iterator

from e2xhub.domain.catalog import Catalog, Level
from e2xhub.domain.catalog.model import CatalogFault, Place
from e2xhub.domain.catalog.nbgrader import NbGrader
from e2xhub.domain.catalog.overlaps import place_on_disk
from e2xhub.domain.catalog.volumes import COURSE_HUBS
from e2xhub.domain.identifiers import ExamId
from e2xhub.domain.path_templates import fill_path
from e2xhub.domain.roles import HubKind
from e2xhub.domain.settings import all_chains


def check_exchanges(catalog: Catalog) -> Iterator[CatalogFault]:
    """A fault for each term or exam whose exchange is, or lies in, that of another."""
    before: tuple[str, ...] | None = None
    owner: Place = ()
    for directory, place in sorted(_exchanges(catalog)):
        if before is None or directory[: len(before)] != before:
            before, owner = directory, place
            continue
        yield CatalogFault(
            place=place,
            message=f"its exchange '{'/'.join(directory[1:])}' is, or lies in, that of "
            f"{'.'.join(owner)}; expected one for each: {{course}} and {{term}} in the path, for "
            "an exam {exam}",
        )


def _exchanges(catalog: Catalog) -> Iterator[tuple[tuple[str, ...], Place]]:
    """The exchange of every term and exam that has one: its disk and the path on it."""
    for chain in all_chains(catalog):
        place = chain[-1][0]
        nbgrader = _innermost([level for _, level in chain])
        hubs = {HubKind.EXAM} if place[0] == "exams" else COURSE_HUBS
        if nbgrader is not None and nbgrader.hubs & hubs:
            disk, components = place_on_disk(
                catalog.volumes[nbgrader.volume],
                fill_path(nbgrader.exchange, _values(catalog, place)),
            )
            yield (disk, *components), place


def _innermost(levels: list[Level]) -> NbGrader | None:
    declared = [level.nbgrader for level in levels if level.nbgrader is not None]
    return declared[-1] if declared else None


def _values(catalog: Catalog, place: Place) -> dict[str, str]:
    if place[0] != "exams":
        return {"course": place[1], "term": place[3]}
    exam = catalog.exams[ExamId.parse(place[1])]
    return {"course": exam.course, "term": exam.term, "exam": place[1]}
