"""Commands for the second factors of staff: reset, status."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from e2xhub.cli.exam_desk import (
    DatabaseOption,
    PepperOption,
    now,
    open_records,
    whoever_runs_this,
)
from e2xhub.cli.output import print_table
from e2xhub.cli.sources import JsonOption, print_json
from e2xhub.domain.identifiers import Username
from e2xhub.errors import UnknownNameError
from e2xhub.storage.second_factors import SecondFactors, SecondFactorStatus

app = typer.Typer(
    help="See and reset the second factors of staff on an exam hub.", no_args_is_help=True
)

UserArgument = Annotated[str, typer.Argument(help="The person's username.")]


@app.command()
def reset(
    user: UserArgument, database_url: DatabaseOption, pepper_file: PepperOption = None
) -> None:
    """Take somebody's second factor away, so that they set one up at the next sign-in."""
    try:
        username = Username.parse(user)
    except ValueError as error:
        raise UnknownNameError(str(error)) from None
    factors = _open(database_url, pepper_file)
    if not factors.reset(username, by=whoever_runs_this(), now=now()):
        raise UnknownNameError(
            f"{username} has no second factor; 'e2xhub second-factor status' shows who has one"
        )
    print(f"{username} sets up a new second factor at the next sign-in.")


@app.command()
def status(
    database_url: DatabaseOption, pepper_file: PepperOption = None, json: JsonOption = False
) -> None:
    """Show who has a second factor, and who has to be reset."""
    found = _open(database_url, pepper_file).status()
    if json:
        print_json([_as_json(item) for item in found])
        return
    if not found:
        print("Nobody has a second factor.")
    print_table(
        "Second factors",
        ("user", "since", "recovery codes left", "wrong in a row"),
        [
            (
                item.username,
                item.enrolled_at.strftime("%Y-%m-%d"),
                str(item.recovery_codes_left),
                f"{item.attempts}{', locked' if item.is_locked else ''}",
            )
            for item in found
        ],
    )


def _open(database_url: str, pepper_file: Path | None) -> SecondFactors:
    records = open_records(database_url, pepper_file)
    return SecondFactors(records.engine, records.peppers)


def _as_json(item: SecondFactorStatus) -> dict[str, str | int | bool]:
    return {
        "username": item.username,
        "enrolled_at": item.enrolled_at.isoformat(timespec="seconds"),
        "recovery_codes_left": item.recovery_codes_left,
        "attempts": item.attempts,
        "is_locked": item.is_locked,
    }
