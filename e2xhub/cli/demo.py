"""The command `e2xhub demo`: a small university on this machine, to look at and to try."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timezone
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from e2xhub.cli.output import print_table
from e2xhub.domain.offers import Offer
from e2xhub.domain.roles import HubKind
from e2xhub.errors import ConfigurationError, E2xHubError
from e2xhub.storage.database import masked_url

if TYPE_CHECKING:
    from e2xhub.demo.campus import Campus

_PEOPLE_PER_HUB = 3
_WORTH_TRYING = (
    (HubKind.ASSIGNMENT, "alice", "a student of two courses; a third one opens next term"),
    (HubKind.ASSIGNMENT, "nina", "a student whose courses open next term: reads why"),
    (HubKind.ASSIGNMENT, "prof-ito", "teaches Machine Learning"),
    (HubKind.GRADING, "gina", "grades Machine Learning and its exams"),
    (HubKind.GRADING, "gustav", "grades, too, but not the mock exam that he sat"),
    (HubKind.GRADING, "oscar", "observes: reads as a grader, writes nothing"),
    (HubKind.EXAM, "petra", "watches the exam that is open now: issues the one-time passwords"),
    (HubKind.EXAM, "alice", "sits that exam; needs a one-time password from petra"),
)


def demo(
    port: Annotated[
        int,
        typer.Option(
            min=1024, max=65000, help="The first port; the hubs use it and the 22 that follow."
        ),
    ] = 8000,
    directory: Annotated[
        Path, typer.Option(help="Where the demo keeps its files, from one start to the next.")
    ] = Path(".demo"),
    catalog: Annotated[
        Path | None, typer.Option(help="Your own catalog, to try it; with --roster.", exists=True)
    ] = None,
    roster: Annotated[
        str | None,
        typer.Option(
            help="Your own roster, to try it; with --catalog. A CSV file, a directory of them, or "
            "the SQLAlchemy URL of a database."
        ),
    ] = None,
) -> None:
    """Start a small university on this machine: three hubs, 40 people, one exam open now.

    Needs no Kubernetes: pods run as processes of this machine. Ctrl-C ends it.
    """
    if (catalog is None) != (not roster):
        raise typer.BadParameter("a catalog and its roster belong together; give both")
    try:
        import jupyterlab  # noqa: F401 - what the demo's pods run

        from e2xhub.demo.campus import Campus
        from e2xhub.demo.sample_university import University
    except ImportError as error:
        raise ConfigurationError(
            f"the demo needs {error.name}; install it with: pip install 'e2xhub[demo]'"
        ) from None
    declared = (
        University(
            catalog=catalog.resolve(), roster=roster if "://" in roster else Path(roster).resolve()
        )
        if catalog and roster
        else None
    )
    now = datetime.now(timezone.utc)
    campus = Campus(directory=directory, base_port=port, now=now, university=declared)
    sys.exit(asyncio.run(_run(campus)))


async def _run(campus: Campus) -> int:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    console = Console()
    try:
        with console.status("starting") as status:
            start = asyncio.ensure_future(campus.start(status.update))
            await _first_of(start, stopped)
        if stopped.is_set():
            return 0
        _print_welcome(campus)
        failure = asyncio.ensure_future(campus.wait_for_a_failure())
        await _first_of(failure, stopped)
        if stopped.is_set():
            return 0
        hub = failure.result()
        print(f"the {hub.plan.kind.value} hub has ended; its log: {hub.log}", file=sys.stderr)
        return 1
    except E2xHubError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        with console.status("ending the hubs and their servers"):
            await campus.stop()


async def _first_of(task: asyncio.Future[Any], stopped: asyncio.Event) -> None:
    """Waits for `task` (and raises what it raised) or until the person ends the demo."""
    ended = asyncio.ensure_future(stopped.wait())
    await asyncio.wait({task, ended}, return_when=asyncio.FIRST_COMPLETED)
    ended.cancel()
    if task.done():
        task.result()
        return
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def _print_welcome(campus: Campus) -> None:
    university = campus.registry.catalog.university
    people = _WORTH_TRYING if campus.is_sample else _some_people(campus)
    rows = [(kind.value, campus.hubs[kind].plan.url, user, who) for kind, user, who in people]
    print_table(f"{university} is open", ("hub", "address", "sign in as", "who that is"), rows)
    if not rows:
        print(f"{university} is open, and nobody has a server now.")
    files, program = campus.files, Path(sys.argv[0]).absolute()
    user = "alice" if campus.is_sample else "USER"
    print(f"Password of everybody, but for examinees: {campus.accounts.password}")
    print("In another terminal:")
    print(f"  source {files.environment}")
    print(f"  {program} offers {user}")
    for exam in campus.registry.catalog.exams:
        print(f"  {program} password issue {exam} --user {user}")
    everybody = str(campus.university.roster)
    print(f"Everybody: {masked_url(everybody) if '://' in everybody else everybody}")
    assert campus.cluster is not None
    print(f"Pods: {campus.cluster.isolation}")
    print(f"  kubectl --kubeconfig {campus.cluster.kubeconfig} get pods,networkpolicies")
    print("This is no cluster: NetworkPolicies are stored and checked, but nothing enforces them.")
    print("Ctrl-C ends the demo.", flush=True)


def _some_people(campus: Campus) -> Iterator[tuple[HubKind, str, str]]:
    """The first few people with an offer, hub by hub."""
    for kind in HubKind:
        registry = replace(campus.registry, hub=kind)
        listed = (
            (name, registry.offers_for(name, campus.now)) for name in campus.accounts.usernames
        )
        served = ((name, found.offers) for name, found in listed if found.offers)
        for username, offers in islice(served, _PEOPLE_PER_HUB):
            yield kind, username, ", ".join(map(_describe, offers))


def _describe(offer: Offer) -> str:
    return f"{offer.title}, {offer.subtitle} ({offer.role.value})"
