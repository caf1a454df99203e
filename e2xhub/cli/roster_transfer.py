"""Commands that move rosters between systems: import, diff, export."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from e2xhub.cli.roster_lists import (
    ColumnOption,
    DelimiterOption,
    ListFormatArgument,
    ListRequest,
    LmsCourseOption,
    LtiOption,
    MappingOption,
    RoleWordOption,
    SourceArgument,
    WholeRoleOption,
    read_list,
)
from e2xhub.cli.roster_output import Comparison, as_json, print_difference, showing_progress
from e2xhub.cli.roster_target import (
    CourseOption,
    ExamOption,
    TermOption,
    check_is_declared,
    check_is_place,
)
from e2xhub.cli.sources import CatalogOption, JsonOption, RosterOption, print_json
from e2xhub.domain.catalog import Catalog
from e2xhub.domain.roster import Roster
from e2xhub.domain.roster_changes import MOST_LOSS_PERCENT, RosterChange
from e2xhub.domain.roster_imports import (
    Difference,
    ImportedList,
    RowMeaning,
    Target,
    find_difference,
    find_shared_directories,
)
from e2xhub.errors import E2xHubError, FaultsFoundError
from e2xhub.imports.lms.exports import make_list, write_list
from e2xhub.imports.lms.formats import ListFormat
from e2xhub.storage.catalog_files import load_catalog
from e2xhub.storage.roster.opening import open_roster

RemoveMissingOption = Annotated[
    bool, typer.Option("--remove-missing", help="Remove whom the list speaks of and has not.")
]


class TooManyRemovedError(E2xHubError):
    """An import would remove many people; it takes --force."""


def import_(
    catalog: CatalogOption,
    roster: RosterOption,
    format: ListFormatArgument = None,
    source: SourceArgument = "",
    lti: LtiOption = None,
    course: CourseOption = "",
    term: TermOption = "",
    exam: ExamOption = "",
    role: WholeRoleOption = None,
    role_word: RoleWordOption = None,
    column: ColumnOption = None,
    mapping: MappingOption = None,
    delimiter: DelimiterOption = "",
    lms_course: LmsCourseOption = "",
    remove_missing: RemoveMissingOption = False,
    force: Annotated[
        bool,
        typer.Option(
            "--force", help=f"Remove more than {MOST_LOSS_PERCENT} % of the memberships, too."
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Bring the people of a list into a course or an exam; shows what it changes."""
    request = ListRequest.parse(
        kind=format,
        source=source,
        lti=lti,
        target=Target(course=course, term=term, exam=exam),
        role=role,
        role_words=role_word or (),
        columns=column or (),
        mapping=mapping,
        delimiter=delimiter,
        lms_course=lms_course,
    )
    transfer = _Transfer(request, load_catalog(catalog), roster, remove_missing=remove_missing)
    if dry_run:
        transfer.show(json=json)
    else:
        transfer.make(force=force, json=json)


def diff(
    catalog: CatalogOption,
    roster: RosterOption,
    format: ListFormatArgument = None,
    source: SourceArgument = "",
    lti: LtiOption = None,
    course: CourseOption = "",
    term: TermOption = "",
    exam: ExamOption = "",
    role: WholeRoleOption = None,
    role_word: RoleWordOption = None,
    column: ColumnOption = None,
    mapping: MappingOption = None,
    delimiter: DelimiterOption = "",
    lms_course: LmsCourseOption = "",
    remove_missing: RemoveMissingOption = False,
    json: JsonOption = False,
) -> None:
    """Show what an import with the same options would change."""
    import_(
        catalog=catalog,
        roster=roster,
        format=format,
        source=source,
        lti=lti,
        course=course,
        term=term,
        exam=exam,
        role=role,
        role_word=role_word,
        column=column,
        mapping=mapping,
        delimiter=delimiter,
        lms_course=lms_course,
        remove_missing=remove_missing,
        dry_run=True,
        json=json,
    )


