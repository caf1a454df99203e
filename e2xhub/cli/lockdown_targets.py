"""Whose lockdown a command is about: the server of an exam's examinee, or of a term's student."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path

import typer

from e2xhub.cli.sources import known_exam
from e2xhub.domain.catalog import Catalog
from e2xhub.domain.identifiers import CourseId, TermId, Username
from e2xhub.domain.offers import Offer, Registry
from e2xhub.domain.roles import HubKind, Role
from e2xhub.domain.roster import CourseMembership, ExamMembership, Membership, Roster
from e2xhub.errors import E2xHubError, UnknownNameError
from e2xhub.storage.catalog_files import load_catalog

_ANYBODY = Username.parse("examinee")


class NotPossibleError(E2xHubError):
    """The catalog has the exam or the term, and nobody could start a server of it."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """A server whose lockdown is asked for; policies are the same for everybody who has one."""

    subject: str
    """Such as `exam ml-pz1`."""
    catalog: Catalog
    offer: Offer
    username: Username = _ANYBODY


def find_target(catalog: Path, exam: str | None, course: str | None, term: str | None) -> Target:
    """The server of `exam`, or of `course` and `term`, as it is when it may be started.

    Raises typer.BadParameter where it is neither or both, FaultsFoundError for a faulty catalog,
    and UnknownNameError where the catalog has no such exam or term.
    """
    if (exam is None) == (course is None) or (course is None) != (term is None):
        raise typer.BadParameter("expected either EXAM, or --course and --term", param_hint="EXAM")
    from e2xhub.kubernetes.parts.overrides import check_pods  # takes a while to import

    declared = load_catalog(catalog, checks=[check_pods])
    if exam is not None:
        return _find_exam(declared, exam)
    assert course is not None
    assert term is not None
    return _find_term(declared, course, term)


def _find_exam(catalog: Catalog, text: str) -> Target:
    empty = Registry(catalog=catalog, roster=Roster(()), hub=HubKind.EXAM)
    exam = known_exam(empty, text)
    membership = ExamMembership(username=_ANYBODY, exam=exam, role=Role.STUDENT)
    at = catalog.exams[exam].opens_at
    return _make_target(catalog, f"exam {exam}", membership, HubKind.EXAM, at)


def _find_term(catalog: Catalog, course: str, term: str) -> Target:
    known = [(str(one), str(it)) for one, found in catalog.courses.items() for it in found.terms]
    if (course, term) not in known:
        told = ", ".join("/".join(pair) for pair in known) or "none"
        raise UnknownNameError(
            f"course {course!r} with term {term!r} is not in the catalog; expected one of: {told}"
        )
    course_id, term_id = CourseId.parse(course), TermId.parse(term)
    membership = CourseMembership(
        username=_ANYBODY, course=course_id, term=term_id, role=Role.STUDENT
    )
    first_day = catalog.courses[course_id].terms[term_id].start
    registry = Registry(catalog=catalog, roster=Roster(()), hub=HubKind.ASSIGNMENT)
    at = datetime.combine(first_day, time.min, tzinfo=registry.time_zone)
    return _make_target(catalog, f"{course} {term}", membership, HubKind.ASSIGNMENT, at)


def _make_target(
    catalog: Catalog, subject: str, membership: Membership, hub: HubKind, at: datetime
) -> Target:
    registry = Registry(catalog=catalog, roster=Roster([membership]), hub=hub)
    listed = registry.offers_for(_ANYBODY, at)
    if not listed.offers:
        reason = listed.refusals[0].detail or str(listed.refusals[0])
        raise NotPossibleError(f"nobody can start a server of {subject}: {reason}")
    return Target(subject=subject, catalog=catalog, offer=listed.offers[0])
