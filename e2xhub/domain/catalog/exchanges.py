"""No two terms or exams hand out and take in at one place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from e2xhub.domain.catalog import Catalog, Level
from e2xhub.domain.catalog.model import CatalogFault, Place
from e2xhub.domain.catalog.nbgrader import NbGrader
from e2xhub.domain.catalog.overlaps import place_on_disk
from e2xhub.domain.catalog.volumes import COURSE_HUBS
from e2xhub.domain.identifiers import ExamId
from e2xhub.domain.path_templates import fill_path
from e2xhub.domain.roles import HubKind
from e2xhub.domain.settings import all_chains


@dataclass(frozen=True, kw_only=True)
class _Exchange:
    """The exchange of one term or exam."""

    directory: tuple[str, ...]
    """Its disk and the path on it."""
    path: str
    """The directory in its volume."""
    end: Place
    """The term or exam."""
    place: Place
    """The key that says where it is."""


def check_exchanges(catalog: Catalog) -> Iterator[CatalogFault]:
    """A fault for each term or exam whose exchange is, or lies in, that of another."""
    first: _Exchange | None = None
    for exchange in sorted(_exchanges(catalog), key=lambda found: (found.directory, found.end)):
        if first is None or exchange.directory[: len(first.directory)] != first.directory:
            first = exchange
            continue
        yield CatalogFault(
            place=exchange.place,
            message=f"{exchange.path!r}, the exchange of {'.'.join(exchange.end)}, is, or lies in, "
            f"that of {'.'.join(first.end)}; expected one for each: {{course}} and {{term}} in "
            "the path, for an exam {exam}",
        )


def _exchanges(catalog: Catalog) -> Iterator[_Exchange]:
    """The exchange of every term and exam that has one."""
    for chain in all_chains(catalog):
        end = chain[-1][0]
        hubs = {HubKind.EXAM} if end[0] == "exams" else COURSE_HUBS
        for place, nbgrader in _innermost(chain):
            if nbgrader.hubs & hubs:
                path = fill_path(nbgrader.exchange, _values(catalog, end))
                disk, components = place_on_disk(catalog.volumes[nbgrader.volume], path)
                yield _Exchange(
                    directory=(disk, *components),
                    path=path,
                    end=end,
                    place=(*place, "nbgrader", "exchange"),
                )


def _innermost(chain: list[tuple[Place, Level]]) -> list[tuple[Place, NbGrader]]:
    """What the levels say in the end, and where; nothing, if none says anything."""
    declared = [(place, level.nbgrader) for place, level in chain if level.nbgrader is not None]
    return declared[-1:]


def _values(catalog: Catalog, place: Place) -> dict[str, str]:
    if place[0] != "exams":
        return {"course": place[1], "term": place[3]}
    exam = catalog.exams[ExamId.parse(place[1])]
    return {"course": exam.course, "term": exam.term, "exam": place[1]}
