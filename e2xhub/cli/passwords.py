"""Commands for one-time passwords: issue, reissue, revoke, unlock.

The rules are those of the proctors' console, and so is the audit log, in which the name of whoever
runs a command stands with `(command line)`. A code is shown once, when it is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.exc import SQLAlchemyError

from e2xhub.cli.exam_desk import (
    DatabaseOption,
    Desk,
    ExamArgument,
    PepperOption,
    UserOption,
    now,
    open_desk,
    whoever_runs_this,
)
from e2xhub.cli.password_slips import Issued, open_slip_files, show_issued
from e2xhub.cli.password_status import status
from e2xhub.cli.roster_output import showing_progress
from e2xhub.cli.sources import CatalogOption, JsonOption, RosterOption
from e2xhub.domain.exam_records import REASON_MAX
from e2xhub.domain.identifiers import Username
from e2xhub.domain.passwords import OneTimePassword
from e2xhub.domain.safe_exam_browser import parse_public_url
from e2xhub.domain.slips import MOST_SLIPS
from e2xhub.errors import E2xHubError
from e2xhub.storage.exam_records import PasswordExistsError
from e2xhub.web.translations import translator_in

app = typer.Typer(help="Issue one-time passwords for an exam.", no_args_is_help=True)
app.command()(status)


class Language(str, Enum):
    """What slips are written in."""

    EN = "en"
    DE = "de"


def _parse_hub_url(text: str) -> str:
    try:
        return parse_public_url(text) if text else ""
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _check_reason(text: str) -> str:
    if len(text) > REASON_MAX or (text and not text.strip()):
        raise typer.BadParameter(f"expected a sentence of up to {REASON_MAX} characters")
    return text.strip()


ReasonOption = Annotated[
    str, typer.Option(callback=_check_reason, help="Why; it is kept in the audit log.")
]
CsvOption = Annotated[
    Path | None,
    typer.Option(help="A new file for the codes: CSV in the columns of an exam sheet."),
]
PdfOption = Annotated[
    Path | None, typer.Option(help="A new file for the codes: slips to print, eight on an A4 page.")
]
HubUrlOption = Annotated[
    str,
    typer.Option(
        callback=_parse_hub_url, help="The address of the exam hub, to be printed on the slips."
    ),
]
LanguageOption = Annotated[Language, typer.Option(help="The language of the slips.")]


@app.command()
def issue(
    exam: ExamArgument,
    catalog: CatalogOption,
    roster: RosterOption,
    database_url: DatabaseOption,
    pepper_file: PepperOption = None,
    user: Annotated[
        list[str] | None, typer.Option(help="An examinee; several times if need be.")
    ] = None,
    room: Annotated[
        list[str] | None,
        typer.Option(help="All whom the roster puts into this room; several times if need be."),
    ] = None,
    everybody: Annotated[
        bool, typer.Option("--all", help="All examinees who were given no code before.")
    ] = False,
    csv: CsvOption = None,
    pdf: PdfOption = None,
    hub_url: HubUrlOption = "",
    language: LanguageOption = Language.EN,
    json: JsonOption = False,
) -> None:
    """Make passwords for examinees who have none; they are shown this one time only."""
    if sum(map(bool, (user, room, everybody))) != 1:
        raise typer.BadParameter("expected --user, --room or --all: one of the three")
    desk = open_desk(exam, catalog, roster, database_url, pepper_file)
    people = _choose(desk, user or (), room or ())
    if len(people) == 1 and user and not (csv or pdf or json):
        print(_issue_one(desk, people[0]).reveal())
        return
    with open_slip_files(desk, translator_in(language.value), hub_url, csv, pdf) as files:
        if people:
            files.rehearse(people[0])
        issued = _issue_all(desk, people)
        written = files.write(issued.codes) if issued.codes else []
    show_issued(desk, issued, written=written, json=json)
    if issued.stopped_by:
        raise issued.stopped_by


@app.command()
def reissue(
    exam: ExamArgument,
    user: UserOption,
    reason: ReasonOption,
    catalog: CatalogOption,
    roster: RosterOption,
    database_url: DatabaseOption,
    pepper_file: PepperOption = None,
) -> None:
    """Make a new password for an examinee; the code and the session before it end, server and work
    stay."""
    desk = open_desk(exam, catalog, roster, database_url, pepper_file)
    username = desk.examinee(user)
    password = desk.records.issue(
        desk.exam, username, by=whoever_runs_this(), now=now(), replace=True, reason=reason
    )
    print(password.reveal())


@app.command()
def revoke(
    exam: ExamArgument,
    user: UserOption,
    catalog: CatalogOption,
    roster: RosterOption,
    database_url: DatabaseOption,
    pepper_file: PepperOption = None,
    reason: ReasonOption = "",
) -> None:
    """Take an examinee's code and session away; server and work stay."""
    desk = open_desk(exam, catalog, roster, database_url, pepper_file)
    username = desk.examinee(user)
    desk.records.revoke(desk.exam, username, by=whoever_runs_this(), now=now(), reason=reason)
    print(f"{username} is not let in any more; 'e2xhub password reissue' makes a new code.")


@app.command()
def unlock(
    exam: ExamArgument,
    user: UserOption,
    catalog: CatalogOption,
    roster: RosterOption,
    database_url: DatabaseOption,
    pepper_file: PepperOption = None,
) -> None:
    """Forget the failed attempts on an examinee, who can sign in again at once."""
    desk = open_desk(exam, catalog, roster, database_url, pepper_file)
    username = desk.examinee(user)
    desk.records.unlock(desk.exam, username, by=whoever_runs_this(), now=now())
    print(f"{username} can try again now.")


def _choose(desk: Desk, users: Sequence[str], rooms: Sequence[str]) -> list[Username]:
    """Those who were named, or all in `rooms`, or all; raises E2xHubError where they are many."""
    if users:
        return list(dict.fromkeys(map(desk.examinee, users)))
    chosen = desk.examinees_in(rooms) if rooms else desk.examinees()
    if len(chosen) > MOST_SLIPS:
        raise E2xHubError(
            f"{len(chosen)} examinees are more than {MOST_SLIPS} at once; issue room by room"
        )
    return [membership.username for membership in chosen]


def _issue_one(desk: Desk, username: Username) -> OneTimePassword:
    return desk.records.issue(desk.exam, username, by=whoever_runs_this(), now=now(), replace=False)


def _issue_all(desk: Desk, people: Sequence[Username]) -> Issued:
    """Issues until everybody has a code, or something comes in between: what is issued is kept."""
    issued = Issued()
    with showing_progress() as track:
        try:
            for username in track("issuing codes", people):
                _issue_next(desk, username, issued)
        except (KeyboardInterrupt, SQLAlchemyError, E2xHubError) as error:
            issued.stopped_by = error
    return issued


def _issue_next(desk: Desk, username: Username, issued: Issued) -> None:
    try:
        issued.codes[username] = _issue_one(desk, username)
    except PasswordExistsError:
        issued.had_one.append(username)
