"""Commands that show and change the roster; `cli.roster_transfer` has those that move it."""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter
from typing import Annotated, Any

import typer

from e2xhub.cli.roster_output import as_row_with_attributes, print_memberships, say
from e2xhub.cli.roster_removal import find_membership
from e2xhub.cli.roster_target import (
    CourseOption,
    ExamOption,
    TermOption,
    check_ids,
    check_is_place,
)
from e2xhub.cli.roster_transfer import diff, export, import_
from e2xhub.cli.sources import CatalogOption, JsonOption, RosterOption, print_json
from e2xhub.domain.catalog import Catalog
from e2xhub.domain.identifiers import Username
from e2xhub.domain.roles import Role
from e2xhub.domain.roster import Membership, Roster
from e2xhub.domain.roster_changes import RosterChange
from e2xhub.domain.roster_imports import Target
from e2xhub.domain.roster_rows import parse_membership
from e2xhub.domain.staff import memberships_of_staff
from e2xhub.errors import UnknownNameError
from e2xhub.storage.catalog_files import load_catalog
from e2xhub.storage.roster.opening import open_roster

app = typer.Typer(help="Show and change who is what, where.", no_args_is_help=True)
app.command("import")(import_)
app.command("diff")(diff)
app.command("export")(export)

UserArgument = Annotated[str, typer.Argument(help="The username.")]
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
    """Show memberships, of the roster and of the catalog's staff: all, or those that fit."""
    declared = load_catalog(catalog)
    check_ids(Target(course=course, term=term, exam=exam), declared)
    name = _parse_username(user) if user else ""
    wanted = {"username": name, "course": course, "term": term, "exam": exam}
    listed = open_roster(roster).load(declared)
    rows = [
        row
        for row in _rows(listed, declared)
        if all(row[key] == text for key, text in wanted.items() if text)
    ]
    rows.sort(key=itemgetter("username"))
    if json:
        print_json(rows)
    else:
        print_memberships(rows, with_attributes=bool(exam))


def _rows(listed: Roster, catalog: Catalog) -> Iterator[dict[str, Any]]:
    """All memberships, and where each comes from."""
    for source, memberships in (
        ("roster", listed),
        ("catalog", Roster(memberships_of_staff(catalog))),
    ):
        for membership in memberships:
            yield {**as_row_with_attributes(membership), "from": source}


@app.command()
def add(
    user: UserArgument,
    catalog: CatalogOption,
    roster: RosterOption,
    course: CourseOption = "",
    term: TermOption = "",
    exam: ExamOption = "",
    role: RoleOption = Role.STUDENT,
    json: JsonOption = False,
) -> None:
    """Add somebody to a term of a course, or to an exam; twice is once."""
    declared = load_catalog(catalog)
    membership = _parse(declared, user, Target(course=course, term=term, exam=exam), role)

    def decide(listed: Roster) -> RosterChange:
        return RosterChange(added=() if membership in listed else (membership,))

    change = open_roster(roster).update(declared, decide)
    if json:
        print_json({"changed": bool(change), "membership": as_row_with_attributes(membership)})
    elif change:
        print(f"Added: {say(membership)}.")
    else:
        print(f"Nothing to do: {say(membership)} already.")


@app.command()
def remove(
    user: UserArgument,
    catalog: CatalogOption,
    roster: RosterOption,
    course: CourseOption = "",
    term: TermOption = "",
    exam: ExamOption = "",
    role: Annotated[
        Role | None, typer.Option(help="What the person is there, where it is not one thing only.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Remove somebody from a term of a course, or from an exam; their files stay."""
    declared = load_catalog(catalog)
    target = Target(course=course, term=term, exam=exam)
    asked = _parse(declared, user, target, role or Role.STUDENT)

    def decide(listed: Roster) -> RosterChange:
        return RosterChange(removed=(find_membership(listed, declared, asked, role),))

    (membership,) = open_roster(roster).update(declared, decide).removed
    if json:
        print_json({"changed": True, "membership": as_row_with_attributes(membership)})
    else:
        print(f"Removed: {say(membership)}.")


def _parse_username(text: str) -> Username:
    try:
        return Username.parse(text)
    except ValueError as error:
        raise UnknownNameError(str(error)) from None


def _parse(catalog: Catalog, user: str, target: Target, role: Role) -> Membership:
    check_is_place(target)
    try:
        return parse_membership({"username": user, "role": role.value, **target.cells}, catalog)
    except ValueError as error:
        raise UnknownNameError(str(error)) from None
