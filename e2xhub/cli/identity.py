"""Commands for the accounts of a sign-in service that are bound to usernames: list, forget."""

from __future__ import annotations

from typing import Annotated

import typer

from e2xhub.cli.output import print_table
from e2xhub.cli.sources import JsonOption, print_json
from e2xhub.domain.identifiers import Username
from e2xhub.errors import UnknownNameError
from e2xhub.storage.identities import Identity, open_identities

app = typer.Typer(
    help="See and forget which account of the sign-in service (oauth) is which user.",
    no_args_is_help=True,
)

HubDatabaseOption = Annotated[
    str,
    typer.Option(
        "--database-url",
        envvar="E2XHUB_DATABASE_URL",
        help="The database that the hub uses (SQLAlchemy URL).",
    ),
]


@app.command("list")
def list_(database_url: HubDatabaseOption, json: JsonOption = False) -> None:
    """Show who is bound to which name, since when."""
    found = open_identities(database_url, must_exist=True).all()
    if json:
        print_json([_as_json(item) for item in found])
        return
    if not found:
        print("No account is bound to a name.")
    print_table(
        "Identities",
        ("user", "subject", "issuer", "since"),
        [(i.username, i.subject, i.issuer, i.bound_at.strftime("%Y-%m-%d")) for i in found],
    )


@app.command()
def forget(
    user: Annotated[str, typer.Argument(help="The username that becomes free.")],
    database_url: HubDatabaseOption,
) -> None:
    """Free a username: it is bound to whoever signs in with it next, files and all."""
    try:
        name = Username.parse(user)
    except ValueError as error:
        raise UnknownNameError(str(error)) from None
    found = open_identities(database_url, must_exist=True).forget(name)
    if found is None:
        raise UnknownNameError(f"no account is bound to {name}; see: e2xhub identity list")
    print(
        f"{found.username} is free: it was the subject {found.subject} of {found.issuer}. A "
        "browser that is signed in stays so."
    )


def _as_json(item: Identity) -> dict[str, str]:
    return {
        "username": item.username,
        "subject": item.subject,
        "issuer": item.issuer,
        "bound_at": item.bound_at.isoformat(timespec="seconds"),
    }
