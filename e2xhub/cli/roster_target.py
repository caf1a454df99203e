"""The options that name a term of a course or an exam, which a command is about."""

from __future__ import annotations

from typing import Annotated

import typer

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.roster_imports import Target
from e2xhub.domain.roster_rows import parse_membership
from e2xhub.errors import UnknownNameError

CourseOption = Annotated[str, typer.Option(help="The course's id; with --term.")]
TermOption = Annotated[str, typer.Option(help="The term's id; with --course.")]
ExamOption = Annotated[str, typer.Option(help="The exam's id, instead of course and term.")]


def check_is_place(target: Target, *, may_be_nothing: bool = False) -> None:
    """Raises typer.BadParameter where the options name half a place, two, or none."""
    is_half = bool(target.course) != bool(target.term) or bool(target.exam and target.course)
    if is_half or not (target.cells or may_be_nothing):
        raise typer.BadParameter("expected --course and --term, or --exam")


def check_ids(target: Target, catalog: Catalog) -> None:
    """Raises UnknownNameError for an id that the catalog has not; each may be set alone."""
    terms = {
        term
        for course_id, course in catalog.courses.items()
        if target.course in ("", course_id)
        for term in course.terms
    }
    for what, text, declared in (
        ("course", target.course, catalog.courses.keys()),
        ("term", target.term, terms),
        ("exam", target.exam, catalog.exams.keys()),
    ):
        if text and text not in declared:
            known = ", ".join(sorted(map(str, declared))) or "none"
            raise UnknownNameError(
                f"{what} {text!r} is not in the catalog; expected one of: {known}"
            )


def check_is_declared(target: Target, catalog: Catalog) -> None:
    """Raises UnknownNameError where the catalog has no such term or exam."""
    if target.cells:
        try:
            parse_membership({"username": "somebody", **target.cells}, catalog)
        except ValueError as error:
            raise UnknownNameError(str(error)) from None
