"""Who teaches, grades and watches because the catalog says so, beside those on the roster."""

from __future__ import annotations

from collections.abc import Iterator

from e2xhub.domain.catalog import Catalog, Staff
from e2xhub.domain.identifiers import Username
from e2xhub.domain.roles import Role
from e2xhub.domain.roster import CourseMembership, ExamMembership, Membership


def memberships_of_staff(catalog: Catalog) -> Iterator[Membership]:
    """The memberships that `staff` and `proctors` declare, level by level."""
    for course_id, course in catalog.courses.items():
        for term_id, term in course.terms.items():
            for staff in (catalog.staff, course.staff, term.staff):
                for username, role in _roles_in(staff):
                    yield CourseMembership(
                        username=username, course=course_id, term=term_id, role=role
                    )
    for exam_id, exam in catalog.exams.items():
        people = [*_roles_in(exam.staff), *((name, Role.PROCTOR) for name in exam.proctors)]
        for username, role in people:
            yield ExamMembership(username=username, exam=exam_id, role=role)


def _roles_in(staff: Staff) -> Iterator[tuple[Username, Role]]:
    for role in (Role.INSTRUCTOR, Role.GRADER, Role.OBSERVER):
        for username in getattr(staff, role.value):
            yield username, role
