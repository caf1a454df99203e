"""The command `e2xhub oauth test`: what a sign-in service answers before anybody signs in."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from e2xhub.cli.oauth_settings import FoundSignOn, find_sign_on
from e2xhub.cli.sources import JsonOption, print_json
from e2xhub.errors import printable

if TYPE_CHECKING:  # brings JupyterHub, and takes a while
    from e2xhub.authenticators.steps import Step

app = typer.Typer(
    help="Try how people sign in through a service (OpenID Connect).", no_args_is_help=True
)
_CALLBACK = "hub/oauth_callback"
_ANY_HUB = "https://hub.invalid/"  # for a service that is asked and does not know the hub's own

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
        help="Helm values with custom.e2xhub.oauth; several in the order of helm.",
        exists=True,
        dir_okay=False,
    ),
]


@app.command("test")
def try_service(
    config: ConfigOption = None, values: ValuesOption = None, json: JsonOption = False
) -> None:
    """Explain step by step what the sign-in service answers; nobody signs in."""
    from e2xhub.authenticators.steps import StepVerdict

    if (config is None) == (not values):
        raise typer.BadParameter(
            "expected one of the two: --config, or --values", param_hint="--config"
        )
    _check_installed()
    found = find_sign_on(config, values or ())
    with _quiet():
        steps = [*_judge_settings(found), *asyncio.run(_ask(found))]
    is_refused = any(step.verdict is StepVerdict.REFUSED for step in steps)
    if json:
        print_json(
            {"steps": [_as_json(step) for step in steps], "service_is_usable": not is_refused}
        )
    else:
        _print(steps, is_refused)
    raise typer.Exit(1 if is_refused else 0)


def _check_installed() -> None:
    try:
        import e2xhub.authenticators.oauth.explaining  # noqa: F401
    except ImportError as error:
        from e2xhub.authenticators.oauth.opening import tell_missing

        raise tell_missing(error) from None


@contextmanager
def _quiet() -> Iterator[None]:
    """What the hub would log is among the steps."""
    log = logging.getLogger("tornado.application")
    before, log.disabled = log.disabled, True
    try:
        yield
    finally:
        log.disabled = before


async def _ask(found: FoundSignOn) -> list[Step]:
    from e2xhub.authenticators.oauth.explaining import explain_service

    redirect_url = (found.public_url or _ANY_HUB) + _CALLBACK
    steps = explain_service(
        found.make_authenticator(), redirect_url=redirect_url, has_secret=found.has_secret
    )
    return [step async for step in steps]


def _judge_settings(found: FoundSignOn) -> Iterator[Step]:
    from e2xhub.authenticators.steps import Step, StepVerdict

    url = found.public_url + _CALLBACK
    yield Step(
        title="redirect URL",
        answered=f"{url}: the service has to know it"
        if found.public_url
        else "not known here: public_url is not set, so that the hub makes it from each request",
        verdict=StepVerdict.FINE if found.public_url else StepVerdict.NOTED,
    )
    yield _judge_secret(found)


def _judge_secret(found: FoundSignOn) -> Step:
    from e2xhub.authenticators.oauth.client_authentication import tell_source
    from e2xhub.authenticators.oauth.settings import SECRET_VARIABLE
    from e2xhub.authenticators.steps import Step, StepVerdict

    if found.has_secret:
        told, verdict = f"from {tell_source(found.settings)}", StepVerdict.FINE
    elif found.is_set_for_the_pod:
        told, verdict = "hub.extraEnv gives it to the hub; it is not here", StepVerdict.NOTED
    elif fault := found.fault_of_file:
        told, verdict = fault, StepVerdict.REFUSED
        if found.is_of_a_pod:
            told, verdict = f"{fault} It may be in the hub's pod.", StepVerdict.NOTED
    else:
        told = f"there is none; set {SECRET_VARIABLE} (hub.extraEnv) from a Secret"
        verdict = StepVerdict.REFUSED
    return Step(title="client secret", answered=told, verdict=verdict)


def _as_json(step: Step) -> dict[str, str]:
    return {"title": step.title, "answered": step.answered, "verdict": step.verdict.value}


def _print(steps: list[Step], is_refused: bool) -> None:
    """Lines, and no table: addresses are long."""
    for number, step in enumerate(steps, start=1):
        sys.stdout.write(f"{number}. {step.title}: {step.verdict.value}\n")
        sys.stdout.write(f"   -> {printable(step.answered)}\n")
    told = (
        "Nobody can sign in: see what is refused above."
        if is_refused
        else "As far as was tried, people can sign in. What the service says of a person shows at "
        "a sign-in alone."
    )
    sys.stdout.write(f"{told}\n")
