"""Commands for one-time passwords: issue, reissue, status.

A code is shown once, when it is made; nobody can show it again.
"""

from __future__ import annotations

import getpass
import os
from datetime import datetime, timezone, tzinfo
from pathlib import Path
from typing import Annotated, Any

import typer

from e2xhub.cli.output import print_table
from e2xhub.cli.sources import (
    CatalogOption,
    JsonOption,
    RosterOption,
    known_exam,
    known_username,
    load_hub,
    print_json,
)
from e2xhub.domain.roles import HubKind
from e2xhub.errors import UnknownNameError
from e2xhub.storage.exam_records import PasswordStatus, open_exam_records

app = typer.Typer(help="Issue one-time passwords for an exam.", no_args_is_help=True)

ExamArgument = Annotated[str, typer.Argument(help="The exam's id.")]
UserOption = Annotated[str, typer.Option("--user", help="The examinee's username.")]
DatabaseOption = Annotated[
    str,
    typer.Option(
        envvar="E2XHUB_DATABASE_URL", help="The database that the exam hub uses (SQLAlchemy URL)."
    ),
]
PepperOption = Annotated[
    Path,
    typer.Option(envvar="E2XHUB_PEPPER_FILE", help="The file with the key of the hashes."),
]


@app.command()
def issue(
    exam: ExamArgument,
    user: UserOption,
    catalog: CatalogOption,
    roster: RosterOption,
    database_url: DatabaseOption,
    pepper_file: PepperOption,
) -> None:
    """Make a password for an examinee and print it; it is shown this one time only."""
    _issue(exam, user, catalog, roster, database_url, pepper_file, replace=False)


@app.command()
def reissue(
    exam: ExamArgument,
    user: UserOption,
    catalog: CatalogOption,
    roster: RosterOption,
    database_url: DatabaseOption,
    pepper_file: PepperOption,
) -> None:
    """Make a new password for an examinee and end the one before; server and work stay."""
    _issue(exam, user, catalog, roster, database_url, pepper_file, replace=True)


@app.command()
def status(
    exam: ExamArgument,
    catalog: CatalogOption,
    roster: RosterOption,
    database_url: DatabaseOption,
    pepper_file: PepperOption,
    json: JsonOption = False,
) -> None:
    """Show who has a password for an exam and whether it was used."""
    registry = load_hub(catalog, roster, HubKind.EXAM)
    exam_id = known_exam(registry, exam)
    found = open_exam_records(database_url, pepper_file).status(exam_id)
    if json:
        print_json([_as_json(item) for item in found])
        return
    if not found:
        print(f"Nobody has a password for {exam_id}.")
    zone = registry.time_zone
    print_table(
        f"Passwords of {exam_id}",
        ("user", "state", "issued", "by", "used", "from"),
        [
            (
                item.username,
                item.state.value,
                _short(item.issued_at, zone),
                item.issued_by,
                _short(item.consumed_at, zone),
                item.consumed_from or "",
            )
            for item in found
        ],
    )


def _short(at: datetime | None, zone: tzinfo) -> str:
    return at.astimezone(zone).strftime("%d %b %H:%M") if at else ""


def _issue(
    exam: str,
    user: str,
    catalog: Path,
    roster: str,
    database_url: str,
    pepper_file: Path,
    *,
    replace: bool,
) -> None:
    registry = load_hub(catalog, roster, HubKind.EXAM)
    exam_id, username = known_exam(registry, exam), known_username(registry, user)
    if not registry.roster.is_examinee(username, exam_id):
        raise UnknownNameError(
            f"{username} is no examinee of {exam_id}; add them to the exam's roster first"
        )
    records = open_exam_records(database_url, pepper_file)
    password = records.issue(
        exam_id,
        username,
        issued_by=f"{_whoever_runs_this()} (command line)",
        now=datetime.now(timezone.utc),
        replace=replace,
    )
    print(password.reveal())


def _whoever_runs_this() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number that has no name
        return f"uid {os.getuid()}"


def _as_json(item: PasswordStatus) -> dict[str, Any]:
    used = item.consumed_at.isoformat(timespec="seconds") if item.consumed_at else None
    return {
        "username": item.username,
        "state": item.state.value,
        "generation": item.generation,
        "issued_at": item.issued_at.isoformat(timespec="seconds"),
        "issued_by": item.issued_by,
        "consumed_at": used,
        "consumed_from": item.consumed_from,
    }
