"""What `e2xhub check` finds that concerns one term, as far as its staff may read it."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath

from e2xhub.domain.catalog.model import CatalogFault, Place
from e2xhub.domain.catalog.pins import check_frozen
from e2xhub.domain.identifiers import CourseId, ExamId, TermId
from e2xhub.domain.offers import Registry
from e2xhub.domain.registry_warnings import find_warnings
from e2xhub.errors import Fault
from e2xhub.storage.live_registry import LiveRegistry

_PLACE = re.compile(r"courses\.[^:\s]+(?=: )")


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that is wrong, or is hardly meant, in English."""

    where: str
    """A place in the catalog, or the name of a roster's file and a line; never a whole path."""
    message: str
    """Empty for a fault of the catalog: what stands there may be for administrators only.
    Pages make it printable."""
    is_fault: bool
    """False: a warning; the hub takes the catalog as it is."""


@dataclass(frozen=True, kw_only=True)
class Problems:
    """The problems of a term."""

    found: tuple[Problem, ...]
    is_older: bool
    """Whether catalog or roster have faults now (these or others), so that the hub serves an older
    state: what was changed since then has not taken effect."""


class ProblemFinder:
    """Finds the problems of terms; what is the same for all is looked for once."""

    def __init__(self, live: LiveRegistry) -> None:
        self._live = live
        self._seen: tuple[Registry, list[CatalogFault]] | None = None
        self._one_finds = threading.Lock()

    def find(self, course: CourseId, term: TermId, now: datetime) -> Problems:
        """The problems of a term of the catalog; goes through the whole roster now and then."""
        registry = self._live.current
        today = now.astimezone(registry.time_zone).date()
        warnings = [*self._warnings(registry), *check_frozen(registry.catalog, today)]
        found = [
            *_faults(self._live.found_faults, course, term),
            *(
                Problem(where=".".join(item.place), message=item.message, is_fault=False)
                for item in warnings
                if _concerns(item.place, course, term, registry)
            ),
        ]
        return Problems(found=tuple(found), is_older=self._live.faults > 0)

    def _warnings(self, registry: Registry) -> list[CatalogFault]:
        with self._one_finds:
            if self._seen is None or self._seen[0] is not registry:
                self._seen = (registry, find_warnings(registry))
            return self._seen[1]


def _concerns(place: Place, course: CourseId, term: TermId, registry: Registry) -> bool:
    """Whether a place in the catalog is about the term: its course, the term, or its exams."""
    if place[:2] == ("courses", course):
        return place[2:3] != ("terms",) or place[3:4] in ((), (term,))
    exam = registry.catalog.exams.get(ExamId(place[1])) if place[:1] == ("exams",) else None
    return exam is not None and (exam.course, exam.term) == (course, term)


def _faults(faults: tuple[Fault, ...], course: CourseId, term: TermId) -> Iterator[Problem]:
    for fault in faults:
        file = PurePath(fault.file)
        if file.parts[-2:] == (course, f"{term}.csv"):
            where = f"{term}.csv:{fault.line}"
            yield Problem(where=where, message=fault.message, is_fault=True)
        elif (place := _PLACE.match(fault.message)) and _is_here(place[0], course, term):
            yield Problem(where=place[0], message="", is_fault=True)


def _is_here(place: str, course: CourseId, term: TermId) -> bool:
    """Ids may have dots: a place is compared as a text."""
    inside = f"courses.{course}."
    terms = f"{inside}terms."
    of_term = f"{terms}{term}."
    return place.startswith(inside) and (
        not place.startswith(terms) or f"{place}.".startswith(of_term)
    )
