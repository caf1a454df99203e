"""The command `e2xhub import-legacy`: catalog and roster from an existing e2x deployment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table

from e2xhub.cli.roster_output import showing_progress
from e2xhub.cli.sources import JsonOption, print_json
from e2xhub.imports.legacy.catalog_parts import Head
from e2xhub.imports.legacy.importer import (
    REPORT,
    Outcome,
    TargetInUseError,
    import_deployment,
)
from e2xhub.imports.legacy.path_names import TermChoices
from e2xhub.imports.legacy.report import NoteKind, notes_as_json


def _parse_time_zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise typer.BadParameter(
            f"{name!r} is no time zone; expected one such as 'Europe/Berlin'"
        ) from None


def import_legacy(
    directory: Annotated[
        Path,
        typer.Argument(
            metavar="DIR",
            help="The deployment's files: rosters, lists and YAML of its hubs.",
            exists=True,
            file_okay=False,
        ),
    ],
    to: Annotated[
        Path, typer.Option(metavar="DIR", help="The directory to write to; new or empty.")
    ],
    term: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[ID=]TERM",
            help="The term of a course id, such as 'WuS-Klausur=SS20'; without an id, of all "
            "that name none. May be given several times.",
        ),
    ] = None,
    university: Annotated[
        str, typer.Option(help="What the pages call the university.", show_default=True)
    ] = "University",
    time_zone: Annotated[
        ZoneInfo,
        typer.Option(
            parser=_parse_time_zone, metavar="ZONE", help="The time zone of terms and exams."
        ),
    ] = Head.time_zone,  # type: ignore[assignment] # the parser gets it
    json: JsonOption = False,
) -> None:
    """Make catalog and roster of an existing e2x deployment, with a report of what is different."""
    from e2xhub.kubernetes.parts.overrides import check_pods

    try:
        with showing_progress() as track:
            outcome = import_deployment(
                directory,
                to,
                head=Head(university=university, time_zone=time_zone.key),
                terms=_parse_terms(term or []),
                today=datetime.now(time_zone).date(),
                checks=[check_pods],
                track=track,
            )
    except TargetInUseError as error:
        raise typer.BadParameter(str(error), param_hint="--to") from None
    if json:
        print_json({"written": outcome.counts, "notes": notes_as_json(outcome.notes)})
    else:
        _print_summary(outcome, to)
    if outcome.has_faults:
        raise typer.Exit(1)


def _parse_terms(texts: Sequence[str]) -> TermChoices:
    by_id: dict[str, str] = {}
    default = ""
    for text in texts:
        course_id, equals, term = text.rpartition("=")
        if not term or (equals and not course_id):
            raise typer.BadParameter(
                f"{text!r} is no term; expected 'WS23' or 'MRC-Klausur=WS23'", param_hint="--term"
            )
        if equals:
            by_id[course_id] = term
        else:
            default = term
    return TermChoices(by_id=by_id, default=default)


def _print_summary(outcome: Outcome, to: Path) -> None:
    summary = ", ".join(f"{what}: {count}" for what, count in outcome.counts.items())
    print(f"Written to {to}, without faults in catalog and roster. {summary}.")
    table = Table(title=f"To look at, in {to / REPORT}", title_justify="left")
    for column in ("kind", "notes"):
        table.add_column(column)
    for kind in NoteKind:
        count = sum(note.kind is kind for note in outcome.notes)
        if count:
            table.add_row(kind.value, str(count))
    Console().print(table)
