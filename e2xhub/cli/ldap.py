"""The command `e2xhub ldap test`: what a directory answers about somebody who signs in."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from e2xhub.cli.ldap_settings import find_settings
from e2xhub.cli.ldap_trial import Trial, as_json, memberships_of, try_sign_in
from e2xhub.cli.sources import JsonOption, print_json
from e2xhub.domain.roster import CourseMembership
from e2xhub.errors import printable
from e2xhub.storage.catalog_files import load_catalog

if TYPE_CHECKING:  # brings JupyterHub, and takes a while
    from e2xhub.authenticators.ldap.masked import Masked

app = typer.Typer(help="Try how people sign in with a directory (LDAP).", no_args_is_help=True)

UserOption = Annotated[str, typer.Option(help="The username, as the person types it.")]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        help="The hub's jupyterhub_config.py; it is run, as the hub does.",
        exists=True,
        dir_okay=False,
    ),
]
ValuesOption = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="FILE",
        help="Helm values with hub.config.LDAPAuthenticator; several in the order of helm.",
        exists=True,
        dir_okay=False,
    ),
]
OptionalCatalogOption = Annotated[
    Path | None,
    typer.Option(
        envvar="E2XHUB_CATALOG",
        help="The catalog, for what the person's groups give; left out: nothing is said of it.",
    ),
]
PasswordOption = Annotated[
    bool,
    typer.Option(
        "--ask-password",
        help="Also try the password: asked for on a terminal, else the first line of standard "
        "input.",
    ),
]


@app.command("test")
def try_directory(
    user: UserOption,
    config: ConfigOption = None,
    values: ValuesOption = None,
    catalog: OptionalCatalogOption = None,
    ask_password: PasswordOption = False,
    json: JsonOption = False,
) -> None:
    """Explain step by step what the directory answers when a person signs in."""
    if (config is None) == (not values):
        raise typer.BadParameter(
            "expected one of the two: --config, or --values", param_hint="--config"
        )
    found = find_settings(config, values or ())
    known = load_catalog(catalog) if catalog else None
    password = _read_password(user) if ask_password else None
    trial = try_sign_in(found, user, password)
    memberships = memberships_of(trial, known) if known else None
    if json:
        print_json(as_json(trial, memberships))
    else:
        _print_trial(trial, memberships)
    raise typer.Exit(0 if trial.is_admitted else 1)


def _read_password(user: str) -> Masked:
    """Never an option: whoever lists processes would read it."""
    from e2xhub.authenticators.ldap.masked import Masked

    if sys.stdin.isatty():
        asked: str = typer.prompt(f"Password of {printable(user)}", hide_input=True, err=True)
        return Masked(asked)
    return Masked(sys.stdin.readline().rstrip("\r\n"))


def _print_trial(trial: Trial, memberships: Sequence[CourseMembership] | None) -> None:
    """Lines, and no table: searches and DNs are long."""
    for note in trial.notes:
        _print_line(f"Note: {note}")
    for number, step in enumerate(trial.steps, start=1):
        server = f" at {step.server}" if step.server else ""
        _print_line(f"{number}. {step.title}{server}: {step.verdict.value}")
        if step.asked:
            _print_line(f"   {step.asked}")
        _print_line(f"   -> {step.answered}")
    for line in _conclude(trial, memberships):
        _print_line(line)


def _print_line(line: str) -> None:
    sys.stdout.write(f"{printable(line)}\n")


def _conclude(trial: Trial, memberships: Sequence[CourseMembership] | None) -> Iterator[str]:
    if trial.refusal:
        yield f"{trial.typed!r} is refused: {trial.refusal}"
    elif trial.is_kept_out:
        yield f"{trial.typed!r} is NOT signed in: see what is refused above."
    elif not trial.verdict:
        yield f"As far as was tried, nothing keeps {trial.typed!r} out."
    else:
        yield f"{trial.username}: {trial.person.dn if trial.person else ''}"
        admitted = "is admitted" if trial.verdict.is_admitted else "is NOT admitted"
        yield f"{trial.username} {admitted}: {trial.verdict.value}."
        yield f"Admin: {_ADMIN[trial.is_admin]}."
        yield f"Groups: {', '.join(trial.groups) or 'none'}."
    if memberships is not None:
        yield from _tell_memberships(trial, memberships)
    if not trial.had_password:
        yield "The password was not tried (--ask-password)."


def _tell_memberships(trial: Trial, memberships: Sequence[CourseMembership]) -> Iterator[str]:
    for item in memberships:
        yield f"Through groups: {item.role.value} of {item.course}, {item.term}."
    if trial.verdict and not memberships:
        yield "Through groups: no membership; the catalog's `groups` spells none of these names."


_ADMIN = {
    True: "yes",
    False: "no; whoever was one is one no longer",
    None: "groups do not say (admin_groups is not set)",
}