class _Transfer:
    """One import: the list, and the roster that it goes into."""

    def __init__(
        self, request: ListRequest, catalog: Catalog, roster: str | Path, *, remove_missing: bool
    ) -> None:
        self._request, self._catalog = request, catalog
        self._store, self._remove_missing = open_roster(roster), remove_missing

    def show(self, *, json: bool) -> None:
        """Prints the difference; changes nothing."""
        with showing_progress() as track:
            imported, meaning, left_out = read_list(self._request, self._catalog, track)
            load = partial(self._store.load, may_be_new=True)
            (roster,) = track("comparing", map(load, [self._catalog]))
            comparison = self._compare(roster, imported, meaning)
        _print(comparison, left_out, made=False, json=json)

    def make(self, *, force: bool, json: bool) -> None:
        """Makes the change and prints it; raises TooManyRemovedError where it takes force."""
        with showing_progress() as track:
            imported, meaning, left_out = read_list(self._request, self._catalog, track)
            found: list[Comparison] = []

            def decide(roster: Roster) -> RosterChange:
                found.append(self._compare(roster, imported, meaning))
                difference = found[-1].difference
                is_refused = difference.loses_many and not force
                return RosterChange() if is_refused else difference.change

            changes = map(self._store.update, [self._catalog], [decide])
            list(track("comparing and writing", changes))
        difference = found[-1].difference
        is_refused = difference.loses_many and not force
        _print(found[-1], left_out, made=not is_refused, json=json)
        if is_refused:
            raise TooManyRemovedError(_refuse(difference))

    def _compare(self, roster: Roster, imported: ImportedList, meaning: RowMeaning) -> Comparison:
        faults = find_shared_directories(roster, imported)
        if faults:
            raise FaultsFoundError(faults)
        difference = find_difference(roster, imported, meaning, remove_missing=self._remove_missing)
        return Comparison.of(difference, roster)


def _print(comparison: Comparison, left_out: Mapping[str, int], *, made: bool, json: bool) -> None:
    if json:
        print_json(as_json(comparison, left_out, made=made))
    else:
        print_difference(comparison, left_out, made=made)


def _refuse(difference: Difference) -> str:
    removed = len(difference.change.removed)
    return (
        f"{removed} of {difference.size} memberships would be removed, more than "
        f"{MOST_LOSS_PERCENT}%; nothing was changed. If that is meant, say --force"
    )


def export(
    format: Annotated[
        ListFormat,
        typer.Argument(metavar="FORMAT", help="moodle, ilias, canvas or generic."),
    ],
    catalog: CatalogOption,
    roster: RosterOption,
    course: CourseOption = "",
    term: TermOption = "",
    exam: ExamOption = "",
    lms_course: Annotated[
        str, typer.Option(help="The course's name in the other system; our id where it is not set.")
    ] = "",
    to: Annotated[
        Path | None, typer.Option(help="The file to write; standard output where it is not set.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Write the people of a course or an exam as a list that another system reads."""
    target = Target(course=course, term=term, exam=exam)
    _check_export(format, target, to, json=json)
    declared = load_catalog(catalog)
    check_is_declared(target, declared)
    listed = open_roster(roster).load(declared)
    made = make_list(filter(target.holds, listed), format, lms_course)
    if to is None:
        sys.stdout.write(made.text)
    else:
        write_list(to, made.text)
    if json:
        print_json({"file": str(to), "exported": made.count, "left_out": dict(made.left_out)})
        return
    for role, count in made.left_out.items():
        print(f"left out: {count} ({role}: {format.value} has no role for it)", file=sys.stderr)


def _check_export(kind: ListFormat, target: Target, to: Path | None, *, json: bool) -> None:
    if kind is ListFormat.E2XHUB:
        raise typer.BadParameter(
            "a whole roster is brought to another place by importing it there: "
            "e2xhub roster import e2xhub FROM --roster TO"
        )
    if kind is ListFormat.EXAM_SHEET:
        raise typer.BadParameter("exam sheets are only read; expected another format")
    check_is_place(target, may_be_nothing=kind is ListFormat.GENERIC)
    if json and to is None:
        raise typer.BadParameter("expected --to with --json: both would go to standard output")
