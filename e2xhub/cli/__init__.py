"""The program `e2xhub`: one module per group of commands.

Exit status 0: done; 1: faults found, each on a line of standard error; 2: wrong usage.
"""

from __future__ import annotations

import sys
from importlib import metadata
from typing import Annotated

import typer
from sqlalchemy.exc import SQLAlchemyError

from e2xhub.cli import (
    audit,
    check,
    demo,
    helm_values,
    identity,
    import_legacy,
    ldap,
    lockdown,
    oauth,
    offers,
    passwords,
    roster,
    safe_exam_browser,
    second_factor,
    sizes,
)
from e2xhub.errors import E2xHubError

app = typer.Typer(
    name="e2xhub",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version_and_end(wanted: bool) -> None:
    if wanted:
        print(f"e2xhub {metadata.version('e2xhub')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            is_eager=True,
            callback=_print_version_and_end,
            help="Print the version of e2xhub.",
        ),
    ] = False,
) -> None:
    """Courses and exams on JupyterHub: a roster decides who gets which server."""


app.command("check")(check.check)
app.command("offers")(offers.offers)
app.command("manifest")(offers.manifest)
app.command("demo")(demo.demo)
app.command("helm-values")(helm_values.helm_values)
app.command("import-legacy")(import_legacy.import_legacy)
app.command("seb")(safe_exam_browser.seb)
app.command("sizes")(sizes.sizes)
app.add_typer(passwords.app, name="password")
app.add_typer(audit.app, name="audit")
app.add_typer(identity.app, name="identity")
app.add_typer(ldap.app, name="ldap")
app.add_typer(lockdown.app, name="lockdown")
app.add_typer(oauth.app, name="oauth")
app.add_typer(roster.app, name="roster")
app.add_typer(second_factor.app, name="second-factor")


def main() -> None:
    """Runs the program; an error that was foreseen is its text and exit status 1."""
    try:
        app()
    except E2xHubError as error:
        print(error, file=sys.stderr)
    except SQLAlchemyError as error:
        print(f"the database does not answer as it should: {type(error).__name__}", file=sys.stderr)
    else:
        return
    sys.exit(1)
