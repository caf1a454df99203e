"""Commands for one-time passwords: issue, reissue, revoke, unlock.

The rules are those of the proctors' console, and so is the audit log, in which the name of whoever
runs a command stands with `(command line)`. A code is shown once, when it is made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from enum import Enum
from functools import partial
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
from e2xhub.cli.password_slips import Issued, SlipFiles, open_slip_files, show_issued
from e2xhub.cli.password_status import status
from e2xhub.cli.roster_output import showing_progress
from e2xhub.cli.sources import CatalogOption, JsonOption, RosterOption
from e2xhub.domain.exam_records import REASON_MAX, PasswordState
from e2xhub.domain.identifiers import Username
from e2xhub.domain.passwords import OneTimePassword
from e2xhub.domain.safe_exam_browser import parse_public_url
from e2xhub.domain.slips import MOST_SLIPS
from e2xhub.errors import E2xHubError
from e2xhub.storage.exam_records import NoPasswordError, PasswordExistsError
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
RoomOption = Annotated[
    list[str] | None,
    typer.Option(help="All whom the roster puts into this room; several times if need be."),
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
    room: RoomOption = None,
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
    files = open_slip_files(desk, translator_in(language.value), hub_url, csv, pdf)
    _issue_all(desk, people, partial(_issue_one, desk), files, json=json)


@app.command()
def reissue(
    exam: ExamArgument,
    reason: ReasonOption,
    catalog: CatalogOption,
    roster: RosterOption,
    database_url: DatabaseOption,
    pepper_file: PepperOption = None,
    user: Annotated[str, typer.Option(help="The examinee's username.")] = "",
    room: RoomOption = None,
    everybody: Annotated[bool, typer.Option("--all", help="All examinees.")] = False,
    unused: Annotated[
        bool,
        typer.Option("--unused", help="Only who has a code and has not signed in with it."),
    ] = False,
    csv: CsvOption = None,
    pdf: PdfOption = None,
    hub_url: HubUrlOption = "",
    language: LanguageOption = Language.EN,
    json: JsonOption = False,
) -> None:
    """Make new passwords; the code and the session before it end, server and work stay."""
    _check_whom(user, room, everybody, unused)
    desk = open_desk(exam, catalog, roster, database_url, pepper_file)
    reissue_one = partial(_reissue_one, desk, reason=reason, unused_only=unused)
    people = _choose(desk, [user] if user else (), room or ())
    if user and not (csv or pdf or json):
        print(reissue_one(people[0]).reveal())
        return
    files = open_slip_files(desk, translator_in(language.value), hub_url, csv, pdf)
    waiting = _with_unused_code(desk, people) if unused else people
    _issue_all(desk, waiting, reissue_one, files, json=json)


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


def _check_whom(user: str, room: Sequence[str] | None, everybody: bool, unused: bool) -> None:
    if sum(map(bool, (user, room, everybody))) != 1:
        raise typer.BadParameter("expected --user, --room or --all: one of the three")
    if not (user or unused):
        raise typer.BadParameter(
            "expected --unused with --room or --all: without it, whoever has signed in would be "
            "thrown out"
        )


def _with_unused_code(desk: Desk, people: Sequence[Username]) -> list[Username]:
    """Those of `people` whose code waits to be used; raises NoPasswordError where nobody's does."""
    known = desk.records.status(desk.exam)
    unused = {status.username for status in known if status.state is PasswordState.ACTIVE}
    found = [username for username in people if username in unused]
    if not found:
        raise NoPasswordError(f"none of them has an unused code for {desk.exam}")
    return found


def _reissue_one(
    desk: Desk, username: Username, *, reason: str, unused_only: bool
) -> OneTimePassword:
    return desk.records.issue(
        desk.exam,
        username,
        by=whoever_runs_this(),
        now=now(),
        replace=True,
        unused_only=unused_only,
        reason=reason,
    )


def _issue_one(desk: Desk, username: Username) -> OneTimePassword:
    return desk.records.issue(desk.exam, username, by=whoever_runs_this(), now=now(), replace=False)


_IssueOne = Callable[[Username], OneTimePassword]


def _issue_all(
    desk: Desk,
    people: Sequence[Username],
    issue_one: _IssueOne,
    slip_files: AbstractContextManager[SlipFiles],
    *,
    json: bool,
) -> None:
    """Issues, writes and shows; what was issued before something came in between is not lost."""
    with slip_files as files:
        if people:
            files.rehearse(people[0])
        issued = _issue_until_stopped(people, issue_one)
        written = files.write(issued.codes) if issued.codes else []
    show_issued(desk, issued, written=written, json=json)
    if issued.stopped_by:
        raise issued.stopped_by


def _issue_until_stopped(people: Sequence[Username], issue_one: _IssueOne) -> Issued:
    """Issues until everybody has a code, or something comes in between: what is issued is kept."""
    issued = Issued()
    with showing_progress() as track:
        try:
            for username in track("issuing codes", people):
                _issue_next(username, issue_one, issued)
        except (KeyboardInterrupt, SQLAlchemyError, E2xHubError) as error:
            issued.stopped_by = error
    return issued


def _issue_next(username: Username, issue_one: _IssueOne, issued: Issued) -> None:
    try:
        issued.codes[username] = issue_one(username)
    except (PasswordExistsError, NoPasswordError):  # who has just signed in keeps that code
        issued.had_one.append(username)
