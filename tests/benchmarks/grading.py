"""Measures what a page of offers costs the hub's event loop, where many exams have extra time.

python -m tests.benchmarks.grading --exams 500 --grants 5000 --courses 20
"""

from __future__ import annotations

import argparse
import time
from datetime import datetime, timezone

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.exam_records import ExamChanges
from e2xhub.domain.identifiers import Username
from e2xhub.domain.offers import Registry
from e2xhub.domain.roles import HubKind, Role
from e2xhub.domain.roster import CourseMembership, Roster
from tests.benchmarks.large_university import describe_university

_BEFORE_THE_EXAMS = datetime(2027, 1, 15, tzinfo=timezone.utc)
_LOOKS = 20


def measure(*, exams: int, grants: int, courses: int) -> dict[str, float]:
    """The ms of the first and of a later answer to somebody with so many courses, by role."""
    catalog = Catalog.model_validate(describe_university(exams))
    extra_minutes = {
        (list(catalog.exams)[number % exams], Username(f"student{number:06d}")): 10
        for number in range(grants)
    }
    found = {}
    for role in (Role.INSTRUCTOR, Role.STUDENT):
        registry = _registry(catalog, role, courses)
        registry.offers_for("ina", _BEFORE_THE_EXAMS)  # puts the courses' settings together
        times = _time(registry.with_changes(ExamChanges(extra_minutes=extra_minutes)))
        found |= {f"{role.value}_first_ms": times[0], f"{role.value}_later_ms": min(times[1:])}
    return found


def _registry(catalog: Catalog, role: Role, courses: int) -> Registry:
    memberships = [
        CourseMembership(
            username=Username("ina"), course=course, term=next(iter(it.terms)), role=role
        )
        for course, it in list(catalog.courses.items())[:courses]
    ]
    return Registry(catalog=catalog, roster=Roster(memberships), hub=HubKind.ASSIGNMENT)


def _time(registry: Registry) -> list[float]:
    times = []
    for _ in range(_LOOKS):
        start = time.perf_counter()
        registry.offers_for("ina", _BEFORE_THE_EXAMS)
        times.append((time.perf_counter() - start) * 1000)
    return times


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exams", type=int, default=500)
    parser.add_argument("--grants", type=int, default=5000)
    parser.add_argument("--courses", type=int, default=20)
    for name, value in measure(**vars(parser.parse_args())).items():
        print(f"{name}: {value:.1f}")


if __name__ == "__main__":
    main()
