"""Commands that show and change the roster: show, add, remove."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from e2xhub.cli.sources import CatalogOption, JsonOption, RosterOption, print_json
from e2xhub.domain.catalog import Catalog
from e2xhub.domain.roles import Role
from e2xhub.domain.roster import CourseMembership, Membership
from e2xhub.domain.roster_rows import parse_membership
from e2xhub.errors import UnknownNameError
from e2xhub.storage.catalog_files import load_catalog
from e2xhub.storage.roster_files import load_roster
from e2xhub.storage.roster_writer import add_membership, remove_membership

app = typer.Typer(help="Show and change who is what, where.", no_args_is_help=True)

UserArgument = Annotated[str, typer.Argument(help="The username.")]
CourseOption = Annotated[str, typer.Option(help="The course's id; with --term.")]
TermOption = Annotated[str, typer.Option(help="The term's id; with --course.")]
ExamOption = Annotated[str, typer.Option(help="The exam's id, instead of course and term.")]
RoleOption = Annotated[Role, typer.Option(help="What the person is there.")]


@app.command()
def show(
    catalog: CatalogOption,
    roster: RosterOption,
    user: Annotated[str, typer.Option(help="Only this person.")] = "",
    course: Annotated[str, typer.Option(help="Only this course.")] = "",
    term: Annotated[str, typer.Option(help="Only this term.")] = "",
    exam: Annotated[str, typer.Option(help="Only this exam.")] = "",
    json: JsonOption = False,
) -> None:
    """Show memberships: all, or those that fit."""
    wanted = {"username": user, "course": course, "term": term, "exam": exam}
    listed = load_roster(roster, load_catalog(catalog))
    rows = [
        row
        for username in sorted(listed.usernames)
        for row in map(_as_row, listed.memberships_of(username))
        if all(row[key] == text for key, text in wanted.items() if text)
    ]
    if json:
        print_json(rows)
        return
    table = Table(title=f"{len(rows)} memberships", title_justify="left")
    for column in ("username", "course", "term", "exam", "role"):
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row.values())
    Console().print(table)


@app.command()
def add(
    user: UserArgument,
    catalog: CatalogOption,
    roster: RosterOption,
    course: CourseOption = "",
    term: TermOption = "",
    exam: ExamOption = "",
    role: RoleOption = Role.STUDENT,
) -> None:
    """Add somebody to a term of a course, or to an exam; twice is once."""
    declared = load_catalog(catalog)
    membership = _parse(declared, user, course, term, exam, role)
    if add_membership(roster, declared, membership):
        print(f"Added: {_say(membership)}.")
    else:
        print(f"Nothing to do: {_say(membership)} already.")


@app.command()
def remove(
    user: UserArgument,
    catalog: CatalogOption,
    roster: RosterOption,
    course: CourseOption = "",
    term: TermOption = "",
    exam: ExamOption = "",
    role: RoleOption = Role.STUDENT,
) -> None:
    """Remove somebody from a term of a course, or from an exam; their files stay."""
    declared = load_catalog(catalog)
    membership = _parse(declared, user, course, term, exam, role)
    if not remove_membership(roster, declared, membership):
        raise UnknownNameError(f"not on the roster: {_say(membership)}")
    print(f"Removed: {_say(membership)}.")


def _parse(
    catalog: Catalog, user: str, course: str, term: str, exam: str, role: Role
) -> Membership:
    if bool(exam) == bool(course or term) or bool(course) != bool(term):
        raise typer.BadParameter("expected --course and --term, or --exam")
    cells = {"exam": exam} if exam else {"course": course, "term": term}
    try:
        return parse_membership({"username": user, "role": role.value, **cells}, catalog)
    except ValueError as error:
        raise UnknownNameError(str(error)) from None


def _as_row(membership: Membership) -> dict[str, Any]:
    is_course = isinstance(membership, CourseMembership)
    return {
        "username": str(membership.username),
        "course": str(getattr(membership, "course", "")),
        "term": str(getattr(membership, "term", "")),
        "exam": "" if is_course else str(getattr(membership, "exam", "")),
        "role": membership.role.value,
    }


def _say(membership: Membership) -> str:
    if isinstance(membership, CourseMembership):
        place = f"{membership.course} in {membership.term}"
    else:
        place = f"exam {membership.exam}"
    return f"{membership.username} is {membership.role.value} of {place}"
